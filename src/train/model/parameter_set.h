#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::train {

/// Tensors by the names that transformers gives them, in a fixed order: what is trained, saved,
/// sharded and kept moments of. A tensor may have further names (a head that is the embedding): it
/// is one parameter all the same, and is listed, counted and saved once, under its first name.
///
/// A copy of the set shares its tensors: what writes into one is seen by every holder.
class ParameterSet {
 public:
  struct Entry {
    std::string name;
    at::Tensor tensor;
  };

  /// A new parameter, which comes last. Its name must be free.
  void add(std::string name, at::Tensor tensor);
  /// A further name of the parameter `name`, which must be there.
  void tie(std::string alias, std::string_view name);

  /// The parameter of that name or further name; nullptr when there is none.
  [[nodiscard]] const at::Tensor* find(std::string_view name) const;
  /// The same of a name that must be there.
  [[nodiscard]] const at::Tensor& at(std::string_view name) const;

  /// Each parameter once, in order.
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] size_t size() const { return entries_.size(); }
  /// Numbers of all parameters.
  [[nodiscard]] int64_t elements() const;
  /// Bytes that they take.
  [[nodiscard]] int64_t bytes() const;

  /// Whether gradients are computed for all of them.
  void require_gradients(bool required) const;
  /// Forgets the gradients.
  void clear_gradients() const;
  /// The same names over copies of the tensors, without gradients; of another type where one is
  /// named.
  [[nodiscard]] ParameterSet clone() const;
  [[nodiscard]] ParameterSet clone(at::ScalarType type) const;

 private:
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> places_;  // further names too
};

}  // namespace cupel::train
