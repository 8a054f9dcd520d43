#include "engine/convert/to_folder.h"

#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/partial_folder.h"
#include "base/text.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/convert/folder_config.h"
#include "engine/convert/folder_tensors.h"
#include "engine/convert/folder_tokenizer.h"
#include "engine/convert/reward_padding.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20U;

Result<Ok> write_tensor(const FolderTensor& tensor,
                        SafetensorsWriter& writer,
                        std::vector<QuantizedTensor>& reports) {
  RowConverter rows(tensor);
  std::vector<std::byte> piece;
  for (uint64_t i = 0; i < tensor.rows(); ++i) {
    auto row = rows.row(i);
    if (!row) {
      return in_context(std::move(row).error(),
                        format("tensor \"{}\" row {}", printable(tensor.name), i));
    }
    piece.insert(piece.end(), row->begin(), row->end());
    if (piece.size() >= kPieceBytes || i + 1 == tensor.rows()) {
      CUPEL_TRY_VOID(writer.write(piece));
      piece.clear();
    }
  }
  reports.push_back(rows.report());
  return Ok{};
}

Result<Ok> write_tensors(const Checkpoint& file,
                         const std::vector<FolderTensor>& tensors,
                         SafetensorsWriter& writer,
                         const WriteObserver& observer,
                         ConvertReport& report) {
  uint64_t total = 0;
  for (const FolderTensor& tensor : tensors) {
    total += tensor.rows() * tensor.columns();
  }
  uint64_t done = 0;
  for (const FolderTensor& tensor : tensors) {
    if (observer.stop.stop_requested()) {
      return cancelled("stopped; no folder was written");
    }
    CUPEL_TRY_VOID(write_tensor(tensor, writer, report.tensors));
    const uint64_t row = tensor.source->row_bytes();
    file.release(tensor.source->data.subspan(tensor.first_row * row, tensor.rows() * row));
    done += tensor.rows() * tensor.columns();
    if (observer.progress) {
      observer.progress(done, total);
    }
  }
  return Ok{};
}

std::string_view type_in_config(TensorType type) {
  return type == TensorType::kF16 ? "float16" : type == TensorType::kBF16 ? "bfloat16" : "float32";
}

/// config.json's own copy of what the tokenizer says, and the type of most tensors.
void complete_config(Json& config, const FolderTokenizer* tokenizer, TensorType type) {
  for (const auto& [key, id] :
       {std::pair("bos_token_id", tokenizer != nullptr ? tokenizer->bos : -1),
        std::pair("eos_token_id", tokenizer != nullptr ? tokenizer->eos : -1),
        std::pair("pad_token_id", tokenizer != nullptr ? tokenizer->padding : -1)}) {
    config.set(key, id >= 0 ? Json(id) : Json());
  }
  config.set("torch_dtype", type_in_config(type));
}

Result<Ok> write_texts(const PartialFolder& folder, const FolderTokenizer& tokenizer) {
  CUPEL_TRY_VOID(folder.write_json("tokenizer.json", tokenizer.tokenizer, -1));
  CUPEL_TRY_VOID(folder.write_json("tokenizer_config.json", tokenizer.config, 2));
  return folder.write_json("generation_config.json", tokenizer.generation, 2);
}

/// Configuration, and the tokenizer of `texts`, made of metadata.
Result<Ok> make_texts(const Checkpoint& file,
                      const Checkpoint& texts,
                      const ModelFamily& family,
                      TensorType type,
                      const PartialFolder& folder,
                      ConvertReport& report) {
  CUPEL_TRY(Json config, folder_config(file, family));
  std::optional<FolderTokenizer> tokenizer;
  if (texts.contains("tokenizer.ggml.model")) {
    CUPEL_TRY(tokenizer, folder_tokenizer(texts));
    CUPEL_TRY_VOID(write_texts(folder, *tokenizer));
  } else {
    report.notes.emplace_back("the file holds no tokenizer, so there is none in the folder");
  }
  complete_config(config, tokenizer ? &*tokenizer : nullptr, type);
  CUPEL_TRY(const ModelDescription description, describe_model(file));
  set_outputs(config, description.outputs);
  return folder.write_json("config.json", config, 2);
}

