// Masks against the machine itself, token by token and byte by byte: the parts that masks are put
// together from, and the tree of the vocabulary, must change nothing.
#include "base/rng.h"
#include "decode/constraint/constraint.h"
#include "decode/constraint/token_masks.h"
#include "decode/constraint_schemas.h"
#include "decode/constraint_support.h"
#include "decode/decode_support.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"
#include "support/test_paths.h"

namespace cupel::decode::constraint {
namespace {

/// A vocabulary of given bytes, with an end token last and a control token before it.
class ListTokenizer : public Tokenizer {
 public:
  explicit ListTokenizer(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override { return {}; }
  std::string token_bytes(TokenId id, bool) const override {
    return is_control(id) ? "" : tokens_[static_cast<size_t>(id)];
  }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) {
      text += token_bytes(id, false);
    }
    return text;
  }
  size_t vocabulary_size() const override { return tokens_.size() + 2; }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return control() + 1; }
  bool ends_generation(TokenId id) const override { return id == eos(); }
  bool is_control(TokenId id) const override { return id >= control(); }
  TokenId find(std::string_view) const override { return -1; }
  bool drops_space_after(TokenId previous) const override { return drops_space && previous < 0; }

  bool drops_space = false;

 private:
  [[nodiscard]] TokenId control() const { return static_cast<TokenId>(tokens_.size()); }
  std::vector<std::string> tokens_;
};

/// All bytes, and random pieces of JSON.
std::vector<std::string> json_pieces() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.emplace_back(1, static_cast<char>(byte));
  }
  const char* const parts[] = {"{",    "}",  "\"", "name", ":",   ", ",  "[",  "]",
                               "1",    "23", " ",  "\n  ", "a",   "é",   "\\", "true",
                               "null", ".5", "-",  "\":",  "\",", "kind"};
  Rng rng(8);
  for (int i = 0; i < 400; ++i) {
    std::string token;
    for (uint64_t n = 2 + rng.below(3); n > 0; --n) {
      token += parts[rng.below(std::size(parts))];
    }
    tokens.push_back(token);
  }
  tokens.push_back("");         // never drawn
  tokens.push_back("\xC3");     // half a character, twice in the vocabulary
  tokens.push_back("\xA9\"}");  // the other half, and more
  return tokens;
}

std::vector<uint64_t> slow_mask(Machine& machine,
                                Machine::State state,
                                const Tokenizer& tokenizer) {
  std::vector<uint64_t> mask((tokenizer.vocabulary_size() + 63) / 64);
  for (size_t i = 0; i < tokenizer.vocabulary_size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    bool allowed = machine.accepts(state);
    if (!tokenizer.ends_generation(id)) {
      const std::string bytes = tokenizer.token_bytes(id);
      Machine::State at = bytes.empty() ? Machine::kDead : state;
      for (const char byte : bytes) {
        at = machine.next(at, static_cast<uint8_t>(byte));
      }
      allowed = at != Machine::kDead;
    }
    mask[i / 64] |= static_cast<uint64_t>(allowed) << (i % 64);
  }
  return mask;
}

// Follows random allowed tokens and compares each mask on the way.
void check_masks(const Automaton& automaton,
                 const Tokenizer& tokenizer,
                 uint64_t seed,
                 int tokens,
                 const std::string& what) {
  const auto shared = std::make_shared<const Automaton>(automaton);
  const auto trie = std::make_shared<const VocabularyTrie>(tokenizer, tokenizer.vocabulary_size());
  TokenMasks masks(shared, trie);
  Machine slow(shared);
  slow.allow_work(int64_t{1} << 40);
  masks.machine().allow_work(1 << 30);
  Rng rng(seed);
  Machine::State state = masks.machine().start();
  Machine::State slow_state = slow.start();
  std::vector<uint64_t> mask(trie->mask_words());
  std::string text;
  for (int i = 0; i < tokens; ++i) {
    ASSERT_TRUE(masks.fill(state, mask).has_value());
    ASSERT_EQ(mask, slow_mask(slow, slow_state, tokenizer)) << what << " after " << text;
    std::vector<TokenId> allowed;
    for (size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
      if ((mask[id / 64] >> (id % 64) & 1U) != 0 &&
          !tokenizer.ends_generation(static_cast<TokenId>(id))) {
        allowed.push_back(static_cast<TokenId>(id));
      }
    }
    if (allowed.empty()) {
      return;
    }
    const TokenId id = allowed[rng.below(allowed.size())];
    text += tokenizer.token_bytes(id);
    masks.machine().allow_work(1 << 30);
    for (const char byte : trie->bytes(id)) {
      state = masks.machine().next(state, static_cast<uint8_t>(byte));
      slow_state = slow.next(slow_state, static_cast<uint8_t>(byte));
    }
  }
}

