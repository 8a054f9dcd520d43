// cupel tune: trains a model by a recipe.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class Tune : public Command {
 public:
  void declare(Arguments& a) override {
    flags_.recipe.declare(a);
    a.integer("--nproc", "N", flags_.processes, "Processes that share each step's batch", 1, 1024);
    a.integer("--timeout", "MINUTES", flags_.timeout_minutes,
              "With several processes: how long one waits for the others", 1, 100'000);
    a.flag("--allow-changed", flags_.allow_changed,
           "Go on with a run in --out although its recipe or data were changed");
    a.flag("--json", flags_.json, "One JSON object a step on standard output");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune(flags_); }

 private:
  TuneFlags flags_;
};

}  // namespace

CommandInfo tune() {
  return {
      .name = "tune",
      .group = "Train",
      .summary = "Train a model: supervised, preferences, reward models; resumes what was stopped",
      .examples =
          "  cupel tune recipe.toml\n"
          "  cupel tune recipe.toml --optim.lr 1e-5 --out runs/second\n"
          "  cupel tune --method dpo --model models/a --data pairs.jsonl --out runs/dpo "
          "--parameters lora\n"
          "Before a run: cupel tune inspect, validate, plan. After it: cupel tune resume, export, "
          "merge.\n",
      .make = &make_command<Tune>};
}

}  // namespace cupel::cli::command
