#pragma once

#include <deque>
#include <set>
#include <string>
#include <string_view>

namespace cupel::train {

/// What of the standard error of the processes 1 … is shown: a line that any of them has shown is
/// not shown again.
using ShownLines = std::set<std::string, std::less<>>;

/// The standard error of one process, read as it comes.
class RankOutput {
 public:
  RankOutput(int64_t rank, ShownLines& shown) : rank_(rank), shown_(&shown) {}

  /// Takes bytes; returns what is to be shown now: its lines of errors, "rank 2: " before each.
  std::string take(std::string_view bytes);
  /// After the last bytes: what is left. Of a process that `failed` and said nothing that looks
  /// like an error, its last lines.
  std::string end(bool failed);

 private:
  std::string show(std::string_view line);

  int64_t rank_;
  ShownLines* shown_;
  std::string open_line_;
  std::deque<std::string> last_;
  bool said_why_ = false;
};

}  // namespace cupel::train
