#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"

namespace cupel::train {

/// The processes of one run, and what they do together. Every process calls the same functions in
/// the same order. Errors of all: kDeadline - the others did not answer within the time-out;
/// kUnavailable - one of them is gone. Both name this rank and the operation; the group is of no
/// use afterwards.
class Collective {
 public:
  virtual ~Collective() = default;

  /// Which of them this one is, 0 … size() − 1.
  [[nodiscard]] virtual int64_t rank() const = 0;
  [[nodiscard]] virtual int64_t size() const = 0;

  /// Sums a tensor over all processes, in place. Every process has the same bits afterwards.
  /// `what` names the operation in errors ("gradients of step 12").
  virtual Result<Ok> sum(const at::Tensor& tensor, std::string_view what) = 0;
  /// Every process has the tensor of the process `from` afterwards.
  virtual Result<Ok> broadcast(const at::Tensor& tensor, int64_t from, std::string_view what) = 0;
  /// Waits for all.
  virtual Result<Ok> barrier(std::string_view what) = 0;

  /// Sums numbers in f64.
  Result<Ok> sum(std::span<double> numbers, std::string_view what);
  /// The text of the process `from`.
  Result<std::string> broadcast(const std::string& text, std::string_view what, int64_t from = 0);
  /// The texts of all, by rank.
  Result<std::vector<std::string>> gather(const std::string& text, std::string_view what);
};

/// One process alone: nothing to do.
std::unique_ptr<Collective> single_process();

}  // namespace cupel::train
