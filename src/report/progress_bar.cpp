#include "report/progress_bar.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "report/numbers.h"
#include "report/progress.h"
#include "report/text_width.h"

namespace cupel::report {
namespace {

double fraction_of(const Bar& bar) {
  if (bar.total <= 0) {
    return bar.end_s ? 1.0 : 0.0;
  }
  return std::clamp(static_cast<double>(bar.done) / static_cast<double>(bar.total), 0.0, 1.0);
}

std::string amount_text(const Bar& bar) {
  std::string text = count_text(bar.done);
  if (bar.total > 0) {
    text += "/" + count_text(bar.total);
  }
  return bar.unit.empty() ? text : text + " " + bar.unit;
}

std::string rate_text(double per_second) {
  if (per_second >= 0.995) {
    return format(per_second < 99.5 ? "{:.1f}/s" : "{:.0f}/s", per_second);
  }
  const double per_minute = per_second * 60;
  return per_minute >= 0.995 ? format("{:.1f}/min", per_minute)
                             : format("{:.1f}/h", per_second * 3600);
}

std::string timing_text(const Bar& bar, double now_s, std::string_view separator) {
  if (bar.end_s) {
    return format("in {}", clock_text(*bar.end_s - bar.start_s));
  }
  const double rate = bar.rate.per_second();
  std::string text;
  if (rate > 0) {
    text = rate_text(rate) + std::string(separator);
  }
  const auto eta = bar.rate.eta_s(now_s, static_cast<double>(bar.total - bar.done));
  if (bar.total > 0 && eta) {
    return text + clock_text(*eta) + " left";
  }
  return text + clock_text(now_s - bar.start_s) + " so far";
}

std::string meter(double fraction, size_t width, const Terminal& terminal) {
  const auto full = static_cast<size_t>(std::floor(fraction * static_cast<double>(width)));
  if (!terminal.unicode) {
    return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
  }
  std::string done;
  std::string rest;
  for (size_t i = 0; i < width; ++i) {
    (i < full ? done : rest) += i < full ? "━" : "─";
  }
  return styled(done, Style::kAccent, terminal) + styled(rest, Style::kDim, terminal);
}

}  // namespace

std::string clock_text(double seconds) {
  constexpr double kLongest = 3.6e6;  // a thousand hours; beyond it nobody waits
  if (!std::isfinite(seconds) || seconds > kLongest) {
    return "?";
  }
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 3600) {
    return format("{}:{:02}", whole / 60, whole % 60);
  }
  return format("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
}

std::string bar_numbers(const Bar& bar, double now_s) {
  const std::string separator = bar.end_s ? " " : "  ";
  return amount_text(bar) + separator + timing_text(bar, now_s, "  ");
}

std::string plain_bar_line(const Bar& bar, double now_s) {
  std::string line = terminal_text(bar.name) + ": " + amount_text(bar);
  if (bar.total > 0 && !bar.end_s) {
    line += format(" ({:.0f}%)", std::floor(fraction_of(bar) * 100));
  }
  line += (bar.end_s ? " " : ", ") + timing_text(bar, now_s, ", ");
  return bar.note.empty() ? line : line + ", " + terminal_text(bar.note);
}

std::string drawn_bar_line(const Bar& bar,
                           double now_s,
                           size_t name_width,
                           const Terminal& terminal) {
  constexpr size_t kMeterMin = 8;
  constexpr size_t kMeterMax = 28;
  const std::string_view ellipsis = terminal.unicode ? "…" : "..";
  const size_t limit =
      terminal.columns == 0 ? 100 : terminal.columns - 1;  // last column stays free
  const std::string indented = std::string(2 * bar.depth, ' ') + terminal_text(bar.name);
  const std::string name =
      pad_to_width(cut_to_width(indented, name_width, ellipsis), name_width, Align::kLeft);
  const std::string numbers = bar_numbers(bar, now_s);
  const size_t frame = terminal.unicode ? 0 : 2;
  const size_t used = name_width + 2 + display_width(numbers) + 2 + frame;
  if (bar.total <= 0 || used + kMeterMin > limit) {
    return cut_to_width(name + "  " + numbers, limit, ellipsis);
  }
  const size_t width = std::min(kMeterMax, limit - used);
  std::string line = name + "  " + meter(fraction_of(bar), width, terminal) + "  " + numbers;
  const size_t left = limit - used - width;
  if (!bar.note.empty() && left > 6) {
    const std::string note = cut_to_width(terminal_text(bar.note), left - 2, ellipsis);
    line += "  " + styled(note, Style::kDim, terminal);
  }
  return line;
}

}  // namespace cupel::report
