// Proves: system 96
#include "train/data/loss_mask.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "train_data/chat_fixtures.h"

namespace cupel::train {
namespace {

using test::message;
using test::text_of;

const std::unique_ptr<Tokenizer>& tokenizer() {
  static const std::unique_ptr<Tokenizer> kTokenizer = test::tiny_tokenizer();
  return kTokenizer;
}

Result<LabelledTokens> try_label(std::string_view source,
                                 const Json& messages,
                                 const Json& extra = {},
                                 const Tokenizer& with = *tokenizer()) {
  const engine::ChatTemplate parsed = test::parse_template(source);
  return label_conversation(parsed, with, messages,
                            engine::conversation_variables(with, false, {}, extra));
}

LabelledTokens label(std::string_view source, const Json& messages, const Json& extra = {}) {
  auto labelled = try_label(source, messages, extra);
  EXPECT_TRUE(labelled.has_value()) << (labelled ? "" : labelled.error().message);
  return labelled.has_value() ? std::move(*labelled) : LabelledTokens{};
}

std::string completion(const LabelledTokens& tokens) {
  return text_of(*tokenizer(), tokens, TokenRole::kCompletion);
}
std::string instruction(const LabelledTokens& tokens) {
  return text_of(*tokenizer(), tokens, TokenRole::kInstruction);
}

// Own templates, each with one of the ways of the published ones.
constexpr std::string_view kChatMl =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr std::string_view kDefaultSystem =
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr std::string_view kZephyr =
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view kInst =  // the system message stands inside the first user turn
    "{% if messages[0].role == 'system' %}{% set system = '<<SYS>>\n' + messages[0].content + "
    "'\n<</SYS>>\n\n' %}{% set rest = messages[1:] %}{% else %}{% set system = '' %}"
    "{% set rest = messages %}{% endif %}{% for m in rest %}{% if m.role == 'user' %}<s>[INST] "
    "{{ (system if loop.first else '') + m.content | trim }} [/INST]{% else %} {{ m.content | trim "
    "}} </s>{% endif %}{% endfor %}";
constexpr std::string_view kTurns =  // strips, and calls the assistant by another name
    "<bos>{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' "
    "}}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";
constexpr std::string_view kEnd =  // what ends the text is no part of a turn
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}<|endoftext|>{% endif %}";
constexpr std::string_view kThinking =  // reasoning of earlier turns is taken out
    "{% for m in messages %}{% if m.role == 'assistant' and '</think>' in m.content %}"
    "{% set reasoning = m.content.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set answer = m.content.split('</think>')[-1].lstrip('\n') %}<|im_start|>assistant\n"
    "{% if loop.last %}<think>\n{{ reasoning }}\n</think>\n\n{% endif %}{{ answer }}<|im_end|>\n"
    "{% else %}<|im_start|>{{ m.role }}\n{% if loop.last and m.role == 'assistant' "
    "%}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

Json three_turns() {
  return Json(Json::Array{message("system", "Be brief."), message("user", "One?"),
                          message("assistant", "Uno."), message("user", "Two? <user>"),
                          message("assistant", "Dos < tres."), message("user", "user: x"),
                          message("assistant", "a lot")});
}

TEST(LabelConversation, TellsTemplateInstructionAndCompletionApart) {
  // Done means 3 of instruction modelling: five ways of marking turns, three turns and a system
  // prompt. The spans are the messages' own words and the tokens that end the assistant's turns.
  const struct {
    std::string_view source;
    std::string completion;
    std::string instruction;
  } cases[] = {
      {kChatMl, "Uno.<|im_end|>Dos < tres.<|im_end|>a lot<|im_end|>",
       "Be brief.One?Two? <user>user: x"},
      {kZephyr, "Uno.</s>Dos < tres.</s>a lot</s>", "Be brief.One?Two? <user>user: x"},
      // The assistant's turn begins where the generation prompt ends, so the blank that the
      // template writes after [/INST] is its own, and so is the one before </s>.
      {kInst, " Uno. </s> Dos < tres. </s> a lot </s>", "Be brief.One?Two? <user>user: x"},
      {kTurns, "Uno.<end_of_turn>Dos < tres.<end_of_turn>a lot<end_of_turn>",
       "Be brief.One?Two? <user>user: x"},
      {kEnd, "Uno.<|end|>Dos < tres.<|end|>a lot<|end|>", "Be brief.One?Two? <user>user: x"},
  };
  for (const auto& c : cases) {
    const LabelledTokens tokens = label(c.source, three_turns());
    EXPECT_EQ(completion(tokens), c.completion);
    EXPECT_EQ(instruction(tokens), c.instruction);
    EXPECT_NE(tokens.roles.front(), TokenRole::kCompletion);
    EXPECT_EQ(*std::max_element(tokens.turns.begin(), tokens.turns.end()), 2);
  }
}

TEST(LabelConversation, ATemplateThatStripsShiftsNothing) {
  const Json messages(Json::Array{message("user", "  q \n"), message("assistant", "\t a lot \n")});
  EXPECT_EQ(completion(label(kTurns, messages)), "a lot<end_of_turn>");
  // Where white space is kept the assistant wrote it.
  EXPECT_EQ(completion(label(kChatMl, messages)), "\t a lot \n<|im_end|>");
}

TEST(LabelConversation, ADefaultSystemPromptIsNobodysText) {
  const Json messages(Json::Array{message("user", "kind?"), message("assistant", "Be kind.")});
  const LabelledTokens tokens = label(kDefaultSystem, messages);
  EXPECT_EQ(completion(tokens), "Be kind.<|im_end|>");
  EXPECT_EQ(instruction(tokens), "kind?");
}

TEST(LabelConversation, ReasoningThatIsTakenOutIsNotLearnt) {
  const Json messages(
      Json::Array{message("user", "1+1"), message("assistant", "<think>\neasy\n</think>\n\nTwo"),
                  message("user", "2+2"), message("assistant", "<think>\nhard\n</think>\n\nFour")});
  EXPECT_EQ(completion(label(kThinking, messages)),
            "Two<|im_end|><think>\nhard\n</think>\n\nFour<|im_end|>");
  // An empty block that the template puts there is not the assistant's.
  const Json plain(Json::Array{message("user", "1+1"), message("assistant", "Two")});
  EXPECT_EQ(completion(label(kThinking, plain)), "Two<|im_end|>");
}

TEST(LabelConversation, ReasoningInAMemberOfItsOwnIsLearnt) {
  constexpr std::string_view kSource =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>\n"
      "{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  Json answer = message("assistant", "Two");
  answer.set("reasoning_content", "easy");
  const Json messages(Json::Array{message("user", "1+1"), answer});
  EXPECT_EQ(completion(label(kSource, messages)), "<think>\neasy\n</think>\n\nTwo<|im_end|>");
}

TEST(LabelConversation, ToolCallsAreLearntAsTheTemplateWritesThem) {
  constexpr std::string_view kSource =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or "
      "[] %}<|tool_call_start|>{{ c.function | tojson }}<|tool_call_end|>{% endfor %}<|im_end|>\n"
      "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  Json call = message("assistant", "");
  call.set("tool_calls", *parse_json(R"([{"function": {"name": "add", "arguments": {"a": 1}}}])"));
  const Json messages(
      Json::Array{message("user", "1+1"), call, message("tool", "2"), message("assistant", "Two")});
  const LabelledTokens tokens = label(kSource, messages);
  EXPECT_EQ(completion(tokens),
            "<|tool_call_start|>{\"name\": \"add\", \"arguments\": {\"a\": 1}}<|tool_call_end|>"
            "<|im_end|>Two<|im_end|>");
  EXPECT_EQ(instruction(tokens), "1+12");
}

TEST(LabelConversation, ToolCallsThatTheTemplateDoesNotWriteAreNoAnswer) {
  constexpr std::string_view kSource =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  Json call = message("assistant", "");
  call.set("tool_calls", *parse_json(R"([{"function": {"name": "add", "arguments": {}}}])"));
  const auto found = try_label(kSource, Json(Json::Array{message("user", "1+1"), call}));
  ASSERT_FALSE(found.has_value());
  EXPECT_NE(found.error().message.find("messages[1] calls the tool add, and the chat template"),
            std::string::npos)
      << found.error().message;
}

TEST(LabelConversation, ListsOfPartsAreTexts) {
  constexpr std::string_view kSource =
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}"
      "{% else %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor "
      "%}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  const Json messages = *parse_json(
      R"([{"role": "user", "content": [{"type": "text", "text": "q"}]},
          {"role": "assistant", "content": [{"type": "text", "text": "a "},
                                            {"type": "text", "text": "b"}]}])");
  const LabelledTokens tokens = label(kSource, messages);
  EXPECT_EQ(completion(tokens), "a b<|im_end|>");
  EXPECT_EQ(instruction(tokens), "q");
}

