// One answer at a time through LocalModel on tiny models: what it says, what ends it, what is
// streamed, what is refused.
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/text.h"
#include "decode/decode_support.h"

namespace cupel::decode::test {
namespace {

using cupel::test::kTinyTurnEnd;
using cupel::test::tiny_links;
using cupel::test::tiny_vocabulary_size;

// A model that says `text` after "?" and then ends its turn; all bytes of the text differ.
TinyModelOptions saying(std::string_view text) {
  TinyModelOptions options;
  options.block_scale = 0;
  options.links = tiny_links('?', text);
  return options;
}

ChatRequest ask(std::vector<std::string> stop = {}, int64_t max_tokens = 100) {
  ChatRequest request = raw_request("so?", max_tokens);
  request.sampling.stop = std::move(stop);
  return request;
}

// Runs one call and checks what holds for every stream: pieces are whole characters, none is empty,
// and together they are the text.
ChatResponse stream(LocalModel& model, const ChatRequest& request, size_t* pieces = nullptr) {
  Calls calls(model);
  calls.submit(request);
  const Recorded& record = calls.wait(0);
  const ChatResponse& response = record.response();
  EXPECT_EQ(record.streamed(), response.text);
  for (const std::string& delta : record.deltas) {
    EXPECT_FALSE(delta.empty());
    EXPECT_TRUE(is_valid_utf8(delta)) << printable(delta);
  }
  if (pieces != nullptr) {
    *pieces = record.deltas.size();
  }
  return response;
}

TEST(Generate, SaysTheLikeliestTokensUntilItsTurnEnds) {
  const TinyModel model(saying("wel, HI!"));
  const auto local = open_tiny(model);
  size_t pieces = 0;
  const ChatResponse answer = stream(*local, ask(), &pieces);
  EXPECT_EQ(answer.text, "wel, HI!");
  EXPECT_EQ(answer.finish_reason, FinishReason::kStop);
  EXPECT_EQ(answer.ids, (std::vector<TokenId>{'w', 'e', 'l', ',', ' ', 'H', 'I', '!'}));
  EXPECT_EQ(answer.usage.prompt_tokens, 4);  // <|begin|> s o ?
  EXPECT_EQ(answer.usage.completion_tokens, 8);
  EXPECT_EQ(answer.logprobs.size(), 8U);
  EXPECT_GT(pieces, 5U);  // streamed while it was said
  for (const float logprob : answer.logprobs) {
    EXPECT_LT(logprob, 0);
    EXPECT_GT(logprob, -0.1F);
  }
}

TEST(Generate, LogProbsComeOnlyWhenAsked) {
  const TinyModel model(saying("abc"));
  ChatRequest request = ask();
  request.logprobs = false;
  const ChatResponse answer = complete_one(*open_tiny(model), request);
  EXPECT_EQ(answer.text, "abc");
  EXPECT_TRUE(answer.logprobs.empty());
}

TEST(Generate, MaxTokensCutsTheAnswer) {
  const TinyModel model(saying("abcdefgh"));
  const auto local = open_tiny(model);
  const ChatResponse cut = stream(*local, ask({}, 3));
  EXPECT_EQ(cut.text, "abc");
  EXPECT_EQ(cut.finish_reason, FinishReason::kLength);
  EXPECT_EQ(cut.usage.completion_tokens, 3);
  // The last token that is allowed is the last of the text: the turn's end was not seen.
  EXPECT_EQ(stream(*local, ask({}, 8)).finish_reason, FinishReason::kLength);
  EXPECT_EQ(stream(*local, ask({}, 9)).finish_reason, FinishReason::kStop);
  EXPECT_EQ(stream(*local, ask({}, std::numeric_limits<int64_t>::max())).text, "abcdefgh");
}

TEST(Generate, StopStringIsFoundAcrossTokensAndNeverShown) {
  const TinyModel model(saying("abcdefgh"));
  const auto local = open_tiny(model);
  const ChatResponse answer = stream(*local, ask({"def"}));
  EXPECT_EQ(answer.text, "abc");
  EXPECT_EQ(answer.finish_reason, FinishReason::kStop);
  EXPECT_EQ(answer.usage.completion_tokens, 6);  // what was computed
  EXPECT_EQ(stream(*local, ask({"abc"})).text, "");
  EXPECT_EQ(stream(*local, ask({"h"})).text, "abcdefg");
  EXPECT_EQ(stream(*local, ask({"xyz"})).text, "abcdefgh");
}

TEST(Generate, FirstOfSeveralStopStringsEndsIt) {
  const TinyModel model(saying("abcdefgh"));
  const auto local = open_tiny(model);
  EXPECT_EQ(stream(*local, ask({"gh", "cd", "ef"})).text, "ab");
  EXPECT_EQ(stream(*local, ask({"defx", "gh"})).text, "abcdef");
  EXPECT_EQ(stream(*local, ask({"efgh", "fg"})).text, "abcde");  // complete before the other is
}

// What fills a gap ends where another file would begin (GenerateJob::ends).
TEST(Generate, TokensOfTheJobEndTheAnswerAndAreNotShown) {
  const TinyModel model(saying(" abcd"));
  const auto local = open_tiny(model);
  const auto file = engine::Checkpoint::open(model.path());
  ASSERT_TRUE(file.has_value());
  const auto transformer = engine::Transformer::load(*file, {.threads = 1});
  ASSERT_TRUE(transformer.has_value());
  Generator generator(**transformer, local->tokenizer(), {.source = "tiny"});
  std::vector<ChatResponse> answers;
  for (const std::vector<TokenId>& ends :
       {std::vector<TokenId>{}, {local->tokenizer().find("c")}}) {
    generator.submit({.prompt = *local->prompt_ids(ask()),
                      .sampling = ask().sampling,
                      .ends = ends,
                      .cancelled = [] { return false; },
                      .on_text = {},
                      .on_done =
                          [&](Result<ChatResponse> response) {
                            answers.push_back(std::move(response).value());
                          }});
    while (!generator.idle()) {
      generator.step();
    }
  }
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].text, " abcd");
  EXPECT_EQ(answers[1].text, " ab");
  EXPECT_EQ(answers[1].finish_reason, FinishReason::kStop);
}

