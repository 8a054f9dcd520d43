#pragma once

#include <cstddef>
#include <memory>

#include "base/function_ref.h"

namespace cupel {

/// A persistent pool for fork–join loops of the engine. The caller is one of the `threads` workers.
///
/// Waiting workers spin briefly, then sleep, and one that a busy neighbour keeps from its CPU is
/// left out for some milliseconds, so that a neighbour costs little. One job at a time; a body that
/// calls its pool does that work alone. The first exception of a body is thrown on to the
/// caller when all workers have left the job; what was not begun by then is not.
class ThreadPool {
 public:
  /// Throws std::system_error when the system starts no more threads.
  explicit ThreadPool(size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] size_t threads() const;
  /// Splits [0, count) into chunks of `chunk` items, taken by whichever worker is free. The split
  /// is fixed by `chunk` alone, so results cannot depend on the number of threads. Workers that
  /// come when all chunks are taken are not waited for.
  void for_each_chunk(size_t count, size_t chunk, FunctionRef<void(size_t begin, size_t end)> body);
  /// The items [0, count), one by one. `thread` is in [0, threads()): no two bodies that run at the
  /// same time have the same, and the caller's is 0.
  void for_each_item(size_t count, FunctionRef<void(size_t item, size_t thread)> body);
  /// Whether a job would be done by the calling thread alone: it has no other, or runs a body.
  [[nodiscard]] bool alone() const;

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

/// How many of `usable_cpus` (machine.h) this process may keep busy at once: the cgroup's quota may
/// grant less. At least 1.
size_t available_cpus();

}  // namespace cupel
