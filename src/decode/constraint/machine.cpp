#include "decode/constraint/machine.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace cupel::decode::constraint {
namespace {

// Edges that take as long to look at as it takes to make a place: a class of ten thousand
// characters has as many.
constexpr int64_t kEdgesPerPlace = 16;

uint64_t mix(uint64_t x) {
  x ^= x >> 31U;
  x *= 0x9E3779B97F4A7C15U;
  return x ^ (x >> 29U);
}

uint64_t key_of(int32_t a, int32_t b) {
  return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32U | static_cast<uint32_t>(b);
}

}  // namespace

void Machine::KeySet::clear() {
  used_ = 0;
  if (++round_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot{});
    round_ = 1;
  }
}

bool Machine::KeySet::insert(uint64_t key) {
  size_t i = mix(key) & (slots_.size() - 1);
  while (slots_[i].round == round_) {
    if (slots_[i].key == key) {
      return false;
    }
    i = (i + 1) & (slots_.size() - 1);
  }
  slots_[i] = {key, round_};
  if (2 * ++used_ > slots_.size()) {
    grow();
  }
  return true;
}

void Machine::KeySet::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  used_ = 0;
  const uint32_t round = std::exchange(round_, 1);
  for (const Slot& slot : old) {
    if (slot.round == round) {
      insert(slot.key);
    }
  }
}

Machine::Machine(std::shared_ptr<const Automaton> automaton)
    : automaton_(std::move(automaton)), classes_(automaton_->classes()) {
  clear();
}

void Machine::clear() {
  infos_.assign(1, {});
  steps_.assign(classes_, kDead);
  places_.clear();
  by_hash_.clear();
  frames_.assign(2, {});
  by_frame_.clear();
  alone_.clear();
  after_.clear();
  start_ = kDead;
  tired_ = false;
  work_left_ = 0;
}

size_t Machine::bytes() const {
  constexpr size_t kHashNode = 48;  // of an entry of the standard's tables, about
  const size_t entries = by_hash_.size() + by_frame_.size() + alone_.size() + after_.size();
  return infos_.size() * sizeof(Info) + steps_.size() * sizeof(State) +
         places_.size() * sizeof(Place) + frames_.size() * sizeof(Frame) + entries * kHashNode;
}

void Machine::begin_set() {
  set_.clear();
  to_expand_.clear();
  seen_.clear();
  set_accepts_ = false;
  set_leaves_ = false;
  set_reach_ = 0;
}

Machine::Stack Machine::push(NodeId back, Stack below) {
  const auto [found, fresh] =
      by_frame_.emplace(key_of(back, below), static_cast<Stack>(frames_.size()));
  if (fresh) {
    frames_.push_back({.back = back, .below = below, .depth = depth(below) + 1});
  }
  return found->second;
}

void Machine::add(NodeId node, Stack stack) {
  const int32_t reach = depth(stack) + automaton_->height(node);
  set_reach_ = std::max(set_reach_, reach);
  if (reach <= kMaxDepth && seen_.insert(key_of(node, stack))) {
    to_expand_.push_back({node, stack});
  }
}

// What comes after the call must be possible too, once it has returned.
void Machine::expand_call(const Edge& edge, Stack stack) {
  const int32_t reach = depth(stack) + automaton_->height(edge.to);
  set_reach_ = std::max(set_reach_, reach);
  if (reach > kMaxDepth) {
    return;
  }
  // A call at the end of a rule leaves nothing to come back to.
  const bool last = automaton_->ends_rule(edge.to) && automaton_->edges(edge.to).empty();
  add(automaton_->begin_of(edge.rule), last ? stack : push(edge.to, stack));
}

