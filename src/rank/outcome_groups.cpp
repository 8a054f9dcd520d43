#include "rank/outcome_groups.h"

#include <algorithm>
#include <tuple>

namespace cupel::rank {
namespace {

constexpr size_t kMostDenseModels = 1024;  // 4 MiB of slots

size_t at(int32_t index) {
  return static_cast<size_t>(index);
}

/// Votes without weights, summed up by pair and outcome: in a flat table of slots for few models,
/// by sorting for many.
class PlainVotes {
 public:
  explicit PlainVotes(size_t models) : models_(models) {
    if (models <= kMostDenseModels) {
      slots_.assign(models * models, -1);
    }
  }
  /// a < b; `kind` 0: b won, 1: tie, 2: a won.
  void add(int32_t a, int32_t b, size_t kind, int64_t count) {
    const size_t pair = at(a) * models_ + at(b);
    if (slots_.empty()) {
      votes_.push_back({3 * pair + kind, count});
      return;
    }
    int32_t& slot = slots_[pair];
    if (slot < 0) {
      slot = static_cast<int32_t>(votes_.size());
      for (size_t k = 0; k < 3; ++k) {
        votes_.push_back({3 * pair + k, 0});
      }
    }
    votes_[at(slot) + kind].count += count;
  }
  std::vector<OutcomeGroup> take_sorted() {
    std::sort(votes_.begin(), votes_.end(),
              [](const Votes& x, const Votes& y) { return x.key < y.key; });
    std::vector<OutcomeGroup> groups;
    for (size_t i = 0; i < votes_.size();) {
      const size_t key = votes_[i].key;
      int64_t count = 0;
      for (; i < votes_.size() && votes_[i].key == key; ++i) {
        count += votes_[i].count;
      }
      if (count > 0) {
        groups.push_back({.a = static_cast<int32_t>(key / 3 / models_),
                          .b = static_cast<int32_t>(key / 3 % models_),
                          .outcome = 0.5 * static_cast<double>(key % 3),
                          .count = count});
      }
    }
    return groups;
  }

 private:
  struct Votes {
    size_t key = 0;  // 3·pair + kind: sorted by a, b and outcome
    int64_t count = 0;
  };
  size_t models_;
  std::vector<int32_t> slots_;
  std::vector<Votes> votes_;
};

auto key(const OutcomeGroup& group) {
  return std::tuple(group.a, group.b, group.outcome, group.weight);
}

bool is_plain(const Battle& battle) {
  return battle.weight == 1 &&
         (battle.outcome == kWinA || battle.outcome == kTie || battle.outcome == kWinB);
}

void join_equal_(std::vector<OutcomeGroup>& groups) {
  std::sort(groups.begin(), groups.end(),
            [](const OutcomeGroup& x, const OutcomeGroup& y) { return key(x) < key(y); });
  size_t kept = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (kept > 0 && key(groups[kept - 1]) == key(groups[i])) {
      groups[kept - 1].count += groups[i].count;
    } else {
      groups[kept++] = groups[i];
    }
  }
  groups.resize(kept);
}

}  // namespace

std::vector<OutcomeGroup> outcome_groups(const BattleTable& table) {
  PlainVotes plain(table.model_count());
  std::vector<OutcomeGroup> others;
  for (size_t i = 0; i < table.rows(); ++i) {
    Battle battle = table.row(i);
    if (battle.count == 0) {
      continue;
    }
    if (battle.a > battle.b) {
      std::swap(battle.a, battle.b);
      battle.outcome = 1 - battle.outcome;
    }
    if (is_plain(battle)) {
      plain.add(battle.a, battle.b, static_cast<size_t>(2 * battle.outcome), battle.count);
    } else {
      others.push_back({battle.a, battle.b, battle.outcome, battle.weight, battle.count});
    }
  }
  std::vector<OutcomeGroup> groups = plain.take_sorted();
  if (!others.empty()) {
    groups.insert(groups.end(), others.begin(), others.end());
    join_equal_(groups);
  }
  return groups;
}

}  // namespace cupel::rank
