// Cost of fork and join: cupel_thread_pool_bench [threads]. Wall time per loop of empty chunks, and
// of chunks of about a microsecond, as decoding has them.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/thread_pool.h"

namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds_per_loop(cupel::ThreadPool& pool, size_t chunks, int work, int loops) {
  const auto body = [work](size_t, size_t) {
    for (int i = 0; i < work; ++i) {
      asm volatile("");  // keeps the loop
    }
  };
  const auto start = Clock::now();
  for (int i = 0; i < loops; ++i) {
    pool.for_each_chunk(chunks, 1, body);
  }
  const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
  return elapsed.count() / loops;
}

}  // namespace

int main(int argc, char** argv) {
  const auto threads = argc > 1 ? static_cast<size_t>(std::atoi(argv[1])) : size_t{2};
  cupel::ThreadPool pool(threads);
  for (const size_t chunks : {2, 16}) {
    for (const int work : {0, 3000, 30000}) {
      const int loops = work == 0 ? 200000 : 20000000 / (work * static_cast<int>(chunks)) + 100;
      (void)nanoseconds_per_loop(pool, chunks, work, loops / 4);
      std::printf("%2zu chunks of %5d rounds: %10.0f ns\n", chunks, work,
                  nanoseconds_per_loop(pool, chunks, work, loops));
    }
  }
}
