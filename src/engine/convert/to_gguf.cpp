#include "engine/convert/to_gguf.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quantize_plan.h"
#include "engine/model/description.h"
#include "engine/model/rope_scaling.h"

namespace cupel::engine {
namespace {

/// One tensor of the output and the tensors that it is stacked of.
struct Stack {
  std::string name;
  std::vector<const CheckpointTensor*> parts;
};

/// "blk.0.ffn_gate.3.weight" → "blk.0.ffn_gate_exps.weight", "blk.0.attn_q_norm.3.weight" →
/// "blk.0.attn_q_norm.weight"; others as they are.
std::string stacked_name(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '.');
  if (parts.size() != 5 || parts[0] != "blk") {
    return std::string(name);
  }
  const std::string_view end = parts[2].starts_with("ffn_") ? "_exps" : "";
  return format("blk.{}.{}{}.{}", parts[1], parts[2], end, parts[4]);
}

int64_t part_number(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '.');
  int64_t number = 0;
  if (parts.size() == 5) {
    std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), number);
  }
  return number;
}

std::vector<Stack> stacks_of(const Checkpoint& file) {
  std::vector<Stack> stacks;
  std::map<std::string, size_t> places;
  for (const CheckpointTensor& tensor : file.tensors()) {
    const std::string name = stacked_name(tensor.name);
    const auto [place, is_new] = places.emplace(name, stacks.size());
    if (is_new) {
      stacks.push_back({.name = name, .parts = {}});
    }
    stacks[place->second].parts.push_back(&tensor);
  }
  for (Stack& stack : stacks) {
    std::sort(stack.parts.begin(), stack.parts.end(), [](const auto* a, const auto* b) {
      return part_number(a->name) < part_number(b->name);
    });
  }
  return stacks;
}

