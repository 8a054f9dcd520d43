#include "engine/convert/convert.h"

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "engine/convert/gguf_tokenizer.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/open_checkpoint.h"

namespace cupel::engine {
namespace {

constexpr uint64_t kMostRows = uint64_t{1} << 24U;  // tokens that a tokenizer may have

Result<ConvertReport> write_as_gguf(const OpenSource& source,
                                    const std::string& output,
                                    const ConvertOptions& options) {
  ConvertReport report;
  report.notes = source.notes;
  report.source_bytes = source.file->size_bytes();
  if (!options.type) {
    CUPEL_TRY(report.output_bytes, write_model(*source.model, output, options.observer));
    for (const SourceTensor& tensor : source.model->tensors()) {
      report.tensors.push_back({.name = tensor.name,
                                .from = tensor.type,
                                .to = tensor.type,
                                .elements = tensor.elements(),
                                .note = {}});
    }
    return report;
  }
  CUPEL_TRY(QuantizeReport done, quantize_model(*source.model, output, *options.type,
                                                {.threads = options.threads,
                                                 .importance_path = {},
                                                 .stop = options.observer.stop,
                                                 .progress = options.observer.progress}));
  report.tensors = std::move(done.tensors);
  report.output_bytes = done.output_bytes;
  return report;
}

}  // namespace

Result<OpenSource> open_source(const std::string& path) {
  CUPEL_TRY(Checkpoint opened, open_checkpoint(path));
  OpenSource out;
  out.file = std::make_unique<const Checkpoint>(std::move(opened));
  if (!out.file->foreign()) {
    out.model = std::make_unique<const ModelSource>(*out.file);
    return out;
  }
  CUPEL_TRY(const CheckpointTensor* embedding, out.file->get_tensor("token_embd.weight"));
  if (embedding->rows() > kMostRows) {
    return corrupt_data("{}: its embedding has {} rows; expected at most {}", path,
                        embedding->rows(), kMostRows);
  }
  CUPEL_TRY(GgufTokenizer tokenizer, gguf_tokenizer(path, embedding->rows()));
  CUPEL_TRY(ModelSource model, gguf_source(*out.file, tokenizer.keys));
  out.model = std::make_unique<const ModelSource>(std::move(model));
  out.notes = std::move(tokenizer.notes);
  return out;
}

Result<ConvertReport> convert_model(const std::string& input,
                                    const std::string& output,
                                    const ConvertOptions& options) {
  CUPEL_TRY(const bool from_folder, is_folder(input));
  const bool to_gguf = output.ends_with(".gguf");
  if (from_folder && !to_gguf) {
    return invalid_argument(
        "{}: a folder becomes a GGUF file; give the output a name that ends in .gguf", output);
  }
  if (!from_folder && to_gguf && !options.type) {
    CUPEL_TRY_VOID(open_checkpoint(input));  // what is no model says so first
    return invalid_argument(
        "{}: is a GGUF file already; name another --type for it, or a folder as output", input);
  }
  if (to_gguf) {
    CUPEL_TRY(const OpenSource source, open_source(input));
    return write_as_gguf(source, output, options);
  }
  CUPEL_TRY(const Checkpoint file, open_checkpoint(input));
  return write_folder(file, output, {.type = options.type, .observer = options.observer});
}

Json to_json(const ConvertReport& report) {
  Json notes = Json::array();
  for (const std::string& note : report.notes) {
    notes.push_back(to_valid_utf8(note));
  }
  Json tensors = Json::array();
  for (const QuantizedTensor& tensor : report.tensors) {
    tensors.push_back(Json::object()
                          .set("name", to_valid_utf8(tensor.name))
                          .set("from", tensor_type_name(tensor.from))
                          .set("to", tensor_type_name(tensor.to))
                          .set("elements", tensor.elements)
                          .set("rmse", tensor.rmse)
                          .set("max_error", tensor.max_error));
  }
  return Json::object()
      .set("source_bytes", report.source_bytes)
      .set("output_bytes", report.output_bytes)
      .set("notes", std::move(notes))
      .set("tensors", std::move(tensors));
}

}  // namespace cupel::engine
