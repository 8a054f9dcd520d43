#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace cupel {

/// Waits for a value that another thread hands over through a callback.
///
/// The state is shared with the callback: the waiter may return, and take everything on its stack
/// with it, while the callback is still on its way out. A std::promise on the waiter's stack does
/// not allow that.
template <typename T>
class WaitFor {
 public:
  /// The callback to give away; it is called once, from any thread.
  [[nodiscard]] std::function<void(T)> callback() const {
    return [state = state_](T value) {
      const auto kept =
          state;  // the owner of this function may drop it as soon as the value is there
      kept->set_value(std::move(value));
    };
  }

  /// Blocks until the callback has been called; once.
  [[nodiscard]] T get() { return future_.get(); }
  /// Waits at most so long; true when `get` would not block.
  [[nodiscard]] bool ready_within(std::chrono::milliseconds most) const {
    return future_.wait_for(most) == std::future_status::ready;
  }

 private:
  std::shared_ptr<std::promise<T>> state_ = std::make_shared<std::promise<T>>();
  std::future<T> future_ = state_->get_future();
};

}  // namespace cupel
