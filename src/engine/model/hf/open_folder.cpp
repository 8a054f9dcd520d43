#include "engine/model/hf/open_folder.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/model/description.h"
#include "engine/model/hf/sentence_modules.h"
#include "engine/model/hf/text_part.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine::hf {
namespace {

constexpr size_t kMostConfigBytes = size_t{16} << 20U;
constexpr size_t kMostConfigValues = size_t{1} << 18U;  // published ones have a few hundred

/// The mapped shards, and the vectors that were computed.
class FolderStorage final : public TensorStorage {
 public:
  FolderStorage(SafetensorsFile file, std::vector<std::vector<float>> vectors, std::string config)
      : file_(std::move(file)), vectors_(std::move(vectors)) {
    Fingerprint all;
    all.add(std::as_bytes(std::span<const char>(config)));
    config_ = all.hex();
  }
  [[nodiscard]] const std::string& fingerprint() const override {
    std::call_once(once_, [&] {
      Fingerprint all;
      all.add(std::as_bytes(std::span<const char>(config_)));
      all.add(std::as_bytes(std::span<const char>(file_.fingerprint())));
      fingerprint_ = all.hex();
    });
    return fingerprint_;
  }
  [[nodiscard]] uint64_t size_bytes() const override { return file_.size_bytes(); }
  void expect(std::span<const std::byte> part) const override { file_.expect(part); }
  void release(std::span<const std::byte> part) const override { file_.release(part); }
  void release_all() const override { file_.release_all(); }

  [[nodiscard]] const SafetensorsFile& file() const { return file_; }
  [[nodiscard]] std::span<const float> vector(size_t i) const { return vectors_[i]; }

 private:
  SafetensorsFile file_;
  std::vector<std::vector<float>> vectors_;
  std::string config_;
  mutable std::once_flag once_;
  mutable std::string fingerprint_;
};

Result<const ModelFamily*> family_of(const std::string& model_type, const std::string& place) {
  std::vector<std::string> known;
  for (const ModelFamily& family : model_families()) {
    for (const std::string_view type : family.hf.all_types()) {
      if (type == model_type) {
        return &family;
      }
      known.emplace_back(type);
    }
  }
  std::sort(known.begin(), known.end());
  return unsupported("{}: \"model_type\" is \"{}\"; supported: {}", place, printable(model_type),
                     join(known, ", "));
}

Result<ForeignTensor> foreign_tensor(const SafetensorsTensor& tensor,
                                     std::string name,
                                     const std::string& path) {
  ForeignTensor out{.name = std::move(name),
                    .type = tensor.type,
                    .num_dims = static_cast<uint32_t>(tensor.shape.size()),
                    .offset = tensor.offset,
                    .data = tensor.data};
  if (tensor.shape.empty() || tensor.shape.size() > out.dims.size() || tensor.elements() == 0) {
    return unsupported(
        "{}: tensor {} has shape {}; expected one to four dimensions, none of them 0", path,
        printable(tensor.name), tensor.shape_text());
  }
  std::copy(tensor.shape.rbegin(), tensor.shape.rend(), out.dims.begin());
  return out;
}

bool is_computed_anyway(std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq");
}

std::string_view without_prefix(std::string_view name, std::span<const std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) {
      return name.substr(prefix.size());
    }
  }
  return name;
}

bool begins_with_any(std::string_view name, std::span<const std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

/// All tensors under GGUF's names; a tied head that was saved all the same is left out.
Result<std::vector<ForeignTensor>> rename_tensors(const SafetensorsFile& file,
                                                  const HfSource& source,
                                                  bool tied) {
  std::vector<ForeignTensor> tensors;
  for (const SafetensorsTensor& tensor : file.tensors()) {
    const std::string_view own_name = without_prefix(tensor.name, source.prefixes);
    std::string name = gguf_name(own_name, source.names);
    if (is_computed_anyway(tensor.name) || (tied && name == "output.weight") ||
        begins_with_any(own_name, source.unused)) {
      continue;
    }
    if (name.empty()) {
      return unsupported(
          "{}: tensor {} belongs to a variant of this architecture that is not "
          "supported",
          file.path(), printable(tensor.name));
    }
    CUPEL_TRY(ForeignTensor foreign, foreign_tensor(tensor, std::move(name), file.path()));
    tensors.push_back(std::move(foreign));
  }
  return tensors;
}

Result<Ok> check_head(const SafetensorsFile& file, bool tied) {
  const SafetensorsTensor* head = file.find_tensor("lm_head.weight");
  const SafetensorsTensor* embedding = file.find_tensor("model.embed_tokens.weight");
  if (tied && head != nullptr && embedding != nullptr &&
      !(head->type == embedding->type && head->shape == embedding->shape &&
        std::ranges::equal(head->data, embedding->data))) {
    return unsupported(
        "{}: \"tie_word_embeddings\" is true, but lm_head.weight is not the embedding; versions of "
        "transformers differ in which of them they take",
        file.path());
  }
  if (tied || head != nullptr || file.find_tensor("score.weight") != nullptr) {
    return Ok{};
  }
  return corrupt_data(
      "{}: has no lm_head.weight, though tie_word_embeddings is not true; a shard may "
      "be missing",
      file.path());
}

/// Whether `name`, in GGUF's words, is a bias of the group that `key` speaks of.
bool is_bias_of(std::string_view name, std::string_view key, const HfBiases& biases) {
  if (!name.ends_with(".bias") || name.find("norm") != std::string_view::npos) {
    return false;
  }
  if (key == biases.attention) {
    return name.find(".attn_") != std::string_view::npos;
  }
  return key == biases.head ? name == "output.bias" : name.find(".ffn_") != std::string_view::npos;
}

/// transformers leaves out biases that the configuration does not ask for, and makes up those that
/// it asks for in vain.
Result<Ok> check_biases(const TranslatedConfig& config,
                        std::span<const ForeignTensor> tensors,
                        const std::string& place) {
  for (const auto& [key, said] : config.biases) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& tensor) {
      return is_bias_of(tensor.name, key, config.family->hf.biases);
    });
    if ((found != tensors.end()) != said) {
      return corrupt_data("{}: \"{}\" is {}, but the weights have {} such bias", place, key, said,
                          said ? "no" : "a");
    }
  }
  return Ok{};
}

