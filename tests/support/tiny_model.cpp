#include "support/tiny_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/format.h"
#include "base/rng.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/checkpoint/half.h"
#include "engine/checkpoint/quant.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/tokenizer_data.h"
#include "support/k_quant_encoder.h"

namespace cupel::test {

const std::string_view kTinyTemplate =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content "
    "}}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

namespace {

using engine::GgufHeader;
using engine::TensorType;

constexpr std::string_view kSpecials[] = {"<|begin|>", "<|end_of_text|>", "<|im_start|>",
                                          "<|im_end|>"};
// Merges in order of rank; each makes a token.
constexpr std::pair<std::string_view, std::string_view> kMerges[] = {
    {"t", "h"},   {"th", "e"},  {" ", "the"}, {"Y", "e"},  {"Ye", "s"}, {" ", "Yes"}, {"y", "e"},
    {"ye", "s"},  {" ", "yes"}, {"N", "o"},   {" ", "No"}, {"n", "o"},  {" ", "no"},  {"i", "n"},
    {"a", "n"},   {"e", "r"},   {"o", "n"},   {"r", "e"},  {"a", "t"},  {"o", "r"},   {"s", "t"},
    {"in", "g"},  {"an", "d"},  {" ", "and"}, {"o", "u"},  {" ", "a"},  {" ", "s"},   {" ", "w"},
    {"\n", "\n"}, {" ", "o"},   {"e", "d"},   {"i", "s"}};

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else {
    out += static_cast<char>(0xC0 | (c >> 6U));
    out += static_cast<char>(0x80 | (c & 63U));
  }
}

// Bytes as a byte-level vocabulary writes them.
std::string in_alphabet(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    append_utf8(out, engine::byte_to_char(static_cast<uint8_t>(c)));
  }
  return out;
}

void add_vocabulary(GgufHeader& header, const TinyModelOptions& options) {
  std::vector<std::string> tokens;
  std::vector<std::string> merges;
  std::vector<int32_t> types;
  const auto add = [&](std::string text, engine::TokenType type) {
    tokens.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(type));
  };
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    add(in_alphabet({&c, 1}), engine::TokenType::kNormal);
  }
  for (const std::string_view special : kSpecials) {
    add(std::string(special), engine::TokenType::kControl);
  }
  for (const auto& [left, right] : kMerges) {
    merges.push_back(in_alphabet(left) + " " + in_alphabet(right));
    add(in_alphabet(left) + in_alphabet(right), engine::TokenType::kNormal);
  }
  for (const std::string& extra : options.extra_tokens) {
    add(in_alphabet(extra), engine::TokenType::kNormal);
  }
  header.set_string("tokenizer.ggml.model", "gpt2");
  header.set_string("tokenizer.ggml.pre", "gpt-2");
  header.set_string_array("tokenizer.ggml.tokens",
                          std::vector<std::string_view>(tokens.begin(), tokens.end()));
  header.set_array<int32_t>("tokenizer.ggml.token_type", types);
  header.set_string_array("tokenizer.ggml.merges",
                          std::vector<std::string_view>(merges.begin(), merges.end()));
  header.set<uint32_t>("tokenizer.ggml.bos_token_id", kTinyBos);
  header.set<uint32_t>("tokenizer.ggml.eos_token_id", kTinyEos);
  header.set<bool>("tokenizer.ggml.add_bos_token", options.add_bos);
  if (!options.chat_template.empty()) {
    header.set_string("tokenizer.chat_template", options.chat_template);
  }
}

int64_t rotary_dim(const TinyModelOptions& options) {
  return options.rotary_dim > 0 ? options.rotary_dim : options.head_dim;
}

void add_metadata(GgufHeader& header, const TinyModelOptions& options) {
  const auto key = [&](std::string_view name) { return format("{}.{}", options.family, name); };
  const auto size = [&](std::string_view name, int64_t value) {
    header.set<uint32_t>(key(name), static_cast<uint32_t>(value));
  };
  header.set_string("general.architecture", options.family);
  header.set_string("general.name", "tiny");
  size("context_length", options.context_length);
  size("embedding_length", options.width);
  size("block_count", options.layers);
  size("feed_forward_length", options.feed_forward);
  size("attention.head_count", options.heads);
  size("attention.head_count_kv", options.kv_heads);
  size("attention.key_length", options.head_dim);
  size("attention.value_length", options.head_dim);
  size("rope.dimension_count", rotary_dim(options));
  if (options.long_from > 0) {
    size("rope.scaling.original_context_length", options.long_from);
  }
  header.set<float>(key("attention.layer_norm_rms_epsilon"), 1e-5F);
  header.set<float>(key("rope.freq_base"), static_cast<float>(options.rope_base));
  if (options.family == "gemma3") {
    size("attention.sliding_window", options.window);
  }
}

