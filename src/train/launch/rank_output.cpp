#include "train/launch/rank_output.h"

#include "base/format.h"
#include "base/text.h"

namespace cupel::train {
namespace {

constexpr size_t kLastLines = 5;
constexpr size_t kLineBytes = 4096;  // a line that goes on for longer is cut there

bool is_error(std::string_view line) {
  if (line.starts_with("cupel: ")) {
    for (const std::string_view note : {"warning: ", "info: ", "debug: "}) {
      if (line.substr(7).starts_with(note)) {
        return false;
      }
    }
    return true;
  }
  return line.find(": check failed: ") != std::string_view::npos ||
         line.starts_with("terminate called") || line.starts_with("  what(): ");
}

}  // namespace

std::string RankOutput::show(std::string_view line) {
  if (!shown_->emplace(line).second) {
    return {};
  }
  return format("rank {}: {}\n", rank_, printable(line, kLineBytes));
}

std::string RankOutput::take(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    if (byte != '\n' && open_line_.size() < kLineBytes) {
      open_line_ += byte;
      continue;
    }
    if (is_error(open_line_)) {
      said_why_ = true;
      text += show(open_line_);
    } else if (!open_line_.empty()) {
      last_.push_back(open_line_);
      if (last_.size() > kLastLines) {
        last_.pop_front();
      }
    }
    open_line_.clear();
  }
  return text;
}

std::string RankOutput::end(bool failed) {
  std::string text = open_line_.empty() ? "" : take("\n");
  if (failed && !said_why_) {
    for (const std::string& line : last_) {
      text += show(line);
    }
  }
  return text;
}

}  // namespace cupel::train
