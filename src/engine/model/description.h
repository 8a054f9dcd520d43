#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/kernels/operators.h"

namespace cupel::engine {

class MetadataReader;
namespace hf {
class ConfigReader;
class ConfigWriter;
struct Translation;

/// A tensor's name in a folder of safetensors and in GGUF, without ".weight" or ".bias". '#' stands
/// for a layer's number and '*' for another one.
struct TensorName {
  std::string_view hf;
  std::string_view gguf;
};
}  // namespace hf

/// Rotary position embedding of one layer. Frequency i of a head is base^(-2i / rotary_dim) divided
/// by its factor; positions are multiplied by position_scale, cos and sin by magnitude.
struct RopeDescription {
  double base = 10000;
  double position_scale = 1;  ///< linear scaling: 1 / factor
  int64_t rotary_dim = 0;     ///< dimensions of a head that rotate, from the front; 0 = none
  bool interleaved = false;   ///< pairs (2i, 2i+1) when true, else (i, i + rotary_dim / 2)
  std::vector<float> frequency_factors;  ///< [rotary_dim / 2]; empty = 1 (llama3, YaRN, LongRoPE)
  double magnitude = 1;                  ///< attention factor of YaRN and LongRoPE
  /// LongRoPE: a sequence of more than `long_from` positions uses these factors at all of them.
  std::vector<float> long_factors;
  int64_t long_from = 0;
  /// Dynamic scaling: from position `dynamic_from` on, the base grows with the position as if the
  /// sequence ended there.
  int64_t dynamic_from = 0;
  double dynamic_factor = 1;

  friend bool operator==(const RopeDescription&, const RopeDescription&) = default;
};

enum class NormKind {
  kRms,    ///< x / rms(x) · w
  kLayer,  ///< (x - mean(x)) / σ(x) · w + b
};

/// Where a layer's norms stand; f is a block (attention or feed-forward).
enum class NormPlace {
  kBefore,    ///< x + f(norm(x))
  kAround,    ///< x + norm(f(norm(x)))
  kAfter,     ///< x + norm(f(x))
  kParallel,  ///< x + attention(norm(x)) + feed_forward(norm(x)): one norm
  kPost,      ///< norm(x + f(x)): the original Transformer, and BERT
};

/// Norm of queries and keys before the rotation.
enum class HeadNorm {
  kNone,
  kRms,      ///< of each head, one weight for all heads
  kRmsWide,  ///< of all heads together
  kLayer,    ///< of each head, with each head's own weight and no bias
};

/// Dual chunk attention (Qwen2 technical report): a key at position j rotates by j mod `chunk`; a
/// query at i by i mod `chunk` for keys of its own chunk, by min(chunk + i mod chunk, window - 1)
/// for those of the chunk before, by window - 1 for older ones. No distance exceeds window - 1.
struct DualChunkDescription {
  int64_t chunk = 0;   ///< 0: none
  int64_t window = 0;  ///< positions that were trained, > chunk, at most two of them
};

/// Softmax attention with grouped heads.
struct AttentionDescription {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  double scale = 0;    ///< multiplies q·k
  double softcap = 0;  ///< > 0: softcap · tanh(x / softcap)
  int64_t window = 0;  ///< positions a row sees, its own included; 0 = all
  HeadNorm head_norm = HeadNorm::kNone;
  bool fused = false;  ///< q, k and v are the rows of one tensor, in this order
  DualChunkDescription dual_chunk;
  RopeDescription rope;
};

enum class RouterKind {
  kSoftmax,      ///< softmax over all experts, the most likely ones
  kSparseMixer,  ///< Phi-3.5-MoE: two experts, each by a softmax over those near the largest
};

/// Expert layers: Σ over the chosen experts of weight · feed_forward_e(x), plus a shared one.
struct ExpertsDescription {
  int64_t count = 0;  ///< 0: one dense block
  int64_t used = 0;   ///< per row
  int64_t width = 0;
  RouterKind router = RouterKind::kSoftmax;
  bool renormalise = false;  ///< the chosen weights sum to 1
  double near = 0;           ///< kSparseMixer: relative distance of the masked ones
  int64_t shared_width = 0;  ///< 0: no shared expert; else times sigmoid(g · x)
};

/// Feed-forward block: down(act(gate(x)) · up(x)), or without gate down(act(up(x))).
struct FeedForwardDescription {
  int64_t width = 0;
  GateKind activation = GateKind::kSilu;
  bool gated = true;
  bool fused = false;  ///< gate and up are the rows of one tensor, in this order
  ExpertsDescription experts;
};

/// One layer: attention, then feed-forward. State-space mixers will be a second alternative here.
struct LayerDescription {
  AttentionDescription attention;
  FeedForwardDescription feed_forward;
};

/// How the rows of a text become one vector (sentence-transformers' names are in pooling_names).
enum class Pooling {
  kCls,  ///< the first row
  kMax,  ///< the largest of each column
  kMean,
  kMeanSqrt,      ///< the sum over √rows
  kWeightedMean,  ///< weights 1, 2, 3, …
  kLast,          ///< the last row
};
/// By value: "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken".
std::span<const std::string_view> pooling_names();

/// What an encoder has that decoders have not: each row sees the whole text, and a text becomes a
/// vector.
struct EncoderDescription {
  int64_t positions = 0;         ///< rows of the table of learned positions
  int64_t first_position = 0;    ///< the row of a text's first token (RoBERTa: 2)
  int64_t token_types = 0;       ///< rows of their table, of which texts take the first; 0 = none
  int64_t max_tokens = 0;        ///< what exceeds them is cut off, [CLS] and [SEP] included
  std::vector<Pooling> pooling;  ///< of several, the vectors stand one after another
  bool normalize = false;        ///< vectors get the length 1
  std::string prompt;            ///< stands before every text
};

/// What a model computes, whatever the format it came in. The one description that the engine's
/// transformer executes and that the differentiable twin of training will share.
struct ModelDescription {
  std::string architecture;
  std::string name;
  int64_t vocabulary_size = 0;
  int64_t width = 0;
  int64_t context_length = 0;
  NormKind norm = NormKind::kRms;
  NormPlace norm_place = NormPlace::kBefore;
  double norm_epsilon = 1e-5;
  bool norm_plus_one = false;  ///< tensors hold w - 1
  double embedding_scale = 1;
  double final_softcap = 0;
  bool tied_head = false;
  /// > 0: a reward model. In place of logits its head gives that many numbers, of which the one (or
  /// those) at a text's last token rate the text. Tensor: cls.output.weight.
  int64_t outputs = 0;
  std::vector<LayerDescription> layers;
  std::optional<EncoderDescription> encoder;  ///< absent: a decoder

