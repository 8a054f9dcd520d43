#include "train/data/assistant_turns.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/text.h"

namespace cupel::train {
namespace {

using engine::RenderedConversation;

Error cannot_follow(size_t message, std::string_view why) {
  return unsupported(
      "messages[{}]: {}; mark what the assistant writes in the chat template with {{% generation "
      "%}} "
      "… {{% endgeneration %}}",
      message, why);
}

bool has_tool_calls(const Json& message) {
  const Json* calls = message.find("tool_calls");
  return calls != nullptr && calls->is_array() && calls->size() > 0;
}

std::string_view text_member(const Json& message, std::string_view key) {
  const Json* value = message.find(key);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string())
                                                : std::string_view();
}

bool has_reasoning_member(const Json& message) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"reasoning_content", "reasoning", "thinking"},
      [&message](std::string_view key) { return !text_member(message, key).empty(); });
}

/// The assistant's turns of one conversation whose template has no generation blocks.
class TurnFinder {
 public:
  TurnFinder(const engine::ChatTemplate& chat_template,
             const Tokenizer& tokenizer,
             const Json& messages,
             const Json& variables,
             const RenderedConversation& rendered,
             const engine::RenderOptions& options)
      : chat_template_(&chat_template),
        tokenizer_(&tokenizer),
        messages_(&messages),
        variables_(&variables),
        rendered_(&rendered),
        options_(&options) {}

  /// The turns as generation blocks have them, less the header that the generation prompt writes.
  std::vector<AssistantTurn> of_blocks() {
    std::vector<size_t> assistants;
    for (size_t i = 0; i < messages_->size(); ++i) {
      if (text_member(message(i), "role") == "assistant") {
        assistants.push_back(i);
      }
    }
    const auto& blocks = rendered_->generation;
    for (size_t k = 0; k < blocks.size(); ++k) {
      AssistantTurn turn{
          .number = static_cast<int32_t>(k), .begin = blocks[k].begin, .end = blocks[k].end};
      if (assistants.size() == blocks.size()) {
        const size_t prompt_end = generation_prompt_end(assistants[k]).value_or(0);
        turn.begin = prompt_end <= turn.end ? std::max(turn.begin, prompt_end) : turn.begin;
      }
      turns_.push_back(turn);
    }
    return std::move(turns_);
  }

  Result<std::vector<AssistantTurn>> of_messages() {
    int32_t number = 0;
    for (size_t i = 0; i < messages_->size(); ++i) {
      if (text_member(message(i), "role") != "assistant") {
        continue;
      }
      if (!rendered_->followed[i]) {
        return cannot_follow(i, "the template rewrites what the assistant says");
      }
      CUPEL_TRY(std::optional<AssistantTurn> turn, find(i));
      if (turn.has_value()) {
        turn->number = number;
        turns_.push_back(*turn);
      }
      ++number;
    }
    return std::move(turns_);
  }

 private:
  [[nodiscard]] const Json& message(size_t i) const { return messages_->as_array()[i]; }

  Result<std::optional<AssistantTurn>> find(size_t i) {
    std::optional<AssistantTurn> turn = texts_of(i);
    const bool calls = has_tool_calls(message(i));
    if (!turn.has_value() && !calls) {
      return turn;
    }
    const std::optional<size_t> prompt_end = generation_prompt_end(i);
    if (calls) {
      if (!prompt_end.has_value()) {
        return cannot_follow(i, "where its tool calls begin is not clear");
      }
      const size_t from = turn.has_value() ? std::max(turn->end, *prompt_end) : *prompt_end;
      const std::optional<size_t> end = next_turn_end(from);
      if (!end.has_value()) {
        return cannot_follow(i, "where its tool calls end is not clear");
      }
      return std::optional(AssistantTurn{.begin = *prompt_end, .end = *end});
    }
    if (prompt_end.has_value() && *prompt_end <= turn->begin && owns(i, *prompt_end, *turn)) {
      turn->begin = *prompt_end;
    } else {
      turn->begin -= own_blanks(i, turn->begin);
    }
    return turn;
  }

