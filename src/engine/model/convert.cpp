#include "engine/model/convert.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/model/description.h"

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

class Converter {
 public:
  Converter(const Checkpoint& file, const ModelDescription& model) : file_(file), model_(model) {}

  [[nodiscard]] GgufHeader header(const GgufHeader& tokenizer) const {
    GgufHeader header = tokenizer;
    for (const GgufEntry& entry : file_.metadata()) {
      if (!entry.key.ends_with(".rope.interleaved") && !entry.key.ends_with(".norm_plus_one")) {
        header.set_value(entry.key, entry.value);
      }
    }
    return header;
  }

  [[nodiscard]] Result<GgufTensorPlan> plan(const Stack& stack) const {
    const CheckpointTensor& first = *stack.parts.front();
    GgufTensorPlan plan{.name = stack.name, .type = first.type, .dims = {}};
    plan.dims.assign(first.dims.begin(), first.dims.begin() + first.num_dims);
    if (is_vector(stack)) {
      plan.type = TensorType::kF32;
    }
    for (const CheckpointTensor* part : stack.parts) {
      if (part->type != first.type || part->dims != first.dims) {
        return corrupt_data("{}: tensor {} is {} {}, but {} is {} {}", file_.path(), part->name,
                            tensor_type_name(part->type), part->shape(), first.name,
                            tensor_type_name(first.type), first.shape());
      }
    }
    if (stack.parts.size() > 1) {
      plan.dims.push_back(stack.parts.size());
    }
    return plan;
  }

  Result<Ok> write(const Stack& stack, GgufWriter& writer) const {
    for (const CheckpointTensor* part : stack.parts) {
      if (is_vector(stack)) {
        CUPEL_TRY(const std::vector<float> values, vector_values(*part));
        CUPEL_TRY_VOID(writer.write(std::as_bytes(std::span(values))));
      } else if (const int64_t heads = permuted_heads(part->name); heads > 0) {
        CUPEL_TRY_VOID(writer.write(in_pairs(part->data, part->row_bytes(), heads)));
      } else {
        CUPEL_TRY_VOID(writer.write(part->data));
      }
      file_.release(part->data);
    }
    return Ok{};
  }

 private:
  static bool is_vector(const Stack& stack) { return stack.parts.front()->num_dims == 1; }

  /// Heads whose rows llama.cpp wants in the order of pairs (i, i + H/2); 0: as they are.
  [[nodiscard]] int64_t permuted_heads(std::string_view name) const {
    const bool wants_pairs = model_.architecture == "llama" || model_.architecture == "smollm3";
    const AttentionDescription& a = model_.layers.front().attention;
    if (!wants_pairs || a.rope.interleaved) {
      return 0;
    }
    return name.find(".attn_q.") != std::string_view::npos   ? a.heads
           : name.find(".attn_k.") != std::string_view::npos ? a.kv_heads
                                                             : 0;
  }

  /// Rows of each head: 0, H/2, 1, H/2 + 1, …
  static std::vector<std::byte> in_pairs(std::span<const std::byte> rows,
                                         size_t row_bytes,
                                         int64_t heads) {
    std::vector<std::byte> out(rows.size());
    const size_t head_rows = rows.size() / row_bytes / static_cast<size_t>(heads);
    for (size_t row = 0; row < rows.size() / row_bytes; ++row) {
      const size_t in_head = row % head_rows;
      const size_t from = row - in_head + in_head / 2 + in_head % 2 * (head_rows / 2);
      std::memcpy(out.data() + row * row_bytes, rows.data() + from * row_bytes, row_bytes);
    }
    return out;
  }

  [[nodiscard]] Result<std::vector<float>> vector_values(const CheckpointTensor& tensor) const {
    std::vector<float> values(tensor.elements());
    CUPEL_TRY_VOID(dequantize_row(tensor.type, tensor.data, values));
    if (model_.norm_plus_one && tensor.name.ends_with("norm.weight")) {
      for (float& value : values) {
        value += 1;
      }
    }
    if (const int64_t heads = permuted_heads(tensor.name); heads > 0) {
      const std::vector<std::byte> pairs =
          in_pairs(std::as_bytes(std::span(values)), sizeof(float), heads);
      std::memcpy(values.data(), pairs.data(), pairs.size());
    }
    return values;
  }

  const Checkpoint& file_;
  const ModelDescription& model_;
};

}  // namespace

Result<Ok> write_gguf(const Checkpoint& checkpoint,
                      const GgufHeader& tokenizer,
                      const std::string& path) {
  CUPEL_TRY(const ModelDescription model, describe_model(checkpoint));
  const Converter converter(checkpoint, model);
  const std::vector<Stack> stacks = stacks_of(checkpoint);
  GgufHeader header = converter.header(tokenizer);
  for (const Stack& stack : stacks) {
    CUPEL_TRY(GgufTensorPlan plan, converter.plan(stack));
    header.add_tensor(std::move(plan));
  }
  CUPEL_TRY(GgufWriter writer, GgufWriter::create(path, std::move(header)));
  for (const Stack& stack : stacks) {
    CUPEL_TRY_VOID(converter.write(stack, writer));
  }
  return writer.close();
}

}  // namespace cupel::engine
