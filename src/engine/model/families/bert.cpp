// BERT and RoBERTa as sentence encoders: learned positions and token types, every row sees all
// others, layer norms after each sum, a feed-forward block without gate. The head for masked words
// and the pooler of the next-sentence task are no part of a vector.
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr int64_t kMaxPositions = int64_t{1} << 24U;

// What llama.cpp's pooling_type says; 0 is none, 4 a score of two texts.
constexpr std::pair<uint64_t, std::string_view> kPoolingTypes[] = {
    {1, "mean"}, {2, "cls"}, {3, "lasttoken"}};

Result<std::string> pooling_text(MetadataReader& read) {
  if (read.contains("embeddings.pooling") || !read.contains("pooling_type")) {
    read.ignore("pooling_type");
    return read.text_or("embeddings.pooling", "mean");
  }
  CUPEL_TRY(const uint64_t type, read.file().get_u64(read.key("pooling_type")));
  for (const auto& [number, name] : kPoolingTypes) {
    if (number == type) {
      return std::string(name);
    }
  }
  return unsupported("{}: {} is {}; supported: 1 (mean), 2 (the first token) and 3 (the last one)",
                     read.file().path(), read.key("pooling_type"), type);
}

Result<std::vector<Pooling>> describe_pooling(MetadataReader& read) {
  CUPEL_TRY(const std::string text, pooling_text(read));
  std::vector<Pooling> pooling;
  const auto names = pooling_names();
  for (const std::string_view part : split(text, ',')) {
    const auto name = std::find(names.begin(), names.end(), part);
    if (name == names.end() || pooling.size() == names.size()) {
      return unsupported("{}: {} is \"{}\"; supported: {}", read.file().path(),
                         read.key("embeddings.pooling"), printable(text, 200),
                         join(std::vector<std::string>(names.begin(), names.end()), ", "));
    }
    pooling.push_back(static_cast<Pooling>(name - names.begin()));
  }
  return pooling;
}

Result<EncoderDescription> describe_encoder(MetadataReader& read, int64_t context_length) {
  const Checkpoint& file = read.file();
  EncoderDescription encoder;
  CUPEL_TRY(const CheckpointTensor* positions, file.get_tensor("position_embd.weight"));
  encoder.positions = static_cast<int64_t>(positions->rows());
  if (const CheckpointTensor* types = file.find_tensor("token_types.weight"); types != nullptr) {
    encoder.token_types = static_cast<int64_t>(types->rows());
  }
  CUPEL_TRY(encoder.first_position, read.size_or_zero("position_offset", kMaxPositions));
  if (encoder.positions > kMaxPositions || encoder.first_position >= encoder.positions ||
      context_length > encoder.positions - encoder.first_position) {
    return corrupt_data(
        "{}: position_embd.weight has {} rows; expected at least {}, the context length and the "
        "first position",
        file.path(), encoder.positions, context_length + encoder.first_position);
  }
  CUPEL_TRY(encoder.max_tokens,
            read.size_or("embeddings.max_tokens", context_length, int64_t{1} << 28U));
  encoder.max_tokens = std::min(encoder.max_tokens, context_length);
  CUPEL_TRY(encoder.pooling, describe_pooling(read));
  // GGUF files do not say it; llama.cpp normalises all vectors.
  CUPEL_TRY(encoder.normalize, read.flag_or("embeddings.normalize", true));
  read.ignore("embeddings.lowercase");  // the tokenizer's part, which reads the same file
  CUPEL_TRY(encoder.prompt, read.text_or("embeddings.prompt", ""));
  return encoder;
}