std::vector<float> random_values(const TinyModelOptions& options,
                                 std::string_view name,
                                 size_t count,
                                 double deviation) {
  uint64_t stream = 0;
  for (const char c : name) {
    stream = mix64(stream ^ static_cast<unsigned char>(c));
  }
  Rng rng(options.seed, stream);
  std::vector<float> values(count);
  for (float& value : values) {  // uniform with that standard deviation
    value = static_cast<float>((rng.unit() * 2 - 1) * std::sqrt(3.0) * deviation);
  }
  return values;
}

// Collects the tensors, then writes them.
//
// Coordinate 0 of the hidden state is the same constant in every row: embeddings set it, blocks add
// nothing to it. So column 0 of an untied head is a bias of the logits.
class Builder {
 public:
  explicit Builder(const TinyModelOptions& options) : options_(options) {
    vocabulary_ = tiny_vocabulary_size() + static_cast<int64_t>(options.extra_tokens.size());
  }

  void build() {
    // Gemma multiplies embeddings by √width.
    const bool gemma = options_.family == "gemma3";
    const double unit = gemma ? 1 / std::sqrt(static_cast<double>(options_.width)) : 1;
    embedding_ = matrix("token_embd.weight", vocabulary_, options_.width, unit);
    for (int64_t t = 0; t < vocabulary_; ++t) {
      embedding_[static_cast<size_t>(t * options_.width)] = static_cast<float>(kConstant * unit);
    }
    add("token_embd.weight", vocabulary_, options_.width, embedding_);
    const double head_unit = options_.head_scale / std::sqrt(static_cast<double>(options_.width));
    norm("output_norm.weight", options_.width, options_.tied_head ? head_unit / unit : 1);
    if (!options_.tied_head) {
      add_head(head_unit, unit);
    }
    for (int64_t layer = 0; layer < options_.layers; ++layer) {
      add_layer(format("blk.{}.", layer), gemma);
    }
    if (options_.long_from > 0) {  // about 1, and about 4
      norm("rope_factors_short.weight", rotary_dim(options_) / 2);
      norm("rope_factors_long.weight", rotary_dim(options_) / 2, 4);
    }
  }

  void write(const std::string& path) {
    GgufHeader header;
    add_metadata(header, options_);
    add_vocabulary(header, options_);
    for (const Tensor& tensor : tensors_) {
      header.add_tensor(tensor.plan);
    }
    auto writer = engine::GgufWriter::create(path, std::move(header));
    CUPEL_CHECK(writer.has_value(), writer ? "" : writer.error().message);
    for (const Tensor& tensor : tensors_) {
      CUPEL_CHECK(writer->write(tensor.bytes).has_value(), "tiny model: write");
    }
    CUPEL_CHECK(writer->close().has_value(), "tiny model: close");
  }

 private:
  struct Tensor {
    engine::GgufTensorPlan plan;
    std::vector<std::byte> bytes;
  };
  static constexpr double kConstant = 4;

  [[nodiscard]] std::vector<float> matrix(const std::string& name,
                                          int64_t rows,
                                          int64_t cols,
                                          double deviation) const {
    return random_values(options_, name, static_cast<size_t>(rows * cols), deviation);
  }

  void add(const std::string& name, int64_t rows, int64_t cols, const std::vector<float>& values) {
    Tensor tensor;
    tensor.plan = {.name = name,
                   .type = options_.type,
                   .dims = {static_cast<uint64_t>(cols), static_cast<uint64_t>(rows)}};
    tensor.bytes.resize(tensor.plan.size_bytes());
    encode_row_for_tests(options_.type, values, tensor.bytes);
    poison(tensor);
    tensors_.push_back(std::move(tensor));
  }

  void norm(const std::string& name, int64_t width, double scale = 1) {
    std::vector<float> values = random_values(options_, name, static_cast<size_t>(width), 0.1);
    for (float& value : values) {
      value = static_cast<float>((1 + value) * scale);
    }
    Tensor tensor;
    tensor.plan = {.name = name, .dims = {static_cast<uint64_t>(width)}};
    const auto bytes = std::as_bytes(std::span(values));
    tensor.bytes.assign(bytes.begin(), bytes.end());
    poison(tensor);
    tensors_.push_back(std::move(tensor));
  }

