#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "rank/analysis.h"
#include "rank/vote_reader.h"

namespace cupel::cli {

/// The flags that name votes and a way to rate them: of `rank` and its companions.
class VoteFlags {
 public:
  void declare_files(Arguments& arguments);
  void declare_rating(Arguments& arguments);
  void declare_intervals(Arguments& arguments);

  /// The files, as the flags want them. `keep`: columns that a command needs besides.
  Result<rank::VoteFile> read(std::vector<std::string> keep = {});
  /// The method with its settings, seed and threads.
  Result<rank::AnalysisOptions> analysis() const;

  /// The flags that changed how votes are rated, as they were given: "--ridge 0.1".
  [[nodiscard]] std::vector<std::string> choices() const;

  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }
  [[nodiscard]] const std::string& cluster() const { return cluster_; }
  [[nodiscard]] uint64_t seed() const { return static_cast<uint64_t>(seed_); }
  [[nodiscard]] double alpha() const { return alpha_; }

 private:
  /// A parameter of some rating methods: its flag, and the text given, empty where it was not.
  struct Setting {
    std::string name;
    std::string text;
  };
  void declare_votes_and_settings(Arguments& arguments);
  Result<Ok> apply_columns(rank::VoteFile& votes) const;
  Result<std::vector<rank::RatingOptions::Setting>> settings() const;

  std::vector<std::string> files_;
  std::string cluster_;
  bool skip_bad_ = false;
  int64_t threads_ = 0;
  std::string method_ = "bradley-terry";
  std::string ci_;
  double alpha_ = 0.05;
  std::string anchor_;
  int64_t seed_ = 0;
  std::string style_;
  std::string component_;
  std::vector<std::string> component_weights_;
  std::string distinct_;
  int64_t min_votes_ = 0;
  int64_t even_pairs_ = 0;
  double pseudo_ties_ = 0;
  std::vector<std::unique_ptr<Setting>> settings_;
};

/// What there is to know of how votes were read: notes, and the rows that were left out.
std::vector<std::string> reading_warnings(const rank::VoteFile& votes);
/// Shows warnings on standard error, a line each.
void print_warnings(const std::vector<std::string>& warnings);
/// "3,471 ties (38.9%), 120 of them bad on both sides"
std::string tally_text(const rank::VoteFile& votes);
/// The value of NAME=VALUE flags. Errors: kInvalidArgument - no "=", no number.
struct NamedNumber {
  std::string name;
  double value = 0;
};
Result<NamedNumber> parse_named_number(const std::string& text, const std::string& flag);

}  // namespace cupel::cli
