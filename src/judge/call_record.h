#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"

namespace cupel::judge {

/// A model call as a row of the run records it: rows alone must tell what the run has cost.
struct CallRecord {
  /// What the call cache files it under (`store::CallKey::id`): rows with the same id share one
  /// call. Empty when it cannot be cached.
  std::string id;
  Usage usage;
};

/// The member "calls" of answer and verdict rows: [{"id", "prompt_tokens", "completion_tokens"}].
Json calls_to_json(std::span<const CallRecord> calls);
/// Errors: kCorruptData naming the member.
Result<std::vector<CallRecord>> calls_from_json(const Json& row);

}  // namespace cupel::judge
