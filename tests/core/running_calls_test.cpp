#include "core/running_calls.h"

#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/scripted_chat_model.h"

namespace cupel {
namespace {

// A model whose calls last until they are cancelled.
class EndlessModel : public test::ScriptedChatModel {
 public:
  EndlessModel() : ScriptedChatModel([](const ChatRequest&) { return ChatResponse{}; }) {}

  std::shared_ptr<ChatCall> submit(ChatRequest, ChatSink sink) override {
    class Call : public ChatCall {
     public:
      explicit Call(ChatSink sink) : sink_(std::move(sink)) {}
      void cancel() override {
        if (!cancelled_.exchange(true)) {
          sink_.on_done(cupel::cancelled("cancelled"));
        }
      }

     private:
      ChatSink sink_;
    };
    return std::make_shared<Call>(std::move(sink));
  }
};

TEST(RunningCalls, AStopRequestCancelsWhatRunsAndWhatComesLater) {
  EndlessModel model;
  std::stop_source stop;
  RunningCalls calls(stop.get_token());
  int cancelled = 0;
  const auto submit = [&] {
    calls.submit(model, {}, {.on_delta = {}, .on_done = [&](const Result<ChatResponse>& response) {
                               cancelled += response ? 0 : 1;
                             }});
  };
  submit();
  submit();
  EXPECT_EQ(cancelled, 0);
  stop.request_stop();
  EXPECT_EQ(cancelled, 2);
  submit();
  EXPECT_EQ(cancelled, 3);
}

TEST(RunningCalls, FinishedCallsAreLetGo) {
  auto model = test::ScriptedChatModel::with_text([](const std::string&) { return "done"; });
  std::stop_source stop;
  int done = 0;
  {
    RunningCalls calls(stop.get_token());
    for (int i = 0; i < 3; ++i) {
      calls.submit(model, {}, {.on_delta = {}, .on_done = [&](const Result<ChatResponse>& r) {
                                 done += r ? 1 : 0;
                               }});
    }
  }
  stop.request_stop();  // after its life: nothing is left to cancel
  EXPECT_EQ(done, 3);
}

TEST(Complete, AStopRequestEndsTheWait) {
  EndlessModel model;
  std::stop_source stop;
  std::thread other([&] { stop.request_stop(); });
  const auto response = complete(model, {}, stop.get_token());
  other.join();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace cupel