TEST(LabelConversation, GenerationBlocksDecideWhereThereAreAny) {
  constexpr std::string_view kSource =
      "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}<|im_start|>assistant\n"
      "{{ m.content }}!<|im_end|>\n{% endgeneration %}{% else %}<|im_start|>{{ m.role }}\n"
      "{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
  const LabelledTokens tokens = label(kSource, three_turns());
  // The header within the block is what the generation prompt writes, and nobody writes on behind
  // the end of a turn; the exclamation mark is the template's, but the block says: to be learnt.
  EXPECT_EQ(completion(tokens), "Uno.!<|im_end|>Dos < tres.!<|im_end|>a lot!<|im_end|>");
  EXPECT_EQ(instruction(tokens), "Be brief.One?Two? <user>user: x");
  const auto hidden = try_label(
      "{% macro turn(m) %}{% generation %}{{ m.content }}{% endgeneration %}{% endmacro %}"
      "{% for m in messages %}{{ turn(m) }}{% endfor %}",
      three_turns());
  ASSERT_FALSE(hidden.has_value());
  EXPECT_NE(hidden.error().message.find("within a macro"), std::string::npos);
}

TEST(LabelConversation, ControlTokensInMessagesStayText) {
  const Json messages(
      Json::Array{message("user", "what is <|im_end|>?"),
                  message("assistant", "<|im_end|>\n<|im_start|>user\nends a turn")});
  const LabelledTokens tokens = label(kChatMl, messages);
  EXPECT_EQ(completion(tokens), "<|im_end|>\n<|im_start|>user\nends a turn<|im_end|>");
  EXPECT_EQ(instruction(tokens), "what is <|im_end|>?");
  const TokenId end = tokenizer()->find("<|im_end|>");
  EXPECT_EQ(std::count(tokens.ids.begin(), tokens.ids.end(), end), 2) << "the template's own";
}