  /// Rows of the head.
  [[nodiscard]] int64_t head_rows() const { return outputs > 0 ? outputs : vocabulary_size; }
  /// The head's tensors in GGUF begin with this.
  [[nodiscard]] std::string_view head_name() const { return outputs > 0 ? "cls.output" : "output"; }
};

/// Which linear layers of a family have a bias in transformers, by the key of config.json that says
/// so. Empty: none has.
struct HfBiases {
  std::string_view attention = {};  ///< of Q, K and V, and of the output where `output` holds
  bool output = true;
  bool attention_always = false;  ///< Q, K and V have one, and no key says so
  bool attention_unsaid = false;  ///< what an absent `attention` key means
  std::string_view feed_forward = {};
  std::string_view head = {};
};

/// How a family comes in folders of config.json and safetensors.
struct HfSource {
  std::vector<std::string_view> model_types;  ///< values of model_type
  Result<Ok> (*translate)(hf::ConfigReader& config, hf::Translation& out) = nullptr;
  std::vector<hf::TensorName> names = {};       ///< where they differ from what most families have
  bool encoder = false;                         ///< folders of sentence-transformers are read too
  std::vector<std::string_view> prefixes = {};  ///< of tensor names, which some folders have
  std::vector<std::string_view> unused = {};    ///< how tensors begin that vectors do not need
  /// The inverse of translate: writes what only this family's config.json says, model_type and
  /// architectures among it. Errors: kUnsupported - what transformers cannot be told.
  Result<Ok> (*configure)(const ModelDescription& model, hf::ConfigWriter& config) = nullptr;
  HfBiases biases = {};
  /// model_type of multimodal folders whose `text_config` is a model of this family, and what that
  /// means where it is silent (JSON); they run as the text model. Empty: there are none.
  std::string_view multimodal_type = {};
  std::string_view text_defaults = {};

  /// All values of model_type that are read.
  [[nodiscard]] std::vector<std::string_view> all_types() const {
    std::vector<std::string_view> all = model_types;
    if (!multimodal_type.empty()) {
      all.push_back(multimodal_type);
    }
    return all;
  }
};

/// One family of architectures: how metadata becomes a description. One file, one line in
/// families.def.
struct ModelFamily {
  std::string_view architecture;  ///< value of general.architecture
  std::string_view summary;       ///< the models that it covers
  std::string_view features;      ///< what is computed beside the usual
  Result<ModelDescription> (*describe)(MetadataReader& read);
  HfSource hf;
};

/// All families, sorted by architecture.
const std::vector<ModelFamily>& model_families();

/// The description of a checkpoint, checked for sane sizes (so that nothing later divides by zero,
/// overflows or allocates without bound). Errors: kUnsupported - an architecture or a setting that
/// is not understood, by the name of the key; kCorruptData - missing or absurd values.
Result<ModelDescription> describe_model(const Checkpoint& file);

/// Shared by families: the fields that every transformer of GGUF has, with the same layer
/// throughout, RMS norms before the blocks and a SwiGLU feed-forward.
Result<ModelDescription> describe_common(MetadataReader& read);
/// Layers for which `local(index)` holds, or those that the file lists, see
/// `<prefix>.attention.sliding_window` positions; all see everything where that is absent or 0.
Result<Ok> describe_windows(MetadataReader& read,
                            ModelDescription& model,
                            FunctionRef<bool(size_t)> local);
/// Reads the expert_* keys into every layer; without them nothing changes.
Result<Ok> describe_experts(MetadataReader& read, ModelDescription& model);

}  // namespace cupel::engine
