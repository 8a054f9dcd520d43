#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/estimate.h"
#include "judge/participants.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"

namespace cupel::judge {

/// Errors: kInvalidArgument - the judge cannot do what the protocol needs for this benchmark, two
/// contenders share a name; kFailedPrecondition - a contender has no chat template.
Result<Ok> check_participants(const Benchmark& benchmark,
                              const Protocol& protocol,
                              std::span<const Contender> contenders,
                              const Judge& judge);
/// Errors: kFailedPrecondition - the model has no chat template.
Result<Ok> check_contender(const ChatModel& model);

/// Whether protocol and baseline fit the models of a run. Errors: kFailedPrecondition - too few
/// models; kInvalidArgument - a baseline that is none of them, or that the protocol does not take.
Result<Ok> check_members(const Protocol& protocol,
                         const std::vector<std::string>& models,
                         const std::string& baseline);

struct EvaluationOptions {
  std::stop_token stop;
  /// After each row, in any order. `kind` is "answer" or "verdict", `models` says whose: "a", or
  /// "a, b" for a verdict about two.
  std::function<void(const std::string& kind, const std::string& models, bool resumed)> on_row;
};

/// Lets models answer a benchmark and a judge judge them, into a run folder; goes on where an
/// earlier call was stopped or killed.
class Evaluation {
 public:
  Evaluation(const Benchmark& benchmark,
             RunFolder& run,
             const Protocol& protocol,
             std::vector<Contender> contenders,
             Judge judge,
             std::string baseline = "")
      : benchmark_(benchmark),
        run_(run),
        protocol_(protocol),
        contenders_(std::move(contenders)),
        judge_(std::move(judge)),
        baseline_(std::move(baseline)) {}

  /// Checks the participants and registers them in the run. Errors: those of check_participants,
  /// check_members and the protocol's check; kFailedPrecondition - a name is taken by something
  /// else.
  Result<Ok> prepare();
  [[nodiscard]] Result<Estimate> estimate() const;
  /// Runs to the end. Errors: the first failure; finished rows are kept. kExhausted - also when a
  /// model refuses calls because a budget is spent.
  Result<Ok> run(const EvaluationOptions& options);

 private:
  /// Members of the run that are not among the contenders.
  [[nodiscard]] std::vector<std::string> recorded() const;

  const Benchmark& benchmark_;
  RunFolder& run_;
  const Protocol& protocol_;
  std::vector<Contender> contenders_;
  Judge judge_;
  std::string baseline_;
};

}  // namespace cupel::judge
