#include "cli/training_charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"

namespace cupel::cli {
namespace {

using report::LineScale;
using report::LineSeries;
using report::TrainingPage;

/// A number as charts name it.
struct NamedNumber {
  std::string_view key;
  std::string_view name;
};
struct KnownChart {
  std::string_view id;
  std::string_view title;
  std::string_view hint;
  std::array<NamedNumber, 2> numbers;  ///< of the second the key may be empty
  LineScale scale = LineScale::kLinear;
};

constexpr std::array<KnownChart, 16> kKnown = {{
    {"loss",
     "Loss",
     "Where training loss falls and held-out loss rises, rows are learnt by heart.",
     {{{"loss", "training"}, {}}},
     LineScale::kEither},
    {"nll-parts",
     "Loss of answers and of instructions",
     "Nats per token.",
     {{{"nll/completion", "answers"}, {"nll/instruction", "instructions"}}},
     LineScale::kEither},
    {"nll-chosen",
     "Loss of chosen answers",
     "Nats per token: where it falls, the model also learns to write them.",
     {{{"nll/chosen", "training"}, {}}},
     LineScale::kEither},
    {"top",
     "Tokens put first",
     "Share of learnt tokens that the model holds likeliest.",
     {{{"mean_token_accuracy", "training"}, {}}}},
    {"entropy",
     "Entropy",
     "Nats, of the model's guess for each learnt token: at 0 it is sure of all.",
     {{{"entropy", "training"}, {}}}},
    {"odds",
     "Log odds ratio",
     "Of chosen against rejected answers; above 0 the chosen ones are likelier.",
     {{{"log_odds_ratio", "training"}, {}}}},
    {"accuracy",
     "Pairs told apart",
     "Share of pairs whose chosen answer has the higher reward; a coin would reach 0.5.",
     {{{"rewards/accuracies", "training"}, {}}}},
    {"margins",
     "Margin of rewards",
     "How much higher the chosen answer's reward is.",
     {{{"rewards/margins", "training"}, {}}}},
    {"rewards",
     "Rewards",
     "Both may fall together: only their distance is learnt.",
     {{{"rewards/chosen", "chosen"}, {"rewards/rejected", "rejected"}}}},
    {"logps",
     "Log-probability of answers",
     "Nats of whole answers. Chosen answers that become unlikely too are a warning.",
     {{{"logps/chosen", "chosen"}, {"logps/rejected", "rejected"}}}},
    {"lengths",
     "Length of answers",
     "Tokens, of the rows of each step.",
     {{{"length/chosen", "chosen"}, {"length/rejected", "rejected"}}}},
    {"kl",
     "Divergence from the start",
     "Nats, as the method measures it.",
     {{{"kl", "training"}, {}}}},
    {"gradient",
     "Norm of the gradient",
     "Before it is clipped.",
     {{{"grad_norm", "norm"}, {}}},
     LineScale::kLogarithmic},
    {"rate", "Learning rate", "As used in each step.", {{{"lr", "learning rate"}, {}}}},
    {"speed", "Speed", "Tokens a second.", {{{"tok_per_s", "tokens a second"}, {}}}},
    {"memory", "Memory", "MiB that the process holds.", {{{"mem_bytes", "MiB"}, {}}}},
}};

/// What counts a run's progress, or is shown otherwise.
constexpr std::array<std::string_view, 12> kUncharted = {
    "epoch", "tokens",      "samples", "labels", "skipped", "step_ms",
    "time",  "flops_per_s", "mfu",     "nll",    "eval",    "perplexity"};
constexpr std::array<std::string_view, 4> kSmooth = {"lr", "mem_bytes", "nll/completion",
                                                     "nll/instruction"};
constexpr size_t kFew = 40;  // points that can be told apart as dots

bool is_one_of(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

const std::vector<LineSeries::Point>& step_points(const TrainingRecords& records,
                                                  std::string_view key) {
  const auto& training = points_of(records.training, key);
  return training.empty() ? points_of(records.timing, key) : training;
}

/// The values of a number over steps and, where the chart has room, of held-out rows.
void add_series(const TrainingRecords& records,
                const NamedNumber& number,
                bool alone,
                std::vector<LineSeries>& out) {
  const auto& steps = step_points(records, number.key);
  const auto& held_out = points_of(records.held_out, number.key);
  if (!steps.empty()) {
    out.push_back({.name = std::string(number.name),
                   .points = steps,
                   .lead = out.empty(),
                   .noisy = steps.size() > 1 && !is_one_of(kSmooth, number.key)});
    if (number.key == "mem_bytes") {
      for (LineSeries::Point& point : out.back().points) {
        point.y /= 1 << 20;
      }
    }
  }
  if (!held_out.empty() && (alone || steps.empty())) {
    out.push_back({.name = alone ? std::string("held-out") : std::string(number.name),
                   .points = held_out,
                   .lead = out.empty(),
                   .marks = held_out.size() <= kFew});
  }
}

TrainingPage::Chart chart_of(const TrainingRecords& records, const KnownChart& known) {
  TrainingPage::Chart out{.figure = {.id = std::string(known.id),
                                     .title = std::string(known.title),
                                     .description = std::string(known.hint),
                                     .x_name = "step",
                                     .scale = known.scale},
                          .hint = std::string(known.hint)};
  const bool alone = known.numbers[1].key.empty();
  for (const NamedNumber& number : known.numbers) {
    if (!number.key.empty()) {
      add_series(records, number, alone, out.figure.series);
    }
  }
  if (known.id == "gradient" && !records.skipped.empty()) {
    out.figure.events = records.skipped;
    out.figure.event_name = "skipped: not finite";
  }
  return out;
}

/// Names of numbers that no known chart has.
std::set<std::string> other_names(const TrainingRecords& records) {
  std::set<std::string> names;
  for (const NumbersByName* numbers : {&records.training, &records.held_out}) {
    for (const auto& [name, points] : *numbers) {
      const bool known = std::ranges::any_of(kKnown, [&name = name](const KnownChart& chart) {
        return std::ranges::any_of(chart.numbers,
                                   [&](const NamedNumber& number) { return number.key == name; });
      });
      if (!known && !is_one_of(kUncharted, name)) {
        names.insert(name);
      }
    }
  }
  return names;
}

}  // namespace

std::vector<TrainingPage::Chart> training_charts(const TrainingRecords& records) {
  std::vector<TrainingPage::Chart> charts;
  for (const KnownChart& known : kKnown) {
    charts.push_back(chart_of(records, known));
  }
  for (const std::string& name : other_names(records)) {
    // Ids are the page's own, never data.
    const std::string id = format("other-{}", charts.size());
    charts.push_back(chart_of(records, {.id = id,
                                        .title = name,
                                        .hint = "As the method measures it.",
                                        .numbers = {{{name, "training"}, {}}}}));
  }
  std::erase_if(charts, [](const TrainingPage::Chart& one) { return one.figure.series.empty(); });
  return charts;
}

}  // namespace cupel::cli
