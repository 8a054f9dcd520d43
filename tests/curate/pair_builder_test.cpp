#include "curate/pair_builder.h"

#include <cstdio>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::curate {
namespace {

using test::ScriptedChatModel;
using testing::HasSubstr;

/// Even samples answer "yes please", odd ones "yes"; every answer has as many tokens as words.
Result<ChatResponse> alternate(const ChatRequest& request) {
  ChatResponse response;
  const bool polite = request.sample_index % 2 == 0;
  response.text = polite ? " yes please\n" : "yes";
  response.usage.completion_tokens = polite ? 2 : 1;
  return response;
}

RulePrompt prompt_of(const std::string& id) {
  const Json rule =
      Json::object().set("kind", "contains").set("any", Json::array().push_back("please"));
  return {.id = id,
          .group = id,
          .messages = {text_message("user", "Ask " + id)},
          .rule = std::make_shared<const Rule>(*Rule::parse(rule)),
          .key = id + std::string(32 - id.size(), 'f')};
}

std::vector<RulePrompt> prompts(int count) {
  std::vector<RulePrompt> out;
  for (int i = 0; i < count; ++i) {
    out.push_back(prompt_of(std::to_string(i)));
  }
  return out;
}

class PairBuilder : public testing::Test {
 protected:
  PairFolder open(const SamplerOf& sampler = {.model = "m", .fingerprint = "f", .sampling = {}}) {
    auto folder = PairFolder::open(files_.file("out"), sampler);
    EXPECT_TRUE(folder.has_value()) << folder.error().message;
    return std::move(*folder);
  }
  test::TemporaryFolder files_;
};

TEST_F(PairBuilder, SamplesGradesAndPairs) {
  ScriptedChatModel model(alternate);
  const auto asked = prompts(8);
  PairFolder folder = open();
  const auto answered = sample_answers(model, asked, folder, {.samples = 4});
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  EXPECT_EQ((*answered)[0].answers[0].text, "yes please");
  const auto built = build_pairs(*answered, {.most = 2, .length_ratio = 2});
  ASSERT_TRUE(built.has_value()) << built.error().message;
  ASSERT_EQ(built->rows.size(), 8U);  // each prompt has two texts only
  EXPECT_EQ(dump_json(built->rows[0]),
            R"({"id":"0#1","prompt":[{"role":"user","content":"Ask 0"}],)"
            R"("chosen":[{"role":"assistant","content":"yes please"}],)"
            R"("rejected":[{"role":"assistant","content":"yes"}],)"
            R"("score_chosen":1.0,"score_rejected":0.0})");
  const PairSummary& s = built->summary;
  EXPECT_EQ(s.prompts, 8);
  EXPECT_EQ(s.answers, 32);
  EXPECT_EQ(s.passed, 16);
  EXPECT_EQ(s.pass_rate, 0.5);
  EXPECT_EQ(s.mean_tokens, 1.5);
  EXPECT_EQ(s.chosen_tokens, 2);
  EXPECT_EQ(s.rejected_tokens, 1);
  ASSERT_TRUE(s.interval.has_value());
  EXPECT_EQ(s.interval->low, 0.5);  // every prompt passes half: prompts do not differ
  const auto none = build_pairs(*answered, {.most = 2, .length_ratio = 1.5});
  EXPECT_TRUE(none->rows.empty());
  EXPECT_EQ(none->summary.no_match, 8);
}

TEST_F(PairBuilder, DrawsDifferAndStayTheSameWhenPromptsAreAdded) {
  std::map<std::string, uint64_t> seeds;
  const auto remember = [&seeds](const ChatRequest& request) {
    seeds[request.messages[0].text() + "/" + std::to_string(request.sample_index)] =
        request.sampling.seed;
    return alternate(request);
  };
  ScriptedChatModel model(remember);
  PairFolder folder = open();
  const auto few = prompts(2);
  ASSERT_TRUE(sample_answers(model, few, folder, {.samples = 3}).has_value());
  const auto first = seeds;
  std::set<uint64_t> distinct;
  for (const auto& [what, seed] : first) {
    distinct.insert(seed);
  }
  EXPECT_EQ(distinct.size(), 6U);
  const auto more = prompts(3);
  ASSERT_TRUE(sample_answers(model, more, folder, {.samples = 4}).has_value());
  EXPECT_EQ(model.calls(), 12);  // what was there was not asked again
  for (const auto& [what, seed] : first) {
    EXPECT_EQ(seeds[what], seed) << what;
  }
}

TEST_F(PairBuilder, GoesOnWhereAFailureStoppedIt) {
  int64_t left = 5;
  const auto breaks = [&left](const ChatRequest& request) -> Result<ChatResponse> {
    if (left-- <= 0) {
      return unavailable("the endpoint is down");
    }
    return alternate(request);
  };
  ScriptedChatModel broken(breaks);
  const auto asked = prompts(4);
  {
    PairFolder folder = open();
    const auto failed = sample_answers(broken, asked, folder, {.samples = 4});
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, Code::kUnavailable);
  }
  ScriptedChatModel whole(alternate);
  PairFolder folder = open();
  const auto answered = sample_answers(whole, asked, folder, {.samples = 4});
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  EXPECT_EQ(whole.calls(), 11);
}

