#include "engine/convert/to_folder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <utility>

#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/safetensors_writer.h"
#include "engine/convert/folder_config.h"
#include "engine/convert/folder_tokenizer.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20U;

/// A tensor of the folder: rows of one of the file.
struct FolderTensor {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<uint64_t> shape;
  const CheckpointTensor* source = nullptr;
  uint64_t first_row = 0;
  uint64_t head_rows = 0;  ///< rows (or numbers of a vector) of a head that stand in pairs
  bool minus_one = false;

  [[nodiscard]] bool is_vector() const { return shape.size() == 1; }
  [[nodiscard]] uint64_t rows() const { return is_vector() ? 1 : shape.front(); }
  [[nodiscard]] uint64_t columns() const { return shape.back(); }
};

/// Where the number that belongs at `index` stands while heads are in pairs.
uint64_t in_pairs(uint64_t index, uint64_t head_rows) {
  const uint64_t in_head = index % head_rows;
  const uint64_t half = head_rows / 2;
  return index - in_head + (in_head < half ? 2 * in_head : 2 * (in_head - half) + 1);
}

bool is_float(TensorType type) {
  return type == TensorType::kF32 || type == TensorType::kF16 || type == TensorType::kBF16;
}

/// Plans the tensors of the folder.
class FolderPlan {
 public:
  FolderPlan(const Checkpoint& file, const ModelFamily& family) : file_(file), family_(family) {}

  Result<std::vector<FolderTensor>> run(std::optional<TensorType> type) {
    CUPEL_TRY(model_, describe_model(file_));
    const std::string key = model_.architecture + ".rope.interleaved";
    CUPEL_TRY(const bool interleaved, file_.get_bool_or(key, true));
    paired_ = holds_pairs(model_.architecture) && interleaved;
    type_ = type.value_or(common_type());
    keeps_vectors_ = !type.has_value();
    for (const CheckpointTensor& tensor : file_.tensors()) {
      if (!tensor.name.starts_with("rope_f")) {  // config.json says those
        CUPEL_TRY_VOID(add(tensor));
      }
    }
    return std::move(tensors_);
  }

 private:
  [[nodiscard]] TensorType common_type() const {
    std::optional<TensorType> common;
    for (const CheckpointTensor& tensor : file_.tensors()) {
      if (tensor.num_dims >= 2 && common.value_or(tensor.type) != tensor.type) {
        return TensorType::kF32;
      }
      common = tensor.num_dims >= 2 ? tensor.type : common;
    }
    return common && is_float(*common) ? *common : TensorType::kF32;
  }

  /// A stack becomes its parts: experts along the last dimension, norms of heads along theirs.
  Result<Ok> add(const CheckpointTensor& tensor) {
    const std::vector<std::string_view> name = split(tensor.name, '.');
    const bool experts = name.size() == 4 && name[2].ends_with("_exps") && tensor.num_dims == 3;
    const bool heads = name.size() == 4 && tensor.num_dims == 2 &&
                       (name[2] == "attn_q_norm" || name[2] == "attn_k_norm");
    if (!experts && !heads) {
      std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.num_dims);
      std::reverse(shape.begin(), shape.end());
      if (shape.size() == 1 && tensor.name.ends_with("ffn_gate_inp_shexp.weight")) {
        shape.insert(shape.begin(), 1);  // a matrix of one row, of which some writers make a vector
      }
      return add_part(tensor, std::string(tensor.name), 0, std::move(shape));
    }
    const std::string_view stem = name[2].substr(0, name[2].size() - (experts ? 5 : 0));
    const uint64_t rows = experts ? tensor.dims[1] : 1;
    for (uint64_t part = 0; part < tensor.rows() / rows; ++part) {
      std::vector<uint64_t> shape{tensor.dims[0]};
      if (experts) {
        shape.insert(shape.begin(), rows);
      }
      CUPEL_TRY_VOID(add_part(tensor, format("blk.{}.{}.{}.{}", name[1], stem, part, name[3]),
                              part * rows, std::move(shape)));
    }
    return Ok{};
  }

  Result<Ok> add_part(const CheckpointTensor& source,
                      const std::string& name,
                      uint64_t first_row,
                      std::vector<uint64_t> shape) {
    const AttentionDescription& a = model_.layers.front().attention;
    FolderTensor tensor{.name = hf::hf_name(name, family_.hf.names),
                        .type = type_,
                        .shape = std::move(shape),
                        .source = &source,
                        .first_row = first_row};
    if (tensor.name.empty()) {
      return unsupported("{}: tensor {} has no name in transformers' models of this kind",
                         file_.path(), printable(name));
    }
    if (tensor.shape.size() > 2) {
      return unsupported("{}: tensor {} has shape {}; expected one or two dimensions", file_.path(),
                         printable(name), source.shape());
    }
    const int64_t heads = name.find(".attn_q.") != std::string::npos   ? a.heads
                          : name.find(".attn_k.") != std::string::npos ? a.kv_heads
                                                                       : 0;
    if (paired_ && heads > 0) {
      tensor.head_rows = static_cast<uint64_t>(a.head_dim);
      if (tensor.shape.front() != static_cast<uint64_t>(heads * a.head_dim)) {
        return corrupt_data("{}: tensor {} has shape {}; expected {} heads of {}", file_.path(),
                            printable(name), source.shape(), heads, a.head_dim);
      }
    }
    tensor.minus_one = raised() && name.ends_with("norm.weight");
    CUPEL_TRY_VOID(keep_vector(tensor));
    tensors_.push_back(std::move(tensor));
    return Ok{};
  }

  /// Whether the file's norms are what transformers' are plus one.
  [[nodiscard]] bool raised() const {
    return model_.architecture.starts_with("gemma") && !model_.norm_plus_one;
  }

  Result<Ok> keep_vector(FolderTensor& tensor) const;

  const Checkpoint& file_;
  const ModelFamily& family_;
  ModelDescription model_;
  bool paired_ = false;
  bool keeps_vectors_ = false;
  TensorType type_ = TensorType::kF32;
  std::vector<FolderTensor> tensors_;
};

