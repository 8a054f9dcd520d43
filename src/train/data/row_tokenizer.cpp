#include "train/data/row_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "core/token_offsets.h"

namespace cupel::train {
namespace {

bool is_assistant(const Json& message) {
  return *message.find("role") == Json("assistant");
}

int32_t assistant_turns(const RowText& text) {
  if (!text.is_conversation()) {
    return 0;
  }
  return static_cast<int32_t>(std::ranges::count_if(text.messages.as_array(), is_assistant));
}

Json joined(const RowText& prompt, const RowText& response) {
  Json messages = prompt.is_conversation() ? prompt.messages : Json::array();
  for (const Json& message : response.messages.as_array()) {
    messages.push_back(message);
  }
  return messages;
}

/// How many ids all answers begin with.
int64_t common_start(const std::vector<Example>& answers) {
  const auto& first = answers.front().ids;
  size_t common = first.size();
  for (const Example& answer : answers) {
    const auto end =
        std::mismatch(first.begin(), first.end(), answer.ids.begin(), answer.ids.end());
    common = std::min(common, static_cast<size_t>(end.first - first.begin()));
  }
  return static_cast<int64_t>(common);
}

int64_t first_label(const Example& example) {
  const auto label =
      std::ranges::find_if(example.weights, [](float weight) { return weight != 0; });
  return label - example.weights.begin();
}

}  // namespace

Result<RowTokenizer> RowTokenizer::create(const Tokenizer& tokenizer,
                                          const engine::ChatTemplate* chat_template,
                                          TokenizeOptions options) {
  if (options.max_length < 2) {
    return invalid_argument("max_length is {}; expected at least 2", options.max_length);
  }
  if (options.prompt_loss_weight < 0 || !std::isfinite(options.prompt_loss_weight)) {
    return invalid_argument("prompt_loss_weight is {}; expected a number ≥ 0",
                            options.prompt_loss_weight);
  }
  return RowTokenizer(tokenizer, chat_template, std::move(options));
}

Result<LabelledTokens> RowTokenizer::label(const Row& row, size_t response) const {
  return row.responses[response].is_conversation() ? label_messages(row, response)
                                                   : label_text(row, response);
}

Result<LabelledTokens> RowTokenizer::label_messages(const Row& row, size_t response) const {
  if (chat_template_ == nullptr) {
    return failed_precondition(
        "the row is a conversation, and the model has no chat template; name one with "
        "data.chat_template, or write the row "
        "as \"text\" or as \"prompt\" and \"completion\"");
  }
  const Json variables =
      engine::conversation_variables(*tokenizer_, false, row.tools, options_.template_variables);
  return label_conversation(*chat_template_, *tokenizer_,
                            joined(row.prompt, row.responses[response]), variables,
                            options_.render);
}

/// Prompt and response tokenised as one text, or one by one; BOS and EOS around them.
RowTokenizer::Joined RowTokenizer::join_texts(const std::string& prompt,
                                              const std::string& response,
                                              bool apart) const {
  const Tokenizer& tokenizer = *tokenizer_;
  const std::string whole = apart ? prompt : prompt + response;
  const std::vector<TokenId> ids = tokenizer.encode(whole, {});
  const TokenOffsets offsets = token_offsets(tokenizer, whole, ids);
  const std::vector<TokenId> framed = tokenizer.encode(whole, {.add_special = true});
  Joined joined;
  LabelledTokens& out = joined.tokens;
  const auto add = [&out](TokenId id, TokenRole role) {
    out.ids.push_back(id);
    out.roles.push_back(role);
    out.turns.push_back(role == TokenRole::kCompletion ? 0 : -1);
  };
  // What comes before the text's own tokens is BOS, if the vocabulary wants it.
  for (auto id = framed.begin(); id != std::ranges::search(framed, ids).begin(); ++id) {
    add(*id, TokenRole::kTemplate);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool of_prompt = offsets.begin[i] < prompt.size();
    add(ids[i], of_prompt ? TokenRole::kInstruction : TokenRole::kCompletion);
  }
  if (!apart && !std::ranges::binary_search(offsets.begin, prompt.size())) {
    joined.seam = Seam::kMerged;
  }
  for (const TokenOffsets::Unclear& unclear : offsets.unclear) {
    if (!apart && unclear.begin < prompt.size() && prompt.size() < unclear.end) {
      joined.seam = Seam::kUnclear;
    }
  }
  if (apart) {
    for (const TokenId id : tokenizer.encode(response, {})) {
      add(id, TokenRole::kCompletion);
    }
  }
  if (tokenizer.eos() >= 0 && (out.ids.empty() || out.ids.back() != tokenizer.eos())) {
    add(tokenizer.eos(), TokenRole::kCompletion);
  }
  return joined;
}

LabelledTokens RowTokenizer::label_text(const Row& row, size_t response) const {
  const std::string& text = row.responses[response].text;
  Joined joined = join_texts(row.prompt.text, text, false);
  if (joined.seam == Seam::kUnclear) {
    joined = join_texts(row.prompt.text, text, true);
  }
  return std::move(joined.tokens);
}

Example RowTokenizer::example_of(const Row& row, LabelledTokens tokens, LossOn loss_on) const {
  const int32_t prompt_turns = assistant_turns(row.prompt);
  const bool has_prompt = !row.prompt.empty();
  if (loss_on == LossOn::kCompletion && !has_prompt && row.form == RowForm::kMessages) {
    loss_on = LossOn::kAssistantLast;
  }
  Example example;
  example.weights = label_weights(tokens, loss_on, options_.prompt_loss_weight, prompt_turns);
  for (size_t i = 0; i < example.weights.size(); ++i) {
    example.weights[i] *= static_cast<float>(row.weight);
    if (tokens.ids[i] == tokenizer_->bos() && tokens.roles[i] == TokenRole::kTemplate) {
      example.weights[i] = 0;
    }
  }
  example.ids = std::move(tokens.ids);
  if (options_.keep_roles) {
    example.roles = std::move(tokens.roles);
  }
  example.id = row.id;
  example.weight = row.weight;
  return example;
}

Result<Fit> RowTokenizer::add_example(const Row& row, std::vector<Example>& out) const {
  if (row.responses.size() != 1 || row.form == RowForm::kUnpaired) {
    return invalid_argument(
        "the row is of the form \"{}\"; supervised training learns from text, messages, or prompt "
        "and completion",
        row_form_name(row.form));
  }
  CUPEL_TRY(LabelledTokens tokens, label(row, 0));
  return truncate(example_of(row, std::move(tokens), options_.loss_on), options_.max_length,
                  options_.truncation, out);
}

bool RowTokenizer::stands_apart(const Row& row) const {
  return !row.prompt.empty() && !row.prompt.is_conversation() &&
         std::ranges::any_of(row.responses, [&](const RowText& response) {
           return join_texts(row.prompt.text, response.text, false).seam != Seam::kClean;
         });
}

std::vector<std::vector<TokenId>> RowTokenizer::text_ids(const Row& row) const {
  const bool apart = stands_apart(row);
  std::vector<std::vector<TokenId>> ids;
  for (const RowText& response : row.responses) {
    CUPEL_CHECK(!response.is_conversation(), "a conversation goes through its template");
    ids.push_back(join_texts(row.prompt.text, response.text, apart).tokens.ids);
  }
  return ids;
}

/// The answers with weights of their own tokens alone: the row's weight is the group's, and
/// instructions are not learnt from preferences.
Result<std::vector<Example>> RowTokenizer::answers_of(const Row& row, bool apart) const {
  Row unweighted = row;
  unweighted.weight = 1;
  const LossOn loss_on =
      options_.loss_on == LossOn::kAssistantLast ? LossOn::kAssistantLast : LossOn::kAssistantAll;
  std::vector<Example> answers;
  for (size_t i = 0; i < row.responses.size(); ++i) {
    LabelledTokens tokens;
    if (apart) {
      tokens = join_texts(row.prompt.text, row.responses[i].text, true).tokens;
    } else {
      CUPEL_TRY(tokens, label(row, i));
    }
    answers.push_back(example_of(unweighted, std::move(tokens), loss_on));
  }
  return answers;
}

Result<Fit> RowTokenizer::add_group(const Row& row,
                                    std::vector<ExampleGroup>& out,
                                    int64_t& retokenized) const {
  if (row.prompt.empty()) {
    return invalid_argument(
        "the row is of the form \"{}\"; learning from preferences needs a prompt and its answers",
        row_form_name(row.form));
  }
  ExampleGroup group{.scores = row.scores,
                     .margin = row.margin,
                     .tie = row.tie,
                     .label = row.form == RowForm::kUnpaired ? (row.label ? 1 : 0) : -1,
                     .weight = row.weight,
                     .ratings = row.ratings,
                     .id = row.id};
  const bool apart = stands_apart(row);
  retokenized += apart ? 1 : 0;
  CUPEL_TRY(group.answers, answers_of(row, apart));
  group.prompt_tokens = common_start(group.answers);
  for (const Example& answer : group.answers) {
    group.prompt_tokens = std::min(group.prompt_tokens, first_label(answer));
  }
  if (group.prompt_tokens == 0) {
    return invalid_argument("the prompt has no token before the answer");
  }
  const bool has_bos = group.answers.front().ids.front() == tokenizer_->bos();
  const Fit fit = truncate_group(group, options_.max_length, options_.truncation, has_bos ? 1 : 0);
  if (fit == Fit::kKept) {
    out.push_back(std::move(group));
  }
  return fit;
}

}  // namespace cupel::train