void add_vectors(const Translation& translation,
                 const FolderStorage& storage,
                 std::vector<ForeignTensor>& tensors) {
  for (size_t i = 0; i < translation.vectors.size(); ++i) {
    const std::span<const float> numbers = storage.vector(i);
    tensors.push_back({.name = translation.vectors[i].first,
                       .dims = {numbers.size(), 1, 1, 1},
                       .data = std::as_bytes(numbers)});
  }
}

/// Of the files beside the weights that answers depend on.
std::string tokenizer_digests(const std::string& folder) {
  std::string digests;
  for (const std::string_view name :
       {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "generation_config.json", "chat_template.jinja", "chat_template.json"}) {
    const auto file = MappedFile::open((std::filesystem::path(folder) / name).string());
    Fingerprint digest;
    digest.add(file ? file->bytes() : std::span<const std::byte>());
    digests += digest.hex();
  }
  return digests;
}

Result<std::string> read_config(const std::string& place) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(place));
  if (file.bytes().size() > kMostConfigBytes) {
    return corrupt_data("{}: has {} bytes; a configuration is much smaller", place,
                        file.bytes().size());
  }
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

}  // namespace

Result<TranslatedConfig> translate_config(const Json& config, const std::string& place) {
  if (!config.is_object()) {
    return corrupt_data("{}: is {}; expected an object", place, config.type_name());
  }
  ConfigReader read(config, place);
  CUPEL_TRY(const std::string type, read.text_or("model_type", ""));
  TranslatedConfig out;
  CUPEL_TRY(out.family, family_of(type, place));
  if (out.family->hf.multimodal_type == type) {
    CUPEL_TRY(const Json text, text_part(config, *out.family, place));
    return translate_config(text, place + ": text_config");
  }
  out.translation.architecture = out.family->architecture;
  out.translation.header.set_string("general.architecture", out.family->architecture);
  CUPEL_TRY_VOID(out.family->hf.translate(read, out.translation));
  CUPEL_TRY(out.tied,
            read.flag_or("tie_word_embeddings", out.translation.absent.tie_word_embeddings));
  const HfBiases& biases = out.family->hf.biases;
  for (const auto& [key, unsaid] :
       {std::pair(biases.attention, biases.attention_unsaid), std::pair(biases.feed_forward, false),
        std::pair(biases.head, false)}) {
    if (!key.empty()) {
      CUPEL_TRY(const bool said, read.flag_or(key, unsaid));
      out.biases.emplace_back(key, said);
    }
  }
  CUPEL_TRY_VOID(read.refuse_unread());
  return out;
}

Result<Checkpoint> open_folder(const std::string& folder) {
  const std::string place = (std::filesystem::path(folder) / "config.json").string();
  CUPEL_TRY(const std::string text, read_config(place));
  auto parsed = parse_json(text, {.max_values = kMostConfigValues});
  if (!parsed) {
    return in_context(std::move(parsed).error(), place);
  }
  const Json& config = *parsed;
  CUPEL_TRY(TranslatedConfig translated, translate_config(config, place));
  const HfSource& source = translated.family->hf;
  Translation& translation = translated.translation;
  if (source.encoder) {
    CUPEL_TRY_VOID(translate_sentence_modules(folder, translation));
  }
  const bool tied = translated.tied;

  CUPEL_TRY(SafetensorsFile file, SafetensorsFile::open(folder));
  if (!source.encoder) {
    CUPEL_TRY_VOID(check_head(file, tied));
  }
  std::vector<std::vector<float>> vectors;
  for (const auto& [name, numbers] : translation.vectors) {
    vectors.push_back(numbers);
  }
  // What the files of an encoder say of its vectors stands in the header.
  const std::string said = text + tokenizer_digests(folder) +
                           (source.encoder ? translation.header.encode() : std::string());
  auto storage = std::make_unique<const FolderStorage>(std::move(file), std::move(vectors), said);
  CUPEL_TRY(std::vector<ForeignTensor> tensors, rename_tensors(storage->file(), source, tied));
  CUPEL_TRY_VOID(check_biases(translated, tensors, place));
  add_vectors(translation, *storage, tensors);
  return Checkpoint::assemble(folder, translation.header.encode(), std::move(tensors),
                              std::move(storage));
}

}  // namespace cupel::engine::hf
