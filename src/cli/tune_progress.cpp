#include "cli/tune_progress.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"
#include "cli/output.h"
#include "report/numbers.h"
#include "report/progress.h"
#include "report/text_width.h"

namespace cupel::cli {
namespace {

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

void write_to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string held_out_line(int64_t step, const Json& eval) {
  std::string line = format("step {}  held-out loss {}", step, number_of(eval, "loss", "%.4f"));
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

std::string TuneProgress::step_line(const Json& record, const Json& timing) const {
  const int64_t step = record.find("step")->as_int();
  std::string line = format("step {}", step);
  if (total_steps_ > 0) {
    line += format("/{}", total_steps_);
  }
  line += format("  loss {}  lr {}  |g| {}", number_of(record, "loss", "%.4f"),
                 number_of(record, "lr", "%.2e"), number_of(record, "grad_norm", "%.3g"));
  if (record.contains("rewards/accuracies")) {
    line += "  acc " + number_of(record, "rewards/accuracies", "%.2f");
  }
  if (const Json* const speed = timing.find("tok_per_s"); speed != nullptr && speed->is_number()) {
    line += format("  {} tok/s",
                   report::count_text(static_cast<int64_t>(std::round(speed->as_double()))));
  }
  if (const Json* const bytes = timing.find("mem_bytes"); bytes != nullptr && bytes->is_number()) {
    line += format("  {:.1f} GiB", bytes->as_double() / (1 << 30));
  }
  const int64_t done = step - first_step_ + 1;
  if (total_steps_ > step) {
    line += "  ETA " + report::clock_text((options_.clock() - begun_) / static_cast<double>(done) *
                                          static_cast<double>(total_steps_ - step));
  }
  return line;
}

void TuneProgress::record(const Json& record, const Json& timing) {
  if (options_.json) {
    Json whole = record;
    for (const auto& [key, value] : timing.as_object()) {
      whole.set(key, value);
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
    std::string line = step_line(record, timing);
    if (terminal.columns > 0) {
      // A line that wraps could not be written over.
      line = report::cut_to_width(line, terminal.columns - 1, "");
    }
    options_.write("\r\x1b[K" + line);
    drawn_ = true;
  } else if (step % options_.every == 0 || step == total_steps_) {
    note(step_line(record, timing));
  }
}

void TuneProgress::note(std::string_view line) {
  finish();
  options_.write(std::string(line) + "\n");
}

void TuneProgress::finish() {
  if (drawn_) {
    options_.write("\r\x1b[K");
    drawn_ = false;
  }
}

}  // namespace cupel::cli