TEST(ConstraintMasks, AreThoseOfEveryTokenByItself) {
  const ListTokenizer tokenizer(json_pieces());
  std::vector<std::string_view> schemas = test::sample_schemas();
  schemas.push_back("true");
  schemas.push_back(R"({"type":"string","minLength":30,"maxLength":60})");
  schemas.push_back(R"({"type":"string","minLength":300})");
  schemas.push_back(R"({"type":"array","items":{"type":"array","items":{"type":"string"}}})");
  for (const std::string_view schema : schemas) {
    const auto automaton = compile_json_schema(schema);
    ASSERT_TRUE(automaton.has_value());
    for (uint64_t seed = 0; seed < 4; ++seed) {
      check_masks(*automaton, tokenizer, seed, 40, std::string(schema));
    }
  }
}

TEST(ConstraintMasks, OfPatterns) {
  const ListTokenizer tokenizer(json_pieces());
  for (const char* pattern :
       {"(a|é|\\{)*\":[0-9]{2,}", "[^n]*name.?", "(true|null|kind){3}", "\\s+.*"}) {
    const auto automaton = compile_regex(pattern);
    ASSERT_TRUE(automaton.has_value());
    for (uint64_t seed = 0; seed < 4; ++seed) {
      check_masks(*automaton, tokenizer, seed, 30, pattern);
    }
  }
}

// Deep in a recursive value the parts hold no longer, since fewer calls may be opened.
TEST(ConstraintMasks, NearTheDeepestNesting) {
  const ListTokenizer tokenizer({"[", "[[", "]", "]]", "1", ",", "[[[[", "[1", "{", "\"a\":", "}"});
  const auto automaton = compile_json_schema(std::string_view("true"));
  ASSERT_TRUE(automaton.has_value());
  const auto shared = std::make_shared<const Automaton>(*automaton);
  const auto trie = std::make_shared<const VocabularyTrie>(tokenizer, tokenizer.vocabulary_size());
  TokenMasks masks(shared, trie);
  std::vector<uint64_t> mask(trie->mask_words());
  masks.machine().allow_work(1 << 30);
  Machine::State state = masks.machine().start();
  for (int depth = 0; depth < Machine::kMaxDepth + 2 && state != Machine::kDead; ++depth) {
    ASSERT_TRUE(masks.fill(state, mask).has_value());
    ASSERT_EQ(mask, slow_mask(masks.machine(), state, tokenizer)) << depth;
    ASSERT_NE(mask[0], 0U) << depth;
    masks.machine().allow_work(1 << 30);
    state = masks.machine().next(state, '[');
  }
}

TEST(ConstraintMasks, OfARealVocabulary) {
  const std::string path = cupel::test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
  CUPEL_SKIP_UNLESS(path, "the model was not fetched: masks of its vocabulary are not shown");
  const auto file = engine::Checkpoint::open(path);
  ASSERT_TRUE(file.has_value());
  const auto tokenizer = engine::load_tokenizer(*file, {});
  ASSERT_TRUE(tokenizer.has_value());
  const auto& schemas = test::sample_schemas();
  for (const size_t i : {size_t{0}, size_t{4}, size_t{14}, size_t{17}}) {
    const auto automaton = compile_json_schema(schemas[i]);
    ASSERT_TRUE(automaton.has_value());
    check_masks(*automaton, **tokenizer, i, 12, std::string(schemas[i]));
  }
}

Result<std::shared_ptr<TokenConstraint>> compile_for(const Tokenizer& tokenizer,
                                                     const OutputConstraint& constraint) {
  return TokenConstraint::compile(
      constraint, tokenizer,
      std::make_shared<const VocabularyTrie>(tokenizer, tokenizer.vocabulary_size()));
}

