#include "fuzz/constraint_walk.h"

#include "base/rng.h"
#include "decode/constraint/token_masks.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

using decode::constraint::Automaton;
using decode::constraint::Machine;
using decode::constraint::TokenMasks;
using decode::constraint::VocabularyTrie;

constexpr int kTokens = 24;
constexpr int64_t kWork = 200'000;  // places that are looked at for one token
// Places times classes of bytes, over all tokens: beyond are walks of a second through states of
// thousands of places, and no other code.
constexpr size_t kWalk = 100'000;

/// All bytes and a few pieces of JSON; the last id ends the turn.
class SmallVocabulary final : public Tokenizer {
 public:
  SmallVocabulary() {
    for (int byte = 0; byte < 256; ++byte) {
      tokens_.emplace_back(1, static_cast<char>(byte));
    }
    for (const char* piece : {"{\"", "\":", "\",", "\"}", "[[", "]]", "12", "true", "null", "  ",
                              "ab", "\\u00", "\xC3\xA9", "e+1", "0.", "-"}) {
      tokens_.emplace_back(piece);
    }
  }
  std::vector<TokenId> encode(std::string_view /*text*/,
                              const EncodeOptions& /*options*/) const override {
    return {};
  }
  std::string token_bytes(TokenId id, bool /*render_special*/) const override {
    return id == eos() ? "" : tokens_[static_cast<size_t>(id)];
  }
  std::string decode(std::span<const TokenId> /*ids*/, bool /*render_special*/) const override {
    return {};
  }
  size_t vocabulary_size() const override { return tokens_.size() + 1; }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return static_cast<TokenId>(tokens_.size()); }
  bool ends_generation(TokenId id) const override { return id == eos(); }
  bool is_control(TokenId id) const override { return id == eos(); }
  TokenId find(std::string_view /*piece*/) const override { return -1; }

 private:
  std::vector<std::string> tokens_;
};

const SmallVocabulary& vocabulary() {
  static const SmallVocabulary shared;
  return shared;
}

bool has(std::span<const uint64_t> mask, TokenId id) {
  return (mask[static_cast<size_t>(id) / 64] >> (static_cast<size_t>(id) % 64) & 1U) != 0;
}

/// Single bytes as the machine reads them; nothing is compared once it has looked at too much.
void check_bytes(Machine& machine, Machine::State state, std::span<const uint64_t> mask) {
  for (TokenId byte = 0; byte < 256; ++byte) {
    const bool lives = machine.next(state, static_cast<uint8_t>(byte)) != Machine::kDead;
    if (machine.tired()) {
      return;
    }
    CUPEL_CHECK(lives == has(mask, byte), "a mask says another thing than the machine");
  }
  CUPEL_CHECK(machine.accepts(state) == has(mask, vocabulary().eos()), "the end of a mask");
}

TokenId choose(std::span<const uint64_t> mask, uint64_t choice) {
  std::vector<TokenId> allowed;
  for (TokenId id = 0; id < vocabulary().eos(); ++id) {
    if (has(mask, id)) {
      allowed.push_back(id);
    }
  }
  return allowed.empty() ? -1 : allowed[choice % allowed.size()];
}

}  // namespace

std::string walk_masks(Automaton automaton, std::span<const uint8_t> choices) {
  static const auto trie =
      std::make_shared<const VocabularyTrie>(vocabulary(), vocabulary().vocabulary_size());
  TokenMasks masks(std::make_shared<const Automaton>(std::move(automaton)), trie);
  Machine& machine = masks.machine();
  machine.allow_work(kWork);
  Machine::State state = machine.start();
  std::vector<uint64_t> mask(trie->mask_words());
  std::string text;
  size_t walked = 0;
  for (size_t i = 0; i < kTokens && !machine.tired(); ++i) {
    walked += machine.places(state).size() * machine.automaton().classes();
    if (walked > kWalk) {
      return {};
    }
    const auto filled = masks.fill(state, mask);
    if (!filled) {
      CUPEL_CHECK(filled.error().code == Code::kExhausted, filled.error().message);
      return {};
    }
    machine.allow_work(kWork);
    check_bytes(machine, state, mask);
    const TokenId id = choose(mask, i < choices.size() ? choices[i] : mix64(i));
    if (id < 0 || machine.tired()) {
      CUPEL_CHECK(machine.tired() || machine.accepts(state), "a text that cannot go on or end");
      break;
    }
    for (const char byte : vocabulary().token_bytes(id, false)) {
      state = machine.next(state, static_cast<uint8_t>(byte));
    }
    if (machine.tired()) {
      return {};
    }
    CUPEL_CHECK(state != Machine::kDead, "an allowed token leads nowhere");
    text += vocabulary().token_bytes(id, false);
  }
  return !machine.tired() && machine.accepts(state) ? text : std::string();
}

}  // namespace cupel::fuzz
