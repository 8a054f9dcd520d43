#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace cupel::store {

/// Keeps equal calls at the same time from being made twice: the first one is made, the others wait
/// for it and then look into the cache again. Thread-safe.
class CallsInFlight {
 public:
  /// True: nobody makes this call now; the caller does and says so with `finish`. False: somebody
  /// does; `retry` is called when they have finished.
  bool begin(const std::string& id, std::function<void()> retry);
  /// The call has ended, with or without an answer. Lets those who wait try again, in the order in
  /// which they came.
  void finish(const std::string& id);

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::function<void()>>> waiting_;  // by id; empty: nobody waits
};

}  // namespace cupel::store
