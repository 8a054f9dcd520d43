#include "decode/local_embedder.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "engine/runtime/pooling.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::decode {
namespace {

// Texts between two looks at whether to stop.
constexpr size_t kTextsAtOnce = 64;

}  // namespace

Result<std::unique_ptr<LocalEmbedder>> LocalEmbedder::open(const LocalEmbedderOptions& options) {
  std::unique_ptr<LocalEmbedder> embedder(new LocalEmbedder);
  embedder->name_ = options.name;
  embedder->path_ = options.path;
  CUPEL_TRY(engine::Checkpoint file, engine::open_checkpoint(options.path));
  embedder->file_ = std::make_unique<engine::Checkpoint>(std::move(file));
  CUPEL_TRY(embedder->encoder_, engine::Encoder::load(*embedder->file_, options.engine));
  CUPEL_TRY(engine::ModelTexts texts,
            engine::load_texts(*embedder->file_, {.pre = options.tokenizer_pre}));
  embedder->tokenizer_ = std::move(texts.tokenizer);
  CUPEL_TRY_VOID(
      engine::check_vocabulary(options.path, *embedder->tokenizer_, embedder->description()));
  embedder->settings_ =
      format("{} {}", options.tokenizer_pre, static_cast<int>(options.engine.activations));
  return embedder;
}

std::string LocalEmbedder::fingerprint() const {
  return cupel::fingerprint(
      format("embedder {} {} {}", engine::kArithmeticVersion, file_->fingerprint(), settings_));
}

std::vector<TokenId> LocalEmbedder::prepare(const std::string& text,
                                            const EmbedOptions& options,
                                            Embeddings& out) const {
  const engine::EncoderDescription& encoder = encoder_->encoder();
  const std::string whole = options.prompt.value_or(encoder.prompt) + text;
  const auto most = static_cast<size_t>(encoder.max_tokens);
  std::vector<TokenId> ids =
      tokenizer_->encode(whole, {.add_special = true, .parse_special = true});
  if (ids.size() > most) {
    ++out.cut;
    ids =
        tokenizer_->encode(whole, {.add_special = true, .parse_special = true, .max_tokens = most});
  }
  out.tokens.push_back(static_cast<int64_t>(ids.size()));
  return ids;
}

Result<Ok> LocalEmbedder::finish(std::span<float> vector, bool normalize) const {
  if (!std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); })) {
    return corrupt_data(
        "{}: the model made a vector that is not finite; its weights are damaged, or too large for "
        "this arithmetic",
        path_);
  }
  if (normalize) {
    engine::normalize_length(vector);
  }
  return Ok{};
}

Result<Embeddings> LocalEmbedder::embed(std::span<const std::string> texts,
                                        const EmbedOptions& options) {
  const std::lock_guard lock(mutex_);
  Embeddings out{.dimensions = dimensions(), .values = {}, .tokens = {}, .cut = 0};
  out.values.resize(texts.size() * out.dimensions);
  std::vector<std::vector<TokenId>> ids;
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    if (options.stop.stop_requested()) {
      return cancelled("stopped after {} of {} texts", begin, texts.size());
    }
    const size_t count = std::min(kTextsAtOnce, texts.size() - begin);
    ids.clear();
    for (size_t i = 0; i < count; ++i) {
      ids.push_back(prepare(texts[begin + i], options, out));
    }
    const auto vectors =
        std::span(out.values).subspan(begin * out.dimensions, count * out.dimensions);
    CUPEL_TRY_VOID(encoder_->encode(ids, vectors));
    for (size_t i = 0; i < count; ++i) {
      CUPEL_TRY_VOID(finish(vectors.subspan(i * out.dimensions, out.dimensions),
                            options.normalize && !encoder_->encoder().normalize));
    }
  }
  return out;
}

}  // namespace cupel::decode
