#include "engine/kernels/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/machine.h"

namespace cupel::engine {
namespace {

constexpr size_t kPage = size_t{2} << 20U;  // huge pages: their misses would count as the memory's
constexpr size_t kChunk = kPage;
constexpr int64_t kLeastBytes = int64_t{256} << 20U;
constexpr int64_t kCaches = 4;
constexpr int kMostPasses = 5;
constexpr double kEnoughSeconds = 0.15;  // of passes: a slow or large machine makes fewer

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

size_t bandwidth_buffer_bytes(int64_t last_level_cache_bytes, int64_t available_memory_bytes) {
  const int64_t wanted = std::max(kLeastBytes, kCaches * last_level_cache_bytes);
  const int64_t allowed = available_memory_bytes > 0 ? available_memory_bytes / 4 : kLeastBytes;
  const auto bytes = static_cast<size_t>(std::min(wanted, allowed));
  return std::max(kPage, bytes / kPage * kPage);
}

void BandwidthMeter::Free::operator()(void* memory) const {
  std::free(memory);
}

Result<BandwidthMeter> BandwidthMeter::create(size_t threads, size_t buffer_bytes) {
  BandwidthMeter meter;
  meter.bytes_ = std::max(kPage, buffer_bytes / kPage * kPage);
  meter.memory_.reset(std::aligned_alloc(kPage, meter.bytes_));
  if (meter.memory_ == nullptr) {
    return exhausted("no memory for a buffer of {} MiB to read", meter.bytes_ >> 20U);
  }
  madvise(meter.memory_.get(), meter.bytes_, MADV_HUGEPAGE);  // a wish: it works without
  meter.pool_ = std::make_unique<ThreadPool>(std::max<size_t>(1, threads));
  auto* bytes = static_cast<std::byte*>(meter.memory_.get());
  // Real pages, not the shared zero page, each near the thread that touched it first.
  meter.pool_->for_each_chunk(meter.bytes_, kChunk, [bytes](size_t begin, size_t end) {
    std::memset(bytes + begin, 1, end - begin);
  });
  return meter;
}

double BandwidthMeter::pass() {
  const auto* words = static_cast<const uint64_t*>(memory_.get());
  std::atomic<uint64_t> sink = 0;
  const Stopwatch watch;
  pool_->for_each_chunk(bytes_ / 8, kChunk / 8, [&](size_t begin, size_t end) {
    sink += sum_words(words + begin, end - begin);
  });
  const double seconds = watch.seconds();
  return sink.load() != 0 && seconds > 0 ? static_cast<double>(bytes_) / seconds / 1e9 : 0;
}

double measure_read_bandwidth(size_t threads) {
  const int64_t cache = describe_machine(usable_cpus()).last_level_cache_bytes;
  auto meter =
      BandwidthMeter::create(threads, bandwidth_buffer_bytes(cache, available_memory_bytes()));
  if (!meter) {
    return 0;
  }
  double best = 0;
  const Stopwatch watch;
  for (int i = 0; i < 2 || (i < kMostPasses && watch.seconds() < kEnoughSeconds); ++i) {
    best = std::max(best, meter->pass());
  }
  return best;
}

}  // namespace cupel::engine
