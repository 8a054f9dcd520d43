// A row of training data, and behind the first zero byte the chat template that writes it. The ids
// of what is learnt and of what is not are the whole text, whatever row and template say.
#include <memory>

#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/from_json.h"
#include "fuzz/fuzz_targets.h"
#include "train/data/row_tokenizer.h"

namespace cupel::fuzz {
namespace {

/// Bytes, and two control tokens.
std::unique_ptr<Tokenizer> make_tokenizer() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    append_utf8(text, engine::byte_to_char(static_cast<uint8_t>(byte)));
    vocabulary.set(text, byte);
  }
  Json added = Json::array();
  int64_t id = 256;
  for (const char* token : {"<s>", "<e>"}) {
    added.push_back(Json::object().set("id", id++).set("content", token).set("special", true));
  }
  Json model =
      Json::object().set("type", "BPE").set("vocab", vocabulary).set("merges", Json::array());
  const Json byte_level = *parse_json(
      R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false})");
  Json root = Json::object().set("added_tokens", added).set("model", model);
  root.set("pre_tokenizer", byte_level).set("decoder", byte_level);
  auto tokenizer =
      engine::tokenizer_from_json_value(root, {.bos = "<s>", .eos = "<e>", .add_bos = true});
  CUPEL_CHECK(tokenizer.has_value(), "the target's own tokenizer");
  return std::move(tokenizer).value();
}

void check_labels(const train::LabelledTokens& tokens) {
  CUPEL_CHECK(tokens.roles.size() == tokens.ids.size());
  CUPEL_CHECK(tokens.turns.size() == tokens.ids.size());
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    const bool completion = tokens.roles[i] == train::TokenRole::kCompletion;
    CUPEL_CHECK(completion == (tokens.turns[i] >= 0), "a turn is what the assistant writes");
  }
}

void check_groups(const std::vector<train::ExampleGroup>& groups) {
  for (const train::ExampleGroup& group : groups) {
    CUPEL_CHECK(group.prompt_tokens > 0 && group.answers.size() == group.scores.size());
    const auto& first = group.answers.front().ids;
    for (const train::Example& answer : group.answers) {
      CUPEL_CHECK(answer.trained_tokens() > 0);
      CUPEL_CHECK(answer.ids.size() <= 64);
      for (int64_t i = 0; i < group.prompt_tokens; ++i) {
        const auto at = static_cast<size_t>(i);
        CUPEL_CHECK(answer.ids.at(at) == first.at(at), "answers share their prompt");
        CUPEL_CHECK(answer.weights.at(at) == 0, "a prompt is not learnt");
      }
    }
  }
}

}  // namespace

void training_row(std::span<const uint8_t> input) {
  static const std::unique_ptr<Tokenizer> kTokenizer = make_tokenizer();
  const auto [text, source] = split_at_zero(text_of(input));
  const auto json = parse_json(text);
  if (!json.has_value()) {
    return;
  }
  const auto row = train::parse_row(*json, "row");
  if (!row.has_value()) {
    check_error(row.error());
    return;
  }
  const auto chat_template = engine::ChatTemplate::parse(source);
  train::TokenizeOptions options{.loss_on = train::LossOn::kInstruction,
                                 .max_length = 64,
                                 .truncation = train::Truncation::kKeepEnd};
  options.render.now = engine::jinja::LocalTime{.year = 2026};
  options.render.limits.steps = 20'000;
  options.render.limits.text_bytes = size_t{1} << 16U;
  options.render.limits.memory_bytes = size_t{4} << 20U;
  const auto tokenizer =
      train::RowTokenizer::create(*kTokenizer, chat_template ? &*chat_template : nullptr, options);
  CUPEL_CHECK(tokenizer.has_value());
  for (size_t i = 0; i < row->responses.size(); ++i) {
    const auto tokens = tokenizer->label(*row, i);
    if (tokens.has_value()) {
      check_labels(*tokens);
    } else {
      check_error(tokens.error());
    }
  }
  std::vector<train::Example> examples;
  if (const auto fit = tokenizer->add_example(*row, examples); !fit.has_value()) {
    check_error(fit.error());
  }
  std::vector<train::ExampleGroup> groups;
  int64_t retokenized = 0;
  if (const auto fit = tokenizer->add_group(*row, groups, retokenized); !fit.has_value()) {
    check_error(fit.error());
  }
  check_groups(groups);
}

}  // namespace cupel::fuzz
