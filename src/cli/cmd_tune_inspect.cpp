// cupel tune inspect: rows of training data as the trainer sees them.
#include "cli/command.h"
#include "cli/tune_flags.h"
#include "cli/tune_inspect.h"

namespace cupel::cli::command {
namespace {

constexpr int64_t kMostRows = 10'000;

class TuneInspect : public Command {
 public:
  void declare(Arguments& a) override {
    recipe_.declare(a);
    a.integer("--rows", "N", options_.rows, "Show the first N rows", 0, kMostRows);
    a.text("--id", "ID", options_.id, "Show this row: its \"id\", else FILE:LINE");
    a.flag("--held-out", options_.held_out, "Look at the held-out rows");
    a.choice("--format", {"text", "json", "html"}, options_.format, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const train::Recipe recipe, recipe_.recipe());
    return inspect_training_data(recipe, options_);
  }

 private:
  RecipeFlags recipe_;
  InspectOptions options_;
};

}  // namespace

CommandInfo tune_inspect() {
  return {.name = "tune inspect",
          .group = "Train",
          .summary = "Rows as the trainer sees them: which tokens are learnt",
          .examples =
              "  cupel tune inspect recipe.toml\n"
              "  cupel tune inspect --model models/a.gguf --data rows.jsonl --rows 20 "
              "--format html > rows.html\n",
          .make = &make_command<TuneInspect>};
}

}  // namespace cupel::cli::command