  /// How many of the blanks before a place are those that the message itself begins with. Line ends
  /// are not counted: templates put them there, and take them off messages.
  [[nodiscard]] size_t own_blanks(size_t i, size_t place) const {
    const std::string_view text = rendered_->text;
    const std::string_view content = text_member(message(i), "content");
    const std::string_view core = trim(content);
    const auto lead = static_cast<size_t>(core.data() - content.data());
    size_t blanks = 0;
    if (!text.substr(place).starts_with(core)) {
      return 0;
    }
    while (blanks < std::min(lead, place)) {
      const char c = text[place - blanks - 1];
      if ((c != ' ' && c != '\t') || content[lead - blanks - 1] != c) {
        break;
      }
      ++blanks;
    }
    return blanks;
  }

  /// From the first to the last of a message's texts.
  [[nodiscard]] std::optional<AssistantTurn> texts_of(size_t i) const {
    std::optional<AssistantTurn> turn;
    for (const RenderedConversation::MessageText& text : rendered_->texts) {
      if (text.message != i) {
        continue;
      }
      if (!turn.has_value()) {
        turn = AssistantTurn{.begin = text.begin, .end = text.end};
      }
      turn->end = std::max(turn->end, text.end);
    }
    return turn;
  }

  /// Where a model would begin to write this turn: the end of what the template makes of the
  /// messages before it, if the whole text begins with that.
  [[nodiscard]] std::optional<size_t> generation_prompt_end(size_t i) const {
    Json before = Json::array();
    for (size_t k = 0; k < i; ++k) {
      before.push_back(message(k));
    }
    Json variables = *variables_;
    variables.set("add_generation_prompt", true);
    const auto prompt =
        engine::render_plainly(*chat_template_, *tokenizer_, before, variables, *options_);
    if (!prompt.has_value() || !rendered_->text.starts_with(prompt->text)) {
      return std::nullopt;
    }
    return prompt->text.size();
  }

  /// Whether all from there to the turn's texts is the turn's own: white space, or what the message
  /// says itself (a tag around its reasoning). What the template puts there is not.
  [[nodiscard]] bool owns(size_t i, size_t from, const AssistantTurn& turn) const {
    const std::string_view text = rendered_->text;
    const std::string_view between = trim(text.substr(from, turn.begin - from));
    if (between.empty()) {
      return true;
    }
    const std::string_view content = text_member(message(i), "content");
    if (has_reasoning_member(message(i))) {
      return between == "<think>";
    }
    return trim(content).starts_with(between);
  }

  /// Where the next control token begins that ends a turn.
  [[nodiscard]] std::optional<size_t> next_turn_end(size_t from) const {
    for (const size_t place : tokenizer_->control_places(rendered_->text)) {
      if (place < from || std::ranges::binary_search(rendered_->plain_at, place)) {
        continue;
      }
      const std::string_view rest = std::string_view(rendered_->text).substr(place);
      const std::vector<TokenId> ids =
          tokenizer_->encode(rest.substr(0, kLongestControl), {.parse_special = true});
      if (!ids.empty() && (tokenizer_->ends_generation(ids[0]) || ids[0] == tokenizer_->eos())) {
        return place;
      }
    }
    return std::nullopt;
  }

  static constexpr size_t kLongestControl = 256;  // bytes

  const engine::ChatTemplate* chat_template_;
  const Tokenizer* tokenizer_;
  const Json* messages_;
  const Json* variables_;
  const RenderedConversation* rendered_;
  const engine::RenderOptions* options_;
  std::vector<AssistantTurn> turns_;
};

}  // namespace

Result<std::vector<AssistantTurn>> find_assistant_turns(
    const engine::ChatTemplate& chat_template,
    const Tokenizer& tokenizer,
    const Json& messages,
    const Json& variables,
    const engine::RenderedConversation& rendered,
    const engine::RenderOptions& options) {
  if (rendered.unplaced_generation > 0) {
    return unsupported(
        "the chat template has a {{% generation %}} block within a macro or a captured block, "
        "where "
        "its place in the text is not known; move it out of it");
  }
  TurnFinder finder(chat_template, tokenizer, messages, variables, rendered, options);
  return rendered.generation.empty() ? finder.of_messages() : finder.of_blocks();
}

}  // namespace cupel::train