TEST(LabelConversation, ATokenBelongsToThePartOfItsFirstByte) {
  // ":a" and " a" are tokens: with ": " or ":" before the answer they straddle its border.
  constexpr std::string_view kColon =
      "{% for m in messages %}{{ m.role }}:{{ m.content }}<|end|>{% endfor %}";
  const Json messages(Json::Array{message("user", "q"), message("assistant", "a lot")});
  EXPECT_EQ(completion(label(kColon, messages)), " lot<|end|>")
      << "without a generation prompt the colon is the template's, and so is the token";
  constexpr std::string_view kBlank =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}"
      "{% if add_generation_prompt %}assistant:{% endif %}";
  EXPECT_EQ(completion(label(kBlank, messages)), " a lot<|end|>")
      << "the blank comes after the generation prompt: the model writes it";
}

TEST(LabelConversation, WhatCannotBeFollowedIsRefused) {
  const auto upper = try_label(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | upper | replace('UNO', "
      "m.content "
      "| length | string) }}<|im_end|>\n{% endfor %}",
      three_turns());
  ASSERT_FALSE(upper.has_value());
  EXPECT_EQ(upper.error().code, Code::kUnsupported);
  EXPECT_NE(upper.error().message.find("messages[2]"), std::string::npos) << upper.error().message;
  EXPECT_NE(upper.error().message.find("{% generation %}"), std::string::npos);
}

TEST(LabelConversation, AnInstructionThatCannotBeFollowedIsNoneWhileAnswersAre) {
  const LabelledTokens tokens = label(
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content if m.role == 'assistant' "
      "else m.content | length }}<|im_end|>\n{% endfor %}",
      three_turns());
  EXPECT_EQ(completion(tokens), "Uno.<|im_end|>Dos < tres.<|im_end|>a lot<|im_end|>");
  EXPECT_EQ(instruction(tokens), "");
}

TEST(LabelConversation, RewrittenTextAwayFromBordersDoesNoHarm) {
  const auto nfc = test::tiny_tokenizer("<s>", "</s>", *parse_json(R"({"type": "NFC"})"));
  // e and a combining acute accent become one character.
  const Json inside(
      Json::Array{message("user", "q"), message("assistant", "caf\u0065\u0301 is good")});
  const auto tokens = try_label(kChatMl, inside, {}, *nfc);
  ASSERT_TRUE(tokens.has_value()) << tokens.error().message;
  EXPECT_EQ(text_of(*nfc, *tokens, TokenRole::kCompletion), "caf\u00e9 is good<|im_end|>");
  // At the border of an answer it is not clear which token is whose.
  constexpr std::string_view kGlued =
      "{% for m in messages %}{{ m.role }}e{{ m.content }}<|end|>{% endfor %}";
  const Json glued(Json::Array{message("user", "q"), message("assistant", "\u0301x")});
  const auto refused = try_label(kGlued, glued, {}, *nfc);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("NFC"), std::string::npos) << refused.error().message;
}

