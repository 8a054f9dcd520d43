#include "train/data/loss_mask.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"
#include "base/named_values.h"
#include "base/text.h"
#include "core/token_offsets.h"
#include "train/data/assistant_turns.h"

namespace cupel::train {
namespace {

constexpr std::array<std::string_view, 6> kNames = {
    "completion", "assistant_all", "assistant_last", "instruction", "full", "weighted"};

using engine::RenderedConversation;

/// Gives tokens to stretches of the text by their first bytes.
class TokenLabeller {
 public:
  TokenLabeller(const Tokenizer& tokenizer, const RenderedConversation& rendered)
      : tokenizer_(&tokenizer), rendered_(&rendered) {
    out_.ids =
        tokenizer.encode(rendered.text, {.parse_special = true, .plain_at = rendered.plain_at});
    offsets_ = token_offsets(tokenizer, rendered.text, out_.ids, rendered.plain_at);
    out_.roles.assign(out_.ids.size(), TokenRole::kTemplate);
    out_.turns.assign(out_.ids.size(), -1);
  }

  /// Errors: kUnsupported - which tokens are of the stretch is not clear.
  Result<Ok> give(size_t begin, size_t end, TokenRole role, int32_t turn) {
    for (const size_t border : {begin, end}) {
      for (const TokenOffsets::Unclear& unclear : offsets_.unclear) {
        if (unclear.first < unclear.last && border > unclear.begin && border < unclear.end) {
          return unsupported(
              "the tokenizer rewrites \"{}\", so where a message begins or ends is not clear; "
              "write it in Unicode's composed form (NFC)",
              printable(std::string_view(rendered_->text)
                            .substr(unclear.begin, unclear.end - unclear.begin)));
        }
      }
    }
    const size_t first = token_at(begin);
    for (size_t i = first; i < out_.ids.size() && offsets_.begin[i] < end; ++i) {
      label(i, role, turn);
    }
    return Ok{};
  }

  /// The same of an assistant turn, with the token that ends it.
  Result<Ok> give_turn(size_t begin, size_t end, int32_t turn) {
    CUPEL_TRY_VOID(give(begin, end, TokenRole::kCompletion, turn));
    size_t ender = token_at(end);
    while (ender < out_.ids.size() && is_blank(ender)) {
      ++ender;
    }
    if (ender < out_.ids.size() && ends_turn(out_.ids[ender])) {
      for (size_t i = token_at(end); i <= ender; ++i) {
        label(i, TokenRole::kCompletion, turn);
      }
    } else {
      drop_blanks_after_end(token_at(begin), token_at(end));
    }
    return Ok{};
  }

  LabelledTokens take() { return std::move(out_); }

 private:
  /// Generation blocks may write a line end behind the token that ends the turn: no model gets
  /// there.
  void drop_blanks_after_end(size_t first, size_t last) {
    while (last > first && is_blank(last - 1)) {
      --last;
    }
    if (last == first || !ends_turn(out_.ids[last - 1])) {
      return;
    }
    for (; last < out_.ids.size() && out_.roles[last] == TokenRole::kCompletion; ++last) {
      label(last, TokenRole::kTemplate, -1);
    }
  }

  void label(size_t token, TokenRole role, int32_t turn) {
    out_.roles[token] = role;
    out_.turns[token] = turn;
  }

  /// The first token that begins at or behind a place.
  [[nodiscard]] size_t token_at(size_t place) const {
    return static_cast<size_t>(
        std::lower_bound(offsets_.begin.begin(), offsets_.begin.end(), place) -
        offsets_.begin.begin());
  }

  [[nodiscard]] bool is_blank(size_t token) const {
    return !tokenizer_->is_control(out_.ids[token]) &&
           trim(tokenizer_->token_bytes(out_.ids[token])).empty();
  }

  [[nodiscard]] bool ends_turn(TokenId id) const {
    return tokenizer_->ends_generation(id) || id == tokenizer_->eos();
  }

  const Tokenizer* tokenizer_;
  const RenderedConversation* rendered_;
  TokenOffsets offsets_;
  LabelledTokens out_;
};

bool is_assistant(const Json& messages, size_t message) {
  const Json* role = messages.as_array()[message].find("role");
  return role != nullptr && *role == Json("assistant");
}

/// A template that has no place for tool calls leaves a turn that says nothing, which is no answer
/// to learn. Errors: kUnsupported.
Result<Ok> expect_calls_written(const Json& messages, std::string_view text) {
  for (size_t i = 0; i < messages.size(); ++i) {
    const Json* const calls = messages.as_array()[i].find("tool_calls");
    if (calls == nullptr || !calls->is_array() || !is_assistant(messages, i)) {
      continue;
    }
    for (const Json& call : calls->as_array()) {
      const Json* const function = call.find("function");
      const Json* const name = (function != nullptr ? *function : call).find("name");
      if (name != nullptr && name->is_string() &&
          text.find(name->as_string()) == std::string_view::npos) {
        return unsupported(
            "messages[{}] calls the tool {}, and the chat template writes no tool calls; name one "
            "that does with data.chat_template, or leave the row out",
            i, printable(name->as_string()));
      }
    }
  }
  return Ok{};
}

}  // namespace

std::span<const std::string_view> loss_on_names() {
  return kNames;
}

Result<LossOn> parse_loss_on(std::string_view name) {
  return parse_enum<LossOn>(name, kNames, "policy of the loss");
}

Result<LabelledTokens> label_conversation(const engine::ChatTemplate& chat_template,
                                          const Tokenizer& tokenizer,
                                          const Json& messages,
                                          const Json& variables,
                                          const engine::RenderOptions& options) {
  CUPEL_TRY(const RenderedConversation rendered,
            engine::render_conversation(chat_template, tokenizer, messages, variables, options));
  CUPEL_TRY_VOID(expect_calls_written(messages, rendered.text));
  CUPEL_TRY(const std::vector<AssistantTurn> turns,
            find_assistant_turns(chat_template, tokenizer, messages, variables, rendered, options));
  TokenLabeller labeller(tokenizer, rendered);
  for (const RenderedConversation::MessageText& text : rendered.texts) {
    if (!is_assistant(messages, text.message)) {
      CUPEL_TRY_VOID(labeller.give(text.begin, text.end, TokenRole::kInstruction, -1));
    }
  }
  for (const AssistantTurn& turn : turns) {
    CUPEL_TRY_VOID(labeller.give_turn(turn.begin, turn.end, turn.number));
  }
  return labeller.take();
}

std::vector<float> label_weights(const LabelledTokens& tokens,
                                 LossOn loss_on,
                                 double prompt_loss_weight,
                                 int32_t first_turn) {
  const int32_t last_turn =
      tokens.turns.empty() ? -1 : *std::max_element(tokens.turns.begin(), tokens.turns.end());
  const bool only_last = loss_on == LossOn::kAssistantLast;
  const double prompt = loss_on == LossOn::kInstruction ? prompt_loss_weight : 0;
  std::vector<float> weights(tokens.ids.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const int32_t turn = tokens.turns[i];
    double weight = 0;
    if (loss_on == LossOn::kFull) {
      weight = 1;
    } else if (tokens.roles[i] == TokenRole::kInstruction) {
      weight = prompt;
    } else if (tokens.roles[i] == TokenRole::kCompletion) {
      const bool learnt = only_last ? turn == last_turn : turn >= first_turn;
      weight = learnt ? 1 : prompt;
    }
    weights[i] = static_cast<float>(weight);
  }
  return weights;
}

}  // namespace cupel::train
