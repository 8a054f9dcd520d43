#include "engine/template/conversation.h"

#include <algorithm>
#include <functional>

#include "engine/template/marked_messages.h"

namespace cupel::engine {
namespace {

/// What is rendered, and how.
struct Rendering {
  const ChatTemplate& chat_template;
  const Tokenizer& tokenizer;
  const Json& messages;
  const Json& variables;
  const RenderOptions& options;
};

/// Follows the texts of the chosen messages; false when that changes what comes out.
bool follow(const Rendering& rendering,
            const std::function<bool(size_t)>& chosen,
            RenderedConversation& out) {
  MessageMarker marker(rendering.tokenizer);
  Json variables = rendering.variables;
  variables.set("messages", marker.mark_texts(rendering.messages, chosen));
  const auto rendered = rendering.chat_template.render(variables, rendering.options);
  if (!rendered.has_value()) {
    return false;
  }
  const UnmarkedText taken = take_marks(rendered->text);
  const bool known = std::ranges::all_of(
      taken.stretches, [&](const auto& stretch) { return stretch.text < marker.texts().size(); });
  if (!taken.complete || !known || taken.text != out.text || taken.plain_at != out.plain_at) {
    return false;
  }
  for (const UnmarkedText::Stretch& stretch : taken.stretches) {
    out.texts.push_back({marker.texts()[stretch.text].message, stretch.begin, stretch.end});
  }
  return true;
}

}  // namespace

Json conversation_variables(const Tokenizer& tokenizer,
                            bool add_generation_prompt,
                            const Json& tools,
                            const Json& extra) {
  Json variables = Json::object();
  variables.set("add_generation_prompt", add_generation_prompt);
  if (tools.is_array()) {
    variables.set("tools", tools);
  }
  if (tokenizer.bos() >= 0) {
    variables.set("bos_token", tokenizer.token_bytes(tokenizer.bos(), true));
  }
  if (tokenizer.eos() >= 0) {
    variables.set("eos_token", tokenizer.token_bytes(tokenizer.eos(), true));
  }
  if (extra.is_object()) {
    for (const auto& [key, value] : extra.as_object()) {
      variables.set(key, value);
    }
  }
  return variables;
}

Result<RenderedConversation> render_plainly(const ChatTemplate& chat_template,
                                            const Tokenizer& tokenizer,
                                            const Json& messages,
                                            const Json& variables,
                                            const RenderOptions& options) {
  Json all = variables;
  all.set("messages", MessageMarker(tokenizer).mark_controls(messages));
  CUPEL_TRY(RenderedTemplate rendered, chat_template.render(all, options));
  UnmarkedText taken = take_marks(rendered.text);
  RenderedConversation out;
  for (const RenderedTemplate::Span& span : rendered.generation) {
    out.generation.push_back({span.begin - mark_bytes_before(rendered.text, span.begin),
                              span.end - mark_bytes_before(rendered.text, span.end)});
  }
  out.unplaced_generation = rendered.unplaced_generation;
  out.text = std::move(taken.text);
  out.plain_at = std::move(taken.plain_at);
  return out;
}

Result<RenderedConversation> render_conversation(const ChatTemplate& chat_template,
                                                 const Tokenizer& tokenizer,
                                                 const Json& messages,
                                                 const Json& variables,
                                                 const RenderOptions& options) {
  CUPEL_TRY(RenderedConversation out,
            render_plainly(chat_template, tokenizer, messages, variables, options));
  const Rendering rendering{chat_template, tokenizer, messages, variables, options};
  out.followed.assign(messages.size(), true);
  if (follow(
          rendering, [](size_t) { return true; }, out)) {
    return out;
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    out.followed[i] = follow(
        rendering, [i](size_t message) { return message == i; }, out);
  }
  std::ranges::sort(out.texts, {}, &RenderedConversation::MessageText::begin);
  return out;
}

}  // namespace cupel::engine
