#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "base/result.h"
#include "train/launch/environment.h"

namespace cupel::train {

/// Where the processes of a run leave words for each other: c10d's store, which process 0 or the
/// launcher holds. Used before the first operation, after one that failed and at the end.
class Rendezvous {
 public:
  /// Waits until all are there. Errors: kDeadline - within the time-out nobody held the store, or
  /// some did not come; kUnavailable - process 0 cannot listen. All name this rank.
  static Result<Rendezvous> meet(const ParallelOptions& options);

  /// A part of the store under keys of its own.
  [[nodiscard]] c10::intrusive_ptr<c10d::Store> part(const std::string& name) const;
  /// "rank 1 of 4".
  [[nodiscard]] std::string here() const;
  /// Tells the others that an operation failed here, and waits a second for them to say the same:
  /// the end of one process is the end of the operation for all. The ranks that said nothing.
  [[nodiscard]] std::vector<int64_t> silent_ones() const;
  /// Waits, at most two seconds, until all have come to their end: a connection that closes early
  /// can take answers along that another one has not read.
  void await_all_at_end() const;
  /// After the connections are closed: process 0 stays a moment for those who still ask the store.
  void leave() const;

 private:
  Rendezvous(c10::intrusive_ptr<c10d::Store> store, const ParallelOptions& options)
      : store_(std::move(store)), options_(options) {}
  Result<Ok> await_all() const;

  c10::intrusive_ptr<c10d::Store> store_;
  ParallelOptions options_;
};

/// "rank 1 of 4".
std::string rank_text(const ParallelOptions& options);
/// "rank 3", "ranks 1, 2 and 5".
std::string ranks_text(const std::vector<int64_t>& ranks);
/// "0.5 s".
std::string seconds_text(std::chrono::milliseconds time);

}  // namespace cupel::train
