#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tokenizer.h"
#include "engine/checkpoint/tensor_type.h"
#include "support/test_paths.h"

namespace cupel::test {

// The vocabulary of every tiny model: the token of byte b has the id b, then these, then a few
// merged pieces ("the", "Yes", " no", …), then the extra tokens of the options.
constexpr TokenId kTinyBos = 256;        // "<|begin|>"
constexpr TokenId kTinyEos = 257;        // "<|end_of_text|>"
constexpr TokenId kTinyTurnStart = 258;  // "<|im_start|>"
constexpr TokenId kTinyTurnEnd = 259;    // "<|im_end|>", ends generation too
/// Number of tokens before the extra ones: the id of the first of them.
TokenId tiny_vocabulary_size();

/// Each message as <|im_start|>role, newline, content, <|im_end|>, newline.
extern const std::string_view kTinyTemplate;

/// After token `from` the logit of `to` is raised by about `gain`.
struct TinyLink {
  TokenId from = 0;
  TokenId to = 0;
  double gain = 40;
};

/// Overwrites the first weight (of a quantised tensor: the first block's scale).
struct TinyPoison {
  std::string tensor;
  float value = 0;
};

/// A random model of a few thousand weights: its answers are noise, but every path of the engine
/// and of decoding runs in milliseconds. The weights before encoding are a function of seed, tensor
/// name and sizes alone, so that models which differ in `type` only are near each other.
struct TinyModelOptions {
  std::string family = "llama";  ///< "llama" or "gemma3"
  uint64_t seed = 1;
  engine::TensorType type = engine::TensorType::kF32;  ///< of all matrices; K types: widths of 256
  int64_t width = 64;
  int64_t layers = 2;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t head_dim = 32;
  int64_t rotary_dim = 0;  ///< 0: head_dim
  int64_t feed_forward = 96;
  int64_t context_length = 512;
  int64_t window = 24;  ///< positions that most layers of gemma3 see; ignored by llama
  double rope_base = 10000;
  int64_t long_from = 0;  ///< LongRoPE's original length; 0: the same factors everywhere
  bool tied_head = false;
  double head_scale = 3;   ///< standard deviation of the logits, roughly
  double block_scale = 1;  ///< of what a block adds; 0: the last token alone decides on the next
  bool add_bos = true;
  std::string chat_template;                     ///< none when empty
  std::vector<std::string> extra_tokens;         ///< bytes of tokens that no text is encoded to
  std::vector<std::pair<TokenId, double>> bias;  ///< raises logits by about that; untied heads only
  std::vector<TinyLink> links;                   ///< untied heads and block_scale 0 only
  std::optional<TinyPoison> poison;
};

/// Options that a K type fits: widths of 256.
TinyModelOptions tiny_wide_options(engine::TensorType type);

/// The links that make a model say `text` after `before`, then end its turn. All bytes of the text
/// differ, so that the last token determines the next one.
std::vector<TinyLink> tiny_links(TokenId before, std::string_view text);

/// A tiny model file in a temporary folder, which goes with the object.
class TinyModel {
 public:
  explicit TinyModel(const TinyModelOptions& options = {});
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

}  // namespace cupel::test
