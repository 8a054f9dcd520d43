#include "cli/tune_progress.h"

#include <array>
#include <cmath>
#include <cstdio>

#include <unistd.h>

#include "base/format.h"
#include "cli/output.h"
#include "report/numbers.h"

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

/// "3:21", "1:02:03".
std::string clock_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, std::round(seconds)));
  return whole >= 3600 ? format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

TuneProgress::TuneProgress(int64_t every, bool json)
    : every_(every), json_(json), terminal_(isatty(STDERR_FILENO) == 1) {}

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
  line += format("  {} tok/s", number_of(timing, "tok_per_s", "%.0f"));
  if (const Json* const bytes = timing.find("mem_bytes"); bytes != nullptr) {
    line += format("  {:.1f} GiB", bytes->as_double() / (1 << 30));
  }
  const int64_t done = step - first_step_ + 1;
  if (total_steps_ > step) {
    line += "  ETA " + clock_text(watch_.seconds() / static_cast<double>(done) *
                                  static_cast<double>(total_steps_ - step));
  }
  return line;
}

void TuneProgress::record(const Json& record, const Json& timing) {
  if (json_) {
    Json whole = record;
    for (const auto& [key, value] : timing.as_object()) {
      whole.set(key, value);
    }
    print(dump_json(whole) + "\n");
    return;
  }
  const int64_t step = record.find("step")->as_int();
  if (const Json* const eval = record.find("eval")) {
    note(format("step {}  held-out loss {}", step, number_of(*eval, "loss", "%.4f")));
    return;
  }
  if (first_step_ < 0) {
    first_step_ = step;
  }
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", step_line(record, timing).c_str());
    drawn_ = true;
  } else if (step % every_ == 0) {
    note(step_line(record, timing));
  }
}

void TuneProgress::note(std::string_view line) {
  finish();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

void TuneProgress::finish() {
  if (drawn_) {
    std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }
}

}  // namespace cupel::cli
