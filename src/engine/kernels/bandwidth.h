#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/thread_pool.h"

namespace cupel::engine {

/// Bytes to read so that a pass comes from memory: four times the last-level cache, of which a
/// second pass then finds little left, and at least 256 MiB; at most a quarter of the memory that
/// is available.
size_t bandwidth_buffer_bytes(int64_t last_level_cache_bytes, int64_t available_memory_bytes);

/// Reads a buffer that no cache holds, with a fixed number of threads: the memory's read bandwidth,
/// which limits decoding.
class BandwidthMeter {
 public:
  /// Errors: kExhausted - no memory for the buffer. Cost: the buffer is written once.
  static Result<BandwidthMeter> create(size_t threads, size_t buffer_bytes);

  /// Reads every byte once. GB/s (10^9 bytes a second).
  [[nodiscard]] double pass();
  [[nodiscard]] size_t buffer_bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  BandwidthMeter() = default;

  std::unique_ptr<void, Free> memory_;
  size_t bytes_ = 0;
  std::unique_ptr<ThreadPool> pool_;
};

/// The best of a few passes over a buffer that suits this machine, in GB/s; takes some 0.2 s. 0
/// when there is no memory for it.
double measure_read_bandwidth(size_t threads);

}  // namespace cupel::engine