TEST(Generate, ASuffixNeedsAVocabularyThatFillsGaps) {
  const TinyModel model(saying(" a"));
  const auto local = open_tiny(model);
  ChatRequest request = ask();
  request.raw_suffix = "b";
  Calls calls(*local);
  calls.submit(request);
  const Recorded& record = calls.wait(0);
  ASSERT_EQ(record.done.size(), 1U);
  ASSERT_FALSE(record.done.front().has_value());
  EXPECT_EQ(record.done.front().error().code, Code::kFailedPrecondition);
  EXPECT_NE(record.done.front().error().message.find("<fim_prefix>"), std::string::npos);
}

TEST(Generate, UnfinishedStopStringIsShownAtTheEnd) {
  const TinyModel model(saying("abcdefgh"));
  const auto local = open_tiny(model);
  EXPECT_EQ(stream(*local, ask({"ghi"})).text, "abcdefgh");
  const ChatResponse cut = stream(*local, ask({"efgh"}, 7));
  EXPECT_EQ(cut.text, "abcdefg");
  EXPECT_EQ(cut.finish_reason, FinishReason::kLength);
  EXPECT_EQ(stream(*local, ask({"fgh"}, 8)).finish_reason, FinishReason::kStop);
}

// The token that completes the stop string also begins a character: nothing of it belongs to the
// text.
TEST(Generate, HalfACharacterAfterTheStopStringIsDropped) {
  TinyModelOptions options;
  options.block_scale = 0;
  options.extra_tokens = {"c\xC3"};
  const TokenId half = tiny_vocabulary_size();
  options.links = {{'?', 'a'}, {'a', 'b'}, {'b', half}};
  const TinyModel model(options);
  const auto local = open_tiny(model);
  EXPECT_EQ(stream(*local, ask({"bc"})).text, "a");
  // Without the stop string the half stands for itself when the answer ends there.
  EXPECT_EQ(stream(*local, ask({}, 3)).text, "abc\xEF\xBF\xBD");
}

