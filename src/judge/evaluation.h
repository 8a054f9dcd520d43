#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"
#include "judge/benchmark.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"

namespace cupel::judge {

/// A model that is evaluated.
struct Contender {
  ChatModel* model = nullptr;
  std::string spec;
  bool is_control = false;  ///< a null model
};

/// Who judges: words through `model`, label probabilities through `scorer`.
struct Judge {
  std::string name = "programs";  ///< the name when nobody does
  ChatModel* model = nullptr;
  Scorer* scorer = nullptr;
  std::string fingerprint;
  std::string spec;
};

/// What an evaluation will cost, before it starts. Rows that the run already holds count as
/// nothing.
struct Estimate {
  int64_t answer_calls = 0;
  int64_t judge_calls = 0;
  int64_t prompt_tokens = 0;  ///< of the answers; turn 2 counts an answer of max_tokens before it
  int64_t completion_tokens = 0;  ///< at most
};

struct EvaluationOptions {
  std::stop_token stop;
  /// After each row, in any order. `kind` is "answer" or "verdict".
  std::function<void(const std::string& kind, const std::string& model, bool resumed)> on_row;
};

/// Lets models answer a benchmark and a judge judge them, into a run folder; goes on where an
/// earlier call was stopped or killed.
class Evaluation {
 public:
  Evaluation(const Benchmark& benchmark,
             RunFolder& run,
             const Protocol& protocol,
             std::vector<Contender> contenders,
             Judge judge)
      : benchmark_(benchmark),
        run_(run),
        protocol_(protocol),
        contenders_(std::move(contenders)),
        judge_(std::move(judge)) {}

  /// Registers members in the run. Errors: kFailedPrecondition, kUnsupported - the judge cannot do
  /// what the protocol needs, the benchmark lacks something, two contenders share a name.
  Result<Ok> prepare();
  [[nodiscard]] Result<Estimate> estimate() const;
  /// Runs to the end. Errors: the first failure; finished rows are kept.
  Result<Ok> run(const EvaluationOptions& options);
  /// Rows per contender: answers, and as many verdicts.
  [[nodiscard]] int64_t rows_per_contender() const;

 private:
  const Benchmark& benchmark_;
  RunFolder& run_;
  const Protocol& protocol_;
  std::vector<Contender> contenders_;
  Judge judge_;
};

}  // namespace cupel::judge
