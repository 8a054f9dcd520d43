// What `cupel tune` and `cupel tune resume` do.
#include <cstdio>

#include <unistd.h>

#include "align/tune/tune.h"
#include "base/error.h"
#include "base/io.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/train_bodies.h"
#include "cli/train_samples.h"
#include "cli/training_view.h"
#include "cli/tune_flags.h"
#include "cli/tune_progress.h"
#include "report/numbers.h"
#include "tensor/memory.h"
#include "tensor/threads.h"
#include "train/launch/environment.h"
#include "train/launch/launch.h"
#include "train/parallel/gloo_collective.h"

namespace cupel::cli {
namespace {

using train::Recipe;

/// The recipe of a run that is there, with changes.
Result<Recipe> recipe_of_run(const TuneFlags& flags) {
  const std::string path = flags.resume + "/recipe.toml";
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return not_found("{}: no run of cupel tune is there (it has no recipe.toml)", flags.resume);
  }
  CUPEL_TRY(Recipe recipe, train::load_recipe(path, flags.recipe.set));
  recipe.out = flags.resume;  // wherever it was moved to
  return recipe;
}

void report_end(const align::TuneOutcome& outcome, const Recipe& recipe, bool json) {
  std::string text;
  switch (outcome.end) {
    case train::TrainEnd::kStopped:
      text = format("stopped after step {} of {}; go on with: cupel tune resume {}\n",
                    outcome.state.step, outcome.total_steps, recipe.out);
      break;
    case train::TrainEnd::kNoGain:
      text = format("{}: trained {} of {} steps: the held-out loss fell no further\n",
                    outcome.result, outcome.state.step, outcome.total_steps);
      break;
    case train::TrainEnd::kDone:
      text = format("{}: trained {}\n", outcome.result,
                    report::count_text(outcome.state.step, "step"));
      break;
  }
  if (json) {
    std::fputs(text.c_str(), stderr);
  } else {
    print(text);
  }
}

/// Runs this command again in as many processes.
Result<int> run_in_processes(int64_t processes) {
  CUPEL_TRY(const std::string words, read_file("/proc/self/cmdline"));  // each ends with a NUL
  std::vector<std::string> arguments;
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = words.find('\0', begin);
    arguments.push_back(words.substr(begin, end - begin));
    begin = end + 1;
  }
  arguments.erase(arguments.begin());
  CUPEL_TRY(const train::LaunchEnd end,
            train::launch({.program = {}, .arguments = arguments, .processes = processes}));
  if (!end.failure.empty()) {
    std::fprintf(stderr, "cupel: %s\n", end.failure.c_str());
  }
  return end.exit_code;
}

}  // namespace

Result<int> run_tune(const TuneFlags& flags) {
  CUPEL_TRY(std::optional<train::ParallelOptions> parallel, train::parallel_environment());
  if (!parallel && flags.processes > 1) {
    return run_in_processes(flags.processes);
  }
  if (parallel) {
    parallel->timeout = std::chrono::minutes(flags.timeout_minutes);
  }
  CUPEL_TRY(const Recipe recipe,
            flags.resume.empty() ? flags.recipe.recipe() : recipe_of_run(flags));
  if (recipe.threads > 0) {
    tensor::set_threads(static_cast<size_t>(recipe.threads));
  }
  tensor::pool_tensor_memory();
  TuneProgress progress({.every = recipe.log.every, .json = flags.json});
  align::TuneHooks hooks;
  hooks.stop = stop_on_interrupt();
  hooks.begin = [&](int64_t total_steps) { progress.begin(total_steps); };
  hooks.note = [&](std::string_view line) { progress.note(line); };
  hooks.record = [&](const Json& record, const Json& timing) { progress.record(record, timing); };
  hooks.sample = [&](const train::Model& model) { return sample_answers(recipe, model); };
  CUPEL_TRY(const std::unique_ptr<train::Collective> collective,
            parallel ? train::connect(*parallel)
                     : Result<std::unique_ptr<train::Collective>>(train::single_process()));
  CUPEL_TRY(const align::TuneOutcome outcome,
            align::tune(recipe, {.allow_changed = flags.allow_changed}, *collective, hooks));
  progress.end();
  if (collective->rank() == 0 && recipe.log.report && outcome.state.step > 0) {
    CUPEL_TRY_VOID(write_training_report(recipe.out));
    progress.note(format("report: {}/report.html", recipe.out));
  }
  if (collective->rank() == 0) {
    report_end(outcome, recipe, flags.json);
  }
  return outcome.end == train::TrainEnd::kStopped ? exit_code(Code::kCancelled) : 0;
}

}  // namespace cupel::cli