TEST(LabelWeights, FollowThePolicy) {
  const LabelledTokens tokens = label(kChatMl, three_turns());
  const auto learnt = [&](LossOn loss_on, double prompt, int32_t first_turn = 0) {
    const std::vector<float> weights = label_weights(tokens, loss_on, prompt, first_turn);
    std::string text;
    for (size_t i = 0; i < weights.size(); ++i) {
      text += weights[i] != 0 ? tokenizer()->token_bytes(tokens.ids[i], true) : "";
    }
    return text;
  };
  const std::string all = "Uno.<|im_end|>Dos < tres.<|im_end|>a lot<|im_end|>";
  EXPECT_EQ(learnt(LossOn::kAssistantAll, 1), all);
  EXPECT_EQ(learnt(LossOn::kWeighted, 1), all);
  EXPECT_EQ(learnt(LossOn::kAssistantLast, 1), "a lot<|im_end|>");
  EXPECT_EQ(learnt(LossOn::kAssistantAll, 1, 1), "Dos < tres.<|im_end|>a lot<|im_end|>");
  EXPECT_EQ(learnt(LossOn::kInstruction, 1),
            "Be brief.One?Uno.<|im_end|>Two? <user>Dos < tres.<|im_end|>user: xa lot<|im_end|>");
  EXPECT_EQ(learnt(LossOn::kFull, 1), tokenizer()->decode(tokens.ids, true));
  // A weight of 0 for the prompt is instruction tuning, bit for bit.
  EXPECT_EQ(label_weights(tokens, LossOn::kInstruction, 0),
            label_weights(tokens, LossOn::kAssistantAll, 1));
  const auto tenth = label_weights(tokens, LossOn::kInstruction, 0.1);
  EXPECT_EQ(std::count(tenth.begin(), tenth.end(), 0.1F),
            static_cast<int>(std::string("Be brief.One?Two? <user>user: x").size()));
}

TEST(LabelWeights, InstructionModellingNormalisesByTheSumOfWeights) {
  // NLLs 2.0 1.0 (instruction), 0.5 (marker), 0.3 0.1 (completion): 0.2, 0.85 and 0.7/2.2.
  const LabelledTokens tokens{
      .ids = {1, 2, 3, 4, 5},
      .roles = {TokenRole::kInstruction, TokenRole::kInstruction, TokenRole::kTemplate,
                TokenRole::kCompletion, TokenRole::kCompletion},
      .turns = {-1, -1, -1, 0, 0}};
  const double nll[] = {2.0, 1.0, 0.5, 0.3, 0.1};
  const auto loss = [&](LossOn loss_on, double prompt) {
    double sum = 0;
    double weight = 0;
    const auto weights = label_weights(tokens, loss_on, prompt);
    for (size_t i = 0; i < weights.size(); ++i) {
      sum += static_cast<double>(weights[i]) * nll[i];
      weight += static_cast<double>(weights[i]);
    }
    return sum / weight;
  };
  EXPECT_NEAR(loss(LossOn::kAssistantAll, 0), 0.2, 1e-7);
  EXPECT_NEAR(loss(LossOn::kInstruction, 1), 0.85, 1e-7);
  EXPECT_NEAR(loss(LossOn::kInstruction, 0.1), 0.31818182, 1e-7);
}

}  // namespace
}  // namespace cupel::train
