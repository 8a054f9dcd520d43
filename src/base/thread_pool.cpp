#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>

#include "base/error.h"
#include "base/machine.h"

namespace cupel {
namespace {

// About 50 µs of `pause`: longer than the gap between two steps of one token, shorter than a
// scheduler tick, so that a worker never burns a core that a neighbour could use.
constexpr int kSpins = 2000;

// The state of the current job in one word, so that joining it and closing it cannot cross:
// generation (upper 32 bits), open flag, number of workers inside (lower 31 bits).
constexpr uint64_t kGeneration = uint64_t{1} << 32U;
constexpr uint64_t kOpen = uint64_t{1} << 31U;
constexpr uint64_t kInside = kOpen - 1;

// Where a busy neighbour has one of the CPUs, a worker can be of no use in two ways. The system
// puts it on the CPU of the caller: then one of them spins in the place of the other. Or it takes
// the worker off its CPU amid a chunk: then the caller waits for the neighbour's time slice,
// milliseconds for a chunk of microseconds; such a worker is late when it comes back so long after
// the caller was done. In both cases it rests, twice as long each time, while the others do all the
// work, and tries again. So a pool falls back to the threads that do have a CPU.
using Clock = std::chrono::steady_clock;
constexpr Clock::duration kPatience = std::chrono::microseconds(200);
constexpr Clock::duration kShortestRest = std::chrono::milliseconds(1);
constexpr Clock::duration kLongestRest = std::chrono::milliseconds(64);
// A worker that was of use for so long begins with the shortest rest again.
constexpr Clock::duration kForgotten = std::chrono::milliseconds(30);

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

// A job is opened by the caller; each worker that notices it in time joins, works and leaves. The
// caller closes the job when its own part is done and waits only for those inside: with work in
// chunks, a worker that the system has not scheduled yet (a busy neighbour) delays nobody.
struct ThreadPool::Shared {
  static thread_local const Shared* inside;  // the pool whose body this thread runs

  std::vector<std::thread> workers;
  std::atomic<uint64_t> state = 0;
  std::atomic<int> sleepers = 0;
  std::atomic<bool> caller_sleeps = false;
  std::atomic<bool> stop = false;
  std::atomic<int> caller_cpu = -1;  // of the current job
  Clock::time_point opened;          // the current job; the caller's alone
  // While the caller sleeps: who leaves the job later than this is late (since the clock's epoch).
  std::atomic<Clock::rep> deadline = 0;
  const FunctionRef<void(size_t)>* body = nullptr;
  std::exception_ptr failure;  // the first one of the current job; guarded by mutex
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  std::condition_variable rested;

  /// How long one worker rests when it is late.
  struct Rest {
    Clock::duration next = kShortestRest;
    Clock::time_point over;  // the last one
  };

  void work(size_t index) {
    uint64_t seen = 0;
    Rest rest;
    while (true) {
      seen = wait_for_job(seen);
      if (stop) {
        return;
      }
      // A long job may still be open when the rest is over.
      while (!stop && shares_cpu_with_caller()) {
        take(rest);
      }
      if (!join(seen)) {
        continue;
      }
      call(index);
      const uint64_t left = state.fetch_sub(1) - 1;
      if (caller_sleeps.load()) {
        const bool late = Clock::now().time_since_epoch().count() > deadline.load();
        if ((left & kInside) == 0) {
          const std::lock_guard lock(mutex);
          done.notify_one();
        }
        if (late) {
          take(rest);
        }
      }
    }
  }

  // While the one of them runs, the other does not.
  bool shares_cpu_with_caller() const {
    return sched_getcpu() == caller_cpu.load(std::memory_order_relaxed);
  }

  void take(Rest& rest) {
    if (Clock::now() - rest.over > kForgotten) {
      rest.next = kShortestRest;
    }
    std::unique_lock lock(mutex);
    rested.wait_for(lock, rest.next, [&] { return stop.load(); });
    rest.next = std::min(2 * rest.next, kLongestRest);
    rest.over = Clock::now();
  }

  /// The body, whose exception is kept for the caller of the job.
  void call(size_t thread) noexcept {
    const Shared* outer = std::exchange(inside, this);
    try {
      (*body)(thread);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) {
        failure = std::current_exception();
      }
    }
    inside = outer;
  }

