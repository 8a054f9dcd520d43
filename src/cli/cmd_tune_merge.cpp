// cupel tune merge: writes a PEFT adapter into its model.
#include "cli/command.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"

namespace cupel::cli::command {
namespace {

class TuneMerge : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "PATH", flags_.model, "The model that the adapter is of", true);
    a.text("--adapter", "DIR", flags_.adapter, "The adapter, in PEFT's layout", true);
    a.text("--out", "PATH", flags_.out, "A .gguf file, or a folder for transformers", true);
    a.text("--type", "TYPE", flags_.type, "Of a GGUF file: f32, bf16, q8_0, q4_k_m, …");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_tune_export(flags_); }

 private:
  TuneExportFlags flags_;
};

}  // namespace

CommandInfo tune_merge() {
  return {
      .name = "tune merge",
      .group = "Train",
      .summary = "Write a LoRA adapter into its model",
      .examples = "  cupel tune merge --model models/a --adapter runs/dpo/adapter --out models/b\n",
      .make = &make_command<TuneMerge>};
}

}  // namespace cupel::cli::command
