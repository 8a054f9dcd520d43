// A config.json: translated into the terms of GGUF, and described as a model with an embedding of
// 96 tokens. The tensors behind it are another reader's.
#include "base/thread_pool.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "engine/model/hf/translation.h"
#include "engine/runtime/rope_table.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

using engine::ForeignTensor;
using engine::ModelFamily;
using engine::hf::Translation;

/// Tensors without a file.
class NoStorage final : public engine::TensorStorage {
 public:
  explicit NoStorage(Translation translation) : translation_(std::move(translation)) {}
  [[nodiscard]] const std::string& fingerprint() const override { return fingerprint_; }
  [[nodiscard]] uint64_t size_bytes() const override { return 0; }
  void expect(std::span<const std::byte> /*part*/) const override {}
  void release(std::span<const std::byte> /*part*/) const override {}
  void release_all() const override {}
  [[nodiscard]] const Translation& translation() const { return translation_; }

 private:
  Translation translation_;
  std::string fingerprint_ = "none";
};

const ModelFamily* family_of(std::string_view type) {
  for (const ModelFamily& family : engine::model_families()) {
    for (const std::string_view known : family.hf.model_types) {
      if (known == type) {
        return &family;
      }
    }
  }
  return nullptr;
}

Result<Translation> translate(const Json& config, const ModelFamily& family) {
  engine::hf::ConfigReader read(config, "config.json");
  CUPEL_TRY_VOID(read.text_or("model_type", ""));
  Translation out;
  out.architecture = family.architecture;
  out.header.set_string("general.architecture", family.architecture);
  CUPEL_TRY_VOID(family.hf.translate(read, out));
  CUPEL_TRY_VOID(read.flag_or("tie_word_embeddings", false));
  CUPEL_TRY_VOID(read.refuse_unread());
  return out;
}

Result<engine::ModelDescription> describe(Translation translation) {
  const std::string header = translation.header.encode();
  auto storage = std::make_unique<const NoStorage>(std::move(translation));
  std::vector<ForeignTensor> tensors;
  tensors.push_back({.name = "token_embd.weight", .dims = {64, 96, 1, 1}, .num_dims = 2});
  for (const auto& [name, numbers] : storage->translation().vectors) {
    tensors.push_back({.name = name,
                       .dims = {numbers.size(), 1, 1, 1},
                       .data = std::as_bytes(std::span(numbers))});
  }
  CUPEL_TRY(const engine::Checkpoint file,
            engine::Checkpoint::assemble("folder", header, std::move(tensors), std::move(storage)));
  return engine::describe_model(file);
}

}  // namespace

void hf_config(std::span<const uint8_t> input) {
  const auto json = parse_json(text_of(input), {.max_values = 4096});
  if (!json || !json->is_object()) {
    return;
  }
  const Json* type = json->find("model_type");
  const ModelFamily* family =
      type != nullptr && type->is_string() ? family_of(type->as_string()) : nullptr;
  if (family == nullptr) {
    return;
  }
  auto translation = translate(*json, *family);
  if (!translation) {
    check_error(translation.error());
    return;
  }
  const auto model = describe(std::move(*translation));
  if (!model) {
    check_error(model.error());
    return;
  }
  CUPEL_CHECK(!model->layers.empty() && model->width > 0 && model->vocabulary_size == 96);
  ThreadPool alone(1);
  engine::RopeTable(model->layers.front().attention.rope).grow(64, alone);
}

}  // namespace cupel::fuzz