Result<GateKind> describe_activation(MetadataReader& read) {
  CUPEL_TRY(const std::string name, read.text_or("activation", "gelu"));
  if (name == "gelu") {
    return GateKind::kGeluErf;
  }
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") {
    return GateKind::kGeluTanh;
  }
  return unsupported("{}: {} is \"{}\"; supported: gelu, gelu_new", read.file().path(),
                     read.key("activation"), printable(name));
}

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(const bool causal, read.flag_or("attention.causal", false));
  if (causal) {
    return unsupported("{}: {} is true; the rows of an encoder see each other both ways",
                       read.file().path(), read.key("attention.causal"));
  }
  if (read.contains("rope.freq_base") || read.contains("rope.dimension_count")) {
    return unsupported("{}: states a rotary embedding; BERT's positions are learned",
                       read.file().path());
  }
  CUPEL_TRY(ModelDescription model, describe_common(read));
  if (model.norm != NormKind::kLayer) {
    return unsupported("{}: has RMS norms; BERT's are layer norms", read.file().path());
  }
  model.norm_place = NormPlace::kPost;
  CUPEL_TRY(const GateKind activation, describe_activation(read));
  for (LayerDescription& layer : model.layers) {
    layer.attention.rope = {};
    layer.feed_forward.gated = false;
    layer.feed_forward.activation = activation;
  }
  CUPEL_TRY(model.encoder, describe_encoder(read, model.context_length));
  return model;
}

/// RoBERTa counts positions from the one after the padding's.
Result<Ok> translate_positions(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY(const std::string type, config.text_or("model_type", ""));
  if (type == "bert") {
    return Ok{};
  }
  CUPEL_TRY(const int64_t padding, config.integer_or("pad_token_id", 1));
  CUPEL_TRY(const int64_t rows, config.integer("max_position_embeddings"));
  if (padding < 0 || padding >= rows - 1) {
    return corrupt_data("{}: \"pad_token_id\" is {}; expected less than the {} positions",
                        config.place(), padding, rows);
  }
  out.set_size("position_offset", padding + 1);
  out.set_size("context_length", rows - padding - 1);
  return Ok{};
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  CUPEL_TRY_VOID(hf::translate_sizes(config, out));
  CUPEL_TRY_VOID(config.expect_text("position_embedding_type", {"absolute"}));
  CUPEL_TRY_VOID(config.expect_flag("is_decoder", false));
  CUPEL_TRY_VOID(config.expect_flag("add_cross_attention", false));
  CUPEL_TRY(const std::string activation, config.text_or("hidden_act", "gelu"));
  out.set_text("activation", activation);
  out.set_flag("attention.causal", false);
  config.ignore({"attention_probs_dropout_prob", "hidden_dropout_prob", "classifier_dropout",
                 "gradient_checkpointing", "type_vocab_size", "id2label", "label2id", "num_labels",
                 "problem_type", "output_past", "pruned_heads"});
  return translate_positions(config, out);
}

std::vector<hf::TensorName> tensor_names() {
  return {{"embeddings.word_embeddings", "token_embd"},
          {"embeddings.position_embeddings", "position_embd"},
          {"embeddings.token_type_embeddings", "token_types"},
          {"embeddings.LayerNorm", "token_embd_norm"},
          {"encoder.layer.#.attention.self.query", "blk.#.attn_q"},
          {"encoder.layer.#.attention.self.key", "blk.#.attn_k"},
          {"encoder.layer.#.attention.self.value", "blk.#.attn_v"},
          {"encoder.layer.#.attention.output.dense", "blk.#.attn_output"},
          {"encoder.layer.#.attention.output.LayerNorm", "blk.#.attn_output_norm"},
          {"encoder.layer.#.intermediate.dense", "blk.#.ffn_up"},
          {"encoder.layer.#.output.dense", "blk.#.ffn_down"},
          {"encoder.layer.#.output.LayerNorm", "blk.#.layer_output_norm"}};
}

}  // namespace

ModelFamily bert() {
  return {.architecture = "bert",
          .summary = "BERT and RoBERTa as sentence encoders: MiniLM, BGE, E5",
          .features = "learned positions, token types, norms after each sum, GELU",
          .describe = &describe,
          .hf = {.model_types = {"bert", "roberta", "xlm-roberta", "camembert"},
                 .translate = &translate,
                 .names = tensor_names(),
                 .encoder = true,
                 .prefixes = {"bert.", "roberta."},
                 .unused = {"embeddings.position_ids", "pooler.", "cls.", "lm_head."}}};
}

}  // namespace cupel::engine::family
