#include "cli/live_view.h"

#include <utility>

#include "cli/evaluation_text.h"
#include "judge/summary.h"

namespace cupel::cli {

LiveView::LiveView(const judge::Benchmark& benchmark,
                   const judge::RunFolder& run,
                   std::string judge,
                   std::string protocol)
    : benchmark_(benchmark), run_(run), judge_(std::move(judge)), protocol_(std::move(protocol)) {}

LiveView::RowBar LiveView::add_bar(const std::string& name, const judge::RowCount& rows) {
  if (rows.to_do() == 0) {
    return {};  // nothing will move
  }
  return {
      .id = progress_.add({.name = name, .total = rows.total, .initial = rows.done, .unit = name}),
      .to_do = rows.to_do()};
}

void LiveView::start(const judge::Estimate& estimate) {
  answers_ = add_bar("answers", estimate.answers);
  verdicts_ = add_bar("verdicts", estimate.verdicts);
}

void LiveView::on_row(const std::string& kind, const std::string& model, bool resumed) {
  if (resumed) {
    return;  // it is in the bar already
  }
  const bool answer = kind == "answer";
  RowBar& bar = answer ? answers_ : verdicts_;
  progress_.advance(bar.id);
  if (--bar.to_do == 0) {
    progress_.finish(bar.id);
  } else {
    progress_.set_note(bar.id, model);
  }
  if (!answer && watch_.seconds() > next_block_s_) {
    show_leaderboard();
    next_block_s_ = watch_.seconds() + 1;
  }
}

void LiveView::close(bool leaderboard_follows) {
  if (leaderboard_follows) {
    progress_.clear_block();
  }
  progress_.close();
}

void LiveView::show_leaderboard() {
  const auto summary =
      judge::summarise(benchmark_, run_, judge_, protocol_, judge::Coverage::kLive);
  if (summary) {  // else nothing is judged yet
    progress_.set_block("so far", leaderboard_table(*summary));
  }
}

}  // namespace cupel::cli
