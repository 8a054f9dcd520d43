#include "base/wait_for.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/result.h"

namespace cupel {
namespace {

TEST(WaitFor, HandsTheValueOver) {
  WaitFor<Result<int>> answer;
  std::thread other([done = answer.callback()] { done(7); });
  EXPECT_EQ(answer.get().value(), 7);
  other.join();
}

TEST(WaitFor, CallbackMayOutliveTheWaiter) {
  const auto done = [] {
    const WaitFor<int> unwanted;
    return unwanted.callback();
  }();
  done(3);
}

// The waiter destroys the callback, its own state and the stack around them while the callback is
// on its way out; the thread sanitizer sees a state that is not shared.
TEST(WaitFor, WaiterMayDropAllOnItsStackAtOnce) {
  std::atomic<std::function<void(int)>*> given = nullptr;
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) {
      if (auto* done = given.exchange(nullptr)) {
        (*done)(1);
      }
    }
  });
  for (int round = 0; round < 5000; ++round) {
    WaitFor<int> answer;
    auto done = std::make_unique<std::function<void(int)>>(answer.callback());
    given = done.get();
    ASSERT_EQ(answer.get(), 1);
  }
  stop = true;
  other.join();
}

}  // namespace
}  // namespace cupel