TEST(Generate, CharactersOfSeveralTokensAreStreamedWhole) {
  const std::string text = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80!";  // é € 😀, byte by byte
  const TinyModel model(saying(text));
  const auto local = open_tiny(model);
  size_t pieces = 0;
  const ChatResponse answer = stream(*local, ask(), &pieces);
  EXPECT_EQ(answer.text, text);
  EXPECT_EQ(pieces, 4U);
  // Cut inside the last character: what stays unfinished is replaced.
  const ChatResponse cut = stream(*local, ask({}, 7));
  EXPECT_EQ(cut.text, "\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(stream(*local, ask({"\xF0\x9F\x98\x80"})).text, "\xC3\xA9\xE2\x82\xAC");
}

// Noise of all bytes: most of it is no UTF-8.
TEST(Generate, NoiseIsStreamedInWholeCharacters) {
  TinyModelOptions options;
  options.bias = {{cupel::test::kTinyEos, -60}, {kTinyTurnEnd, -60}};
  const TinyModel model(options);
  const auto local = open_tiny(model);
  std::set<std::string> texts;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ChatRequest request = raw_request("noise", 60, 2.0);
    request.sampling.seed = seed;
    const ChatResponse answer = stream(*local, request);
    EXPECT_EQ(answer.ids.size(), 60U);
    EXPECT_TRUE(is_valid_utf8(answer.text));
    EXPECT_EQ(answer.text, to_valid_utf8(local->tokenizer().decode(answer.ids)));
    texts.insert(answer.text);
  }
  EXPECT_EQ(texts.size(), 20U);
}

TEST(Generate, SeedAndSampleIndexDecideTheText) {
  const TinyModel model;
  const auto local = open_tiny(model);
  ChatRequest request = raw_request("once", 24, 1.0);
  const ChatResponse first = complete_one(*local, request);
  expect_same(complete_one(*local, request), first, "same seed");
  expect_same(complete_one(*open_tiny(model), request), first, "same seed, opened again");
  request.sampling.seed = 8;
  EXPECT_NE(complete_one(*local, request).ids, first.ids);
  request.sampling.seed = 7;
  request.sample_index = 1;
  EXPECT_NE(complete_one(*local, request).ids, first.ids);
  request.sampling.temperature = 0;  // greedy: neither matters
  const ChatResponse greedy = complete_one(*local, request);
  request.sample_index = 0;
  request.sampling.seed = 9;
  expect_same(complete_one(*local, request), greedy, "greedy");
}