/// The type that most numbers have: what general.file_type states.
TensorType commonest_type(const std::vector<SourceTensor>& tensors) {
  std::map<TensorType, uint64_t> elements;
  for (const SourceTensor& tensor : tensors) {
    elements[tensor.type] += tensor.elements();
  }
  const auto most = std::max_element(elements.begin(), elements.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == elements.end() ? TensorType::kF32 : most->first;
}

class Converter {
 public:
  Converter(const Checkpoint& file, const ModelDescription& model) : file_(file), model_(model) {}

  [[nodiscard]] Result<ModelSource> convert(const GgufHeader& tokenizer) const {
    std::vector<SourceTensor> tensors;
    for (const Stack& stack : stacks_of(file_)) {
      CUPEL_TRY(SourceTensor tensor, tensor_of(stack));
      tensors.push_back(std::move(tensor));
    }
    GgufHeader header = metadata();
    header.set("general.file_type", file_type_id(commonest_type(tensors)));
    header.set_all(tokenizer);
    return ModelSource(file_, std::move(header), std::move(tensors));
  }

 private:
  [[nodiscard]] GgufHeader metadata() const {
    GgufHeader header;
    header.set_string("general.architecture", model_.architecture);
    header.set_string("general.type", "model");
    header.set_string("general.name", folder_name());
    for (const GgufEntry& entry : file_.metadata()) {
      if (!entry.key.ends_with(".rope.interleaved") && !entry.key.ends_with(".norm_plus_one") &&
          !is_implied(entry)) {
        header.set_value(entry.key, entry.value);
      }
    }
    return header;
  }

  [[nodiscard]] std::string folder_name() const {
    std::error_code ec;
    const auto path = std::filesystem::absolute(file_.path(), ec).lexically_normal();
    const auto name = path.filename().empty() ? path.parent_path().filename() : path.filename();
    return to_valid_utf8(name.string());
  }

  /// YaRN's own magnitude: llama.cpp would multiply it by itself.
  [[nodiscard]] bool is_implied(const GgufEntry& entry) const {
    if (!entry.key.ends_with(".rope.scaling.attn_factor")) {
      return false;
    }
    const std::string prefix(entry.key.substr(0, entry.key.rfind('.')));
    const auto type = file_.get_string_or(prefix + ".type", "");
    const auto factor = file_.get_f64_or(prefix + ".factor", 1);
    const auto value = entry.value.to_f64();
    return type && *type == "yarn" && factor && value &&
           static_cast<float>(*value) == static_cast<float>(yarn_magnitude(*factor));
  }

  [[nodiscard]] Result<SourceTensor> tensor_of(const Stack& stack) const {
    const CheckpointTensor& first = *stack.parts.front();
    SourceTensor tensor{.name = stack.name,
                        .type = first.type,
                        .dims = {first.dims.begin(), first.dims.begin() + first.num_dims},
                        .parts = {},
                        .values = nullptr};
    for (const CheckpointTensor* part : stack.parts) {
      if (part->type != first.type || part->dims != first.dims) {
        return corrupt_data("{}: tensor {} is {} {}, but {} is {} {}", file_.path(), part->name,
                            tensor_type_name(part->type), part->shape(), first.name,
                            tensor_type_name(first.type), first.shape());
      }
      tensor.parts.push_back(part->data);
    }
    if (stack.parts.size() > 1) {
      tensor.dims.push_back(stack.parts.size());
    }
    const auto heads = static_cast<uint64_t>(paired_heads(first.name));
    const auto head_rows = static_cast<uint64_t>(model_.layers.front().attention.head_dim);
    const uint64_t rows = first.num_dims == 1 ? first.elements() : first.rows();
    if (heads > 0 && rows != heads * head_rows) {
      return corrupt_data("{}: tensor {} has shape {}; expected {} heads of {} rows", file_.path(),
                          first.name, first.shape(), heads, head_rows);
    }
    if (first.num_dims == 1) {
      CUPEL_TRY_VOID(set_values(stack, tensor));
    } else if (heads > 0) {
      tensor.head_rows = head_rows;
    }
    return tensor;
  }

  /// Heads whose rows llama.cpp wants in the order of pairs (i, i + H/2); 0: as they are.
  [[nodiscard]] int64_t paired_heads(std::string_view name) const {
    const AttentionDescription& a = model_.layers.front().attention;
    if (!holds_pairs(model_.architecture) || a.rope.interleaved) {
      return 0;
    }
    return name.find(".attn_q.") != std::string_view::npos   ? a.heads
           : name.find(".attn_k.") != std::string_view::npos ? a.kv_heads
                                                             : 0;
  }

  /// Vectors are computed: f32, norms with their + 1, biases of Q and K in the order of pairs.
  [[nodiscard]] Result<Ok> set_values(const Stack& stack, SourceTensor& tensor) const {
    std::vector<float> all;
    for (const CheckpointTensor* part : stack.parts) {
      CUPEL_TRY(const std::vector<float> values, vector_values(*part));
      all.insert(all.end(), values.begin(), values.end());
    }
    tensor.type = TensorType::kF32;
    tensor.values = std::make_unique<const std::vector<float>>(std::move(all));
    tensor.parts = {std::as_bytes(std::span(*tensor.values))};
    return Ok{};
  }

  [[nodiscard]] Result<std::vector<float>> vector_values(const CheckpointTensor& tensor) const {
    std::vector<float> values(tensor.elements());
    CUPEL_TRY_VOID(dequantize_row(tensor.type, tensor.data, values));
    if (model_.norm_plus_one && tensor.name.ends_with("norm.weight")) {
      for (float& value : values) {
        value += 1;
      }
    }
    const auto heads = static_cast<size_t>(paired_heads(tensor.name));
    if (heads == 0) {
      return values;
    }
    const size_t head = values.size() / heads;
    std::vector<float> pairs(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t in_head = i % head;
      pairs[i] = values[i - in_head + in_head / 2 + in_head % 2 * (head / 2)];
    }
    return pairs;
  }

  const Checkpoint& file_;
  const ModelDescription& model_;
};

}  // namespace

bool holds_pairs(std::string_view architecture) {
  return architecture == "llama" || architecture == "smollm3";
}

Result<ModelSource> gguf_source(const Checkpoint& checkpoint, const GgufHeader& tokenizer) {
  CUPEL_TRY(const ModelDescription model, describe_model(checkpoint));
  return Converter(checkpoint, model).convert(tokenizer);
}

Result<Ok> write_gguf(const Checkpoint& checkpoint,
                      const GgufHeader& tokenizer,
                      const std::string& path) {
  CUPEL_TRY(const ModelSource source, gguf_source(checkpoint, tokenizer));
  CUPEL_TRY_VOID(write_model(source, path));
  return Ok{};
}

}  // namespace cupel::engine
