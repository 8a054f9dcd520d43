#include "decode/constraint/token_masks.h"

#include <algorithm>

#include "base/error.h"

namespace cupel::decode::constraint {
namespace {

constexpr size_t kMaskBytes = size_t{32} << 20;     // of whole masks
constexpr size_t kPartBytes = size_t{64} << 20;     // of parts
constexpr size_t kMachineBytes = size_t{64} << 20;  // of states
// Places of the automaton that may be looked at for one mask: about a second.
constexpr int64_t kWorkPerMask = 30'000'000;
// A state of more places is walked as a whole: its parts would each be a walk.
constexpr size_t kFewPlaces = 64;

// Bytes; nine tokens in ten of a vocabulary have fewer.
constexpr int kShortToken = 16;

void set_bit(std::span<uint64_t> mask, TokenId id) {
  mask[static_cast<size_t>(id) / 64] |= uint64_t{1} << (static_cast<size_t>(id) % 64);
}

}  // namespace

TokenMasks::TokenMasks(std::shared_ptr<const Automaton> automaton,
                       std::shared_ptr<const VocabularyTrie> vocabulary)
    : machine_(std::move(automaton)),
      vocabulary_(std::move(vocabulary)),
      path_(vocabulary_->longest_token() + 1),
      deepest_(vocabulary_->size()),
      scratch_(vocabulary_->mask_words()) {
  const std::span<const VocabularyTrie::Node> nodes = vocabulary_->nodes();
  for (uint32_t i = vocabulary_->size(); i-- > 0;) {  // what is below stands behind
    deepest_[i] = nodes[i].depth;
    for (uint32_t child = i + 1; child < nodes[i].end; child = nodes[child].end) {
      deepest_[i] = std::max(deepest_[i], deepest_[child]);
    }
  }
}

void TokenMasks::make_room() {
  if (part_bytes_ > kPartBytes || machine_.tired()) {  // then the last one is not whole
    parts_.clear();
    part_bytes_ = 0;
  }
  if (machine_.bytes() > kMachineBytes || machine_.tired()) {
    machine_.clear();
    masks_.clear();
    ++rounds_;
  }
}

template <typename Visit>
void TokenMasks::walk(Machine::State state, uint32_t below, Length length, const Visit& visit) {
  const std::span<const VocabularyTrie::Node> nodes = vocabulary_->nodes();
  const uint32_t end = below == 0 ? vocabulary_->size() : nodes[below].end;
  path_[nodes[below].depth] = state;
  for (uint32_t i = below + 1; i < end;) {
    const VocabularyTrie::Node& node = nodes[i];
    const bool passed_over = length == Length::kShort  ? node.depth > kShortToken
                             : length == Length::kLong ? deepest_[i] <= kShortToken
                                                       : false;
    const Machine::State next =
        passed_over ? Machine::kDead : machine_.next(path_[node.depth - 1U], node.byte);
    if (next == Machine::kDead) {
      i = node.end;
      continue;
    }
    path_[node.depth] = next;
    if (length != Length::kLong || node.depth > kShortToken) {
      visit(i, next);
    }
    ++i;
  }
}

void TokenMasks::add_below(Machine::State state, uint32_t below, std::span<uint64_t> mask) {
  walk(state, below, Length::kAny, [&](uint32_t node, Machine::State) {
    for (const TokenId id : vocabulary_->tokens(node)) {
      set_bit(mask, id);
    }
  });
}

TokenMasks::Part TokenMasks::make_part(NodeId node, Length length) {
  Part part;
  std::fill(scratch_.begin(), scratch_.end(), 0);
  const Machine::State alone = machine_.alone(node);
  part.reach = machine_.reach(alone);
  const size_t most = 2 * scratch_.size();  // ids that take as much room as the bits
  Machine::State last = alone;              // most tokens lead to where the one before led
  bool leaves = false;
  walk(alone, 0, length, [&](uint32_t at, Machine::State state) {
    for (const TokenId id : vocabulary_->tokens(at)) {
      set_bit(scratch_, id);
      if (part.few.size() <= most) {
        part.few.push_back(id);
      }
    }
    if (state != last) {
      last = state;
      leaves = machine_.leaves(state);
      part.reach = std::max(part.reach, machine_.reach(state));
    }
    if (leaves && vocabulary_->nodes()[at].end > at + 1) {
      part.exits.push_back(at);
    }
  });
  if (part.few.size() > most) {
    part.bits = scratch_;
    part.few = {};
  }
  return part;
}

const TokenMasks::Part& TokenMasks::part(NodeId node, Length length) {
  const uint64_t key = static_cast<uint64_t>(node) << 2U | static_cast<uint64_t>(length);
  if (const auto known = parts_.find(key); known != parts_.end()) {
    return known->second;
  }
  Part part = make_part(node, length);
  part_bytes_ += sizeof(Part) + part.bits.size() * sizeof(uint64_t) +
                 part.few.capacity() * sizeof(TokenId) + part.exits.capacity() * sizeof(uint32_t);
  return parts_.emplace(key, std::move(part)).first->second;
}

// False where the part does not hold: so many calls are open that the way may be cut short.
bool TokenMasks::add_part(const Part& part, Machine::Place place, std::span<uint64_t> mask) {
  if (machine_.tired() || part.reach + machine_.depth(place.stack) > Machine::kMaxDepth) {
    return false;
  }
  for (size_t i = 0; i < part.bits.size(); ++i) {
    mask[i] |= part.bits[i];
  }
  for (const TokenId id : part.few) {
    set_bit(mask, id);
  }
  const Machine::State after = machine_.after(place.stack);
  if (after != Machine::kDead) {
    for (const uint32_t exit : part.exits) {
      add_below(after, exit, mask);
    }
  }
  return true;
}

// Behind an exit at which a short beginning ends come long tokens as well: the part of the long
// ones has only the exits beyond.
bool TokenMasks::add_place(Machine::Place place, std::span<uint64_t> mask) {
  const Automaton& automaton = machine_.automaton();
  const auto longest = static_cast<int64_t>(vocabulary_->longest_token());
  const NodeId alike = automaton.representative(place.node, longest);
  const NodeId alike_if_short = automaton.representative(place.node, kShortToken);
  if (alike == alike_if_short) {
    return add_part(part(alike, Length::kAny), place, mask);
  }
  return add_part(part(alike_if_short, Length::kShort), place, mask) &&
         add_part(part(alike, Length::kLong), place, mask);
}

Result<Ok> TokenMasks::compute(Machine::State state, std::span<uint64_t> mask) {
  std::fill(mask.begin(), mask.end(), 0);
  machine_.allow_work(kWorkPerMask);
  const size_t count = machine_.places(state).size();
  bool whole = count > kFewPlaces;
  for (size_t i = 0; i < count && !whole; ++i) {
    whole = !add_place(machine_.places(state)[i], mask);
  }
  if (whole) {
    std::fill(mask.begin(), mask.end(), 0);
    add_below(state, 0, mask);
  }
  if (machine_.tired()) {
    return exhausted(
        "the constraint is too ambiguous: working out which tokens may come next takes more than "
        "{} steps; make the alternatives and repetitions of its pattern or schema tell apart "
        "sooner",
        kWorkPerMask);
  }
  if (machine_.accepts(state)) {
    for (const TokenId id : vocabulary_->end_tokens()) {
      set_bit(mask, id);
    }
  }
  return Ok{};
}

Result<Ok> TokenMasks::fill(Machine::State state, std::span<uint64_t> mask) {
  if (const auto known = masks_.find(state); known != masks_.end()) {
    std::copy(known->second.begin(), known->second.end(), mask.begin());
    return Ok{};
  }
  CUPEL_TRY_VOID(compute(state, mask));
  if ((masks_.size() + 1) * mask.size_bytes() > kMaskBytes) {
    masks_.clear();
  }
  masks_.emplace(state, std::vector<uint64_t>(mask.begin(), mask.end()));
  return Ok{};
}

}  // namespace cupel::decode::constraint
