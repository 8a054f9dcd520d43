#include "curate/pair_builder.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "rank/score_statistics.h"

namespace cupel::curate {
namespace {

constexpr const char* kModel = "model";

Json answer_messages(const SampledAnswer& answer) {
  return conversation_to_json({text_message("assistant", answer.text)});
}

Json pair_row(const AnsweredPrompt& answered, const AnswerPair& pair, size_t number) {
  const SampledAnswer& chosen = answered.answers[pair.chosen];
  const SampledAnswer& rejected = answered.answers[pair.rejected];
  return Json::object()
      .set("id", format("{}#{}", answered.prompt->id, number))
      .set("prompt", conversation_to_json(answered.prompt->messages))
      .set("chosen", answer_messages(chosen))
      .set("rejected", answer_messages(rejected))
      .set("score_chosen", chosen.grade.score())
      .set("score_rejected", rejected.grade.score());
}

/// Counts and means over all prompts.
class Tally {
 public:
  Result<Ok> add(const AnsweredPrompt& answered, const std::vector<AnswerPair>& pairs) {
    ++out_.prompts;
    Counts counts;
    for (size_t i = 0; i < answered.answers.size(); ++i) {
      const SampledAnswer& answer = answered.answers[i];
      if (!answer.error.empty()) {
        ++out_.errors;
        continue;
      }
      ++counts.there;
      out_.cut_short += answer.whole ? 0 : 1;
      counts.passed += answer.grade.passes() ? 1 : 0;
      if (usable(answer)) {
        ++(answer.grade.passes() ? counts.usable_passed : counts.usable_failed);
      }
      tokens_ += answer.tokens;
      CUPEL_TRY_VOID(scores_.add(kModel, answered.prompt->id, static_cast<int64_t>(i),
                                 answer.grade.passes() ? 1 : 0));
    }
    out_.answers += counts.there;
    out_.passed += counts.passed;
    count_pairs(answered, pairs);
    if (pairs.empty()) {
      ++reason(counts);
    }
    return Ok{};
  }

  Result<PairSummary> result() {
    const auto mean = [](int64_t sum, int64_t count) {
      return count == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(count);
    };
    out_.pass_rate = mean(out_.passed, out_.answers);
    out_.mean_tokens = mean(tokens_, out_.answers);
    out_.chosen_tokens = mean(chosen_tokens_, out_.pairs);
    out_.rejected_tokens = mean(rejected_tokens_, out_.pairs);
    if (out_.answers > 0) {
      CUPEL_TRY(const auto rows, rank::score_leaderboard(scores_));
      out_.interval = rows.front().interval;
    }
    return out_;
  }

 private:
  /// Of one prompt's answers.
  struct Counts {
    int64_t there = 0;
    int64_t passed = 0;
    int64_t usable_passed = 0;
    int64_t usable_failed = 0;
  };

  /// Why a prompt gave no pair.
  int64_t& reason(const Counts& counts) {
    if (counts.there == 0) {
      return out_.no_answer;
    }
    if (counts.passed == 0 || counts.passed == counts.there) {
      return counts.passed == 0 ? out_.none_passes : out_.all_pass;
    }
    const bool both = counts.usable_passed > 0 && counts.usable_failed > 0;
    return both ? out_.no_match : out_.too_few_whole;
  }

  void count_pairs(const AnsweredPrompt& answered, const std::vector<AnswerPair>& pairs) {
    out_.pairs += std::ssize(pairs);
    out_.paired_prompts += pairs.empty() ? 0 : 1;
    for (const AnswerPair& pair : pairs) {
      chosen_tokens_ += answered.answers[pair.chosen].tokens;
      rejected_tokens_ += answered.answers[pair.rejected].tokens;
    }
  }

  PairSummary out_;
  rank::ScoreTable scores_;
  int64_t tokens_ = 0;
  int64_t chosen_tokens_ = 0;
  int64_t rejected_tokens_ = 0;
};

}  // namespace

Result<BuiltPairs> build_pairs(const std::vector<AnsweredPrompt>& answered,
                               const PairOptions& options) {
  CUPEL_TRY_VOID(check_pair_options(options));
  BuiltPairs out;
  Tally tally;
  for (const AnsweredPrompt& each : answered) {
    const std::vector<AnswerPair> pairs = choose_pairs(each.answers, options);
    for (size_t i = 0; i < pairs.size(); ++i) {
      out.rows.push_back(pair_row(each, pairs[i], i + 1));
    }
    CUPEL_TRY_VOID(tally.add(each, pairs));
  }
  CUPEL_TRY(out.summary, tally.result());
  return out;
}

Json answers_to_json(const AnsweredPrompt& answered) {
  Json responses = Json::array();
  for (const SampledAnswer& answer : answered.answers) {
    if (answer.error.empty() && !answer.text.empty()) {
      responses.push_back(Json::object()
                              .set("content", answer.text)
                              .set("score", answer.grade.score())
                              .set("passed", answer.grade.passes())
                              .set("tokens", answer.tokens)
                              .set("whole", answer.whole));
    }
  }
  return Json::object()
      .set("id", answered.prompt->id)
      .set("prompt", conversation_to_json(answered.prompt->messages))
      .set("responses", std::move(responses));
}

Json summary_to_json(const PairSummary& s) {
  Json json = Json::object()
                  .set("prompts", s.prompts)
                  .set("answers", s.answers)
                  .set("errors", s.errors)
                  .set("cut_short", s.cut_short)
                  .set("passed", s.passed)
                  .set("pass_rate", s.pass_rate);
  if (s.interval) {
    json.set("interval", Json::array().push_back(s.interval->low).push_back(s.interval->high));
  }
  return json.set("mean_tokens", s.mean_tokens)
      .set("pairs", s.pairs)
      .set("prompts_with_pairs", s.paired_prompts)
      .set("prompts_all_pass", s.all_pass)
      .set("prompts_none_passes", s.none_passes)
      .set("prompts_no_answer", s.no_answer)
      .set("prompts_too_few_whole", s.too_few_whole)
      .set("prompts_no_like_length", s.no_match)
      .set("chosen_tokens", s.chosen_tokens)
      .set("rejected_tokens", s.rejected_tokens);
}

}  // namespace cupel::curate
