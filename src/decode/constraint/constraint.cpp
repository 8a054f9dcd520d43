#include "decode/constraint/constraint.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "decode/constraint/json_schema.h"

namespace cupel::decode::constraint {
namespace {

// Places that may be looked at to follow one token.
constexpr int64_t kWorkPerToken = 10'000'000;

Result<Automaton> compile_automaton(const OutputConstraint& constraint) {
  const bool schema = constraint.kind == OutputConstraint::Kind::kJsonSchema;
  auto automaton = schema ? compile_json_schema(std::string_view(constraint.text))
                          : compile_regex(constraint.text);
  if (!automaton) {
    return in_context(std::move(automaton).error(), constraint_name(constraint.kind));
  }
  return automaton;
}

}  // namespace

TokenConstraint::TokenConstraint(Automaton automaton,
                                 const Tokenizer& tokenizer,
                                 std::shared_ptr<const VocabularyTrie> vocabulary)
    : tokenizer_(&tokenizer),
      vocabulary_(vocabulary),
      masks_(std::make_shared<const Automaton>(std::move(automaton)), std::move(vocabulary)) {}

Result<std::shared_ptr<TokenConstraint>> TokenConstraint::compile(
    const OutputConstraint& constraint,
    const Tokenizer& tokenizer,
    std::shared_ptr<const VocabularyTrie> vocabulary) {
  CUPEL_TRY(Automaton automaton, compile_automaton(constraint));
  return std::shared_ptr<TokenConstraint>(
      new TokenConstraint(std::move(automaton), tokenizer, std::move(vocabulary)));
}

Progress TokenConstraint::begin() {
  const std::lock_guard lock(mutex_);
  Progress progress;
  progress.round = masks_.rounds() - 1;  // read when it is first asked for
  progress.allowed.resize(vocabulary_->mask_words());
  return progress;
}

// Between tokens: makes room where memory is short, and reads again what was forgotten.
void TokenConstraint::settle(Progress& progress, std::span<const TokenId> answer) {
  masks_.make_room();
  if (progress.round != masks_.rounds()) {
    read_again(progress, answer);
  }
}

bool TokenConstraint::allows(Progress& progress, std::span<const TokenId> answer, TokenId id) {
  const std::lock_guard lock(mutex_);
  settle(progress, answer);
  const std::span<const TokenId> ends = vocabulary_->end_tokens();
  if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
    return masks_.machine().accepts(progress.state);
  }
  const std::string_view bytes = vocabulary_->bytes(id);
  if (bytes.empty() || (bytes.front() == ' ' && loses_blank(answer))) {
    return false;
  }
  masks_.machine().allow_work(kWorkPerToken);
  return behind(progress.state, id) != Machine::kDead && !masks_.machine().tired();
}

Result<Ok> TokenConstraint::prepare(Progress& progress, std::span<const TokenId> answer) {
  const std::lock_guard lock(mutex_);
  settle(progress, answer);
  CUPEL_TRY_VOID(masks_.fill(progress.state, progress.allowed));
  if (loses_blank(answer)) {
    const std::vector<uint64_t>& blank_first = vocabulary_->blank_first();
    for (size_t i = 0; i < progress.allowed.size(); ++i) {
      progress.allowed[i] &= ~blank_first[i];
    }
  }
  if (std::all_of(progress.allowed.begin(), progress.allowed.end(),
                  [](uint64_t word) { return word == 0; })) {
    return unsupported(
        "after {} tokens of the answer the constraint asks for text that no token of the "
        "vocabulary can write",
        answer.size());
  }
  return Ok{};
}

// Then the text would lack the blank that the automaton has read.
bool TokenConstraint::loses_blank(std::span<const TokenId> answer) const {
  return tokenizer_->drops_space_after(answer.empty() ? -1 : answer.back());
}

Machine::State TokenConstraint::behind(Machine::State state, TokenId id) {
  for (const char byte : vocabulary_->bytes(id)) {
    state = masks_.machine().next(state, static_cast<uint8_t>(byte));
    if (state == Machine::kDead) {
      break;
    }
  }
  return state;
}

void TokenConstraint::read_again(Progress& progress, std::span<const TokenId> answer) {
  progress.round = masks_.rounds();
  masks_.machine().allow_work(kWorkPerToken);
  progress.state = masks_.machine().start();
  for (const TokenId id : answer) {
    masks_.machine().allow_work(kWorkPerToken);
    progress.state = behind(progress.state, id);
  }
}

void TokenConstraint::advance(Progress& progress, std::span<const TokenId> answer) {
  const std::lock_guard lock(mutex_);
  if (progress.round != masks_.rounds()) {  // another sequence was in need of room meanwhile
    read_again(progress, answer);
  } else {
    masks_.machine().allow_work(kWorkPerToken);
    progress.state = behind(progress.state, answer.back());
  }
}

bool TokenConstraint::complete(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  return progress.round == masks_.rounds() && masks_.machine().complete(progress.state);
}

}  // namespace cupel::decode::constraint
