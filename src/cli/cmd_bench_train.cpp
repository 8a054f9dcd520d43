// cupel bench train: how fast a model trains here, where a step's time goes, what it takes.
#include "cli/bench_train_flags.h"
#include "cli/command.h"
#include "cli/train_bodies.h"

namespace cupel::cli::command {
namespace {

class BenchTrain : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "PATH", flags_.model, "GGUF file or folder; its parameters stay as they are",
           true);
    a.choice("--precision", {"fp32", "bf16-mixed", "bf16-pure"}, flags_.precision, "As in recipes");
    a.choice("--parameters", {"full", "lora"}, flags_.parameters, "What is trained");
    a.choice("--checkpointing", {"none", "full"}, flags_.checkpointing,
             "full: layers are computed again in the backward pass");
    a.integer("--pairs", "N", flags_.pairs, "Preference pairs of a step; 0: texts", 0, 4096);
    a.integer("--prompt-tokens", "N", flags_.prompt_tokens, "Of a pair", 1, 1 << 20);
    a.integer("--answer-tokens", "N", flags_.answer_tokens, "Of each answer", 1, 1 << 20);
    a.integer("--texts", "N", flags_.texts, "Texts of a step, packed; with --pairs 0", 0, 4096);
    a.integer("--text-tokens", "N", flags_.text_tokens, "Of each text", 2, 1 << 20);
    a.integer("--steps", "N", flags_.steps, "Steps; the numbers are of the median one", 1, 1000);
    a.integer("--threads", "N", flags_.threads, "CPU threads; 0: all", 0, 1024);
    a.choice("--format", {"table", "json"}, flags_.format, "Output");
  }

  [[nodiscard]] bool needs_train() const override { return true; }

  Result<int> run() override { return run_bench_train(flags_); }

 private:
  BenchTrainFlags flags_;
};

}  // namespace

CommandInfo bench_train() {
  return {.name = "bench train",
          .group = "Train",
          .summary = "How fast a model trains here, and where the time of a step goes",
          .examples =
              "  cupel bench train --model models/a.gguf\n"
              "  cupel bench train --model models/a --precision fp32 --pairs 0 --texts 8\n",
          .make = &make_command<BenchTrain>};
}

}  // namespace cupel::cli::command
