#include "cli/tune_progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"
#include "cli/output.h"
#include "report/numbers.h"
#include "report/progress.h"
#include "report/text_width.h"

namespace cupel::cli {
namespace {

constexpr double kFrameInterval = 0.1;  // seconds; steps of tiny models come faster

/// A piece of the line; where it does not fit the highest `drop` goes first, 0 never.
struct Part {
  std::string text;
  int drop = 0;
};

/// The parts in one line of at most `columns` columns; 0: as long as it is.
std::string fitting_line(std::vector<Part> parts, size_t columns) {
  std::erase_if(parts, [](const Part& part) { return part.text.empty(); });
  while (true) {
    std::string line;
    for (const Part& part : parts) {
      line += (line.empty() ? "" : "  ") + part.text;
    }
    const auto least = std::ranges::max_element(parts, {}, &Part::drop);
    if (columns == 0 || report::display_width(line) <= columns) {
      return line;
    }
    if (least->drop == 0) {
      return report::cut_to_width(line, columns, "");
    }
    parts.erase(least);
  }
}

std::string number_of(const Json& record, std::string_view key, const char* pattern) {
  const Json* const value = record.find(key);
  if (value == nullptr || !value->is_number()) {
    return report::kNoNumber;
  }
  if (std::isnan(value->as_double())) {
    return "nan";
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value->as_double());
  return text.data();
}

/// Losses of preferences may become tiny, and are still told apart.
std::string loss_of(const Json& numbers) {
  constexpr double kTiny = 0.001;
  const Json* const loss = numbers.find("loss");
  const bool tiny = loss != nullptr && loss->is_number() && loss->as_double() != 0 &&
                    std::abs(loss->as_double()) < kTiny;
  return number_of(numbers, "loss", tiny ? "%.2e" : "%.4f");
}

void write_to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string held_out_line(int64_t step, const Json& eval) {
  std::string line = format("step {}  held-out loss {}", step, loss_of(eval));
  if (eval.contains("rewards/accuracies")) {
    line += "  acc " + number_of(eval, "rewards/accuracies", "%.2f");
  }
  return line;
}

}  // namespace

TuneProgress::TuneProgress(TuneProgressOptions options) : options_(std::move(options)) {
  if (!options_.write) {
    options_.write = write_to_stderr;
  }
  if (!options_.results) {
    options_.results = print;
  }
  if (!options_.terminal) {
    options_.terminal = [] { return report::detect_terminal(STDERR_FILENO); };
  }
  if (!options_.clock) {
    options_.clock = [watch = Stopwatch()] { return watch.seconds(); };
  }
}

void TuneProgress::begin(int64_t total_steps) {
  total_steps_ = total_steps;
  begun_ = options_.clock();
}

std::string TuneProgress::step_line(const Json& record, const Json& timing, size_t columns) const {
  const int64_t step = record.find("step")->as_int();
  const auto found = [](const Json& object, std::string_view key) -> const Json* {
    const Json* const value = object.find(key);
    return value != nullptr && value->is_number() ? value : nullptr;
  };
  std::vector<Part> parts = {
      {total_steps_ > 0 ? format("step {}/{}", step, total_steps_) : format("step {}", step)},
      {"loss " + loss_of(record)},
      {"lr " + number_of(record, "lr", "%.2e"), 3},
      {"|g| " + number_of(record, "grad_norm", "%.3g"), 4}};
  if (record.contains("rewards/accuracies")) {
    parts.push_back({"acc " + number_of(record, "rewards/accuracies", "%.2f"), 2});
  }
  if (const Json* const skipped = found(record, "skipped"); skipped && skipped->as_double() > 0) {
    parts.push_back({format("skipped {:.0f}", skipped->as_double()), 1});
  }
  if (const Json* const speed = found(timing, "tok_per_s")) {
    const auto rounded = static_cast<int64_t>(std::round(speed->as_double()));
    parts.push_back({report::count_text(rounded) + " tok/s", 5});
  }
  if (const Json* const bytes = found(timing, "mem_bytes")) {
    const double gibibytes = bytes->as_double() / (1 << 30);
    parts.push_back(
        {gibibytes >= 1 ? format("{:.1f} GiB", gibibytes) : format("{:.0f} MiB", 1024 * gibibytes),
         6});
  }
  const int64_t done = step - first_step_ + 1;
  if (total_steps_ > step) {
    parts.push_back(
        {"ETA " + report::clock_text((options_.clock() - begun_) / static_cast<double>(done) *
                                     static_cast<double>(total_steps_ - step)),
         1});
  }
  return fitting_line(std::move(parts), columns);
}

void TuneProgress::record(const Json& record, const Json& timing) {
  if (const Json* const loss = record.find("loss"); loss != nullptr && loss->is_number()) {
    first_loss_ = first_loss_.value_or(loss->as_double());
    last_losses_.push_back(loss->as_double());
    if (last_losses_.size() > kLastLosses) {
      last_losses_.erase(last_losses_.begin());
    }
  }
  if (options_.json) {
    Json whole = record;
    for (const auto& [key, value] : timing.as_object()) {
      if (!record.contains(key)) {  // "eval" of a timing says only that it is one
        whole.set(key, value);
      }
    }
    options_.results(dump_json(whole) + "\n");
    return;
  }
  const int64_t step = record.find("step")->as_int();
  if (const Json* const eval = record.find("eval")) {
    note(held_out_line(step, *eval));
    return;
  }
  if (first_step_ < 0) {
    first_step_ = step;
  }
  const report::Terminal terminal = options_.terminal();
  if (terminal.live) {
    const double now_s = options_.clock();
    if (drawn_ && now_s - drawn_s_ < kFrameInterval && step != total_steps_) {
      return;
    }
    // A line that wraps could not be written over.
    const size_t columns = terminal.columns > 1 ? terminal.columns - 1 : terminal.columns;
    options_.write("\r\x1b[K" + step_line(record, timing, columns));
    drawn_ = true;
    drawn_s_ = now_s;
  } else if (step % options_.every == 0 || step == total_steps_) {
    note(step_line(record, timing, 0));
  }
}

void TuneProgress::note(std::string_view line) {
  finish();
  options_.write(report::terminal_text(line) + "\n");
}

void TuneProgress::end() {
  finish();
  if (!first_loss_) {
    return;
  }
  if (const auto ended = driven_up(*first_loss_, last_losses_)) {
    note(
        format("warning: the loss went from {:.4g} up to {:.4g}; the learning rate is likely too "
               "high",
               *first_loss_, *ended));
  }
}

std::optional<double> driven_up(double began, std::span<const double> last) {
  constexpr double kShare = 0.5;
  const double ended =
      std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(last.size());
  return ended - began > kShare * std::abs(began) ? std::optional(ended) : std::nullopt;
}

void TuneProgress::finish() {
  if (drawn_) {
    options_.write("\r\x1b[K");
    drawn_ = false;
  }
}

}  // namespace cupel::cli
