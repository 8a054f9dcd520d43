// cupel tune plan: looks at a run before it begins.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class TunePlan : public Command {
 public:
  void declare(Arguments& a) override {
    flags_.plan = true;
    flags_.recipe.declare(a);
    a.choice("--format", {"table", "json"}, flags_.format, "Output");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune_check(flags_); }

 private:
  TuneCheckFlags flags_;
};

}  // namespace

CommandInfo tune_plan() {
  return {.name = "tune plan",
          .group = "Train",
          .summary = "What a run takes: steps, tokens, bytes of memory",
          .examples = "  cupel tune plan recipe.toml\n",
          .make = &make_command<TunePlan>};
}

}  // namespace cupel::cli::command
