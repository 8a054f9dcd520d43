// cupel loss: value and gradient of a training loss on a fixture.
#include "base/error.h"
#include "cli/command.h"
#include "cli/loss_flags.h"
#include "cli/train_bodies.h"

namespace cupel::cli::command {
namespace {

class Loss : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("NAME", flags_.loss, "Loss; --list shows all", false);
    a.text("--input", "FILE.json", flags_.input,
           "Fixture with token log-probs; - reads standard input");
    a.texts("--param", "NAME=VALUE", flags_.parameters,
            "Parameter of the loss; comes after those of the fixture");
    a.choice("--dtype", {"f64", "f32"}, flags_.dtype, "Precision");
    a.flag("--list", flags_.list, "All losses: formula, paper, parameters");
    a.choice("--format", {"table", "json", "markdown"}, flags_.format,
             "Output; markdown: of --list only");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_loss(flags_); }

 private:
  LossFlags flags_;
};

}  // namespace

CommandInfo loss() {
  return {.name = "loss",
          .group = "Train",
          .summary = "Value and gradients of a training loss on given log-probs",
          .examples =
              "  cupel loss --list\n"
              "  cupel loss dpo --input fixture.json --param beta=0.05\n"
              "  cupel loss simpo --input - --format json <fixture.json\n",
          .make = &make_command<Loss>};
}

}  // namespace cupel::cli::command
