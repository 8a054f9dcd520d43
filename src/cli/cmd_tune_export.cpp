// cupel tune export: a run's model as a folder or a GGUF file.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class TuneExport : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("RUN", flags_.run, "Folder of a run");
    a.text("--out", "PATH", flags_.out, "A .gguf file, or a folder for transformers", true);
    a.integer("--step", "N", flags_.step, "Of this checkpoint; -1: the result, else the last one",
              -1, INT64_MAX);
    a.text("--type", "TYPE", flags_.type, "Of a GGUF file: f32, bf16, q8_0, q4_k_m, …");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune_export(flags_); }

 private:
  TuneExportFlags flags_;
};

}  // namespace

CommandInfo tune_export() {
  return {.name = "tune export",
          .group = "Train",
          .summary = "A run's model, adapters merged, as a folder or a GGUF file",
          .examples =
              "  cupel tune export runs/first --out models/first.gguf --type q8_0\n"
              "  cupel tune export runs/first --step 200 --out models/first-200\n",
          .make = &make_command<TuneExport>};
}

}  // namespace cupel::cli::command