// Follows what reads nothing: free edges, calls, and returns.
void Machine::expand(Place place) {
  if (automaton_->ends_rule(place.node)) {
    if (place.stack == kBottom) {
      set_accepts_ = true;
    } else if (place.stack == kOpen) {
      set_leaves_ = true;
    } else {
      const Frame frame = frames_[static_cast<size_t>(place.stack)];
      add(frame.back, frame.below);
    }
  }
  bool reads = false;
  for (const Edge& edge : automaton_->edges(place.node)) {
    if (edge.rule == Edge::kBytes) {
      reads = true;
    } else if (edge.rule == Edge::kNothing) {
      add(edge.to, place.stack);
    } else {
      expand_call(edge, place.stack);
    }
  }
  if (reads) {
    set_.push_back(place);
  }
}

uint64_t Machine::hash_of_set() const {
  uint64_t hash = (set_accepts_ ? 1U : 0U) + (set_leaves_ ? 2U : 0U);
  for (const Place& p : set_) {
    hash = mix(hash + key_of(p.node, p.stack));
  }
  return hash;
}

Machine::State Machine::keep_set() {
  while (!to_expand_.empty()) {
    if (--work_left_ < 0 || bytes() + set_.size() * sizeof(Place) > kMaxBytes) {
      tired_ = true;
      return kDead;
    }
    const Place place = to_expand_.back();
    to_expand_.pop_back();
    work_left_ -= std::ssize(automaton_->edges(place.node)) / kEdgesPerPlace;
    expand(place);
  }
  if (set_.empty() && !set_accepts_ && !set_leaves_) {
    return kDead;
  }
  std::sort(set_.begin(), set_.end(), [](const Place& a, const Place& b) {
    return std::tie(a.node, a.stack) < std::tie(b.node, b.stack);
  });
  const uint64_t hash = hash_of_set();
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    Info& known = infos_[static_cast<size_t>(it->second)];
    const std::span<const Place> of_known = places(it->second);
    if (known.accepts == set_accepts_ && known.leaves == set_leaves_ &&
        std::equal(of_known.begin(), of_known.end(), set_.begin(), set_.end())) {
      known.reach = std::max(known.reach, set_reach_);
      return it->second;
    }
  }
  const auto state = static_cast<State>(infos_.size());
  infos_.push_back({.begin = places_.size(),
                    .count = static_cast<uint32_t>(set_.size()),
                    .accepts = set_accepts_,
                    .leaves = set_leaves_,
                    .reach = set_reach_});
  places_.insert(places_.end(), set_.begin(), set_.end());
  steps_.resize(steps_.size() + classes_, kUnknown);
  by_hash_.emplace(hash, state);
  return state;
}

Machine::State Machine::make_start() {
  begin_set();
  add(automaton_->root(), kBottom);
  return keep_set();
}

Machine::State Machine::make_step(State state, size_t byte_class) {
  const uint8_t byte = automaton_->byte_of(byte_class);
  begin_set();
  const Info from = info(state);
  for (size_t i = from.begin; i < from.begin + from.count; ++i) {
    const Place place = places_[i];
    const std::span<const Edge> edges = automaton_->edges(place.node);
    work_left_ -= 1 + std::ssize(edges) / kEdgesPerPlace;
    for (const Edge& edge : edges) {
      if (edge.reads(byte)) {
        add(edge.to, place.stack);
      }
    }
  }
  const State next = keep_set();
  if (!tired_) {
    steps_[static_cast<size_t>(state) * classes_ + byte_class] = next;
  }
  return next;
}

// `node` is a place of some state: its free edges are places of their own there.
Machine::State Machine::alone(NodeId node) {
  if (const auto known = alone_.find(node); known != alone_.end()) {
    return known->second;
  }
  begin_set();
  set_.push_back({node, kOpen});
  const State state = keep_set();
  if (!tired_) {
    alone_.emplace(node, state);
  }
  return state;
}

Machine::State Machine::after(Stack stack) {
  if (stack == kBottom || stack == kOpen) {
    return kDead;
  }
  if (const auto known = after_.find(stack); known != after_.end()) {
    return known->second;
  }
  begin_set();
  const Frame frame = frames_[static_cast<size_t>(stack)];
  add(frame.back, frame.below);
  const State state = keep_set();
  if (!tired_) {
    after_.emplace(stack, state);
  }
  return state;
}

}  // namespace cupel::decode::constraint
