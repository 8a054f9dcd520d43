#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/participants.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"

namespace cupel::judge {

/// Rows of one kind: all that the evaluation needs, and those that are there.
struct RowCount {
  int64_t total = 0;
  int64_t done = 0;
  [[nodiscard]] int64_t to_do() const { return total - done; }
};

/// What an evaluation will take, before it starts.
///
/// Tokens are those of the rows to do, at most: an answer that is not there yet counts as one of
/// max_tokens, in later turns and in judge prompts too. Prompts are counted by the models' own
/// count_prompt_tokens, which for endpoints is an estimate; of a protocol with several rounds the
/// first one is counted. Shared calls are counted each.
struct Estimate {
  RowCount answers;
  RowCount verdicts;
  Usage answer_usage;
  Usage judge_usage;
  /// At the run's prices; absent when no model that has work to do has one.
  std::optional<double> max_cost;
};

/// Adds up the work of an evaluation member by member.
class Estimator {
 public:
  Estimator(const Benchmark& benchmark,
            const RunFolder& run,
            const Protocol& protocol,
            const Judge& judge);

  Result<Ok> add_contender(const Contender& contender);
  /// A member that is judged as far as it has answered.
  Result<Ok> add_recorded(const std::string& name);
  /// Errors: those of counting prompt tokens.
  Result<Estimate> take();

 private:
  Result<Ok> add_verdict(JudgeItem item);
  Result<Usage> judge_usage(const JudgeItem& item, int64_t unknown_answers) const;
  Result<Usage> blank_usage(const JudgeItem& item);
  void add_cost(const std::string& model, const Usage& usage);

  const Benchmark& benchmark_;
  const RunFolder& run_;
  const Protocol& protocol_;
  const Judge& judge_;
  std::vector<const Question*> questions_;
  Estimate estimate_;
  std::set<std::string> answers_;  // keys of answers that are there or will be
  // Nothing answered yet: all models alike. By question and turn.
  std::map<std::pair<int64_t, int>, Usage> blank_usages_;
};

}  // namespace cupel::judge
