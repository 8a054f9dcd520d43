#include "decode/chat_prompt.h"

#include "engine/template/conversation.h"

namespace cupel::decode {

Result<std::vector<TokenId>> chat_prompt_ids(const engine::ChatTemplate& chat_template,
                                             const Tokenizer& tokenizer,
                                             const ChatRequest& request) {
  const Json variables =
      engine::conversation_variables(tokenizer, true, request.tools, request.template_variables);
  CUPEL_TRY(const auto rendered,
            engine::render_plainly(chat_template, tokenizer, conversation_to_json(request.messages),
                                   variables));
  return tokenizer.encode(
      rendered.text, {.add_special = false, .parse_special = true, .plain_at = rendered.plain_at});
}

}  // namespace cupel::decode