/// The texts of another folder of the same model: byte for byte, but for the type of the weights.
Result<Ok> copy_texts(const std::string& from,
                      TensorType type,
                      int64_t outputs,
                      const PartialFolder& folder) {
  CUPEL_TRY(Json config, read_json_file(format("{}/config.json", from)));
  if (!config.is_object()) {
    return corrupt_data("{}/config.json: is {}; expected an object", from, config.type_name());
  }
  for (const std::string_view key : {"dtype", "torch_dtype"}) {
    if (config.contains(key)) {
      config.set(key, type_in_config(type));
    }
  }
  set_outputs(config, outputs);
  CUPEL_TRY_VOID(folder.write_json("config.json", config, 2));
  for (const std::string_view name :
       {"generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "vocab.json",
        "merges.txt", "chat_template.jinja", "chat_template.json"}) {
    const auto text = MappedFile::open(format("{}/{}", from, name));
    if (!text && text.error().code == Code::kNotFound) {
      continue;  // each model has some of them
    }
    if (!text) {
      return text.error();
    }
    CUPEL_TRY_VOID(folder.write(
        name, {reinterpret_cast<const char*>(text->bytes().data()), text->bytes().size()}));
  }
  return Ok{};
}

/// Where transformers looks for it, and where older versions do.
Result<Ok> put_template(const std::string& chat_template, const PartialFolder& folder) {
  CUPEL_TRY_VOID(folder.write("chat_template.jinja", chat_template));
  constexpr std::string_view kConfig = "tokenizer_config.json";
  const std::string path = format("{}/{}", folder.path(), kConfig);
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return Ok{};
  }
  CUPEL_TRY(Json config, read_json_file(path));
  config.set("chat_template", chat_template);
  return folder.write_json(kConfig, config, 2);
}

}  // namespace

Result<ConvertReport> write_folder(const Checkpoint& file,
                                   const std::string& path,
                                   const FolderOptions& options) {
  CUPEL_TRY(const uint64_t parts, file.get_u64_or("split.count", 1));
  if (parts > 1) {
    return unsupported("{}: is one of {} parts of a split model; merge them first", file.path(),
                       parts);
  }
  CUPEL_TRY(const ModelFamily* family, folder_family(file));
  CUPEL_TRY(const std::vector<FolderTensor> tensors, folder_tensors(file, *family, options.type));
  ConvertReport report;
  report.source_bytes = file.size_bytes();
  CUPEL_TRY(PartialFolder folder, PartialFolder::create(path));
  const TensorType type = tensors.front().type;
  const Checkpoint& texts = options.texts_of == nullptr ? file : *options.texts_of;
  CUPEL_TRY(const ModelDescription description, describe_model(file));
  CUPEL_TRY_VOID(texts.foreign() ? copy_texts(texts.path(), type, description.outputs, folder)
                                 : make_texts(file, texts, *family, type, folder, report));
  if (!options.chat_template.empty()) {
    CUPEL_TRY_VOID(put_template(options.chat_template, folder));
  }
  if (description.outputs > 0) {
    CUPEL_TRY(std::string note, settle_padding(folder, description.vocabulary_size));
    if (!note.empty()) {
      report.notes.push_back(std::move(note));
    }
  }
  std::vector<SafetensorsPlan> plans;
  for (const FolderTensor& tensor : tensors) {
    plans.push_back({.name = tensor.name, .type = tensor.type, .shape = tensor.shape});
  }
  CUPEL_TRY(SafetensorsWriter writer,
            SafetensorsWriter::create(folder.path(), std::move(plans), options.shard_bytes));
  if (auto done = write_tensors(file, tensors, writer, options.observer, report); !done) {
    return in_file(std::move(done).error(), file.path());
  }
  CUPEL_TRY_VOID(writer.close());
  CUPEL_TRY_VOID(folder.commit());
  report.output_bytes = writer.bytes_written();
  return report;
}

}  // namespace cupel::engine
