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
#include "report/numbers.h"
#include "train/metrics/train_log.h"
#include "train/recipe/recipe.h"

namespace cupel::cli {
namespace {

using report::LineSeries;
using report::TrainingPage;
using Points = std::vector<LineSeries::Point>;

constexpr double kSmoothing = 0.9;

/// The numbers of a run by name, over its steps.
struct Records {
  std::map<std::string, Points, std::less<>> training;
  std::map<std::string, Points, std::less<>> held_out;
  std::map<std::string, Points, std::less<>> timing;
  int64_t steps = 0;
  double seconds = 0;  ///< of all steps
};

void add_numbers(const Json& record,
                 double step,
                 std::map<std::string, Points, std::less<>>& numbers) {
  for (const auto& [key, value] : record.as_object()) {
    if (value.is_number() && key != "step") {
      numbers[key].push_back({step, value.as_double()});
    }
  }
}

Result<Records> read_records(const std::string& path) {
  Records records;
  CUPEL_TRY_VOID(train::for_each_train_record(
      path + "/train.jsonl", [&](int64_t step, Json&& record) -> Result<Ok> {
        if (const Json* const eval = record.find("eval"); eval != nullptr && eval->is_object()) {
          add_numbers(*eval, static_cast<double>(step), records.held_out);
        } else {
          add_numbers(record, static_cast<double>(step), records.training);
          records.steps = step;
        }
        return Ok{};
      }));
  if (records.training.empty()) {
    return failed_precondition("{}: no step is done yet", path);
  }
  CUPEL_TRY(const bool timed, path_exists(path + "/timing.jsonl"));
  if (timed) {
    CUPEL_TRY_VOID(train::for_each_train_record(
        path + "/timing.jsonl", [&](int64_t step, Json&& record) -> Result<Ok> {
          if (!record.contains("eval")) {
            add_numbers(record, static_cast<double>(step), records.timing);
          }
          return Ok{};
        }));
  }
  for (const LineSeries::Point& point : records.timing["step_ms"]) {
    records.seconds += point.y / 1e3;
  }
  return records;
}

const Points& points_of(const std::map<std::string, Points, std::less<>>& numbers,
                        std::string_view name) {
  static const Points kNone;
  const auto found = numbers.find(name);
  return found == numbers.end() ? kNone : found->second;
}

std::optional<double> first_of(const Points& points) {
  return points.empty() ? std::nullopt : std::optional(points.front().y);
}
std::optional<double> last_of(const Points& points) {
  return points.empty() ? std::nullopt : std::optional(points.back().y);
}

/// Lines of several names, as far as the run has them.
TrainingPage::Chart chart(std::string id,
                          std::string title,
                          std::string hint,
                          const std::map<std::string, Points, std::less<>>& numbers,
                          const std::vector<std::pair<std::string, std::string>>& names) {
  TrainingPage::Chart out{.figure = {.id = std::move(id),
                                     .title = std::move(title),
                                     .description = hint,
                                     .x_name = "step"},
                          .hint = hint};
  for (const auto& [key, name] : names) {
    const Points& points = points_of(numbers, key);
    if (!points.empty()) {
      out.figure.series.push_back(
          {.name = name, .points = points, .lead = out.figure.series.empty()});
    }
  }
  return out;
}

TrainingPage::Chart loss_chart(const Records& records) {
  const Points& raw = points_of(records.training, "loss");
  TrainingPage::Chart out{
      .figure = {.id = "loss", .title = "Loss", .x_name = "step"},
      .hint = "Training loss falling while held-out loss rises is learning by heart."};
  out.figure.description = "Loss of every step, its running mean, and the loss of held-out rows.";
  out.figure.series.push_back({.name = "each step", .points = raw, .faint = true});
  out.figure.series.push_back({.name = "training, running mean",
                               .points = report::smoothed(raw, kSmoothing),
                               .lead = true});
  const Points& held_out = points_of(records.held_out, "loss");
  if (!held_out.empty()) {
    out.figure.series.push_back({.name = "held-out", .points = held_out});
  }
  return out;
}

void add_charts(const Records& records, TrainingPage& page) {
  page.charts.push_back(loss_chart(records));
  page.charts.push_back(chart(
      "held-out", "Held-out loss by kind", "Nats per token of answers and of instructions.",
      records.held_out, {{"nll/completion", "answers"}, {"nll/instruction", "instructions"}}));
  page.charts.push_back(
      chart("rewards", "Rewards", "Both may fall together: only their distance is learnt.",
            records.training, {{"rewards/chosen", "chosen"}, {"rewards/rejected", "rejected"}}));
  page.charts.push_back(chart("accuracy", "Pairs told apart",
                              "Share of pairs whose chosen answer has the higher reward.",
                              records.training, {{"rewards/accuracies", "training"}}));
  const Points& held_out = points_of(records.held_out, "rewards/accuracies");
  if (!held_out.empty()) {
    page.charts.back().figure.series.push_back({.name = "held-out", .points = held_out});
  }
  page.charts.push_back(chart("logps", "Log-probability of answers",
                              "Nats of whole answers. Chosen answers that become unlikely too are "
                              "a warning.",
                              records.training,
                              {{"logps/chosen", "chosen"}, {"logps/rejected", "rejected"}}));
  page.charts.push_back(chart("lengths", "Length of answers", "Tokens, of the rows of each step.",
                              records.training,
                              {{"length/chosen", "chosen"}, {"length/rejected", "rejected"}}));
  page.charts.push_back(chart("kl", "Divergence from the start", "Nats, as the method measures it.",
                              records.training, {{"kl", "divergence"}}));
  page.charts.push_back(chart("gradient", "Norm of the gradient",
                              "Before it is clipped; a step where it is not finite is skipped.",
                              records.training, {{"grad_norm", "norm"}}));
  page.charts.back().figure.logarithmic = true;
  page.charts.push_back(
      chart("lr", "Learning rate", "As used in each step.", records.training, {{"lr", "rate"}}));
  page.charts.push_back(chart("speed", "Speed", "Tokens per second.", records.timing,
                              {{"tok_per_s", "tokens per second"}}));
  std::erase_if(page.charts, [](const TrainingPage::Chart& one) {
    return std::ranges::all_of(one.figure.series,
                               [](const LineSeries& series) { return series.points.empty(); });
  });
}

std::string loss_text(std::optional<double> loss) {
  return loss ? report::typographic_text(format("{:.3g}", *loss))
              : std::string(report::kPageNoNumber);
}

void add_facts(const train::Recipe& recipe, const Records& records, TrainingPage& page) {
  const Points& loss = points_of(records.training, "loss");
  const Points& held_out = points_of(records.held_out, "loss");
  page.facts.push_back(
      {"steps", report::count_text(records.steps),
       format("{} samples", report::count_text(static_cast<int64_t>(
                                last_of(points_of(records.training, "samples")).value_or(0))))});
  page.facts.push_back(
      {"training loss", loss_text(last_of(loss)), "from " + loss_text(first_of(loss))});
  if (!held_out.empty()) {
    page.facts.push_back({"held-out loss", loss_text(last_of(held_out)),
                          held_out.size() > 1 ? "from " + loss_text(first_of(held_out)) : ""});
  }
  page.facts.push_back(
      {"tokens",
       report::count_text(
           static_cast<int64_t>(last_of(points_of(records.training, "tokens")).value_or(0))),
       records.seconds > 0
           ? format("{} a second", report::count_text(static_cast<int64_t>(
                                       last_of(points_of(records.training, "tokens")).value_or(0) /
                                       records.seconds)))
           : ""});
  page.facts.push_back({"time of the steps", report::duration_text(records.seconds), ""});
  if (const auto bytes = last_of(points_of(records.timing, "mem_bytes"))) {
    page.facts.push_back({"memory", format("{:.0f} MiB", *bytes / 1048576), "at most"});
  }
  page.lede = format("{} of {} by {}, {} parameters.",
                     recipe.parameters == "lora" ? "Adapters" : "Training", recipe.model,
                     recipe.method, recipe.parameters);
  if (const auto skipped = last_of(points_of(records.training, "skipped")).value_or(0);
      skipped > 0) {
    page.notes.push_back(
        {report::NoteLevel::kWarning,
         format("{:.0f} steps were skipped, because their gradient was not finite; "
                "bad_batch.json names the rows of the last one.",
                skipped)});
  }
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

}  // namespace

Result<bool> is_training_run(const std::string& path) {
  return path_exists(path + "/recipe.toml");
}

Result<TrainingPage> view_training_run(const std::string& path) {
  CUPEL_TRY(const train::Recipe recipe, train::load_recipe(path + "/recipe.toml"));
  CUPEL_TRY(const Records records, read_records(path));
  TrainingPage page{.title = format("{}: {}", recipe.method, path), .subtitle = recipe.model};
  add_facts(recipe, records, page);
  add_charts(records, page);
  CUPEL_TRY_VOID(add_samples(path, page));
  for (const std::string& one : train::recipe_differences(recipe, train::Recipe{})) {
    const size_t colon = one.find(": ");
    page.settings.emplace_back(one.substr(0, colon),
                               one.substr(colon + 2, one.rfind(", was ") - colon - 2));
  }
  CUPEL_TRY(const Json run, read_json_file(path + "/run.json"));
  if (const Json* const model = run.find("model"); model != nullptr && model->is_string()) {
    page.run.emplace_back("model's fingerprint", model->as_string());
  }
  page.command = format("cupel tune {}/recipe.toml --out NEW", path);
  return page;
}

Result<Ok> write_training_report(const std::string& path) {
  CUPEL_TRY(const TrainingPage page, view_training_run(path));
  return write_file_atomic(path + "/report.html", report::render_training_page(page));
}

Result<Json> training_summary(const std::string& path) {
  CUPEL_TRY(const Records records, read_records(path));
  Json summary = Json::object().set("steps", records.steps).set("seconds", records.seconds);
  for (const auto& [name, points] : records.training) {
    summary.set(name, Json::object().set("first", points.front().y).set("last", points.back().y));
  }
  Json held_out = Json::object();
  for (const auto& [name, points] : records.held_out) {
    held_out.set(name, Json::object().set("first", points.front().y).set("last", points.back().y));
  }
  return summary.set("held_out", std::move(held_out));
}

}  // namespace cupel::cli
