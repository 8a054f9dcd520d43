// Checklist grading: RocketEval (Wei et al., ICLR 2025), §3: a light judge answers each item with
// one token, and probabilities, not text, become the score. Here: items that a program can decide
// are decided by it, with p = 1 or 0.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "judge/decider.h"
#include "judge/prompt.h"
#include "judge/protocol.h"

namespace cupel::judge::protocol {
namespace {

constexpr const char* kPromptName = "checklist-v1";
constexpr double kUnsure = 1e-3;  // RocketEval's label rule: |p - 0.5| below it

const std::vector<std::string>& answers_of(const JudgeItem& item) {
  return item.sides.front().answers;
}

const std::vector<ChecklistItem>* find_checklist(const JudgeItem& item) {
  const auto found = item.benchmark->checklists.find(std::pair(item.question->id, item.turn));
  return found == item.benchmark->checklists.end() || found->second.empty() ? nullptr
                                                                            : &found->second;
}

bool by_programs(const std::vector<ChecklistItem>& items) {
  return std::none_of(items.begin(), items.end(),
                      [](const ChecklistItem& item) { return item.program.is_null(); });
}

bool needs_judge(const Benchmark& benchmark) {
  return std::any_of(benchmark.checklists.begin(), benchmark.checklists.end(),
                     [](const auto& checklist) { return !by_programs(checklist.second); });
}

Result<Ok> check(const Benchmark& benchmark) {
  if (benchmark.checklists.empty()) {
    return failed_precondition(
        "{}: has no checklists; use --protocol single, or add checklist.jsonl", benchmark.folder);
  }
  if (needs_judge(benchmark)) {
    CUPEL_TRY_VOID(find_prompt(benchmark, kPromptName));
  }
  for (const auto& [place, items] : benchmark.checklists) {
    for (const ChecklistItem& item : items) {
      if (item.program.is_null()) {
        continue;
      }
      if (auto decider = parse_decider(item.program); !decider) {
        return in_context(std::move(decider).error(),
                          format("{}: checklist item {}", benchmark.folder, item.id));
      }
    }
  }
  return Ok{};
}

// The conversation before this turn, as the judge reads it.
std::string history(const JudgeItem& item) {
  std::string text;
  for (size_t turn = 0; turn + 1 < static_cast<size_t>(item.turn); ++turn) {
    text += "USER: " + item.question->turns[turn] + "\nASSISTANT: " + answers_of(item)[turn] + "\n";
  }
  return text.empty() ? "(none)" : text;
}

Result<std::vector<Conversation>> judge_prompts(const JudgeItem& item,
                                                const std::vector<ChecklistItem>& items) {
  std::vector<Conversation> prompts;
  if (by_programs(items)) {
    return prompts;
  }
  CUPEL_TRY(const JudgePrompt* prompt, find_prompt(*item.benchmark, kPromptName));
  const std::string before = history(item);
  const auto turn = static_cast<size_t>(item.turn - 1);
  for (const ChecklistItem& point : items) {
    if (!point.program.is_null()) {
      continue;
    }
    CUPEL_TRY(std::string text, fill_prompt(*prompt, {{"history", before},
                                                      {"question", item.question->turns[turn]},
                                                      {"answer", answers_of(item)[turn]},
                                                      {"item", point.question}}));
    prompts.push_back(judge_conversation(*prompt, std::move(text)));
  }
  return prompts;
}

Result<ItemVerdict> by_program(const ChecklistItem& item, const std::string& answer) {
  CUPEL_TRY(const auto decider, parse_decider(item.program));
  const bool passes = decider->decide(answer);
  return ItemVerdict{.id = item.id,
                     .question = item.question,
                     .by_program = true,
                     .verdict = passes ? Verdict::kYes : Verdict::kNo,
                     .probability = passes ? 1.0 : 0.0};
}

// RocketEval §2: p = e^yes / (e^yes + e^no); an absent label counts as probability 0, both absent
// as no answer.
ItemVerdict by_judge(const ChecklistItem& item, const LabelScores& scores) {
  ItemVerdict verdict{.id = item.id, .question = item.question};
  const auto& yes = scores.logprobs[0];
  const auto& no = scores.logprobs[1];
  if (!yes && !no) {
    return verdict;
  }
  const double p = !no ? 1.0 : !yes ? 0.0 : 1.0 / (1.0 + std::exp(*no - *yes));
  verdict.probability = p;
  verdict.verdict = std::abs(p - 0.5) < kUnsure ? Verdict::kUnsure
                    : p > 0.5                   ? Verdict::kYes
                                                : Verdict::kNo;
  return verdict;
}

// Whether a program or the judge said anything at all.
bool any_answered(const std::vector<ItemVerdict>& items) {
  return std::any_of(items.begin(), items.end(),
                     [](const ItemVerdict& item) { return item.verdict != Verdict::kInvalid; });
}

// s = 9 · mean(p) + 1; an item without an answer pulls to the middle, as in the released scores.
double score_of(const std::vector<ItemVerdict>& items) {
  double sum = 0;
  for (const ItemVerdict& item : items) {
    sum += item.probability.value_or(0.5);
  }
  return 9 * sum / static_cast<double>(items.size()) + 1;
}

Result<ProtocolStep> next(const JudgeItem& item, std::span<const JudgeResponse> responses) {
  ProtocolStep step;
  const std::vector<ChecklistItem>* items = find_checklist(item);
  if (items == nullptr) {
    step.outcome = invalid_outcome("this turn has no checklist");
    return step;
  }
  CUPEL_TRY(std::vector<Conversation> prompts, judge_prompts(item, *items));
  if (!prompts.empty() && responses.empty()) {
    step.requests.push_back(
        {LabelScoreRequest{.prompts = std::move(prompts), .labels = {"Yes", "No"}}});
    return step;
  }
  Outcome outcome;
  outcome.prompt_name = kPromptName;
  size_t judged = 0;
  for (const ChecklistItem& point : *items) {
    if (!point.program.is_null()) {
      CUPEL_TRY(ItemVerdict verdict, by_program(point, answers_of(item).back()));
      outcome.items.push_back(std::move(verdict));
      continue;
    }
    const auto* labels = std::get_if<LabelScoreResponse>(&responses.front());
    CUPEL_CHECK(labels != nullptr, "a checklist asks for label scores");
    outcome.items.push_back(by_judge(point, labels->scores[judged++]));
  }
  if (any_answered(outcome.items)) {
    outcome.judged = Score{score_of(outcome.items)};
  } else {  // the middle of the scale would be a score that nobody gave
    outcome.judged = Invalid{
        format("the judge said neither Yes nor No to any of the {} items", outcome.items.size())};
  }
  step.outcome = std::move(outcome);
  return step;
}

}  // namespace

Protocol checklist() {
  return {.name = "checklist",
          .summary = "yes/no items, decided by programs or by the probability of a judge's Yes",
          .source = "Wei et al. 2025, arXiv 2503.05142 (RocketEval)",
          .method =
              "The score of an answer is 9 times the mean probability of Yes over its items, "
              "plus 1; an item that a program decides counts 1 or 0, one that the judge gave "
              "no answer to counts 0.5.",
          .needs_scorer = true,
          .check = &check,
          .needs_judge = &needs_judge,
          .next = &next};
}

}  // namespace cupel::judge::protocol
