#include "engine/kernels/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/thread_pool.h"

namespace cupel::engine {
namespace {

constexpr size_t kBytes = size_t{128} << 20U;
constexpr size_t kChunk = size_t{1} << 20U;
constexpr int kPasses = 5;

/// Reads every byte; eight sums so that adding is never the limit.
uint64_t sum_words(const uint64_t* words, size_t count) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8) {
    for (size_t j = 0; j < 8; ++j) {
      sums[j] += words[i + j];
    }
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) {
    total += sum;
  }
  return total;
}

}  // namespace

double measure_read_bandwidth(size_t threads) {
  const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(64, kBytes),
                                                           &std::free);
  if (memory == nullptr) {
    return 0;
  }
  std::memset(memory.get(), 1, kBytes);  // real pages, not the shared zero page
  const auto* words = static_cast<const uint64_t*>(memory.get());
  ThreadPool pool(threads);
  std::atomic<uint64_t> sink = 0;
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    const Stopwatch watch;
    pool.for_each_chunk(kBytes / 8, kChunk / 8, [&](size_t begin, size_t end) {
      sink += sum_words(words + begin, end - begin);
    });
    best = std::max(best, static_cast<double>(kBytes) / watch.seconds() / 1e9);
  }
  return sink.load() != 0 ? best : 0;
}

}  // namespace cupel::engine