/// Decodes and encodes the rows of one tensor.
class RowConverter {
 public:
  explicit RowConverter(const FolderTensor& tensor)
      : tensor_(tensor),
        values_(tensor.columns()),
        result_(tensor.columns()),
        bytes_(row_bytes(tensor.type, tensor.columns())) {}

  /// The bytes of row `index`, valid until the next call.
  Result<std::span<const std::byte>> row(uint64_t index) {
    const CheckpointTensor& source = *tensor_.source;
    const bool vector = tensor_.is_vector();
    const uint64_t from =
        vector || tensor_.head_rows == 0 ? index : in_pairs(index, tensor_.head_rows);
    const std::span<const std::byte> bytes = source.row(tensor_.first_row + from);
    if (source.type == tensor_.type && !tensor_.minus_one && (!vector || tensor_.head_rows == 0)) {
      return bytes;  // not a bit changes
    }
    CUPEL_TRY_VOID(dequantize_row(source.type, bytes, values_));
    if (vector && tensor_.head_rows > 0) {
      for (size_t i = 0; i < values_.size(); ++i) {
        result_[i] = values_[in_pairs(i, tensor_.head_rows)];
      }
      values_.swap(result_);
    }
    if (tensor_.minus_one) {
      std::ranges::for_each(values_, [](float& value) { value -= 1; });
    }
    CUPEL_TRY_VOID(quantize_row(tensor_.type, values_, bytes_));
    CUPEL_TRY_VOID(dequantize_row(tensor_.type, bytes_, result_));
    add_errors();
    return std::span<const std::byte>(bytes_);
  }

  [[nodiscard]] QuantizedTensor report() const {
    const double count = static_cast<double>(tensor_.rows() * tensor_.columns());
    return {.name = tensor_.name,
            .from = tensor_.source->type,
            .to = tensor_.type,
            .elements = tensor_.rows() * tensor_.columns(),
            .rmse = std::sqrt(squared_error_ / count),
            .max_error = max_error_,
            .rms = std::sqrt(squared_weight_ / count),
            .note = {}};
  }

 private:
  void add_errors() {
    for (size_t i = 0; i < values_.size(); ++i) {
      const double error = std::fabs(static_cast<double>(values_[i]) - result_[i]);
      squared_error_ += error * error;
      squared_weight_ += static_cast<double>(values_[i]) * values_[i];
      max_error_ = std::max(max_error_, error);
    }
  }

  const FolderTensor& tensor_;
  std::vector<float> values_;
  std::vector<float> result_;
  std::vector<std::byte> bytes_;
  double squared_error_ = 0;
  double squared_weight_ = 0;
  double max_error_ = 0;
};

/// A vector that the type would round stays F32, unless the type was asked for.
Result<Ok> FolderPlan::keep_vector(FolderTensor& tensor) const {
  if (!keeps_vectors_ || !tensor.is_vector() || type_ == TensorType::kF32) {
    return Ok{};
  }
  RowConverter rows(tensor);
  const auto row = rows.row(0);
  if (!row || rows.report().max_error > 0) {
    tensor.type = TensorType::kF32;
  }
  return Ok{};
}

