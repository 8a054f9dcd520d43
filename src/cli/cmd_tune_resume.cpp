// cupel tune resume: goes on with a run that was stopped.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class TuneResume : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("RUN", flags_.resume, "Folder of a run");
    a.texts("--set", "KEY=VALUE", flags_.recipe.set,
            "Changes to its recipe (with --allow-changed)");
    a.integer("--nproc", "N", flags_.processes, "Processes that share each step's batch", 1, 1024);
    a.integer("--timeout", "MINUTES", flags_.timeout_minutes,
              "With several processes: how long one waits for the others", 1, 100'000);
    a.flag("--allow-changed", flags_.allow_changed, "Go on although recipe or data were changed");
    a.flag("--json", flags_.json, "One JSON object a step on standard output");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune(flags_); }

 private:
  TuneFlags flags_;
};

}  // namespace

CommandInfo tune_resume() {
  return {.name = "tune resume",
          .group = "Train",
          .summary = "Go on with a run that was stopped, from its last checkpoint",
          .examples =
              "  cupel tune resume runs/first\n"
              "  cupel tune resume runs/first --set max_steps=500 --allow-changed\n",
          .make = &make_command<TuneResume>};
}

}  // namespace cupel::cli::command
