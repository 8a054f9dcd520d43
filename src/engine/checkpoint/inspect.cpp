#include "engine/checkpoint/inspect.h"

#include <algorithm>
#include <map>

#include "base/format.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxStringBytes = 200;  // of a metadata string in the report

// A scalar or string as JSON; anything longer as its kind and size.
Json value_json(const GgufValue& value) {
  if (const auto text = value.to_string()) {
    return Json(printable(*text, kMaxStringBytes));
  }
  if (const auto flag = value.to_bool()) {
    return Json(*flag);
  }
  if (const auto number = value.to_i64()) {
    return Json(*number);
  }
  if (const auto number = value.to_f64()) {
    return Json(*number);
  }
  return Json::object()
      .set("array_of", gguf_type_name(value.element_type))
      .set("count", value.count);
}

// Null when the key is absent.
Json key_json(const Checkpoint& file, std::string_view key) {
  const GgufValue* value = file.find(key);
  return value == nullptr ? Json() : value_json(*value);
}

Json tokenizer_json(const Checkpoint& file) {
  if (!file.contains("tokenizer.ggml.model")) {
    return {};
  }
  const GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  return Json::object()
      .set("kind", key_json(file, "tokenizer.ggml.model"))
      .set("pre", key_json(file, "tokenizer.ggml.pre"))
      .set("vocabulary_size", tokens == nullptr ? Json() : Json(tokens->count));
}

Json template_json(const Checkpoint& file) {
  const GgufValue* value = file.find("tokenizer.chat_template");
  const auto text = value == nullptr ? std::nullopt : value->to_string();
  return text ? Json::object().set("bytes", text->size()) : Json();
}

struct TypeTotal {
  uint64_t tensors = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
};

// Largest share of bytes first.
Json types_json(const Checkpoint& file) {
  std::map<TensorType, TypeTotal> totals;
  for (const CheckpointTensor& tensor : file.tensors()) {
    TypeTotal& total = totals[tensor.type];
    total.tensors += 1;
    total.parameters += tensor.elements();
    total.bytes += tensor.data.size();
  }
  std::vector<std::pair<TensorType, TypeTotal>> order(totals.begin(), totals.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
  Json types = Json::array();
  for (const auto& [type, total] : order) {
    types.push_back(Json::object()
                        .set("type", tensor_type_name(type))
                        .set("tensors", total.tensors)
                        .set("parameters", total.parameters)
                        .set("bytes", total.bytes)
                        .set("readable", tensor_type_info(type).readable));
  }
  return types;
}

Json tensors_json(const Checkpoint& file) {
  Json tensors = Json::array();
  for (const CheckpointTensor& tensor : file.tensors()) {
    Json shape = Json::array();
    for (uint32_t d = 0; d < tensor.num_dims; ++d) {
      shape.push_back(tensor.dims[d]);
    }
    tensors.push_back(Json::object()
                          .set("name", printable(tensor.name))
                          .set("type", tensor_type_name(tensor.type))
                          .set("shape", std::move(shape))
                          .set("offset", tensor.offset)
                          .set("bytes", tensor.data.size()));
  }
  return tensors;
}

uint64_t parameter_count(const Checkpoint& file) {
  uint64_t count = 0;
  for (const CheckpointTensor& tensor : file.tensors()) {
    count += tensor.elements();
  }
  return count;
}

void add_architecture(Json& report, const Checkpoint& file) {
  const std::string name = file.get_string("general.architecture").value_or("");
  const auto of = [&](std::string_view key) { return key_json(file, format("{}.{}", name, key)); };
  report.set("architecture", key_json(file, "general.architecture"))
      .set("name", key_json(file, "general.name"))
      .set("license", key_json(file, "general.license"))
      .set("file_type", key_json(file, "general.file_type"))
      .set("parameters", parameter_count(file))
      .set("layers", of("block_count"))
      .set("width", of("embedding_length"))
      .set("feed_forward", of("feed_forward_length"))
      .set("heads", of("attention.head_count"))
      .set("kv_heads", of("attention.head_count_kv"))
      .set("context_length", of("context_length"));
}

}  // namespace

Json inspect(const Checkpoint& file) {
  Json report = Json::object();
  report.set("file", to_valid_utf8(file.path()))
      .set("format", file.foreign() ? "safetensors" : "gguf")
      .set("version", file.foreign() ? Json() : Json(file.version()))
      .set("size_bytes", file.size_bytes())
      .set("fingerprint", file.fingerprint())
      .set("alignment", file.alignment());
  add_architecture(report, file);
  Json metadata = Json::object();
  for (const GgufEntry& entry : file.metadata()) {
    metadata.set(printable(entry.key, kMaxStringBytes), value_json(entry.value));
  }
  report.set("tokenizer", tokenizer_json(file))
      .set("chat_template", template_json(file))
      .set("types", types_json(file))
      .set("tensors", tensors_json(file))
      .set("metadata", std::move(metadata));
  return report;
}

}  // namespace cupel::engine