TEST(TokenConstraint, AllowsNoTokenWhoseLeadingBlankWouldBeDropped) {
  ListTokenizer tokenizer({" a", "a", " ", "b"});
  tokenizer.drops_space = true;
  const auto made = compile_for(tokenizer, {OutputConstraint::Kind::kRegex, " ?a b"});
  ASSERT_TRUE(made.has_value());
  Progress progress = (*made)->begin();
  ASSERT_TRUE((*made)->prepare(progress, {}).has_value());
  EXPECT_EQ(progress.allowed[0], 0b10U);  // "a" alone
  const std::vector<TokenId> answer = {1};
  (*made)->advance(progress, answer);
  ASSERT_TRUE((*made)->prepare(progress, answer).has_value());
  EXPECT_EQ(progress.allowed[0], 0b100U);  // a blank may begin what follows
}

TEST(TokenConstraint, OneTokenIsAllowedExactlyWhereItsBitIsSet) {
  ListTokenizer tokenizer(json_pieces());
  for (const bool drops_space : {false, true}) {
    tokenizer.drops_space = drops_space;
    const auto made =
        compile_for(tokenizer, {OutputConstraint::Kind::kJsonSchema,
                                R"({"type":"array","items":{"type":["string","number","null"]}})"});
    ASSERT_TRUE(made.has_value());
    Rng rng(drops_space ? 1 : 2);
    Progress progress = (*made)->begin();
    Progress asked = (*made)->begin();
    std::vector<TokenId> answer;
    while (answer.size() < 40 && !(*made)->complete(progress)) {
      ASSERT_TRUE((*made)->prepare(progress, answer).has_value());
      std::vector<TokenId> open;
      for (size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
        const bool bit = (progress.allowed[id / 64] >> (id % 64) & 1U) != 0;
        EXPECT_EQ((*made)->allows(asked, answer, static_cast<TokenId>(id)), bit) << id;
        if (bit && !tokenizer.ends_generation(static_cast<TokenId>(id))) {
          open.push_back(static_cast<TokenId>(id));
        }
      }
      if (open.empty()) {
        break;
      }
      answer.push_back(open[rng.below(open.size())]);
      (*made)->advance(progress, answer);
      (*made)->advance(asked, answer);
    }
    EXPECT_GT(answer.size(), 1U);
  }
}

TEST(TokenConstraint, SaysWhenTheVocabularyCannotWriteWhatIsAskedFor) {
  const ListTokenizer tokenizer({"a", "b"});
  const auto made = compile_for(tokenizer, {OutputConstraint::Kind::kRegex, "ac"});
  ASSERT_TRUE(made.has_value());
  Progress progress = (*made)->begin();
  ASSERT_TRUE((*made)->prepare(progress, {}).has_value());
  const std::vector<TokenId> answer = {0};
  (*made)->advance(progress, answer);
  const auto stuck = (*made)->prepare(progress, answer);
  ASSERT_FALSE(stuck.has_value());
  EXPECT_EQ(stuck.error().code, Code::kUnsupported);
}

TEST(TokenConstraint, AmbiguityIsBounded) {
  const ListTokenizer tokenizer(json_pieces());
  // 2000 counts of each of 2000 others may be under way at once.
  const auto made =
      compile_for(tokenizer, {OutputConstraint::Kind::kRegex, "((.?){2000}a){100}(.?){3000}"});
  if (!made) {
    EXPECT_EQ(made.error().code, Code::kExhausted);
    return;
  }
  Progress progress = (*made)->begin();
  std::vector<TokenId> answer;
  for (int i = 0; i < 50; ++i) {
    const auto prepared = (*made)->prepare(progress, answer);
    if (!prepared) {
      EXPECT_EQ(prepared.error().code, Code::kExhausted);
      return;
    }
    answer.push_back('a');
    (*made)->advance(progress, answer);
  }
}

// States are forgotten when they are many; sequences that are under way read on.
TEST(TokenConstraint, SequencesOutliveForgottenStates) {
  const ListTokenizer tokenizer(json_pieces());
  const auto automaton = compile_json_schema(std::string_view("true"));
  const auto shared = std::make_shared<const Automaton>(*automaton);
  const auto trie = std::make_shared<const VocabularyTrie>(tokenizer, tokenizer.vocabulary_size());
  TokenMasks masks(shared, trie);
  masks.machine().allow_work(0);  // as if all were used up
  (void)masks.machine().start();
  EXPECT_TRUE(masks.machine().tired());
  const uint64_t before = masks.rounds();
  masks.make_room();
  EXPECT_EQ(masks.rounds(), before + 1);
  EXPECT_FALSE(masks.machine().tired());
  masks.machine().allow_work(1000);
  EXPECT_NE(masks.machine().start(), Machine::kDead);
}

}  // namespace
}  // namespace cupel::decode::constraint
