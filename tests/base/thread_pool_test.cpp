#include "base/thread_pool.h"

#include <atomic>
#include <new>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace cupel {

TEST(ThreadPool, RunCallsEachWorkerOnce) {
  for (const size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> calls(threads);
      pool.run([&](size_t worker) { ++calls[worker]; });
      for (const auto& count : calls) {
        EXPECT_EQ(count.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, ChunksCoverTheRangeOnce) {
  ThreadPool pool(3);
  for (const size_t count : {0, 1, 7, 64, 1000}) {
    for (const size_t chunk : {1, 3, 64, 5000}) {
      std::vector<std::atomic<int>> hits(count);
      pool.for_each_chunk(count, chunk, [&](size_t begin, size_t end) {
        EXPECT_EQ(begin % chunk, 0U);
        EXPECT_LE(end - begin, chunk);
        for (size_t i = begin; i < end; ++i) {
          ++hits[i];
        }
      });
      for (const auto& hit : hits) {
        EXPECT_EQ(hit.load(), 1);
      }
    }
  }
}

// Jobs follow each other faster than workers wake: none may run the body of a job that has ended.
TEST(ThreadPool, ManyShortJobsStayApart) {
  ThreadPool pool(4);
  for (size_t job = 0; job < 20000; ++job) {
    size_t own = job;  // on this frame: a late worker would read another job's
    std::atomic<size_t> sum = 0;
    pool.for_each_chunk(4, 1, [&](size_t begin, size_t) { sum += own + begin; });
    ASSERT_EQ(sum.load(), 4 * job + 6);
    own = 0;
  }
}

// What a body throws, on whichever worker, reaches the caller; the pool goes on.
TEST(ThreadPool, ExceptionsReachTheCaller) {
  for (const size_t threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (size_t round = 0; round < 500; ++round) {
      const size_t bad = round % 16;
      const auto body = [&](size_t begin, size_t) {
        if (begin == bad) {
          throw std::bad_alloc();
        }
      };
      EXPECT_THROW(pool.for_each_chunk(16, 1, body), std::bad_alloc);
      std::atomic<size_t> done = 0;
      pool.for_each_chunk(16, 1, [&](size_t, size_t) { ++done; });
      ASSERT_EQ(done.load(), 16U);
    }
    for (size_t bad = 0; bad < threads; ++bad) {
      EXPECT_THROW(pool.run([&](size_t worker) {
        if (worker == bad) {
          throw std::bad_alloc();
        }
      }),
                   std::bad_alloc);
    }
  }
}

TEST(ThreadPool, WorkersThatSleptWakeUp) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> calls = 0;
    pool.run([&](size_t) { ++calls; });
    EXPECT_EQ(calls.load(), 2);
  }
}

// Far more threads than CPUs: workers that are late or share the caller's CPU rest, and yet every
// chunk is done once, `run` has each of them and the pool ends at once.
TEST(ThreadPool, OversubscribedPoolsDoAllTheirWork) {
  ThreadPool pool(4 * available_cpus() + 3);
  for (int round = 0; round < 100; ++round) {
    std::vector<int> hits(200);
    pool.for_each_chunk(hits.size(), 3, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        ++hits[i];
      }
    });
    ASSERT_EQ(std::accumulate(hits.begin(), hits.end(), 0), 200);
    if (round % 10 == 0) {
      std::atomic<size_t> calls = 0;
      pool.run([&](size_t) { ++calls; });
      ASSERT_EQ(calls.load(), pool.threads());
    }
  }
}

TEST(ThreadPool, ResultsOfWorkersAreVisibleToTheCaller) {
  ThreadPool pool(4);
  for (int round = 0; round < 500; ++round) {
    std::vector<size_t> out(257);
    pool.for_each_chunk(out.size(), 8, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        out[i] = i;
      }
    });
    ASSERT_EQ(std::accumulate(out.begin(), out.end(), size_t{0}), 257U * 256U / 2U);
  }
}

}  // namespace cupel
