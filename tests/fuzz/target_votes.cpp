// A file of votes under options that its first byte chooses. Cut into other blocks it gives the
// same votes, or the same error.
#include "base/byte_source.h"
#include "fuzz/fuzz_targets.h"
#include "rank/vote_reader.h"

namespace cupel::fuzz {
namespace {

rank::VoteReadOptions options_of(unsigned choice) {
  rank::VoteReadOptions options;
  options.skip_bad = (choice & 1U) != 0;
  options.cluster = (choice & 2U) != 0 ? "user" : "";
  if ((choice & 4U) != 0) {
    options.keep = {"meta.turns", "user"};
    options.style = {"n"};
  }
  if ((choice & 8U) != 0) {
    options.style = {"length", "lists", "bold", "headers"};
  }
  options.threads = 1;
  return options;
}

void check_votes(const rank::VoteFile& votes, const rank::VoteReadOptions& options) {
  const size_t rows = votes.table.rows();
  CUPEL_CHECK(rows > 0, "no votes are an error");
  CUPEL_CHECK(votes.wins_a + votes.wins_b + votes.ties == static_cast<int64_t>(rows));
  CUPEL_CHECK(votes.both_bad <= votes.ties);
  CUPEL_CHECK(options.skip_bad || votes.skipped == 0);
  CUPEL_CHECK(votes.table.features().values.size() == rows * options.style.size());
  for (const rank::VoteColumn& column : votes.kept) {
    CUPEL_CHECK(column.ids.size() == rows);
    for (const int32_t id : column.ids) {
      CUPEL_CHECK(id >= 0 && static_cast<size_t>(id) < column.values.size());
    }
  }
  for (size_t i = 0; i < rows; ++i) {
    const rank::Battle battle = votes.table.row(i);
    CUPEL_CHECK(battle.a != battle.b, "a model against itself");
    CUPEL_CHECK(!votes.table.models().name(battle.a).empty());
  }
}

void check_same(const rank::VoteFile& left, const rank::VoteFile& right) {
  CUPEL_CHECK(left.table.rows() == right.table.rows());
  CUPEL_CHECK(left.table.models().names() == right.table.models().names());
  CUPEL_CHECK(left.skipped == right.skipped);
  CUPEL_CHECK(left.first_skipped == right.first_skipped);
  for (size_t i = 0; i < left.table.rows(); ++i) {
    const rank::Battle x = left.table.row(i);
    const rank::Battle y = right.table.row(i);
    CUPEL_CHECK(x.a == y.a && x.b == y.b && x.outcome == y.outcome && x.cluster == y.cluster);
  }
}

bool is_compressed(std::string_view bytes) {
  const auto source = source_of_bytes(bytes, "votes");
  return source.has_value() && source->is_compressed;
}

}  // namespace

void votes(std::span<const uint8_t> input) {
  if (input.empty()) {
    return;
  }
  rank::VoteReadOptions options = options_of(input[0]);
  const std::string_view bytes = text_of(input.subspan(1));
  options.limits = {size_t{1} << 16U, size_t{1} << 24U};
  const auto whole = rank::parse_votes(bytes, "votes", options);
  options.limits.block_bytes = 7;
  const auto cut = rank::parse_votes(bytes, "votes", options);
  CUPEL_CHECK(whole.has_value() == cut.has_value());
  if (!whole.has_value()) {
    check_error(whole.error());
    // Damage of what is compressed shows before the rows in front of it, or after.
    CUPEL_CHECK(is_compressed(bytes) || whole.error().message == cut.error().message,
                whole.error().message);
    return;
  }
  check_votes(*whole, options);
  check_same(*whole, *cut);
}

}  // namespace cupel::fuzz
