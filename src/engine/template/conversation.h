#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/template/chat_template.h"

namespace cupel::engine {

/// A conversation as its template writes it. Only the template writes control tokens: what a
/// message holds stays text, also where it reads like one.
struct RenderedConversation {
  /// Bytes [begin, end) of the text that come from a message.
  struct MessageText {
    size_t message = 0;
    size_t begin = 0;
    size_t end = 0;
  };
  std::string text;
  std::vector<size_t> plain_at;  ///< for EncodeOptions: where no control token begins
  /// What the template took from messages, in order: their texts without the white space around
  /// them; reasoning and answer are two. What it leaves out is not here.
  std::vector<MessageText> texts;
  /// Per message: whether `texts` tells what became of it. False where the template looks into the
  /// message so that it cannot be followed.
  std::vector<bool> followed;
  std::vector<RenderedTemplate::Span> generation;  ///< of {% generation %} blocks
  size_t unplaced_generation = 0;                  ///< as in RenderedTemplate
};

/// The variables of a conversation besides "messages": add_generation_prompt, tools (when they are
/// a list), bos_token and eos_token (when the tokenizer has them), then the members of `extra`.
Json conversation_variables(const Tokenizer& tokenizer,
                            bool add_generation_prompt,
                            const Json& tools = {},
                            const Json& extra = {});

/// Renders messages and follows their texts into what comes out.
///
/// Messages are rendered with marks around their texts (marked_messages.h); what comes out must be,
/// without the marks, what comes out of the messages alone. Where a template works on a text so
/// that this fails, each message is tried by itself.
/// Errors: those of the template. Cost: two renders; one more for each message in the second case.
Result<RenderedConversation> render_conversation(const ChatTemplate& chat_template,
                                                 const Tokenizer& tokenizer,
                                                 const Json& messages,
                                                 const Json& variables,
                                                 const RenderOptions& options = {});

/// The same without following: text and `plain_at` alone.
Result<RenderedConversation> render_plainly(const ChatTemplate& chat_template,
                                            const Tokenizer& tokenizer,
                                            const Json& messages,
                                            const Json& variables,
                                            const RenderOptions& options = {});

}  // namespace cupel::engine
