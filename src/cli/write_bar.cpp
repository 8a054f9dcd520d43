#include "cli/write_bar.h"

#include <unistd.h>

namespace cupel::cli {
namespace {

constexpr uint64_t kUnit = 1'000'000;

}  // namespace

void WriteBar::show(uint64_t done, uint64_t total) {
  if (!progress_) {
    if (!report::detect_terminal(STDERR_FILENO).live || total < kUnit) {
      return;
    }
    progress_.emplace();
    bar_ =
        progress_->add({.name = name_, .total = static_cast<int64_t>(total / kUnit), .unit = "MB"});
  }
  const auto now = static_cast<int64_t>(done / kUnit);
  progress_->advance(bar_, now - shown_);
  shown_ = now;
}

}  // namespace cupel::cli
