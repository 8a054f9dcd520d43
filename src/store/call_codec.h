#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"
#include "store/call_cache.h"

namespace cupel::store {

// Model calls as JSON, for the call cache. Requests are canonical: equal ones give equal bytes.
// nullopt stands for what JSON cannot hold exactly (parts given as bytes, log-probs that are not
// finite, texts that are no UTF-8): such calls are not cached.

std::optional<std::string> encode_request(const ChatRequest& request);
std::optional<std::string> encode_request(const LabelScoreRequest& request);
std::optional<std::string> encode_request(const CompletionScoreRequest& request);

/// What a call to the model with that fingerprint is filed under; nullopt as above.
std::optional<CallKey> call_key(const std::string& fingerprint, const ChatRequest& request);
std::optional<CallKey> call_key(const std::string& fingerprint, const LabelScoreRequest& request);
std::optional<CallKey> call_key(const std::string& fingerprint,
                                const CompletionScoreRequest& request);

std::optional<Json> encode_response(const ChatResponse& response);
std::optional<Json> encode_response(const LabelScoreResponse& response);
std::optional<Json> encode_response(const std::vector<CompletionScore>& response);

// Errors: kCorruptData naming the member.
Result<ChatResponse> decode_chat_response(const Json& json);
Result<LabelScoreResponse> decode_label_response(const Json& json);
Result<std::vector<CompletionScore>> decode_completion_scores(const Json& json);

}  // namespace cupel::store
