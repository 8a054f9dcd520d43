#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/arguments.h"
#include "core/chat_model.h"
#include "core/model_spec.h"
#include "core/scorer.h"
#include "decode/local_model.h"

namespace cupel::cli {

/// Flags that every command with a model has.
struct EngineFlags {
  int64_t threads = 0;
  int64_t batch = 16;
  int64_t context = 0;
  std::string level = "auto";
  std::string activations = "int8";

  void declare(Arguments& arguments);
};

/// A model behind a spec. `local` and `scorer` are null where there is none.
struct OpenModel {
  ModelSpec spec;
  std::string text;  ///< the spec as given
  std::unique_ptr<ChatModel> model;
  decode::LocalModel* local = nullptr;
  Scorer* scorer = nullptr;
};

/// Errors: those of parse_model_spec and of the model's own open.
Result<OpenModel> open_model(const std::string& text, const EngineFlags& flags);
/// A model file with full access to the engine. Errors: kInvalidArgument for other kinds of specs.
Result<std::unique_ptr<decode::LocalModel>> open_local_model(const std::string& text,
                                                             const EngineFlags& flags);

}  // namespace cupel::cli
