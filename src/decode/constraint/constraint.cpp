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

Progress TokenConstraint::begin() const {
  Progress progress;
  progress.round = masks_.rounds() - 1;  // read when it is prepared
  progress.allowed.resize(vocabulary_->mask_words());
  return progress;
}

Result<Ok> TokenConstraint::prepare(Progress& progress, std::span<const TokenId> answer) {
  masks_.make_room();
  if (progress.round != masks_.rounds()) {
    read_again(progress, answer);
  }
  CUPEL_TRY_VOID(masks_.fill(progress.state, progress.allowed));
  if (tokenizer_->drops_space_after(answer.empty() ? -1 : answer.back())) {
    // The text would lack the blank that the automaton has read.
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

void TokenConstraint::read(Progress& progress, TokenId id) {
  Machine& machine = masks_.machine();
  machine.allow_work(kWorkPerToken);
  for (const char byte : vocabulary_->bytes(id)) {
    progress.state = machine.next(progress.state, static_cast<uint8_t>(byte));
  }
}

void TokenConstraint::read_again(Progress& progress, std::span<const TokenId> answer) {
  progress.round = masks_.rounds();
  masks_.machine().allow_work(kWorkPerToken);
  progress.state = masks_.machine().start();
  for (const TokenId id : answer) {
    read(progress, id);
  }
}

void TokenConstraint::advance(Progress& progress, std::span<const TokenId> answer) {
  if (progress.round != masks_.rounds()) {  // another sequence was in need of room meanwhile
    read_again(progress, answer);
  } else {
    read(progress, answer.back());
  }
}

bool TokenConstraint::complete(const Progress& progress) const {
  return masks_.machine().complete(progress.state);
}

}  // namespace cupel::decode::constraint
