#pragma once

#include <memory>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/tokenizer_data.h"

namespace cupel::engine {

/// Byte-level BPE (tokenizer.ggml.model = "gpt2"): text is cut into words by the pre-tokenizer that
/// `data.pre` names, the bytes of a word are merged, lowest rank first.
///
/// Text is not normalised (NFC), though some vocabularies were published with a normaliser: the
/// file does not say so, and decode(encode(x)) = x is worth more. Bytes that are no UTF-8 form
/// words of their own. A byte for which the vocabulary has no token (some lack control characters
/// and bytes that UTF-8 never has) is left out, as the originals do. Errors: as Vocabulary::create
/// and PreTokenizer::create; kCorruptData - no merges, or a merge that is malformed or names a
/// piece that is no token. Source: Sennrich et al. 2016; Radford et al. 2019 (GPT-2), §2.2.
Result<std::unique_ptr<Tokenizer>> make_byte_bpe(const TokenizerData& data);

}  // namespace cupel::engine
