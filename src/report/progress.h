#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "report/table.h"
#include "report/terminal.h"

namespace cupel::report {

/// Where progress goes and what time it is; the defaults are standard error and the steady clock.
struct ProgressOptions {
  std::function<void(std::string_view)> write;  ///< one call a frame; empty: standard error
  std::function<Terminal()> terminal;  ///< asked before each frame, so a resize is followed
  std::function<double()> clock;       ///< seconds
  bool ticker = true;                  ///< on a TTY, a thread redraws at ≤ 10 Hz
  double plain_interval_s = 10;        ///< off a TTY: a line at least this often while working
  double plain_block_interval_s = 30;  ///< off a TTY: the live block at most this often
};

/// One bar.
struct BarOptions {
  std::string name{};
  int64_t total = 0;               ///< 0 = unknown
  int64_t initial = 0;             ///< done before this process started (a resumed run)
  std::string unit{};              ///< plural, e.g. "answers"; may be empty
  std::optional<size_t> parent{};  ///< nested below that bar; goes away when finished
};

/// Several progress bars and, below them, a small table that fills in; for people, on standard
/// error.
///
/// On a TTY the block is redrawn in place, at most ten times a second. Elsewhere each bar writes a
/// plain line every tenth of its way (or every `plain_interval_s`, growing with the run) and the
/// table now and then. Thread-safe. Safe to kill: the cursor is never hidden and always rests below
/// the block. While bars are shown, other lines must go through `print_line`.
class Progress {
 public:
  using BarId = size_t;

  explicit Progress(ProgressOptions options = {});
  ~Progress();  ///< closes
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  BarId add(BarOptions bar);
  void advance(BarId bar, int64_t amount = 1);
  void set_total(BarId bar, int64_t total);
  /// A few words at the end of the bar's line, e.g. what is worked on.
  void set_note(BarId bar, std::string note);
  /// The bar stops here, complete or not.
  void finish(BarId bar);

  /// The live block: a heading and a table under the bars, until it is replaced.
  void set_block(std::string heading, Table table);
  /// Takes the live block away, as when its last state is about to be printed in full.
  void clear_block();
  /// A line of its own, above the bars.
  void print_line(std::string_view text);

  /// Draws the last state and leaves it on the screen; later calls do nothing.
  void close();

  /// Redraws when something changed and the last frame is ≥ 0.1 s old; the ticker calls it.
  void tick();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "0:07", "12:05", "1:02:05".
std::string clock_text(double seconds);

}  // namespace cupel::report
