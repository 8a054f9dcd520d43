#include "store/calls_in_flight.h"

#include <utility>

#include "base/check.h"

namespace cupel::store {

bool CallsInFlight::begin(const std::string& id, std::function<void()> retry) {
  const std::lock_guard lock(mutex_);
  const auto [place, first] = waiting_.try_emplace(id);
  if (!first) {
    place->second.push_back(std::move(retry));
  }
  return first;
}

void CallsInFlight::finish(const std::string& id) {
  std::vector<std::function<void()>> retries;
  {
    const std::lock_guard lock(mutex_);
    const auto place = waiting_.find(id);
    CUPEL_CHECK(place != waiting_.end(), "a call that was not begun");
    retries = std::move(place->second);
    waiting_.erase(place);
  }
  for (const auto& retry : retries) {  // without the lock: each may begin the call again
    retry();
  }
}

}  // namespace cupel::store
