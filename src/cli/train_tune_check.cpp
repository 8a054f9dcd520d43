// What `cupel tune validate` and `cupel tune plan` do.
#include <algorithm>

#include "align/tune/plan.h"
#include "align/tune/prepare.h"
#include "base/format.h"
#include "cli/output.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"
#include "report/numbers.h"

namespace cupel::cli {
namespace {

std::string data_text(const align::PreparedRun& run) {
  const train::DataCounts& counts = run.data.counts;
  std::string text =
      format("data    {}; {} tokens, {} of them learnt\n", train::counts_text(counts),
             report::count_text(counts.tokens), report::count_text(counts.labels));
  if (const std::string warning = train::equal_answers_warning(counts); !warning.empty()) {
    text += warning + "\n";
  }
  if (run.instruction_tokens > 0) {
    // Shi et al. 2024: the longer instructions are beside answers, and the fewer rows there are,
    // the more there is to gain from learning instructions too.
    text += format("        {:.2f} tokens of instructions to one of answers\n",
                   static_cast<double>(run.instruction_tokens) /
                       static_cast<double>(std::max<int64_t>(1, run.completion_tokens)));
  }
  if (run.held_out) {
    text += format("held-out {}\n", train::counts_text(run.held_out->counts));
  }
  return text + format("steps   {}\n", run.total_steps);
}

std::string plan_text(const align::MemoryPlan& plan) {
  std::string text;
  for (const align::MemoryPlan::Part& part : plan.parts) {
    text += format("{:<22} {:>10.1f} MiB\n", part.name, static_cast<double>(part.bytes) / 1048576);
  }
  text += format("{:<22} {:>10.1f} MiB of {:.1f} MiB\n", "together",
                 static_cast<double>(plan.total()) / 1048576,
                 static_cast<double>(plan.available) / 1048576);
  return text;
}

}  // namespace

Result<int> run_tune_check(const TuneCheckFlags& flags) {
  CUPEL_TRY(const train::Recipe recipe, flags.recipe.recipe());
  CUPEL_TRY(const align::PreparedRun run, align::prepare_run(recipe, 1));
  CUPEL_TRY_VOID(align::check_prepared_rows(recipe, run));
  CUPEL_TRY(const align::MemoryPlan plan, align::plan_memory(recipe, run));
  if (flags.format == "json") {
    Json json = Json::object()
                    .set("method", recipe.method)
                    .set("rows", run.data.counts.rows)
                    .set("tokens", run.data.counts.tokens)
                    .set("labels", run.data.counts.labels)
                    .set("steps", run.total_steps);
    if (flags.plan) {
      json.set("memory", plan.to_json());
    }
    print_pretty(json);
  } else {
    print(data_text(run));
    if (flags.plan) {
      print(plan_text(plan));
    }
  }
  CUPEL_TRY_VOID(align::check_memory(plan));
  if (flags.format != "json" && !flags.plan) {
    print("the recipe holds\n");
  }
  return 0;
}

}  // namespace cupel::cli
