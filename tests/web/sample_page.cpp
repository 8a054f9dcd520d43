#include "web/sample_page.h"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/rng.h"
#include "web/xss_corpus.h"

namespace cupel::test {
namespace {

using report::AnswerView;
using report::DecidedBy;
using report::Decisions;
using report::EvaluationPage;
using report::ItemResult;
using report::LeaderboardRow;
using report::QuestionView;
using report::TurnView;
using report::Verdict;

constexpr std::array<const char*, 8> kCategories = {
    "writing", "roleplay", "extraction", "reasoning", "math", "coding", "stem", "humanities"};
constexpr std::array<const char*, 6> kChecks = {"Does the answer name exactly three harbours?",
                                                "Is every harbour on the same coast?",
                                                "Is the answer at most 80 words long?",
                                                "Does it say why the second harbour matters most?",
                                                "Is the tone friendly without being chatty?",
                                                "Does it end with a question to the reader?"};

struct Contender {
  const char* name;
  const char* description;
  double strength;  // chance that an item holds
  bool control;
};
constexpr std::array<Contender, 4> kContenders = {
    Contender{"smollm2-135m", "SmolLM2-135M-Instruct, Q4_1, as shipped", 0.66, false},
    Contender{"smollm2-135m-q4_0", "the same weights, re-quantised to Q4_0", 0.61, false},
    Contender{"smollm2-135m-noisy", "the same weights, noise on six blocks, seed 7", 0.38, false},
    Contender{"null", "one constant answer to everything", 0.12, true}};

std::string sample_answer(const Contender& contender, Rng& rng) {
  if (contender.control) {
    return "I am happy to help. The answer depends on the details of your question.";
  }
  static constexpr std::array<const char*, 6> kSentences = {
      "The first harbour lies under the cliffs and is sheltered from the west wind. ",
      "Most ships call at the second one, because the water stays deep at low tide.\n\n",
      "1. Unload the crates.\n2. Weigh them again.\n3. Compare both lists.\n\n",
      "That leaves 17 crates, since 42 − 25 = 17. ",
      "```python\ndef crates(left, sold):\n    return left - sold\n```\n",
      "Which of the three would you visit first?"};
  std::string text;
  const uint64_t sentences = 2 + rng.below(5);
  for (uint64_t i = 0; i < sentences; ++i) {
    text += kSentences.at(rng.below(kSentences.size()));
  }
  return text;
}

AnswerView make_answer(const Contender& contender, Rng& rng) {
  AnswerView answer;
  answer.model = contender.name;
  answer.text = sample_answer(contender, rng);
  answer.truncated = !contender.control && rng.unit() < 0.12;
  answer.finish_reason = answer.truncated ? "length" : "stop";
  double sum = 0;
  for (size_t i = 0; i < kChecks.size(); ++i) {
    ItemResult item{.question = kChecks.at(i),
                    .decided_by = i % 3 == 0 || i == 2 ? DecidedBy::kProgram : DecidedBy::kJudge,
                    .verdict = rng.unit() < contender.strength ? Verdict::kYes : Verdict::kNo,
                    .probability = {}};
    if (item.decided_by == DecidedBy::kJudge) {
      const double p = item.verdict == Verdict::kYes ? 0.5 + rng.unit() / 2 : rng.unit() / 2;
      item.probability = p;
      item.verdict = std::abs(p - 0.5) < 0.02 ? Verdict::kUnsure : item.verdict;
    }
    if (rng.unit() < 0.004) {
      item.verdict = Verdict::kInvalid;
      item.probability.reset();
    }
    sum += item.verdict == Verdict::kYes ? 1 : item.verdict == Verdict::kUnsure ? 0.5 : 0;
    answer.items.push_back(std::move(item));
  }
  answer.score = sum / static_cast<double>(kChecks.size());
  return answer;
}

QuestionView make_question(size_t index, Rng& rng) {
  QuestionView question{
      .id = format("{}", 81 + index), .category = kCategories.at(index / 3), .turns = {}};
  for (int turn = 0; turn < 2; ++turn) {
    TurnView view;
    view.prompt = turn == 0 ? "A merchant asks you for advice on three harbours of one coast. Name "
                              "them, say which matters most and why, in at most 80 words."
                            : "Now the merchant has 42 crates and sells 25 of them at the second "
                              "harbour. How many are left? Answer with the number first.";
    view.reference = turn == 0 ? "" : "17. 42 crates less 25 leaves 17.";
    for (const Contender& contender : kContenders) {
      view.answers.push_back(make_answer(contender, rng));
    }
    question.turns.push_back(std::move(view));
  }
  return question;
}

/// Puts the corpus into every field of a question that outside text can reach.
void make_hostile(QuestionView& question) {
  question.id = "<b onmouseover=alert(0)>q";
  for (size_t i = 0; i < kXssCorpus.size(); ++i) {
    TurnView& turn = question.turns.at(i % 2);
    AnswerView& answer = turn.answers.at(i % turn.answers.size());
    answer.text += "\n" + std::string(kXssCorpus.at(i));
    answer.judge_text += std::string(kXssCorpus.at(i)) + "\n";
    turn.prompt += " " + std::string(kXssCorpus.at(i));
    turn.reference += " " + std::string(kXssCorpus.at(i));
    answer.finish_reason = std::string(kXssCorpus.at(i));
  }
  for (AnswerView& answer : question.turns[0].answers) {
    answer.items[0].question = kXssCorpus[0];
  }
  question.turns[1].answers[3].text.clear();
}

void count_items(const AnswerView& answer, LeaderboardRow& row) {
  for (const ItemResult& item : answer.items) {
    Decisions& side = item.decided_by == DecidedBy::kProgram ? row.by_program : row.by_judge;
    ++side.count;
    side.yes += item.verdict == Verdict::kYes ? 1 : 0;
    side.no += item.verdict == Verdict::kNo ? 1 : 0;
    side.unsure += item.verdict == Verdict::kUnsure ? 1 : 0;
    side.invalid += item.verdict == Verdict::kInvalid ? 1 : 0;
  }
}

std::optional<double> yes_share(const Decisions& side) {
  return static_cast<double>(side.yes) / static_cast<double>(side.count);
}

LeaderboardRow make_row(const EvaluationPage& page, size_t index) {
  const Contender& contender = kContenders.at(index);
  LeaderboardRow row;
  row.model = contender.name;
  row.description = contender.description;
  row.is_control = contender.control;
  std::vector<double> sums(kCategories.size(), 0.0);
  double total = 0;
  for (size_t q = 0; q < page.questions.size(); ++q) {
    for (const TurnView& turn : page.questions[q].turns) {
      const AnswerView& answer = turn.answers.at(index);
      count_items(answer, row);
      row.truncated += answer.truncated ? 1 : 0;
      ++row.answers;
      sums[q / 3] += answer.score.value_or(0) / 6;
      total += answer.score.value_or(0) / 48;
    }
  }
  row.category_scores.assign(sums.begin(), sums.end());
  row.score = {total, report::Interval{total - 0.05, total + 0.048}};
  row.by_program.score = yes_share(row.by_program);
  row.by_judge.score = yes_share(row.by_judge);
  row.usage.calls = 48;
  row.usage.prompt_tokens = contender.control ? 0 : 9'412;
  row.usage.completion_tokens = contender.control ? 0 : 21'377 - 811 * static_cast<int64_t>(index);
  row.usage.tokens_per_second = contender.control ? 0 : 84.2 - 3.1 * static_cast<double>(index);
  row.usage.seconds = contender.control ? 0.004 : 253.9 + 7.7 * static_cast<double>(index);
  return row;
}

void add_ranks(EvaluationPage& page) {
  constexpr std::array<int, 4> kRanks = {1, 1, 3, 4};
  constexpr std::array<double, 4> kRatings = {1184, 1149, 951, 716};
  const double best = page.leaderboard[0].score.value;
  for (size_t i = 0; i < page.leaderboard.size(); ++i) {
    LeaderboardRow& row = page.leaderboard[i];
    row.rank = kRanks.at(i);
    row.rating = report::Estimate{kRatings.at(i),
                                  report::Interval{kRatings.at(i) - 58, kRatings.at(i) + 61}};
    if (i > 0) {
      const double gap = best - row.score.value;
      page.differences.push_back({row.model, {gap, report::Interval{gap - 0.071, gap + 0.068}}});
    }
  }
}

}  // namespace

EvaluationPage sample_page() {
  Rng rng(5);
  EvaluationPage page;
  page.title = "Touchstone";
  page.subtitle = "24 two-turn questions in eight categories, judged by checklist";
  page.scale = {.name = "mean checklist score", .low = 0, .high = 1, .decimals = 3};
  page.categories.assign(kCategories.begin(), kCategories.end());
  for (size_t q = 0; q < 24; ++q) {
    page.questions.push_back(make_question(q, rng));
  }
  for (size_t i = 0; i < kContenders.size(); ++i) {
    page.leaderboard.push_back(make_row(page, i));
  }
  add_ranks(page);
  page.judge = "smollm2-135m";
  page.judge_usage = report::CallUsage{.calls = 188,
                                       .cached_calls = 4,
                                       .prompt_tokens = 341'209,
                                       .completion_tokens = 746,
                                       .tokens_per_second = 6.1,
                                       .seconds = 122.3,
                                       .cost = 0.0341};
  page.total_cost = 0.0341;
  page.cost_notes = {
      "Costs are tokens times the prices per million tokens, of prompts and completions: "
      "smollm2-135m 0.1 and 0.2."};
  make_hostile(page.questions[0]);
  page.notes = {
      {report::NoteLevel::kWarning,
       "The judge alone does not separate smollm2-135m from smollm2-135m-q4_0; the order of "
       "these two rests on the programs (95%: -0.031 to +0.052). <script>alert('note')</script>"}};
  page.metadata = {
      {"Run", "runs/sample"},
      {"Cupel", "0.1.0"},
      {"Benchmark", "touchstone 1 (24 questions)", "93a79d1af954255dd863bf17f379def3"},
      {"smollm2-135m-noisy", "noisy=models/SmolLM2-135M-Instruct.Q4_1.gguf,noise=0.1,noise-seed=1",
       "712b70f34d6fc5518cc3d676409fd485"},
      {"Judge", "smollm2-135m, label log-probabilities"},
      {"Seed", "7"},
      {"Threads", "2"},
      {"Bootstrap", "2,000 resamples of questions"},
      {"Hostile <img src=x onerror=alert('meta')>", "\"><script>alert('meta')</script>"}};
  page.method = {
      "Every contender answers both turns of each question, with the temperature of its category.",
      "Each answer is held against the checklist of its turn. Intervals come from a paired "
      "bootstrap "
      "that resamples whole questions; ratings from Bradley–Terry over per-turn comparisons."};
  return page;
}

EvaluationPage crowded_page() {
  constexpr size_t kModels = 10;
  EvaluationPage page = sample_page();
  const auto name_of = [](size_t i) {
    return format("a-contender-with-a-long-name-{}-instruct_q4_k_m_and_noise_on_six_blocks", i);
  };
  // Every model is a copy of one of the four; the fourth and the eighth are controls.
  const std::vector<LeaderboardRow> rows = page.leaderboard;
  page.leaderboard.clear();
  page.differences.clear();
  for (size_t i = 0; i < kModels; ++i) {
    page.leaderboard.push_back(rows.at(i % rows.size()));
    page.leaderboard.back().model = name_of(i);
    if (i > 0) {
      page.differences.push_back({name_of(i), {0.1, report::Interval{-0.05, 0.25}}});
    }
  }
  for (QuestionView& question : page.questions) {
    for (TurnView& turn : question.turns) {
      const std::vector<AnswerView> answers = turn.answers;
      turn.answers.clear();
      for (size_t i = 0; i < kModels; ++i) {
        turn.answers.push_back(answers.at(i % answers.size()));
        turn.answers.back().model = name_of(i);
      }
    }
  }
  return page;
}

EvaluationPage lone_page() {
  EvaluationPage page = sample_page();
  page.leaderboard.resize(1);
  page.categories.resize(1);
  page.leaderboard[0].score.interval.reset();
  page.leaderboard[0].rating.reset();
  page.differences.clear();
  page.questions = {page.questions.at(1)};
  for (TurnView& turn : page.questions[0].turns) {
    turn.answers.resize(1);
  }
  return page;
}

}  // namespace cupel::test
