#include "rank/vote_merge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"

namespace cupel::rank {
namespace {

void append(std::vector<std::string>& to, std::vector<std::string>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

VoteMerger::VoteMerger(const VoteReadOptions& options) : options_(options) {
  for (const std::string& name : options.keep) {
    result_.kept.emplace_back().name = name;
  }
}

void VoteMerger::begin_file(std::string name) {
  file_ = std::move(name);
  parsers_.clear();
  rows_before_ = result_.table.rows();
  skipped_before_ = result_.skipped;
  listed_before_ = result_.first_skipped.size();
}

VoteMerger::Parser& VoteMerger::parser_of(const VoteBlock& block) {
  while (parsers_.size() <= block.parser) {
    parsers_.emplace_back().kept.resize(result_.kept.size());
  }
  return parsers_[block.parser];
}

void VoteMerger::take_names(Parser& parser, VoteBlock& block) {
  const auto take = [](Names& names, std::vector<std::string>& fresh) {
    append(names.names, fresh);
    names.places.resize(names.names.size(), -1);
  };
  take(parser.models, block.fresh_models);
  take(parser.cluster, block.cluster.fresh);
  for (size_t i = 0; i < parser.kept.size(); ++i) {
    take(parser.kept[i], block.kept[i].fresh);
  }
}

/// Puts the numbers of the result in place of the parser's, row by row, a before b: the order in
/// which one parser of all rows meets the names.
void VoteMerger::renumber(Parser& parser, VoteBlock& block) {
  const auto place_of = [](Names& names, int32_t id, auto&& intern) {
    int32_t& place = names.places[static_cast<size_t>(id)];
    if (place < 0) [[unlikely]] {
      const std::string name = std::move(names.names[static_cast<size_t>(id)]);
      place = intern(name);
    }
    return place;
  };
  const auto model = [&](const std::string& name) { return result_.table.intern_model(name); };
  const auto cluster = [&](const std::string& name) { return result_.table.intern_cluster(name); };
  for (size_t i = 0; i < block.a.size(); ++i) {
    block.a[i] = place_of(parser.models, block.a[i], model);
    block.b[i] = place_of(parser.models, block.b[i], model);
  }
  for (int32_t& id : block.cluster.ids) {
    id = id < 0 ? kNoCluster : place_of(parser.cluster, id, cluster);
  }
  for (size_t i = 0; i < block.kept.size(); ++i) {
    NameIndex& values = result_.kept[i].values;
    for (int32_t& id : block.kept[i].ids) {
      id = place_of(parser.kept[i], id,
                    [&](const std::string& name) { return values.intern(name); });
    }
  }
}

Result<Ok> VoteMerger::add(VoteBlock block) {
  if (result_.table.rows() + block.a.size() > options_.most_votes) {
    return invalid_argument("{}: more than {} votes; rank a part of them", file_,
                            options_.most_votes);
  }
  block.kept.resize(result_.kept.size());  // a block that only says why the file ends has none
  Parser& parser = parser_of(block);
  take_names(parser, block);
  renumber(parser, block);
  result_.table.append_votes(block.a, block.b, block.votes, block.cluster.ids);
  for (size_t i = 0; i < block.kept.size(); ++i) {
    std::vector<int32_t>& ids = result_.kept[i].ids;
    ids.insert(ids.end(), block.kept[i].ids.begin(), block.kept[i].ids.end());
  }
  features_.insert(features_.end(), block.features.begin(), block.features.end());
  tally(block);
  result_.skipped += block.skipped;
  for (const BadRow& bad : block.bad) {
    if (result_.first_skipped.size() < kListedBadRows) {
      result_.first_skipped.push_back(in_file(bad.error, file_, bad.line).message);
    }
  }
  if (block.stop.has_value()) {
    return block.stop->line == 0 ? block.stop->error
                                 : in_file(block.stop->error, file_, block.stop->line);
  }
  return Ok{};
}

/// Without a branch on the vote, which nobody can predict: of 0, 1 and 2 the bits say it.
void VoteMerger::tally(const VoteBlock& block) {
  int64_t wins_a = 0;
  int64_t ties = 0;
  for (const uint8_t vote : block.votes) {
    wins_a += vote >> 1U;
    ties += vote & 1U;
  }
  result_.wins_a += wins_a;
  result_.ties += ties;
  result_.wins_b += static_cast<int64_t>(block.votes.size()) - wins_a - ties;
  result_.both_bad += block.both_bad;
}

Result<Ok> VoteMerger::end_file() {
  if (result_.table.rows() > rows_before_) {
    return Ok{};
  }
  const int64_t skipped = result_.skipped - skipped_before_;
  const auto& listed = result_.first_skipped;
  if (skipped > 0) {
    return invalid_argument("{}: no votes: {} bad{}", file_,
                            skipped == 1 ? "its only row is" : format("all {} rows are", skipped),
                            listed.size() > listed_before_ ? "; " + listed[listed_before_] : "");
  }
  return invalid_argument("{}: no votes; expected rows of {}", file_, expected_vote_columns());
}

void VoteMerger::note(std::string text) {
  if (std::find(result_.notes.begin(), result_.notes.end(), text) == result_.notes.end()) {
    result_.notes.push_back(std::move(text));
  }
}

Result<VoteFile> VoteMerger::finish() {
  if (!options_.style.empty()) {
    CUPEL_TRY_VOID(result_.table.set_features({options_.style, std::move(features_)}));
  }
  return std::move(result_);
}

}  // namespace cupel::rank