// The sampling contract by hand: logits of the engine, one draw after another, each a function of
// seed, sample index and position; prompt and answer count as seen.
TEST(Generate, EqualsOneDrawAfterAnother) {
  const TinyModel model(capital_options());
  const auto local = open_tiny(model);
  ChatRequest request = raw_request("AB", 40, 1.1);  // most of what follows is new
  request.sample_index = 3;
  request.sampling.repetition_penalty = 1.4;
  request.sampling.top_k = 40;
  request.sampling.top_p = 0.95;
  const ChatResponse answer = complete_one(*local, request);
  ASSERT_EQ(answer.ids.size(), 40U);

  const auto file = engine::Checkpoint::open(model.path());
  ASSERT_TRUE(file.has_value());
  const auto transformer = engine::Transformer::load(*file, {.threads = 1});
  ASSERT_TRUE(transformer.has_value());
  engine::SequenceState sequence = (*transformer)->new_sequence();
  std::vector<TokenId> ids = *local->prompt_ids(request);
  Sampler sampler;
  for (uint64_t position = 0; position < 40; ++position) {
    std::vector<engine::StepRow> rows;
    for (auto i = static_cast<size_t>(sequence.length()); i < ids.size(); ++i) {
      rows.push_back({.sequence = &sequence, .token = ids[i], .logits = i + 1 == ids.size()});
    }
    Draw draw;
    const auto visit = [&](size_t, std::span<float> logits) {
      draw = sampler.draw((*transformer)->operators(), logits,
                          {.options = &request.sampling, .seen = ids},
                          {.seed = request.sampling.seed, .stream = 3, .position = position});
    };
    ASSERT_TRUE((*transformer)->step(rows, visit).has_value());
    ASSERT_EQ(draw.id, answer.ids[position]) << position;
    EXPECT_EQ(draw.logprob, answer.logprobs[position]) << position;
    ids.push_back(draw.id);
  }
}

TEST(Generate, SamplesFollowTheModelsDistribution) {
  // "?" is followed by four tokens, nearly alike in probability.
  TinyModelOptions options;
  options.block_scale = 0;
  for (const TokenId to : {'a', 'b', 'c', 'd'}) {
    options.links.push_back({.from = '?', .to = to, .gain = 25});
  }
  const TinyModel model(options);
  const auto local = open_tiny(model);
  const auto scores =
      local->score({.messages = {}, .raw_prompt = "so?", .completions = {"a", "b", "c", "d"}});
  ASSERT_TRUE(scores.has_value()) << scores.error().message;
  constexpr int kSamples = 1500;
  std::vector<ChatRequest> requests;
  for (int i = 0; i < kSamples; ++i) {
    requests.push_back(raw_request("so?", 1, 1.0));
    requests.back().sample_index = i;
  }
  std::map<std::string, int> counts;
  for (const ChatResponse& response : complete_all(*local, requests)) {
    ++counts[response.text];
  }
  double statistic = 0;
  double rest = kSamples;
  double rest_probability = 1;
  int rest_count = kSamples;
  for (size_t i = 0; i < 4; ++i) {
    const double probability = std::exp((*scores)[i].sum);
    EXPECT_GT(probability, 0.001);
    const int count = counts[std::string(1, static_cast<char>('a' + i))];
    statistic += std::pow(count - probability * kSamples, 2) / (probability * kSamples);
    rest_count -= count;
    rest_probability -= probability;
  }
  rest = std::max(rest_probability * kSamples, 1.0);
  statistic += std::pow(rest_count - rest_probability * kSamples, 2) / rest;
  EXPECT_LT(statistic, 23.51);  // chi-square, 4 degrees of freedom, p = 1e-4 (table)
}

TEST(Generate, ContextLimitEndsTheAnswer) {
  TinyModelOptions model_options = capital_options();
  model_options.context_length = 80;
  const TinyModel model(model_options);
  const auto local = open_tiny(model);
  EXPECT_EQ(local->capabilities().context_length, 80);
  ChatRequest request = raw_request(capital_text(1, 70), 1000);  // 71 tokens with <|begin|>
  const ChatResponse answer = stream(*local, request);
  EXPECT_EQ(answer.finish_reason, FinishReason::kLength);
  EXPECT_EQ(answer.usage.completion_tokens, 9);
  request.raw_prompt = capital_text(1, 78);  // room for one token
  EXPECT_EQ(stream(*local, request).usage.completion_tokens, 1);

  LocalModelOptions shorter;
  shorter.context_length = 75;
  request.raw_prompt = capital_text(1, 70);
  const auto narrow = open_tiny(model, shorter);
  const ChatResponse cut = stream(*narrow, request);
  EXPECT_EQ(cut.usage.completion_tokens, 4);
  EXPECT_TRUE(answer.text.starts_with(cut.text));
  shorter.context_length = 1000;  // more than the model has
  EXPECT_EQ(open_tiny(model, shorter)->capabilities().context_length, 80);
}

