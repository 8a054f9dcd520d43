#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/hub/listing.h"

namespace cupel::store {

/// Which files of a repository are wanted.
struct FileWish {
  std::string pattern;  ///< a path, or a pattern with `*` and `?`; empty: the rules below
  std::string quant;    ///< e.g. "q4_k_m"; empty: the first of the usual preference that is there
};

/// The files to fetch, in the order of the listing.
///
/// With a pattern: exactly that file, or all that fit (of pickled and compiled weights - .bin, .pt,
/// .pth, .onnx, .h5, … - none, unless named exactly). Without: of a repository that has GGUF files
/// the one of that quantisation, all its parts where it is split; of a repository with safetensors
/// the weights at its top, their index, config, tokenizer and chat template.
/// Errors: kNotFound - no such file or quantisation, with what there is; kInvalidArgument - several
/// fit and none is preferred, with the list; kUnsupported - neither GGUF nor safetensors.
Result<std::vector<HubFile>> choose_files(const std::vector<HubFile>& files, const FileWish& wish);

/// Of paths those that are models of their own: GGUF files without projectors and importance
/// matrices, and of a split model its first part alone. In the order given.
std::vector<std::string> gguf_models(const std::vector<std::string>& paths);

/// A part's path without "-00001-of-00003": the same for all parts of one model.
std::string unsplit_name(std::string_view path);

}  // namespace cupel::store
