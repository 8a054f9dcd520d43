#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "core/chat_model.h"

namespace cupel {

/// Calls under way that a stop request cancels. Thread-safe; may be destroyed while calls run,
/// which then run on.
class RunningCalls {
 public:
  explicit RunningCalls(std::stop_token stop);

  /// `model.submit`. Once stop was requested, the call is cancelled and reports kCancelled.
  void submit(ChatModel& model, ChatRequest request, ChatSink sink);
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

 private:
  struct State;
  std::stop_token stop_;
  std::shared_ptr<State> state_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace cupel
