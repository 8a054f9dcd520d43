#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>

namespace cupel {
namespace {

// About 50 µs of `pause`: longer than the gap between two steps of one token, shorter than a
// scheduler tick, so that a worker never burns a core that a neighbour could use.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

struct ThreadPool::Shared {
  std::vector<std::thread> workers;
  std::atomic<uint64_t> generation = 0;  // bumped once per run
  std::atomic<size_t> pending = 0;       // workers that have not finished the current run
  std::atomic<int> sleepers = 0;
  std::atomic<bool> stop = false;
  const std::function<void(size_t)>* body = nullptr;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;

  void work(size_t worker) {
    uint64_t seen = 0;
    while (true) {
      seen = wait_for_run(seen);
      if (stop) {
        return;
      }
      (*body)(worker);
      if (pending.fetch_sub(1) == 1) {
        const std::lock_guard lock(mutex);
        done.notify_one();
      }
    }
  }

  uint64_t wait_for_run(uint64_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (const uint64_t now = generation.load(std::memory_order_acquire); now != seen) {
        return now;
      }
      relax();
    }
    std::unique_lock lock(mutex);
    ++sleepers;
    wake.wait(lock, [&] { return generation.load() != seen; });
    --sleepers;
    return generation.load();
  }

  void wait_until_done() {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (pending.load(std::memory_order_acquire) == 0) {
        return;
      }
      relax();
    }
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return pending.load() == 0; });
  }

  void start_run() {
    generation.fetch_add(1);
    if (sleepers.load() > 0) {
      const std::lock_guard lock(mutex);
      wake.notify_all();
    }
  }
};

ThreadPool::ThreadPool(size_t threads) : shared_(std::make_unique<Shared>()) {
  for (size_t worker = 1; worker < std::max<size_t>(threads, 1); ++worker) {
    shared_->workers.emplace_back([this, worker] { shared_->work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  shared_->stop = true;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->generation.fetch_add(1);
  }
  shared_->wake.notify_all();
  for (std::thread& worker : shared_->workers) {
    worker.join();
  }
}

size_t ThreadPool::threads() const {
  return shared_->workers.size() + 1;
}

void ThreadPool::run(const std::function<void(size_t)>& body) {
  Shared& s = *shared_;
  if (!s.workers.empty()) {
    s.body = &body;
    s.pending.store(s.workers.size());
    s.start_run();
  }
  body(0);
  if (!s.workers.empty()) {
    s.wait_until_done();
  }
}

void ThreadPool::for_each_chunk(size_t count,
                                size_t chunk,
                                const std::function<void(size_t, size_t)>& body) {
  std::atomic<size_t> next = 0;
  run([&](size_t) {
    while (true) {
      const size_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
      if (begin >= count) {
        return;
      }
      body(begin, std::min(begin + chunk, count));
    }
  });
}

size_t available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  size_t cpus = std::max(1U, std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cpus = static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
  }
  std::ifstream quota("/sys/fs/cgroup/cpu.max");
  std::string limit;
  double period = 0;
  if (quota >> limit >> period && limit != "max" && period > 0) {
    cpus = std::min(cpus, static_cast<size_t>(std::max(1.0, std::stod(limit) / period)));
  }
  return cpus;
}

}  // namespace cupel