TEST(Generate, PromptThatFillsTheContextIsRefused) {
  TinyModelOptions model_options;
  model_options.context_length = 80;
  const TinyModel model(model_options);
  const auto local = open_tiny(model);
  for (const size_t bytes : {79U, 80U, 500U}) {
    const auto refused = complete(*local, raw_request(capital_text(1, bytes), 1));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
    EXPECT_NE(refused.error().message.find(std::to_string(bytes + 1)), std::string::npos);
    EXPECT_NE(refused.error().message.find("80"), std::string::npos);
  }
  EXPECT_TRUE(complete(*local, raw_request("ok", 1)).has_value());
}

TEST(Generate, RequestsThatMakeNoSenseAreRefused) {
  TinyModelOptions options;
  options.add_bos = false;
  const TinyModel model(options);
  const auto local = open_tiny(model);
  const auto code_of = [&](const ChatRequest& request) {
    const auto response = complete(*local, request);
    EXPECT_FALSE(response.has_value());
    return response ? Code::kInternal : response.error().code;
  };
  EXPECT_EQ(code_of(raw_request("", 5)), Code::kInvalidArgument);  // nothing to continue
  EXPECT_EQ(code_of(raw_request("a", 0)), Code::kInvalidArgument);
  EXPECT_EQ(code_of(raw_request("a", 5, -1)), Code::kInvalidArgument);
  EXPECT_EQ(code_of(ask({""})), Code::kInvalidArgument);
  ChatRequest chat;
  chat.messages = {text_message("user", "hi")};
  EXPECT_EQ(code_of(chat), Code::kFailedPrecondition);  // no template
}

TEST(Generate, MessagesGoThroughTheTemplateWithoutASecondBos) {
  TinyModelOptions options;
  options.chat_template = std::string(cupel::test::kTinyTemplate);
  const TinyModel model(options);
  const auto local = open_tiny(model);
  EXPECT_TRUE(local->capabilities().chat);
  ChatRequest chat;
  chat.messages = {text_message("user", "hi")};
  const auto ids = local->prompt_ids(chat);
  ASSERT_TRUE(ids.has_value()) << ids.error().message;
  EXPECT_EQ(ids->front(), cupel::test::kTinyTurnStart);
  EXPECT_EQ(local->tokenizer().decode(*ids, true),
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(*local->count_prompt_tokens(chat), static_cast<int64_t>(ids->size()));
  chat.sampling.max_tokens = 4;
  EXPECT_TRUE(complete(*local, chat).has_value());
}

// Weights that are no numbers: one clear line instead of an answer, for every way of sampling.
TEST(Generate, BrokenWeightsAreAnErrorThatNamesTheFile) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    TinyModelOptions options;
    options.poison = {.tensor = "blk.0.ffn_up.weight", .value = value};
    const TinyModel model(options);
    const auto local = open_tiny(model);
    for (const double temperature : {0.0, 1.0}) {
      ChatRequest request = raw_request("hello", 5, temperature);
      request.sampling.top_p = temperature > 0 ? 0.9 : 1;
      request.sampling.min_p = temperature > 0 ? 0.05 : 0;
      const auto response = complete(*local, request);
      ASSERT_FALSE(response.has_value());
      EXPECT_EQ(response.error().code, Code::kCorruptData);
      EXPECT_NE(response.error().message.find(model.path()), std::string::npos)
          << response.error().message;
    }
    const auto scores =
        local->score({.messages = {}, .raw_prompt = "hello", .completions = {"ab"}});
    ASSERT_FALSE(scores.has_value());
    EXPECT_EQ(scores.error().code, Code::kCorruptData);
  }
}

}  // namespace
}  // namespace cupel::decode::test
