#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/arguments.h"
#include "core/chat_model.h"
#include "core/model_spec.h"
#include "core/scorer.h"
#include "decode/local_model.h"
#include "store/cached_models.h"
#include "store/cost_ledger.h"

namespace cupel::cli {

/// Flags that every command with a model has.
struct EngineFlags {
  int64_t threads = 0;
  int64_t batch = 16;
  int64_t context = 0;
  std::string level = "auto";
  std::string activations = "int8";

  void declare(Arguments& arguments);
  /// The flags --cpu-level and --activations alone.
  void declare_kernels(Arguments& arguments);
};

/// A model behind a spec. `local` and `scorer` are null where there is none.
struct OpenModel {
  ModelSpec spec;
  std::string text;  ///< the spec, fit to be shown
  std::unique_ptr<ChatModel> model;
  decode::LocalModel* local = nullptr;
  Scorer* scorer = nullptr;
};

/// A model as an evaluation calls it: through the meter of the run and, above it, the run's call
/// cache. The open model and the ledger must outlive it, and it its calls.
class MeteredModel {
 public:
  MeteredModel(OpenModel& open, std::shared_ptr<store::CallCache> cache, store::CostLedger& ledger);

  [[nodiscard]] ChatModel* model() { return &cached_; }
  /// Null where the model is no scorer.
  [[nodiscard]] Scorer* scorer() { return cached_scorer_ ? &*cached_scorer_ : nullptr; }

 private:
  store::MeteredChatModel metered_;
  store::CachedChatModel cached_;
  std::optional<store::MeteredScorer> metered_scorer_;
  std::optional<store::CachedScorer> cached_scorer_;
};

/// Reads a spec; a model of the cache becomes the file that was pulled. A path that exists always
/// wins. Errors: those of parse_model_spec and of ModelCache::find; kUnsupported - safetensors,
/// which this version does not run; kInvalidArgument - a file that is no GGUF file.
Result<ModelSpec> resolve_model_spec(const std::string& text);
/// How a spec's model file is opened. Errors: those of resolve_model_spec; kInvalidArgument for
/// other kinds of specs and for options out of range.
Result<decode::LocalModelOptions> local_model_options(const std::string& text,
                                                      const EngineFlags& flags);
/// Errors: those of resolve_model_spec and of the model's own open.
Result<OpenModel> open_model(const std::string& text, const EngineFlags& flags);
/// A model file with full access to the engine. Errors: kInvalidArgument for other kinds of specs.
Result<std::unique_ptr<decode::LocalModel>> open_local_model(const std::string& text,
                                                             const EngineFlags& flags);

}  // namespace cupel::cli
