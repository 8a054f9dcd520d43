#pragma once

#include <cstdint>
#include <string>

#include "base/partial_folder.h"
#include "base/result.h"

namespace cupel::engine {

/// Gives the folder of a model with outputs a padding token that no text ends with, in config.json
/// and where the tokenizer names its own. transformers reads the outputs at the last token that is
/// not padding: where padding is the end token, that is one too early.
///
/// Kept where it fits already; else the tokenizer's own, a special token called pad, the unknown
/// token, one that is reserved or unused, or any other, in this order, that neither begins nor ends
/// a text and has one of the embedding's `rows`. Without any, config.json names none, so that
/// transformers refuses batches of texts of different lengths, and the result is a note that says
/// so; else it is empty. Errors: kCorruptData - a file of the folder is no JSON, or not of the kind
/// that it must be.
Result<std::string> settle_padding(const PartialFolder& folder, int64_t rows);

}  // namespace cupel::engine
