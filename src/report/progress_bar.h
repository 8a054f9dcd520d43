#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "report/rate.h"
#include "report/terminal.h"

namespace cupel::report {

/// State of one bar and its two forms; private to progress.cpp and its tests.
struct Bar {
  std::string name;
  std::string unit;
  std::string note;
  int64_t total = 0;
  int64_t initial = 0;
  int64_t done = 0;
  size_t depth = 0;
  std::optional<size_t> parent;
  double start_s = 0;
  std::optional<double> end_s;  ///< set when finished
  RateMeter rate{0};

  // Plain output only: when the next line is due.
  double next_line_s = 0;
  int64_t next_tenth = 1;
};

/// "48/96 answers  3.2/s  0:15 left" or, when finished, "96/96 answers in 0:31".
std::string bar_numbers(const Bar& bar, double now_s);

/// "answers of SmolLM2: 48/96 answers (50%), 3.2/s, 0:15 left"
std::string plain_bar_line(const Bar& bar, double now_s);

/// One line of at most `terminal.columns` columns; names are padded to `name_width`.
std::string drawn_bar_line(const Bar& bar,
                           double now_s,
                           size_t name_width,
                           const Terminal& terminal);

}  // namespace cupel::report
