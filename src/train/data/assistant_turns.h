#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/template/chat_template.h"
#include "engine/template/conversation.h"

namespace cupel::train {

/// Bytes [begin, end) of a rendered conversation that the assistant wrote; the token that ends its
/// turn may follow.
struct AssistantTurn {
  int32_t number = 0;  ///< which of the assistant's messages, from 0
  size_t begin = 0;
  size_t end = 0;
};

/// Finds the assistant's turns, as label_conversation says. A turn of which the template writes
/// nothing is left out. Errors: kUnsupported - one cannot be found.
Result<std::vector<AssistantTurn>> find_assistant_turns(
    const engine::ChatTemplate& chat_template,
    const Tokenizer& tokenizer,
    const Json& messages,
    const Json& variables,
    const engine::RenderedConversation& rendered,
    const engine::RenderOptions& options);

}  // namespace cupel::train
