// Proves: system 96
// Masks of published chat templates (read in place): what is learnt is what the assistant says and
// the token that ends its turn, as written down here for four dialogues. With the model's own
// published vocabulary, where it is here, as with a tiny one.
#include <algorithm>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"
#include "support/test_paths.h"
#include "train/data/loss_mask.h"
#include "train_data/chat_fixtures.h"

namespace cupel::train {
namespace {

using test::message;

/// A template, and how it writes an assistant's turn.
struct Published {
  std::string name;
  std::string end;      ///< what ends a turn
  bool strips = false;  ///< takes white space off the assistant's text
  bool system = true;   ///< takes system messages
  /// What becomes of earlier reasoning, and of that of the last turn.
  bool keeps_earlier_reasoning = true;
  std::string vocabulary;  ///< its published one; empty: none
};

const std::vector<Published>& published() {
  static const std::vector<Published> kAll = {
      {.name = "Qwen-Qwen2.5-7B-Instruct", .end = "<|im_end|>", .vocabulary = "qwen2"},
      {.name = "Qwen-Qwen3-0.6B",
       .end = "<|im_end|>",
       .keeps_earlier_reasoning = false,
       .vocabulary = "qwen2"},
      {.name = "meta-llama-Llama-3.1-8B-Instruct",
       .end = "<|eot_id|>",
       .strips = true,
       .vocabulary = "llama-bpe"},
      {.name = "microsoft-Phi-3.5-mini-instruct", .end = "<|end|>", .vocabulary = "phi-3"},
      {.name = "google-gemma-2-2b-it", .end = "<end_of_turn>", .strips = true, .system = false},
      {.name = "mistralai-Mistral-Nemo-Instruct-2407", .end = "</s>"},
      {.name = "LFM2.5-8B-A1B", .end = "<|im_end|>", .keeps_earlier_reasoning = false},
  };
  return kAll;
}

/// A dialogue and the assistant's texts in it.
struct Dialogue {
  Json messages;
  std::vector<std::string> said;
};

Dialogue dialogue(bool system, const std::vector<std::string>& turns) {
  Dialogue out{.messages = Json::array()};
  if (system) {
    out.messages.push_back(message("system", "You are terse."));
  }
  for (size_t i = 0; i < turns.size(); ++i) {
    out.messages.push_back(message(i % 2 == 0 ? "user" : "assistant", turns[i]));
    if (i % 2 == 1) {
      out.said.push_back(turns[i]);
    }
  }
  return out;
}

class PublishedMasks : public testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    const std::string path =
        ::cupel::test::shared_data("chat_templates/" + GetParam().name + ".jinja");
    CUPEL_SKIP_UNLESS(path, "the published template is not here: its masks are not shown");
    source_ = *read_file(path);
    tokenizers_.push_back(test::tiny_tokenizer());
    const std::string vocabulary =
        GetParam().vocabulary.empty()
            ? ""
            : ::cupel::test::shared_data("tokenizers/" + GetParam().vocabulary + ".gguf");
    if (!vocabulary.empty()) {
      const auto file = engine::Checkpoint::open(vocabulary);
      ASSERT_TRUE(file.has_value()) << file.error().message;
      auto tokenizer = engine::load_tokenizer(*file);
      ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
      tokenizers_.push_back(std::move(*tokenizer));
    }
  }

  void expect_learnt(const Json& messages, const std::string& text) {
    for (const auto& tokenizer : tokenizers_) {
      EXPECT_EQ(learnt(*tokenizer, messages), text);
    }
  }

  std::string learnt(const Tokenizer& tokenizer, const Json& messages) {
    const engine::ChatTemplate parsed = test::parse_template(source_);
    const auto tokens = label_conversation(
        parsed, tokenizer, messages, engine::conversation_variables(tokenizer, false),
        {.now = *engine::parse_local_time("2026-07-24T15:30:00")});
    EXPECT_TRUE(tokens.has_value()) << (tokens ? "" : tokens.error().message);
    return tokens ? test::text_of(tokenizer, *tokens, TokenRole::kCompletion) : "";
  }

  std::string expected(const std::vector<std::string>& said) const {
    std::string text;
    for (const std::string& turn : said) {
      text += (GetParam().strips ? std::string(trim(turn)) : turn) + GetParam().end;
    }
    return text;
  }

  std::string source_;
  std::vector<std::unique_ptr<Tokenizer>> tokenizers_;
};

TEST_P(PublishedMasks, OneTurn) {
  const Dialogue d = dialogue(false, {"Name a colour.", "Blue."});
  expect_learnt(d.messages, expected(d.said));
}

TEST_P(PublishedMasks, ThreeTurnsWithASystemMessage) {
  const Dialogue d =
      dialogue(GetParam().system, {"One?", "Uno.", "Two?", "Dos.", "Three?", "Tres."});
  expect_learnt(d.messages, expected(d.said));
}

TEST_P(PublishedMasks, WhiteSpaceUnicodeAndTheTemplatesOwnWords) {
  const Dialogue d =
      dialogue(false, {"assistant\nuser <|im_start|>assistant\n[/INST]",
                       "\u00fcber <user> [INST]\n\nassistant\n", "<start_of_turn>model\n",
                       "  a lot: \u65e5\u672c <|eot_id|>"});
  expect_learnt(d.messages, expected(d.said));
}

TEST_P(PublishedMasks, ReasoningBeforeTheAnswer) {
  const Dialogue d = dialogue(false, {"1+1?", "<think>\neasy\n</think>\n\nTwo.", "2+2?",
                                      "<think>\nharder\n</think>\n\nFour."});
  std::vector<std::string> said = d.said;
  if (!GetParam().keeps_earlier_reasoning) {
    said[0] = "Two.";
  }
  expect_learnt(d.messages, expected(said));
}

INSTANTIATE_TEST_SUITE_P(
    Templates, PublishedMasks, testing::ValuesIn(published()), [](const auto& test_case) {
      std::string name = test_case.param.name;
      std::replace_if(
          name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

}  // namespace
}  // namespace cupel::train
