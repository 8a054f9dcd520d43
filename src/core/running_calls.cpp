#include "core/running_calls.h"

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace cupel {

struct RunningCalls::State {
  std::mutex mutex;
  uint64_t next = 0;
  bool stopped = false;
  // A null call is still being submitted.
  std::unordered_map<uint64_t, std::shared_ptr<ChatCall>> calls;

  uint64_t begin() {
    const std::lock_guard lock(mutex);
    calls.emplace(next, nullptr);
    return next++;
  }
  void end(uint64_t id) {
    const std::lock_guard lock(mutex);
    calls.erase(id);
  }
  // The call has been submitted; it may be over already.
  void set(uint64_t id, const std::shared_ptr<ChatCall>& call) {
    std::unique_lock lock(mutex);
    const auto found = calls.find(id);
    if (found == calls.end() || call == nullptr) {
      return;
    }
    found->second = call;
    if (stopped) {
      lock.unlock();
      call->cancel();
    }
  }
  void cancel_all() {
    std::vector<std::shared_ptr<ChatCall>> running;
    {
      const std::lock_guard lock(mutex);
      stopped = true;
      for (const auto& [id, call] : calls) {
        if (call != nullptr) {
          running.push_back(call);
        }
      }
    }
    for (const auto& call : running) {
      call->cancel();  // may report at once, which takes the lock
    }
  }
};

RunningCalls::RunningCalls(std::stop_token stop)
    : stop_(std::move(stop)),
      state_(std::make_shared<State>()),
      on_stop_(stop_, [state = state_] { state->cancel_all(); }) {}

void RunningCalls::submit(ChatModel& model, ChatRequest request, ChatSink sink) {
  // This object may be gone when `on_done` or `submit` return.
  const std::shared_ptr<State> state = state_;
  const uint64_t id = state->begin();
  sink.on_done = [state, id, on_done = std::move(sink.on_done)](Result<ChatResponse> response) {
    state->end(id);
    on_done(std::move(response));
  };
  state->set(id, model.submit(std::move(request), std::move(sink)));
}

}  // namespace cupel
