#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cupel::judge {

/// Threads that wait for scorers, which block their caller. Jobs start in the order in which they
/// came; destruction runs what is left.
class WaitingThreads {
 public:
  /// Throws std::system_error when the system starts no more threads.
  explicit WaitingThreads(int64_t count);
  ~WaitingThreads();
  WaitingThreads(const WaitingThreads&) = delete;
  WaitingThreads& operator=(const WaitingThreads&) = delete;

  /// The job reports its own failures and throws nothing.
  void post(std::function<void()> job);

 private:
  void work();
  void stop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace cupel::judge