  /// The number of a job later than `seen`.
  uint64_t wait_for_job(uint64_t seen) {
    for (int spin = 0; spin < kSpins && !shares_cpu_with_caller(); ++spin) {
      if (const uint64_t now = state.load(std::memory_order_acquire) / kGeneration; now != seen) {
        return now;
      }
      relax();
    }
    std::unique_lock lock(mutex);
    ++sleepers;
    wake.wait(lock, [&] { return state.load() / kGeneration != seen; });
    --sleepers;
    return state.load() / kGeneration;
  }

  /// Enters job `generation` unless it is closed.
  bool join(uint64_t generation) {
    uint64_t now = state.load();
    do {
      if (now / kGeneration != generation || (now & kOpen) == 0) {
        return false;
      }
    } while (!state.compare_exchange_weak(now, now + 1));
    return true;
  }

  void open_job(const FunctionRef<void(size_t)>& job) {
    body = &job;
    opened = Clock::now();
    caller_cpu.store(sched_getcpu(), std::memory_order_relaxed);
    state = (state.load() / kGeneration + 1) * kGeneration | kOpen;
    if (sleepers.load() > 0) {
      const std::lock_guard lock(mutex);
      wake.notify_all();
    }
  }

  void run(const FunctionRef<void(size_t)>& job) {
    open_job(job);
    call(0);
    close_job();
  }

  /// Lets nobody in any more, waits for those inside and throws on what one of them threw.
  void close_job() {
    wait_until_empty();
    if (failure) {
      std::rethrow_exception(std::exchange(failure, nullptr));
    }
  }

  void wait_until_empty() {
    state.fetch_and(~kOpen);
    const auto empty = [&] { return (state.load() & kInside) == 0; };
    for (int spin = 0; spin < kSpins; ++spin) {
      if (empty()) {
        return;
      }
      relax();
    }
    const auto now = Clock::now();
    deadline = (now + std::max(kPatience, now - opened)).time_since_epoch().count();
    std::unique_lock lock(mutex);
    caller_sleeps = true;
    done.wait(lock, empty);
    caller_sleeps = false;
  }

  void stop_workers() {
    stop = true;
    {
      const std::lock_guard lock(mutex);
      state.fetch_add(kGeneration);
    }
    wake.notify_all();
    rested.notify_all();
    for (std::thread& worker : workers) {
      worker.join();
    }
  }
};

thread_local const ThreadPool::Shared* ThreadPool::Shared::inside = nullptr;

ThreadPool::ThreadPool(size_t threads) : shared_(std::make_unique<Shared>()) {
  for (size_t worker = 1; worker < std::max<size_t>(threads, 1); ++worker) {
    try {
      shared_->workers.emplace_back([this, worker] { shared_->work(worker); });
    } catch (...) {
      shared_->stop_workers();
      throw;
    }
  }
}

ThreadPool::~ThreadPool() {
  shared_->stop_workers();
}

size_t ThreadPool::threads() const {
  return shared_->workers.size() + 1;
}

bool ThreadPool::alone() const {
  return shared_->workers.empty() || Shared::inside == shared_.get();
}

void ThreadPool::for_each_chunk(size_t count,
                                size_t chunk,
                                FunctionRef<void(size_t, size_t)> body) {
  if (alone() || count <= chunk) {
    for (size_t begin = 0; begin < count; begin += chunk) {
      body(begin, std::min(begin + chunk, count));
    }
    return;
  }
  std::atomic<size_t> next = 0;
  const auto take_chunks = [&](size_t) {
    while (true) {
      const size_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) {
        return;
      }
      try {
        body(begin, std::min(begin + chunk, count));
      } catch (...) {
        next = count;  // nobody begins another chunk
        throw;
      }
    }
  };
  shared_->run(take_chunks);
}

void ThreadPool::for_each_item(size_t count, FunctionRef<void(size_t, size_t)> body) {
  CUPEL_CHECK(Shared::inside != shared_.get(), "items in a body of the same pool");
  std::atomic<size_t> next = 0;
  const auto take_items = [&](size_t thread) {
    for (size_t item = next++; item < count; item = next++) {
      try {
        body(item, thread);
      } catch (...) {
        next = count;  // nobody begins another item
        throw;
      }
    }
  };
  shared_->run(take_items);
}

size_t available_cpus() {
  size_t cpus = usable_cpus().size();
  std::ifstream quota("/sys/fs/cgroup/cpu.max");
  std::string limit;
  double period = 0;
  if (quota >> limit >> period && limit != "max" && period > 0) {
    cpus = std::min(cpus, static_cast<size_t>(std::max(1.0, std::stod(limit) / period)));
  }
  return cpus;
}

}  // namespace cupel
