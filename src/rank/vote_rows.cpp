#include "rank/vote_rows.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

constexpr size_t kLongValue = 64;  // longer ones are known by their fingerprint
constexpr size_t kShownOfLong = 24;

/// A long value, say a whole prompt, by its beginning and a fingerprint of 128 bits.
std::string short_name(std::string_view value) {
  return format("{} #{}", printable(value, kShownOfLong), fingerprint(value));
}

}  // namespace

VoteRowParser::VoteRowParser(const VotePlan& plan, size_t parser)
    : plan_(&plan),
      winner_(*plan.dialect),
      parser_(parser),
      plain_(!plan.cluster.has_value() && plan.kept.empty() && plan.style.empty()) {
  if (plan.cluster.has_value()) {
    cluster_.name = plan.columns[*plan.cluster];
  }
  for (const size_t column : plan.kept) {
    kept_.emplace_back().name = plan.columns[column];
  }
  block_.kept.resize(kept_.size());
}

bool VoteRowParser::fail(Error error) {
  error_ = std::move(error);
  return false;
}

bool VoteRowParser::add(std::span<const std::string_view> cells) {
  const int32_t a = model(plan_->dialect->column_a, cells[0]);
  const int32_t b = a < 0 ? -1 : model(plan_->dialect->column_b, cells[1]);
  if (a < 0 || b < 0) {
    return false;
  }
  if (a == b) {
    return fail(corrupt_data("model \"{}\" stands on both sides; a battle needs two models",
                             printable(models_.name(a), 60)));
  }
  std::optional<VoteKind> vote = winner_.read(cells.subspan(2));
  if (!vote.has_value()) {
    vote = winner_with_space(cells.subspan(2));
  }
  if (!vote.has_value() || (!plain_ && !add_others(cells))) {
    return false;
  }
  block_.a.push_back(a);
  block_.b.push_back(b);
  block_.both_bad += *vote == VoteKind::kBothBad ? 1 : 0;
  block_.votes.push_back(
      static_cast<uint8_t>(*vote == VoteKind::kBothBad ? VoteKind::kDraw : *vote));
  return true;
}

/// The winner in cells with white space around the words, or why there is none.
std::optional<VoteKind> VoteRowParser::winner_with_space(std::span<const std::string_view> cells) {
  std::string_view words[3];
  for (size_t i = 0; i < plan_->winner_cells(); ++i) {
    words[i] = trim(cells[i]);
  }
  const auto vote = winner_.read(words);
  if (!vote.has_value()) {
    fail(winner_.problem(words));
  }
  return vote;
}

/// Names in the table have no white space around them: it is only looked for where one is not
/// found.
int32_t VoteRowParser::model(std::string_view column, std::string_view cell) {
  const int32_t known = models_.find(cell);
  return known >= 0 ? known : new_model(column, trim(cell));
}

int32_t VoteRowParser::new_model(std::string_view column, std::string_view name) {
  const int32_t known = models_.find(name);
  return known >= 0 ? known : new_name(models_, block_.fresh_models, column, name);
}

/// A name that is not known yet: the only ones whose bytes are looked at. -1 when it is none.
int32_t VoteRowParser::new_name(NameTable& names,
                                std::vector<std::string>& fresh,
                                std::string_view column,
                                std::string_view name) {
  if (name.empty()) {
    fail(corrupt_data("column {} is empty; expected a model's name", column));
    return -1;
  }
  if (!is_valid_utf8(name)) {
    fail(
        corrupt_data("column {} is not UTF-8 (\"{}\"); convert the file, e.g. iconv -f latin1 -t "
                     "utf-8",
                     column, printable(name, 40)));
    return -1;
  }
  if (name.find('\0') != std::string_view::npos) {
    fail(corrupt_data("column {} holds a NUL byte (\"{}\"); the file is damaged or no text", column,
                      printable(name, 40)));
    return -1;
  }
  fresh.emplace_back(name);
  return names.add(name);
}

/// The number of a value of a cluster or a kept column; -1 when it is no UTF-8.
int32_t VoteRowParser::value(Column& column, std::string_view text) {
  std::string brief;
  if (text.size() > kLongValue) {
    brief = short_name(text);
    text = brief;
  }
  // Votes of one user often follow each other.
  if (column.last >= 0 && column.names.name(column.last) == text) {
    return column.last;
  }
  column.last = column.names.find(text);
  if (column.last < 0 && text.empty()) {
    column.fresh.emplace_back();
    column.last = column.names.add(text);
  } else if (column.last < 0) {
    column.last = new_name(column.names, column.fresh, column.name, text);
  }
  return column.last;
}

/// What a row has beside its vote: nothing is taken before all of it is good.
bool VoteRowParser::add_others(std::span<const std::string_view> cells) {
  row_ids_.clear();
  row_features_.clear();
  int32_t cluster = -1;
  if (plan_->cluster.has_value()) {
    const std::string_view text = trim(cells[*plan_->cluster]);
    cluster = text.empty() ? -1 : value(cluster_, text);
    if (cluster < 0 && !text.empty()) {
      return false;
    }
  }
  for (size_t i = 0; i < kept_.size(); ++i) {
    row_ids_.push_back(value(kept_[i], trim(cells[plan_->kept[i]])));
    if (row_ids_.back() < 0) {
      return false;
    }
  }
  for (const VotePlan::Style& style : plan_->style) {
    if (!add_feature(style, cells)) {
      return false;
    }
  }
  if (plan_->cluster.has_value()) {
    block_.cluster.ids.push_back(cluster);
  }
  for (size_t i = 0; i < kept_.size(); ++i) {
    block_.kept[i].ids.push_back(row_ids_[i]);
  }
  block_.features.insert(block_.features.end(), row_features_.begin(), row_features_.end());
  return true;
}

bool VoteRowParser::add_feature(const VotePlan::Style& style,
                                std::span<const std::string_view> cells) {
  auto a = amount(style, style.a, cells);
  auto b = amount(style, style.b, cells);
  if (!a.has_value() || !b.has_value()) {
    const bool first = !a.has_value();
    const std::string& column = plan_->columns[first ? style.a.front() : style.b.front()];
    return fail(in_context(first ? a.error() : b.error(), format("column {}", column)));
  }
  row_features_.push_back(static_cast<float>(style_difference(style.source, *a, *b)));
  return true;
}

Result<double> VoteRowParser::amount(const VotePlan::Style& style,
                                     const std::vector<size_t>& columns,
                                     std::span<const std::string_view> cells) {
  style_cells_.clear();
  for (const size_t column : columns) {
    style_cells_.push_back(cells[column]);
  }
  return style_amount(style.source, style_cells_);
}

bool VoteRowParser::reject(size_t line, const Error& error, bool skip) {
  if (!skip) {
    stop(line, error);
    return false;
  }
  ++block_.skipped;
  if (block_.bad.size() < kListedBadRows) {
    block_.bad.push_back({line, error});
  }
  return true;
}

VoteBlock VoteRowParser::take() {
  VoteBlock block = std::exchange(block_, {});
  block.parser = parser_;
  block.cluster.fresh = std::exchange(cluster_.fresh, {});
  block_.kept.resize(kept_.size());
  for (size_t i = 0; i < kept_.size(); ++i) {
    block.kept[i].fresh = std::exchange(kept_[i].fresh, {});
  }
  // The next block is about as long.
  block_.a.reserve(block.a.size());
  block_.b.reserve(block.b.size());
  block_.votes.reserve(block.votes.size());
  return block;
}

}  // namespace cupel::rank
