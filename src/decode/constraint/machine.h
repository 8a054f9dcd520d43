#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "decode/constraint/automaton.h"

namespace cupel::decode::constraint {

/// Runs an automaton: which bytes may come next, given those that came.
///
/// A state is the set of all places at which the automaton may be, each with the calls that are
/// open there. States and the steps between them are made when they are first met and kept, so that
/// a byte costs a look into a table. At most kMaxDepth calls are open at once: a way that needs
/// more is no way, and what is entered can always be ended.
///
/// Not thread-safe.
class Machine {
 public:
  using State = int32_t;
  using Stack = int32_t;
  static constexpr State kDead = 0;  ///< nothing can follow
  static constexpr int32_t kMaxDepth = Automaton::kMaxDepth;

  /// One place of a state: what reads on there, and what follows at the end of its rule.
  struct Place {
    NodeId node = 0;
    Stack stack = 0;
    bool operator==(const Place&) const = default;
  };

  explicit Machine(std::shared_ptr<const Automaton> automaton);

  [[nodiscard]] const Automaton& automaton() const { return *automaton_; }
  State start() { return start_ != kDead ? start_ : (start_ = make_start()); }
  State next(State state, uint8_t byte) {
    const size_t byte_class = automaton_->class_of(byte);
    const State known = steps_[static_cast<size_t>(state) * classes_ + byte_class];
    return known != kUnknown ? known : make_step(state, byte_class);
  }
  /// The text may end here.
  [[nodiscard]] bool accepts(State state) const { return info(state).accepts; }
  /// The text must end here.
  [[nodiscard]] bool complete(State state) const {
    return info(state).accepts && info(state).count == 0;
  }
  [[nodiscard]] std::span<const Place> places(State state) const {
    return std::span(places_).subspan(info(state).begin, info(state).count);
  }

  // The parts of a state, so that what is the same below any open calls is worked out once.
  /// One place whose open calls are not known.
  State alone(NodeId node);
  /// True when such a state may have reached the end of its rule.
  [[nodiscard]] bool leaves(State state) const { return info(state).leaves; }
  /// What follows at the end of a rule.
  State after(Stack stack);

  /// Calls that are open at a place.
  [[nodiscard]] int32_t depth(Stack stack) const {
    return frames_[static_cast<size_t>(stack)].depth;
  }
  /// Calls that would be open, at most, on the ways that were looked at to make the state.
  [[nodiscard]] int32_t reach(State state) const { return info(state).reach; }

  /// Bytes that states and steps take.
  [[nodiscard]] size_t bytes() const;
  /// Forgets them all: states from before mean nothing any more.
  void clear();

  /// Places that may be looked at from here on; `tired` once they are used up or memory is. What a
  /// tired machine says is kDead.
  void allow_work(int64_t places) { work_left_ = places; }
  [[nodiscard]] bool tired() const { return tired_; }

 private:
  static constexpr State kUnknown = -1;
  static constexpr Stack kBottom = 0;  // the end of the root is the end of the text
  static constexpr Stack kOpen = 1;    // not known: of `alone`
  static constexpr size_t kMaxBytes = size_t{256} << 20;

  struct Info {
    size_t begin = 0;
    uint32_t count = 0;
    bool accepts = false;
    bool leaves = false;
    int32_t reach = 0;
  };
  struct Frame {
    NodeId back = 0;  // where it goes on after the call
    Stack below = 0;
    int32_t depth = 0;
  };
  /// A set of 64-bit keys that is emptied at no cost.
  class KeySet {
   public:
    void clear();
    bool insert(uint64_t key);

   private:
    void grow();
    struct Slot {
      uint64_t key = 0;
      uint32_t round = 0;
    };
    std::vector<Slot> slots_ = std::vector<Slot>(256);
    size_t used_ = 0;
    uint32_t round_ = 1;
  };

  [[nodiscard]] const Info& info(State state) const { return infos_[static_cast<size_t>(state)]; }
  State make_start();
  State make_step(State state, size_t byte_class);
  void begin_set();
  void add(NodeId node, Stack stack);
  void expand(Place place);
  void expand_call(const Edge& edge, Stack stack);
  State keep_set();
  Stack push(NodeId back, Stack below);
  [[nodiscard]] uint64_t hash_of_set() const;

  std::shared_ptr<const Automaton> automaton_;
  size_t classes_;
  State start_ = kDead;
  std::vector<Info> infos_;
  std::vector<State> steps_;  // [states, classes]
  std::vector<Place> places_;
  std::unordered_multimap<uint64_t, State> by_hash_;
  std::vector<Frame> frames_;
  std::unordered_map<uint64_t, Stack> by_frame_;
  std::unordered_map<NodeId, State> alone_;
  std::unordered_map<Stack, State> after_;
  int64_t work_left_ = 0;
  bool tired_ = false;

  // The set that is being made.
  std::vector<Place> set_;
  std::vector<Place> to_expand_;
  KeySet seen_;
  bool set_accepts_ = false;
  bool set_leaves_ = false;
  int32_t set_reach_ = 0;
};

}  // namespace cupel::decode::constraint
