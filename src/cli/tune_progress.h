#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "report/terminal.h"

namespace cupel::cli {

/// Where progress goes and what time it is; the defaults are those of the process.
struct TuneProgressOptions {
  int64_t every = 1;  ///< off a terminal: a line every so many steps, and the last one
  bool json = false;  ///< an object a record on standard output instead
  std::function<void(std::string_view)> write;    ///< empty: standard error
  std::function<void(std::string_view)> results;  ///< of `json`; empty: standard output
  std::function<report::Terminal()> terminal;     ///< asked before each line; empty: of stderr
  std::function<double()> clock;                  ///< seconds; empty: the steady clock
};

/// What a user sees of a run while it trains: on a terminal one line that is written over, at most
/// ten times a second, elsewhere a line every `every` steps.
class TuneProgress {
 public:
  explicit TuneProgress(TuneProgressOptions options);

  /// Before the first record.
  void begin(int64_t total_steps);
  /// A record and its timing, as train.jsonl and timing.jsonl have them.
  void record(const Json& record, const Json& timing);
  /// A line that stays.
  void note(std::string_view line);
  /// Takes the line that is written over off the screen.
  void finish();
  /// After the last record: says so where the loss has ended far above where it began.
  void end();

 private:
  /// In at most `columns` columns, 0: any number. What matters least is left out first.
  [[nodiscard]] std::string step_line(const Json& record, const Json& timing, size_t columns) const;

  TuneProgressOptions options_;
  bool drawn_ = false;
  double drawn_s_ = 0;
  int64_t total_steps_ = 0;
  int64_t first_step_ = -1;  // of this process
  double begun_ = 0;
  std::optional<double> first_loss_;
  std::vector<double> last_losses_;
};

/// Steps whose mean loss says where a run has ended.
inline constexpr size_t kLastLosses = 5;
/// Where a loss was driven up rather than down, by half of what it began at or more: the mean of
/// the last ones, at most kLastLosses.
std::optional<double> driven_up(double began, std::span<const double> last);

}  // namespace cupel::cli
