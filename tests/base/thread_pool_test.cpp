#include "base/thread_pool.h"

#include <atomic>
#include <chrono>
#include <new>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/machine.h"

namespace cupel {

TEST(ThreadPool, ChunksCoverTheRangeOnce) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 3U);
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
  }
}

// Every item once, and no two at the same time with the same number of a thread.
TEST(ThreadPool, ItemsKnowTheirThread) {
  for (const size_t threads : {1, 3}) {
    ThreadPool pool(threads);
    for (const size_t count : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> hits(count);
      std::vector<std::atomic<int>> busy(threads);
      std::atomic<bool> shared = false;
      std::atomic<bool> callers = true;
      const auto caller = std::this_thread::get_id();
      pool.for_each_item(count, [&](size_t item, size_t thread) {
        ASSERT_LT(thread, threads);
        shared = shared || ++busy[thread] > 1;
        callers = callers && (thread == 0) == (std::this_thread::get_id() == caller);
        ++hits[item];
        std::this_thread::yield();
        --busy[thread];
      });
      EXPECT_FALSE(shared);
      EXPECT_TRUE(callers);
      for (const auto& hit : hits) {
        EXPECT_EQ(hit.load(), 1);
      }
    }
  }
}

// A body that calls its pool does that work itself; one that calls another has its help.
TEST(ThreadPool, BodiesMayCallThePool) {
  ThreadPool pool(3);
  EXPECT_FALSE(pool.alone());
  EXPECT_TRUE(ThreadPool(1).alone());
  std::atomic<int> done = 0;
  std::atomic<bool> stayed = true;
  pool.for_each_item(12, [&](size_t, size_t) {
    stayed = stayed && pool.alone();
    pool.for_each_chunk(10, 1, [&, outer = std::this_thread::get_id()](size_t, size_t) {
      stayed = stayed && std::this_thread::get_id() == outer;
      ++done;
    });
  });
  EXPECT_EQ(done, 120);
  EXPECT_TRUE(stayed);
  EXPECT_FALSE(pool.alone());
}

TEST(ThreadPool, ExceptionsOfItemsReachTheCaller) {
  ThreadPool pool(3);
  for (size_t round = 0; round < 200; ++round) {
    const auto body = [&](size_t item, size_t) {
      if (item == round % 16) {
        throw std::bad_alloc();
      }
    };
    EXPECT_THROW(pool.for_each_item(16, body), std::bad_alloc);
    std::atomic<size_t> done = 0;
    pool.for_each_item(16, [&](size_t, size_t) { ++done; });
    ASSERT_EQ(done.load(), 16U);
  }
}

TEST(ThreadPool, WorkersThatSleptWakeUp) {
  if (usable_cpus().size() < 2) {
    GTEST_SKIP() << "one CPU: a worker rests while the caller runs";
  }
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // A worker rests where it shares the caller's CPU: some jobs may pass before it has a chunk.
    std::atomic<bool> helped = false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!helped && std::chrono::steady_clock::now() < end) {
      pool.for_each_chunk(20, 1, [&, caller = std::this_thread::get_id()](size_t, size_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        helped = helped || std::this_thread::get_id() != caller;
      });
    }
    EXPECT_TRUE(helped);
  }
}

// Far more threads than CPUs: workers that are late or share the caller's CPU rest, and yet every
// chunk is done once and the pool ends at once.
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
