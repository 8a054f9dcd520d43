#include "engine/tokenizer/make_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/tokenizer/byte_bpe.h"
#include "engine/tokenizer/sentencepiece_bpe.h"
#include "engine/tokenizer/word_piece.h"

namespace cupel::engine {
namespace {

struct TokenizerKind {
  std::string_view model;
  Result<std::unique_ptr<Tokenizer>> (*make)(const TokenizerData&);
};
constexpr TokenizerKind kKinds[] = {
    {"gpt2", make_byte_bpe}, {"llama", make_sentencepiece_bpe}, {"bert", make_word_piece}};

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer(const TokenizerData& data) {
  const auto* const kind = std::ranges::find(kKinds, data.model, &TokenizerKind::model);
  if (kind == std::end(kKinds)) {
    return unsupported(
        "tokenizer.ggml.model is \"{}\"; supported are \"gpt2\" (byte-level BPE), \"llama\" "
        "(SentencePiece BPE) and \"bert\" (WordPiece)",
        printable(data.model));
  }
  return kind->make(data);
}

}  // namespace cupel::engine