  void add_head(double deviation, double embedding_unit) {
    const auto width = static_cast<size_t>(options_.width);
    std::vector<float> head = matrix("output.weight", vocabulary_, options_.width, deviation);
    for (size_t t = 0; t < static_cast<size_t>(vocabulary_); ++t) {
      head[t * width] = 0;
    }
    // The constant over the root mean square of a row is near 2.5.
    for (const auto& [token, value] : options_.bias) {
      head[static_cast<size_t>(token) * width] = static_cast<float>(value / 2.5);
    }
    for (const TinyLink& link : options_.links) {
      CUPEL_CHECK(options_.block_scale == 0, "links need blocks that add nothing");
      for (size_t i = 1; i < width; ++i) {
        const double coordinate =
            static_cast<double>(embedding_[static_cast<size_t>(link.from) * width + i]);
        head[static_cast<size_t>(link.to) * width + i] += static_cast<float>(
            link.gain * coordinate / embedding_unit / static_cast<double>(width));
      }
    }
    add("output.weight", vocabulary_, options_.width, head);
  }

  // A matrix that writes to the hidden state: nothing to coordinate 0.
  void add_output(const std::string& name, int64_t cols) {
    std::vector<float> values =
        matrix(name, options_.width, cols, scale(cols) * options_.block_scale);
    std::fill_n(values.begin(), cols, 0.0F);
    add(name, options_.width, cols, values);
  }

  void add_input(const std::string& name, int64_t rows, int64_t cols) {
    add(name, rows, cols, matrix(name, rows, cols, scale(cols)));
  }

  static double scale(int64_t cols) { return 1.5 / std::sqrt(static_cast<double>(cols)); }

  void add_layer(const std::string& block, bool gemma) {
    const int64_t width = options_.width;
    const int64_t q_width = options_.heads * options_.head_dim;
    const int64_t kv_width = options_.kv_heads * options_.head_dim;
    norm(block + "attn_norm.weight", width);
    add_input(block + "attn_q.weight", q_width, width);
    add_input(block + "attn_k.weight", kv_width, width);
    add_input(block + "attn_v.weight", kv_width, width);
    add_output(block + "attn_output.weight", q_width);
    norm(block + "ffn_norm.weight", width);
    add_input(block + "ffn_gate.weight", options_.feed_forward, width);
    add_input(block + "ffn_up.weight", options_.feed_forward, width);
    add_output(block + "ffn_down.weight", options_.feed_forward);
    if (gemma) {
      norm(block + "attn_q_norm.weight", options_.head_dim);
      norm(block + "attn_k_norm.weight", options_.head_dim);
      norm(block + "post_attention_norm.weight", width);
      norm(block + "post_ffw_norm.weight", width);
    }
  }

  void poison(Tensor& tensor) const {
    if (!options_.poison || options_.poison->tensor != tensor.plan.name) {
      return;
    }
    const float value = options_.poison->value;
    const uint16_t half = tensor.plan.type == TensorType::kBF16 ? engine::f32_to_bf16(value)
                                                                : engine::f32_to_f16(value);
    const size_t at = tensor.plan.type == TensorType::kQ6_K ? 208 : 0;
    if (tensor.plan.type == TensorType::kF32) {
      std::memcpy(tensor.bytes.data(), &value, sizeof value);
    } else {
      std::memcpy(tensor.bytes.data() + at, &half, sizeof half);
    }
  }

  const TinyModelOptions& options_;
  int64_t vocabulary_ = 0;
  std::vector<float> embedding_;
  std::vector<Tensor> tensors_;
};

}  // namespace

TokenId tiny_vocabulary_size() {
  return static_cast<TokenId>(256 + std::size(kSpecials) + std::size(kMerges));
}

TinyModelOptions tiny_wide_options(engine::TensorType type) {
  TinyModelOptions options;
  options.type = type;
  options.width = 256;
  options.heads = 8;
  options.kv_heads = 2;
  options.feed_forward = 256;
  return options;
}

std::vector<TinyLink> tiny_links(TokenId before, std::string_view text) {
  std::vector<TinyLink> links;
  TokenId from = before;
  for (const char c : text) {
    const auto to = static_cast<TokenId>(static_cast<unsigned char>(c));
    links.push_back({.from = from, .to = to});
    from = to;
  }
  links.push_back({.from = from, .to = kTinyTurnEnd});
  return links;
}

TinyModel::TinyModel(const TinyModelOptions& options) : path_(folder_.file("tiny.gguf")) {
  Builder builder(options);
  builder.build();
  builder.write(path_);
}

}  // namespace cupel::test
