#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/axis.h"
#include "report/figures.h"
#include "report/markup.h"
#include "report/rank_page.h"

namespace cupel::report {

/// What all sections of the rank page look up. Private to the page; the page outlives it.
class RankView {
 public:
  explicit RankView(const RankPage& page) : page_(page) {}

  [[nodiscard]] const RankPage& page() const { return page_; }
  /// A rating with the page's decimals; "–" when not finite.
  [[nodiscard]] std::string rating_text(double rating) const;
  /// "1,112 to 1,230"; "–" where there is no interval.
  [[nodiscard]] std::string interval_text(const Estimate& estimate) const;
  [[nodiscard]] std::string interval_text(const Interval& interval) const;
  /// "1172 (1118 to 1227)", with the wider interval where there is one.
  [[nodiscard]] std::string rating_note(const RankRow& row) const;
  /// "95%"
  [[nodiscard]] std::string confidence_text() const;

 private:
  const RankPage& page_;
};

/// Round ends that cover every value and interval, the wider ones too.
Axis rating_axis(std::span<const RankRow> rows);
/// The best rank stands out, where not everybody has it; provisional rows are hollow.
MarkKind mark_of(const std::vector<RankRow>& rows, const RankRow& row);
/// How many models have each rank: a rank of several is marked with "=".
using RankCounts = std::map<int64_t, int64_t>;
RankCounts rank_counts(std::span<const RankRow> rows);
/// "4" or "4=", the sign also in words.
void write_rank(Markup& html, int64_t rank, const RankCounts& counts);
/// "63%" or "–"; for shares of votes.
std::string share_text(double share);
std::string share_text(const std::optional<double>& share);
/// "57% to 68%"; "–" where there is no interval.
std::string share_interval_text(const Estimate& estimate);
/// "7 models", "1 model".
std::string counted(int64_t count, std::string_view one, std::string_view many);

// The sections, in the order of the page. Each writes nothing where it has nothing to show.
void write_rank_headline(Markup& html, const RankView& view);
void write_rank_board(Markup& html, const RankView& view);
void write_rank_ratings(Markup& html, const RankView& view);
void write_rank_cycles(Markup& html, const RankView& view);
void write_rank_pairs(Markup& html, const RankView& view);
void write_rank_calibration(Markup& html, const RankView& view);
void write_rank_style(Markup& html, const RankView& view);
void write_rank_groups(Markup& html, const RankView& view);
void write_rank_method(Markup& html, const RankView& view);

/// One leaderboard table over the first `limit` rows, in its scroll box.
void write_rank_table(Markup& html,
                      const RankView& view,
                      const std::vector<RankRow>& rows,
                      size_t limit,
                      std::string_view label);

/// Whether there are two models or more to show against each other.
bool has_pairs(const RankPage& page);
/// The order in which the map of win rates shows the models of the matrix: as given, but the
/// models of the strongest cycle first, each before the one it beats. At most kPairModels.
std::vector<size_t> pair_order(const RankPage& page);

/// All rules of the page, and its one script.
std::string rank_page_css();
std::string_view rank_page_script();

}  // namespace cupel::report