/// A folder that is removed unless it was given its name.
class PartialFolder {
 public:
  static Result<PartialFolder> create(const std::string& path) {
    std::error_code ec;
    const bool there =
        std::filesystem::symlink_status(path, ec).type() != std::filesystem::file_type::not_found;
    if (there &&
        !(std::filesystem::is_directory(path, ec) && std::filesystem::is_empty(path, ec))) {
      return failed_precondition("{}: is there already; name a new folder, or remove it first",
                                 path);
    }
    std::string plain = path;
    while (plain.size() > 1 && plain.ends_with('/')) {
      plain.pop_back();
    }
    PartialFolder folder(plain, format("{}.{}.partial", plain, getpid()));
    std::filesystem::create_directory(folder.partial_, ec);
    if (ec) {
      return ec == std::errc::no_such_file_or_directory
                 ? not_found("{}: the folder in which it should stand does not exist", path)
                 : unavailable("{}: cannot be created ({})", path, ec.message());
    }
    folder.owned_ = true;
    return folder;
  }
  PartialFolder(PartialFolder&& other) noexcept
      : path_(std::move(other.path_)),
        partial_(std::move(other.partial_)),
        owned_(std::exchange(other.owned_, false)) {}
  PartialFolder& operator=(PartialFolder&&) = delete;
  ~PartialFolder() {
    if (owned_) {
      std::error_code ec;
      std::filesystem::remove_all(partial_, ec);
    }
  }

  [[nodiscard]] const std::string& path() const { return partial_; }
  Result<Ok> write(std::string_view name, const Json& json, int indent) const {
    return write_file_atomic(format("{}/{}", partial_, name),
                             dump_json(json, {.indent = indent}) + "\n");
  }
  Result<Ok> commit() {
    std::error_code ec;
    std::filesystem::rename(partial_, path_, ec);  // takes the place of an empty folder
    if (ec) {
      return unavailable("{}: cannot be put in place ({})", path_, ec.message());
    }
    owned_ = false;
    return Ok{};
  }

 private:
  PartialFolder(std::string path, std::string partial)
      : path_(std::move(path)), partial_(std::move(partial)) {}
  std::string path_;
  std::string partial_;
  bool owned_ = false;
};

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

/// config.json's own copy of what the tokenizer says, and the type of most tensors.
void complete_config(Json& config, const FolderTokenizer* tokenizer, TensorType type) {
  for (const auto& [key, id] :
       {std::pair("bos_token_id", tokenizer != nullptr ? tokenizer->bos : -1),
        std::pair("eos_token_id", tokenizer != nullptr ? tokenizer->eos : -1),
        std::pair("pad_token_id", tokenizer != nullptr ? tokenizer->padding : -1)}) {
    config.set(key, id >= 0 ? Json(id) : Json());
  }
  config.set("torch_dtype", type == TensorType::kF16    ? "float16"
                            : type == TensorType::kBF16 ? "bfloat16"
                                                        : "float32");
}

Result<Ok> write_texts(const PartialFolder& folder, const FolderTokenizer& tokenizer) {
  CUPEL_TRY_VOID(folder.write("tokenizer.json", tokenizer.tokenizer, -1));
  CUPEL_TRY_VOID(folder.write("tokenizer_config.json", tokenizer.config, 2));
  return folder.write("generation_config.json", tokenizer.generation, 2);
}

}  // namespace

Result<ConvertReport> write_folder(const Checkpoint& file,
                                   const std::string& path,
                                   std::optional<TensorType> type,
                                   const WriteObserver& observer,
                                   uint64_t shard_bytes) {
  CUPEL_TRY(const uint64_t shards, file.get_u64_or("split.count", 1));
  if (shards > 1) {
    return unsupported("{}: is one of {} parts of a split model; merge them first", file.path(),
                       shards);
  }
  CUPEL_TRY(const ModelFamily* family, folder_family(file));
  CUPEL_TRY(Json config, folder_config(file, *family));
  CUPEL_TRY(const std::vector<FolderTensor> tensors, FolderPlan(file, *family).run(type));
  ConvertReport report;
  report.source_bytes = file.size_bytes();
  CUPEL_TRY(PartialFolder folder, PartialFolder::create(path));
  std::optional<FolderTokenizer> tokenizer;
  if (file.contains("tokenizer.ggml.model")) {
    CUPEL_TRY(tokenizer, folder_tokenizer(file));
    CUPEL_TRY_VOID(write_texts(folder, *tokenizer));
  } else {
    report.notes.emplace_back("the file holds no tokenizer, so there is none in the folder");
  }
  complete_config(config, tokenizer ? &*tokenizer : nullptr, tensors.front().type);
  CUPEL_TRY_VOID(folder.write("config.json", config, 2));
  std::vector<SafetensorsPlan> plans;
  for (const FolderTensor& tensor : tensors) {
    plans.push_back({.name = tensor.name, .type = tensor.type, .shape = tensor.shape});
  }
  CUPEL_TRY(
      SafetensorsWriter writer,
      SafetensorsWriter::create(folder.path(), std::move(plans),
                                shard_bytes > 0 ? shard_bytes : SafetensorsWriter::kShardBytes));
  if (auto done = write_tensors(file, tensors, writer, observer, report); !done) {
    return in_file(std::move(done).error(), file.path());
  }
  CUPEL_TRY_VOID(writer.close());
  CUPEL_TRY_VOID(folder.commit());
  report.output_bytes = writer.bytes_written();
  return report;
}

}  // namespace cupel::engine
