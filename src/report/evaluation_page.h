#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/estimate.h"
#include "report/page_notes.h"

namespace cupel::report {

/// What the scores of a page mean.
struct ScoreScale {
  std::string name = "mean score";  ///< e.g. "checklist score"
  double low = 0;                   ///< worst possible
  double high = 1;                  ///< best possible; > low
  int decimals = 3;
};

/// Verdicts of one kind of decider (programs, or the judge) about one model.
struct Decisions {
  int64_t count =
      0;  ///< verdicts asked for; yes + no + unsure + invalid for checklists, gradings else
  int64_t yes = 0;
  int64_t no = 0;
  int64_t unsure = 0;
  int64_t invalid = 0;
  std::optional<double> score{};  ///< the score from these verdicts alone, on the page's scale
};

/// What the calls to one model took.
struct CallUsage {
  int64_t calls = 0;         ///< that the model answered
  int64_t cached_calls = 0;  ///< answered by an equal call: no tokens, no time, no cost
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  double tokens_per_second = 0;  ///< 0 = not measured; not shown of a judge, who writes little
  double seconds = 0;
  std::optional<double> cost{};  ///< none: no price
};

/// One contender; rows come best first.
struct LeaderboardRow {
  int rank = 1;  ///< 1 + number of models shown to be better; several may share it
  std::string model{};
  std::string description{};  ///< a few words, e.g. the file and its damage; may be empty
  bool is_control = false;    ///< a null model
  Estimate score{};
  std::optional<Estimate> rating{};
  Decisions by_program{};
  Decisions by_judge{};
  std::vector<std::optional<double>> category_scores{};  ///< parallel to EvaluationPage::categories
  int64_t answers = 0;
  int64_t truncated = 0;  ///< answers cut off by the length limit
  CallUsage usage{};      ///< of its answers
};

/// The paired difference to the leader over the same questions: leader minus this model, in score
/// units, so that positive favours the leader.
struct PairedDifference {
  std::string model{};
  Estimate difference{};
};

enum class Verdict { kYes, kNo, kUnsure, kInvalid };
enum class DecidedBy { kProgram, kJudge };

/// One checklist item of one answer.
struct ItemResult {
  std::string question{};  ///< the same text for every model of a turn
  DecidedBy decided_by = DecidedBy::kJudge;
  Verdict verdict = Verdict::kInvalid;
  std::optional<double> probability{};  ///< the judge's, of yes
};

/// What one model said in one turn and what came of it.
struct AnswerView {
  std::string model{};
  std::string text{};           ///< untrusted; shown as plain text
  std::string finish_reason{};  ///< as the model reported it, e.g. "stop", "length"
  bool truncated = false;
  std::optional<double> score{};  ///< none: invalid or not judged
  std::vector<ItemResult> items{};
  std::string judge_text{};  ///< the judge's own words; may be empty
};

struct TurnView {
  std::string prompt{};
  std::string reference{};  ///< may be empty
  std::vector<AnswerView> answers{};
};

struct QuestionView {
  std::string id{};
  std::string category{};
  std::vector<TurnView> turns{};
};

/// Everything one evaluation report shows, in the report's own terms. All texts may be hostile.
struct EvaluationPage {
  std::string title{};     ///< e.g. "Touchstone"
  std::string subtitle{};  ///< e.g. "24 questions, 4 contenders, checklist protocol"
  double confidence = 0.95;
  ScoreScale scale{};
  std::string currency{};                       ///< behind each cost, e.g. "USD"; empty: not known
  std::vector<LeaderboardRow> leaderboard{};    ///< best first
  std::vector<PairedDifference> differences{};  ///< one per model but the leader
  std::vector<std::string> categories{};
  std::vector<Note> notes{};
  std::string judge{};                     ///< name of the judge
  std::optional<CallUsage> judge_usage{};  ///< none: nobody besides programs judged
  std::optional<double> total_cost{};      ///< of the whole run; none: nothing has a price
  std::vector<std::string> cost_notes{};   ///< how costs are counted, a paragraph each
  std::vector<QuestionView> questions{};
  std::vector<RunFact> metadata{};    ///< shown in this order
  std::vector<std::string> method{};  ///< how it was done, a paragraph each
};

/// Renders one self-contained HTML file: no scripts, no requests, light and dark, printable.
///
/// Numbers that are absent or not finite show as "–". Rows, categories and questions may be empty;
/// a page without rows says that there are no results yet.
/// Cost: linear in the texts; 24 questions × 4 models stay below 1 MB. Deterministic, thread-safe.
std::string render_evaluation_page(const EvaluationPage& page);

}  // namespace cupel::report
