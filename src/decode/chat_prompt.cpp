#include "decode/chat_prompt.h"

#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "engine/template/conversation.h"

namespace cupel::decode {

Result<std::string> template_source(const std::string& own, const std::string& named) {
  if (named.empty()) {
    return own;
  }
  CUPEL_TRY(std::string source, read_file(named));
  if (trim(source).empty()) {
    return corrupt_data("{}: is empty; expected a chat template", named);
  }
  return source;
}

Result<std::optional<engine::ChatTemplate>> parse_template(const std::string& source,
                                                           const std::string& model,
                                                           const std::string& named) {
  if (source.empty()) {
    return std::optional<engine::ChatTemplate>();
  }
  auto parsed = engine::ChatTemplate::parse(source);
  if (!parsed) {
    return in_context(std::move(parsed).error(),
                      named.empty() ? format("{}: its chat template", model) : named);
  }
  return std::optional(std::move(*parsed));
}

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
