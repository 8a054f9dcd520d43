#pragma once

#include <string>

#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::engine {

/// A model that can be loaded, as far as its file says.
struct Loadable {
  ModelDescription model;
  ModelTexts texts;
};

/// All that loading a model checks, without packing its weights: description, tensors and their
/// types, tokenizer, a decoder's chat template, a row of the embedding for each token.
/// Cost: that of the vocabulary; the data of matrices is not touched.
/// Errors: those of describe_model, check_weights, load_texts, ChatTemplate::parse and
/// check_vocabulary, in the order of Transformer::load and Encoder::load.
Result<Loadable> check_loadable(const Checkpoint& file);

/// Errors: kCorruptData - the vocabulary has more tokens than the embedding rows; `path` is for the
/// message.
Result<Ok> check_vocabulary(const std::string& path,
                            const Tokenizer& tokenizer,
                            const ModelDescription& model);

}  // namespace cupel::engine
