#include "cli/training_view.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/training_charts.h"
#include "cli/training_records.h"
#include "cli/tune_progress.h"
#include "report/numbers.h"
#include "train/metrics/train_log.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {
namespace {

using report::NoteLevel;
using report::TrainingPage;

constexpr double kWorse = 0.01;  // of held-out loss: a rise worth a word

/// "0.2154"; "1.21e-04" as in the progress, for "0.0001207" is wider than a fact.
std::string number_text(std::optional<double> number) {
  constexpr double kTiny = 1e-3;
  if (number && *number != 0 && std::abs(*number) < kTiny) {
    return report::typographic_text(format("{:.2e}", *number));
  }
  return number ? report::typographic_text(report::brief_text(*number))
                : std::string(report::kPageNoNumber);
}

/// "9,999,999", "23.1 M": as wide as a fact.
std::string amount_text(int64_t count) {
  constexpr int64_t kWide = 10'000'000;
  return count < kWide ? report::count_text(count)
                       : report::fixed_text(static_cast<double>(count) / 1e6, 1) + " M";
}

std::string step_text(double step) {
  return step == 0 ? std::string("before the first step")
                   : "at step " + report::count_text(static_cast<int64_t>(step));
}

std::string parameters_text(const train::Recipe& recipe) {
  return recipe.parameters == "lora" ? format("LoRA adapters of rank {}", recipe.lora.rank)
                                     : format("{} parameters", recipe.parameters);
}

/// As charts show it at first.
std::vector<report::LineSeries::Point> running_mean(
    const std::vector<report::LineSeries::Point>& points) {
  return report::smoothed(points, report::smoothing_weight(report::kFirstSmoothing, points.size()));
}

void add_losses(const TrainingRecords& records, TrainingPage& page) {
  const auto& loss = points_of(records.training, "loss");
  const auto mean = running_mean(loss);
  if (!mean.empty()) {
    page.facts.push_back({"training loss", number_text(mean.back().y),
                          format("running mean; {} at first", number_text(loss.front().y))});
    std::vector<double> last;
    for (size_t k = loss.size() - std::min(loss.size(), kLastLosses); k < loss.size(); ++k) {
      last.push_back(loss[k].y);
    }
    if (const auto ended = driven_up(loss.front().y, last)) {
      page.notes.push_back(
          {NoteLevel::kWarning,
           format("The loss went from {} up to {}: the learning rate is likely too high.",
                  number_text(loss.front().y), number_text(*ended))});
    }
  }
  const auto& held_out = points_of(records.held_out, "loss");
  if (held_out.empty()) {
    return;
  }
  page.facts.push_back({"held-out loss", number_text(held_out.back().y),
                        held_out.size() > 1 ? format("{} {}", number_text(held_out.front().y),
                                                     step_text(held_out.front().x))
                                            : step_text(held_out.back().x)});
  const auto lowest = std::ranges::min_element(
      held_out, {}, [](const report::LineSeries::Point& point) { return point.y; });
  if (held_out.back().y - lowest->y > kWorse * std::abs(lowest->y)) {
    page.notes.push_back(
        {NoteLevel::kWarning,
         format("Held-out loss was lowest {}, {}, and is {} at the end.", step_text(lowest->x),
                number_text(lowest->y), number_text(held_out.back().y))});
  }
}

void add_accuracy(const TrainingRecords& records, TrainingPage& page) {
  constexpr std::string_view kName = "rewards/accuracies";
  const bool held_out = last_value(records.held_out, kName).has_value();
  const NumbersByName& numbers = held_out ? records.held_out : records.training;
  const auto& points = points_of(numbers, kName);
  const auto mean = held_out ? points : running_mean(points);
  if (!mean.empty()) {
    page.facts.push_back({"pairs told apart", report::percent_text(mean.back().y),
                          held_out ? "of held-out ones" : "of training ones, running mean"});
  }
}

void add_facts(const TrainingRecords& records, TrainingPage& page) {
  const auto count = [&](std::string_view name) {
    return static_cast<int64_t>(last_value(records.training, name).value_or(0));
  };
  page.facts.push_back(
      {"steps", report::count_text(records.steps), report::count_text(count("samples"), "sample")});
  add_losses(records, page);
  add_accuracy(records, page);
  const int64_t tokens = count("tokens");
  const double speed = records.seconds > 0 ? static_cast<double>(tokens) / records.seconds : 0;
  page.facts.push_back({"tokens", amount_text(tokens),
                        format("{} a second", report::count_text(static_cast<int64_t>(speed)))});
  page.facts.push_back({"time of the steps", report::duration_text(records.seconds), ""});
  if (records.peak_bytes > 0) {
    page.facts.push_back(
        {"memory", format("{:.2f} GiB", records.peak_bytes / (1 << 30)), "at most"});
  }
  if (!records.skipped.empty()) {
    page.notes.push_back(
        {NoteLevel::kWarning,
         format("{} skipped, because the gradient was not finite; bad_batch.json names the rows of "
                "the last one.",
                records.skipped.size() == 1 ? "One step was"
                                            : format("{} steps were", records.skipped.size()))});
  }
}

/// The path as a shell reads it.
std::string shell_word(const std::string& path) {
  const bool plain = std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '-' || c == '_';
  });
  return plain && !path.empty() ? path : "'" + replace_all(path, "'", "'\\''") + "'";
}

