// What `cupel tune export` and `cupel tune merge` do.
#include <algorithm>
#include <cstdio>

#include "align/tune/run_folder.h"
#include "base/error.h"
#include "base/io.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/train_bodies.h"
#include "cli/tune_flags.h"
#include "cli/write_bar.h"
#include "engine/checkpoint/quantize_plan.h"
#include "engine/checkpoint/safetensors.h"
#include "train/adapter/lora.h"
#include "train/checkpoint/checkpoint_folder.h"
#include "train/model/export.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {
namespace {

/// A model, and the adapter that is to be merged into it, if any.
struct Source {
  std::string model;
  std::string adapter;
};

/// What a run has trained. Errors: kNotFound - nothing yet, or no such checkpoint.
Result<Source> source_of_run(const std::string& run, int64_t step) {
  CUPEL_TRY(const train::Recipe recipe, train::load_recipe(run + "/recipe.toml"));
  const bool lora = recipe.parameters == "lora";
  const std::string part = lora ? "adapter" : "model";
  std::string folder = run;
  CUPEL_TRY(const bool finished, path_exists(format("{}/{}", run, part)));
  if (step >= 0 || !finished) {
    const train::CheckpointFolder checkpoints(run + "/checkpoints");
    CUPEL_TRY(const std::vector<int64_t> steps, checkpoints.steps());
    if (steps.empty()) {
      return not_found("{}: has no checkpoint yet", run);
    }
    if (step >= 0 && std::ranges::find(steps, step) == steps.end()) {
      return not_found("{}: has no checkpoint of step {}; the last one is of step {}", run, step,
                       steps.back());
    }
    folder = checkpoints.path_of(step >= 0 ? step : steps.back());
  }
  const std::string trained = format("{}/{}", folder, part);
  return lora ? Source{.model = recipe.model, .adapter = trained}
              : Source{.model = trained, .adapter = {}};
}

/// How many numbers the head of a reward model gives that an adapter holds; 0: it holds none.
Result<int64_t> outputs_of_adapter(const std::string& adapter) {
  CUPEL_TRY_VOID(train::expect_adapter(adapter));
  CUPEL_TRY(const engine::SafetensorsFile file,
            engine::SafetensorsFile::open(adapter + "/adapter_model.safetensors"));
  const auto* const head = file.find_tensor("base_model.model.score.weight");
  return head == nullptr || head->shape.empty() ? 0 : static_cast<int64_t>(head->shape.front());
}

Result<engine::ConvertReport> write_model(const train::Model& model, const TuneExportFlags& flags) {
  WriteBar bar("export");
  const engine::WriteObserver observer{.stop = stop_on_interrupt(), .progress = bar.observer()};
  if (!flags.out.ends_with(".gguf")) {
    if (!flags.type.empty()) {
      return invalid_argument("--type is of a GGUF file; {} is a folder to be", flags.out);
    }
    return train::save_folder(model, flags.out, {.type = {}, .observer = observer});
  }
  std::optional<engine::QuantizeTarget> target;
  if (!flags.type.empty() && flags.type != "f32") {
    CUPEL_TRY(target, engine::parse_quantize_target(flags.type));
  }
  return train::save_gguf(model, flags.out, target, observer);
}

}  // namespace

Result<int> run_tune_export(const TuneExportFlags& flags) {
  Source source{.model = flags.model, .adapter = flags.adapter};
  if (!flags.run.empty()) {
    CUPEL_TRY(source, source_of_run(flags.run, flags.step));
  }
  CUPEL_TRY(train::Model model, train::load_model(source.model));
  if (!flags.run.empty()) {
    const std::string path = format("{}/{}", flags.run, align::RunFolder::kTemplate);
    CUPEL_TRY(const bool named, path_exists(path));
    if (named) {
      CUPEL_TRY(model.chat_template, read_file(path));
    }
  }
  if (!source.adapter.empty()) {
    CUPEL_TRY(const int64_t outputs, outputs_of_adapter(source.adapter));
    if (outputs > 0) {
      CUPEL_TRY(model, train::with_outputs(model, outputs, 0));
    }
    CUPEL_TRY(train::Lora lora, train::Lora::load(model, source.adapter));
    CUPEL_TRY_VOID(lora.merge());
  }
  CUPEL_TRY(const engine::ConvertReport report, write_model(model, flags));
  for (const std::string& note : report.notes) {
    std::fprintf(stderr, "note: %s\n", note.c_str());
  }
  print(format("{}: {:.1f} MB\n", flags.out, static_cast<double>(report.output_bytes) / 1e6));
  return 0;
}

}  // namespace cupel::cli
