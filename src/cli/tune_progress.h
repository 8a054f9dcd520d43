#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace cupel::cli {

/// What a user sees of a run while it trains, on standard error: on a terminal one line that is
/// written over, elsewhere a line every `every` steps; with `json` an object a step on standard
/// output instead.
class TuneProgress {
 public:
  TuneProgress(int64_t every, bool json);

  /// Before the first record.
  void begin(int64_t total_steps) {
    total_steps_ = total_steps;
    watch_ = Stopwatch();
  }
  /// A record and its timing, as train.jsonl and timing.jsonl have them.
  void record(const Json& record, const Json& timing);
  /// A line that stays.
  void note(std::string_view line);
  /// Takes the line that is written over off the screen.
  void finish();

 private:
  [[nodiscard]] std::string step_line(const Json& record, const Json& timing) const;

  int64_t every_;
  bool json_;
  bool terminal_;
  bool drawn_ = false;
  int64_t total_steps_ = 0;
  int64_t first_step_ = -1;  // of this process
  Stopwatch watch_;
};

}  // namespace cupel::cli