Result<Ok> add_end(const std::string& path, const TrainingRecords& records, TrainingPage& page) {
  for (const std::string_view result : {"model", "adapter"}) {
    CUPEL_TRY(const bool there, path_exists(format("{}/{}", path, result)));
    if (there) {
      page.run.push_back({.name = "result", .value = format("{}/{}", path, result)});
      return Ok{};
    }
  }
  page.notes.push_back(
      {NoteLevel::kInfo, format("The run is not finished: this is what it did up to step {}. cupel "
                                "tune resume {} goes on where it was stopped.",
                                report::count_text(records.steps), shell_word(path))});
  return Ok{};
}

/// What was asked, as a person reads it: the last message.
std::string asked_text(const Json& prompt) {
  if (prompt.is_string()) {
    return prompt.as_string();
  }
  if (prompt.is_array() && prompt.size() > 0) {
    const Json* const content = prompt.as_array().back().find("content");
    return content != nullptr && content->is_string() ? content->as_string() : dump_json(prompt);
  }
  return dump_json(prompt);
}

Result<Ok> add_samples(const std::string& path, TrainingPage& page) {
  const std::string file = path + "/samples.jsonl";
  CUPEL_TRY(const bool there, path_exists(file));
  if (!there) {
    return Ok{};
  }
  std::map<std::string, size_t> places;
  return train::for_each_train_record(file, [&](int64_t /*step*/, Json&& row) -> Result<Ok> {
    CUPEL_TRY(const std::string id, get_string_or(row, "id", ""));
    CUPEL_TRY(const std::string when, get_string_or(row, "when", ""));
    CUPEL_TRY(std::string text, get_string_or(row, "text", ""));
    const auto [place, is_new] = places.emplace(id, page.samples.size());
    if (is_new) {
      const Json* const prompt = row.find("prompt");
      page.samples.push_back({.asked = prompt == nullptr ? id : asked_text(*prompt)});
    }
    (when == "before" ? page.samples[place->second].before : page.samples[place->second].after) =
        std::move(text);
    return Ok{};
  });
}

void add_settings(const train::Recipe& recipe, TrainingPage& page) {
  constexpr std::string_view kWas = ", was ";
  for (const std::string& one : train::recipe_differences(recipe, train::Recipe{})) {
    const size_t colon = one.find(": ");
    const size_t was = one.rfind(kWas);
    page.settings.push_back({.key = one.substr(0, colon),
                             .value = one.substr(colon + 2, was - colon - 2),
                             .otherwise = one.substr(was + kWas.size())});
  }
}

Result<Ok> add_run(const std::string& path, const train::Recipe& recipe, TrainingPage& page) {
  CUPEL_TRY(const Json run, read_json_file(path + "/run.json"));
  if (const Json* const model = run.find("model"); model != nullptr && model->is_string()) {
    page.run.push_back({.name = "model", .value = recipe.model, .hash = model->as_string()});
  }
  std::vector<std::string> files = recipe.data.files;
  files.insert(files.end(), recipe.data.eval_files.begin(), recipe.data.eval_files.end());
  const Json* const data = run.find("data");
  if (data != nullptr && data->is_array() && data->size() == files.size()) {
    for (size_t i = 0; i < files.size(); ++i) {
      const Json& fingerprint = data->as_array()[i];
      page.run.push_back({.name = i < recipe.data.files.size() ? "rows" : "held-out rows",
                          .value = files[i],
                          .hash = fingerprint.is_string() ? fingerprint.as_string() : ""});
    }
  }
  page.command = format("cupel tune {} --out NEW_FOLDER", shell_word(path + "/recipe.toml"));
  return Ok{};
}

}  // namespace

Result<bool> is_training_run(const std::string& path) {
  return path_exists(path + "/recipe.toml");
}

Result<TrainingPage> view_training_run(const std::string& path) {
  CUPEL_TRY(const train::Recipe recipe, train::load_recipe(path + "/recipe.toml"));
  CUPEL_TRY(const TrainingRecords records, read_training_records(path));
  TrainingPage page{
      .title = path,
      .subtitle = format("{} of {}, {}", recipe.method, recipe.model, parameters_text(recipe)),
      .lede = format("{} over {}.", report::count_text(records.steps, "step"),
                     join(recipe.data.files, ", "))};
  add_facts(records, page);
  page.charts = training_charts(records);
  CUPEL_TRY_VOID(add_samples(path, page));
  add_settings(recipe, page);
  CUPEL_TRY_VOID(add_end(path, records, page));
  CUPEL_TRY_VOID(add_run(path, recipe, page));
  return page;
}

Result<Ok> write_training_report(const std::string& path) {
  CUPEL_TRY(const TrainingPage page, view_training_run(path));
  return write_file_atomic(path + "/report.html", report::render_training_page(page));
}

}  // namespace cupel::cli
