#include "core/chat_model.h"

#include <array>

#include "base/error.h"
#include "base/wait_for.h"

namespace cupel {
namespace {

constexpr std::array<std::string_view, 4> kReasonNames = {"stop", "length", "cancelled",
                                                          "content_filter"};

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  return kReasonNames[static_cast<size_t>(reason)];
}

Result<FinishReason> parse_finish_reason(std::string_view name) {
  for (size_t i = 0; i < kReasonNames.size(); ++i) {
    if (kReasonNames[i] == name) {
      return static_cast<FinishReason>(i);
    }
  }
  return corrupt_data("finish reason \"{}\" is none of stop, length, cancelled, content_filter",
                      name);
}

Result<ChatResponse> complete(ChatModel& model, ChatRequest request, std::stop_token stop) {
  WaitFor<Result<ChatResponse>> answer;
  const auto call =
      model.submit(std::move(request), {.on_delta = {}, .on_done = answer.callback()});
  const std::stop_callback cancel(std::move(stop), [&call] {
    if (call != nullptr) {
      call->cancel();
    }
  });
  return answer.get();
}

}  // namespace cupel
