#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/template/chat_template.h"
#include "engine/template/conversation.h"
#include "train/data/example.h"

namespace cupel::train {

/// Which tokens are learnt.
enum class LossOn {
  kCompletion,     ///< the answer to the prompt; of "messages" the last assistant turn
  kAssistantAll,   ///< every assistant turn
  kAssistantLast,  ///< the last assistant turn
  kInstruction,    ///< assistant turns, and with `prompt_loss_weight` what system, user, tools say
  kFull,           ///< every token but BOS
  kWeighted,       ///< as kAssistantAll: the name under which rows come with weights
};
/// The names recipes use: "completion", "assistant_all", "assistant_last", "instruction", "full",
/// "weighted".
std::span<const std::string_view> loss_on_names();
/// Errors: kInvalidArgument - an unknown name, with the nearest known one.
Result<LossOn> parse_loss_on(std::string_view name);

/// A tokenised text with the role of each token. A token that straddles a border is of the part
/// that its first byte is of.
struct LabelledTokens {
  std::vector<TokenId> ids;
  std::vector<TokenRole> roles;
  /// Per token, which assistant turn it is of (from 0, in order); −1: none.
  std::vector<int32_t> turns;
};

/// A conversation through its chat template, tokenised as one text.
///
/// What the assistant writes: {% generation %} blocks where the template has them; else the texts
/// of the assistant's messages (and its tool calls), from where the template's generation prompt
/// ends when nothing but that turn's own words stands in between. The token that ends the turn, and
/// white space before it, belongs to it. Both follow from the text that is rendered, never from
/// rendering or tokenising beginnings of it alone. Errors: those of the template; kUnsupported -
/// what the assistant wrote cannot be found again in the template's text, or the tokenizer rewrites
/// text at its border: says what to do.
Result<LabelledTokens> label_conversation(const engine::ChatTemplate& chat_template,
                                          const Tokenizer& tokenizer,
                                          const Json& messages,
                                          const Json& variables,
                                          const engine::RenderOptions& options = {});

/// The weights of a policy. `first_turn`: assistant turns before it are of the prompt, and are not
/// learnt. `prompt_loss_weight` ≥ 0 is used by kInstruction alone.
std::vector<float> label_weights(const LabelledTokens& tokens,
                                 LossOn loss_on,
                                 double prompt_loss_weight,
                                 int32_t first_turn = 0);

}  // namespace cupel::train
