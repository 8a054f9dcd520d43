#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "judge/benchmark.h"
#include "judge/estimate.h"
#include "judge/run_folder.h"
#include "report/progress.h"

namespace cupel::cli {

/// What an evaluation shows while it works: bars of answers and verdicts, and below them the
/// leaderboard that fills in. Rows that were there before stand in the bars from the start and
/// enter no rate. Rows must be reported one at a time.
class LiveView {
 public:
  LiveView(const judge::Benchmark& benchmark,
           const judge::RunFolder& run,
           std::string judge,
           std::string protocol);

  void start(const judge::Estimate& estimate);
  /// `kind` is "answer" or "verdict".
  void on_row(const std::string& kind, const std::string& model, bool resumed);
  /// Leaves the bars on the screen, and the leaderboard too unless the full one follows.
  void close(bool leaderboard_follows);

 private:
  struct RowBar {
    report::Progress::BarId id = 0;
    int64_t to_do = 0;
  };
  RowBar add_bar(const std::string& name, const judge::RowCount& rows);
  void show_leaderboard();

  const judge::Benchmark& benchmark_;
  const judge::RunFolder& run_;
  std::string judge_;
  std::string protocol_;
  report::Progress progress_;
  RowBar answers_;
  RowBar verdicts_;
  Stopwatch watch_;
  double next_block_s_ = 1;
};

}  // namespace cupel::cli
