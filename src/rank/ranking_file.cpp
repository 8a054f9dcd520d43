#include "rank/ranking_file.h"

#include <array>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/byte_source.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

struct Columns {
  size_t item = 0;
  size_t rating = 0;
  std::optional<size_t> low;
  std::optional<size_t> high;
  bool grouped = false;  // as `rank --by` writes them
};

std::optional<size_t> find(std::span<const std::string_view> header,
                           std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    for (size_t i = 0; i < header.size(); ++i) {
      if (trim(header[i]) == name) {
        return i;
      }
    }
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 3> kItem = {"item", "model", "name"};
constexpr std::array<std::string_view, 1> kGroup = {"group"};
constexpr std::array<std::string_view, 2> kRating = {"rating", "score"};
constexpr std::array<std::string_view, 3> kLow = {"ci_low", "lower", "rating_q025"};
constexpr std::array<std::string_view, 3> kHigh = {"ci_high", "upper", "rating_q975"};

Result<Columns> find_columns(std::span<const std::string_view> header) {
  const auto item = find(header, kItem);
  const auto rating = find(header, kRating);
  Columns columns{.low = find(header, kLow), .high = find(header, kHigh)};
  if (!item.has_value() || !rating.has_value() ||
      columns.low.has_value() != columns.high.has_value()) {
    std::vector<std::string> present;
    for (const std::string_view name : header) {
      present.push_back("\"" + printable(name) + "\"");
    }
    return invalid_argument(
        "a ranking needs the columns item and rating, and ci_low and ci_high both or neither; this "
        "file has {}",
        join(present, ", "));
  }
  columns.grouped = find(header, kGroup).has_value();
  columns.item = *item;
  columns.rating = *rating;
  return columns;
}

Result<double> number(std::string_view text, std::string_view column) {
  const std::string_view trimmed = trim(text);
  double value = 0;
  const auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), value);
  if (error != std::errc() || end != trimmed.data() + trimmed.size() || !std::isfinite(value)) {
    return corrupt_data("{} is \"{}\"; expected a finite number", column, printable(text));
  }
  return value;
}

Result<std::optional<numeric::Interval>> interval_of(std::span<const std::string_view> fields,
                                                     const Columns& columns) {
  using Absent = std::optional<numeric::Interval>;
  if (!columns.low.has_value()) {
    return Absent();
  }
  const std::string_view low = trim(fields[*columns.low]);
  const std::string_view high = trim(fields[*columns.high]);
  if (low.empty() && high.empty()) {
    return Absent();
  }
  if (low.empty() || high.empty()) {
    return corrupt_data("the interval has only one end; fill both or leave both empty");
  }
  numeric::Interval interval;
  CUPEL_TRY(interval.low, number(low, "the interval's lower end"));
  CUPEL_TRY(interval.high, number(high, "the interval's upper end"));
  if (interval.low > interval.high) {
    return corrupt_data("the interval [{:g}, {:g}] has its ends exchanged", interval.low,
                        interval.high);
  }
  return Absent(interval);
}

/// Turns records into items, one after another.
class RankingBuilder {
 public:
  explicit RankingBuilder(const std::string& path) { ranking_.path = path; }

  Result<Ok> add(std::span<const std::string_view> fields) {
    if (!columns_.has_value()) {
      CUPEL_TRY(columns_, find_columns(fields));
      return Ok{};
    }
    RankedItem item{.item = std::string(trim(fields[columns_->item]))};
    if (item.item.empty()) {
      return corrupt_data("the name is empty");
    }
    if (!is_valid_utf8(item.item)) {
      return corrupt_data("the name \"{}\" is not UTF-8; save the file as UTF-8",
                          printable(item.item));
    }
    if (item.item.find('\0') != std::string::npos) {
      return corrupt_data("the name \"{}\" holds a NUL byte; the file is damaged or no text",
                          printable(item.item));
    }
    if (!names_.insert(item.item).second) {
      return corrupt_data("\"{}\" was ranked before; a ranking has one line for each{}",
                          printable(item.item),
                          columns_->grouped ? " (keep the lines of one group)" : "");
    }
    CUPEL_TRY(item.rating, number(fields[columns_->rating], "the rating"));
    CUPEL_TRY(item.interval, interval_of(fields, *columns_));
    ranking_.items.push_back(std::move(item));
    return Ok{};
  }
  Result<Ranking> finish() {
    if (ranking_.items.empty()) {
      return invalid_argument(
          "{}: there is no ranking in it; expected a header and a line for each "
          "item",
          ranking_.path);
    }
    return std::move(ranking_);
  }

 private:
  Ranking ranking_;
  std::optional<Columns> columns_;
  std::unordered_set<std::string> names_;
};

}  // namespace

Result<Ranking> parse_ranking_csv(std::string_view text, const std::string& path) {
  RankingBuilder builder(path);
  CUPEL_TRY_VOID(for_each_csv(
      text, path, [&](std::span<const std::string_view> fields, size_t /*line*/) -> Result<Ok> {
        return builder.add(fields);
      }));
  return builder.finish();
}

Result<Ranking> read_ranking_csv(const std::string& path) {
  constexpr size_t kMostBytes = 64U << 20U;  // unpacked
  constexpr size_t kStep = 256U << 10U;
  CUPEL_TRY(const OpenSource source, open_source(path));
  std::string text;
  for (size_t size = 0;;) {
    text.resize(size + kStep);
    CUPEL_TRY(const size_t count, source.bytes->read(std::span(text).subspan(size)));
    size += count;
    if (count == 0) {
      text.resize(size);
      return parse_ranking_csv(text, source.name);
    }
    if (size > kMostBytes) {
      return invalid_argument(
          "{}: larger than 64 MiB; expected a ranking with a line for each item", source.name);
    }
  }
}

}  // namespace cupel::rank
