// cupel tune validate: looks at a run before it begins.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class TuneValidate : public Command {
 public:
  void declare(Arguments& a) override {
    flags_.plan = false;
    flags_.recipe.declare(a);
    a.choice("--format", {"table", "json"}, flags_.format, "Output");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune_check(flags_); }

 private:
  TuneCheckFlags flags_;
};

}  // namespace

CommandInfo tune_validate() {
  return {.name = "tune validate",
          .group = "Train",
          .summary = "Check a recipe against its model and data, without training",
          .examples = "  cupel tune validate recipe.toml\n",
          .make = &make_command<TuneValidate>};
}

}  // namespace cupel::cli::command
