#include "judge/call_record.h"

namespace cupel::judge {

Json calls_to_json(std::span<const CallRecord> calls) {
  Json list = Json::array();
  for (const CallRecord& call : calls) {
    list.push_back(Json::object()
                       .set("id", call.id)
                       .set("prompt_tokens", call.usage.prompt_tokens)
                       .set("completion_tokens", call.usage.completion_tokens));
  }
  return list;
}

Result<std::vector<CallRecord>> calls_from_json(const Json& row) {
  CUPEL_TRY(const Json* list, get_array(row, "calls"));
  std::vector<CallRecord> calls;
  for (const Json& json : list->as_array()) {
    CallRecord call;
    CUPEL_TRY(call.id, get_string(json, "id"));
    CUPEL_TRY(call.usage.prompt_tokens, get_int(json, "prompt_tokens"));
    CUPEL_TRY(call.usage.completion_tokens, get_int(json, "completion_tokens"));
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace cupel::judge