TEST_F(PairBuilder, AnAnswerThatCannotBeHadIsCounted) {
  const auto too_long = [](const ChatRequest& request) -> Result<ChatResponse> {
    if (request.messages[0].text() == "Ask 1") {
      return invalid_argument("the prompt is longer than the context");
    }
    return alternate(request);
  };
  ScriptedChatModel model(too_long);
  const auto asked = prompts(2);
  PairFolder folder = open();
  const auto answered = sample_answers(model, asked, folder, {.samples = 2});
  ASSERT_TRUE(answered.has_value()) << answered.error().message;
  const auto built = build_pairs(*answered, {.most = 1, .length_ratio = 2});
  EXPECT_EQ(built->summary.errors, 2);
  EXPECT_EQ(built->summary.answers, 2);
  EXPECT_EQ(built->rows.size(), 1U);
  EXPECT_EQ(answers_to_json((*answered)[1]).find("responses")->size(), 0U);
}

SampledAnswer sampled(const std::string& text, bool passes, bool whole) {
  return {.text = text, .tokens = 5, .whole = whole, .grade = {.held = passes ? 1 : 0, .items = 1}};
}

// Each prompt without a pair is counted under one reason.
TEST_F(PairBuilder, PromptsWithoutAPairSayWhy) {
  const auto asked = prompts(6);
  SampledAnswer longer = sampled("e", false, true);
  longer.tokens = 50;
  const std::vector<AnsweredPrompt> answered = {
      {.prompt = &asked[0], .answers = {{.error = "too long"}}},
      {.prompt = &asked[1], .answers = {sampled("a", true, true), sampled("b", false, false)}},
      {.prompt = &asked[2], .answers = {sampled("a", true, true), sampled("", false, true)}},
      {.prompt = &asked[3], .answers = {sampled("a", true, true), longer}},
      {.prompt = &asked[4], .answers = {sampled("a", true, true)}},
      {.prompt = &asked[5], .answers = {sampled("a", false, true)}}};
  const auto built = build_pairs(answered, {});
  ASSERT_TRUE(built.has_value()) << built.error().message;
  EXPECT_EQ(built->summary.no_answer, 1);
  EXPECT_EQ(built->summary.too_few_whole, 2);
  EXPECT_EQ(built->summary.no_match, 1);
  EXPECT_EQ(built->summary.all_pass, 1);
  EXPECT_EQ(built->summary.none_passes, 1);
  EXPECT_EQ(built->summary.pairs, 0);
}

TEST_F(PairBuilder, AFolderInUseIsLeftAlone) {
  const PairFolder first = open();
  const std::string manifest = *read_file(files_.file("out/manifest.json"));
  ASSERT_EQ(std::remove(files_.file("out/manifest.json").c_str()), 0);
  const auto second = PairFolder::open(files_.file("out"), {.model = "n", .fingerprint = "g"});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_FALSE(*path_exists(files_.file("out/manifest.json")));
  EXPECT_FALSE(manifest.empty());
}

TEST_F(PairBuilder, AnswersWithoutAManifestAreNobodys) {
  {
    PairFolder folder = open();  // a kill between journal and manifest leaves an empty journal
    ASSERT_EQ(std::remove(files_.file("out/manifest.json").c_str()), 0);
  }
  {
    PairFolder folder = open();
    ASSERT_TRUE(*path_exists(files_.file("out/manifest.json")));
    ASSERT_TRUE(folder.journal().append("k", Json::object()).has_value());
    ASSERT_EQ(std::remove(files_.file("out/manifest.json").c_str()), 0);
  }
  const auto folder = PairFolder::open(files_.file("out"), {.model = "m", .fingerprint = "f"});
  ASSERT_FALSE(folder.has_value());
  EXPECT_THAT(folder.error().message, HasSubstr("holds answers but no manifest.json"));
}

TEST_F(PairBuilder, AFolderKeepsItsModelAndSampling) {
  open();
  const auto refused = [&](const SamplerOf& sampler) {
    const auto folder = PairFolder::open(files_.file("out"), sampler);
    EXPECT_FALSE(folder.has_value());
    EXPECT_EQ(folder.error().code, Code::kFailedPrecondition);
    return folder.error().message;
  };
  EXPECT_THAT(refused({.model = "n", .fingerprint = "g", .sampling = {}}),
              HasSubstr("another model"));
  EXPECT_THAT(
      refused({.model = "m", .fingerprint = "f", .sampling = {.temperature = 2, .seed = 7}}),
      HasSubstr("sampled with temperature 0.0, not 2.0; seed 0, not 7; use another --out"));
  ASSERT_TRUE(make_directories(files_.file("other")).has_value());
  ASSERT_TRUE(write_file_atomic(files_.file("other/notes.txt"), "x").has_value());
  const auto other = PairFolder::open(files_.file("other"), {.model = "m", .fingerprint = "f"});
  ASSERT_FALSE(other.has_value());
  EXPECT_THAT(other.error().message, HasSubstr("holds no pairs"));
}

}  // namespace
}  // namespace cupel::curate
