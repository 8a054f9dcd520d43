#include "engine/convert/folder_tensors.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/checkpoint/quant.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/translation.h"

namespace cupel::engine {
namespace {

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

}  // namespace

RowConverter::RowConverter(const FolderTensor& tensor)
    : tensor_(tensor),
      values_(tensor.columns()),
      result_(tensor.columns()),
      bytes_(row_bytes(tensor.type, tensor.columns())) {}

std::span<const std::byte> RowConverter::source_row(uint64_t index) const {
  const bool reordered = !tensor_.is_vector() && tensor_.head_rows > 0;
  const uint64_t from = reordered ? in_pairs(index, tensor_.head_rows) : index;
  return tensor_.source->row(tensor_.first_row + from);
}

Result<Ok> RowConverter::decode(uint64_t index, std::span<float> out) {
  CUPEL_TRY_VOID(dequantize_row(tensor_.source->type, source_row(index), out));
  if (tensor_.is_vector() && tensor_.head_rows > 0) {
    std::copy(out.begin(), out.end(), result_.begin());
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = result_[in_pairs(i, tensor_.head_rows)];
    }
  }
  if (tensor_.minus_one) {
    std::ranges::for_each(out, [](float& value) { value -= 1; });
  }
  return Ok{};
}

Result<std::span<const std::byte>> RowConverter::row(uint64_t index) {
  const bool reordered = tensor_.is_vector() && tensor_.head_rows > 0;
  if (tensor_.source->type == tensor_.type && !tensor_.minus_one && !reordered) {
    return source_row(index);  // not a bit changes
  }
  CUPEL_TRY_VOID(decode(index, values_));
  CUPEL_TRY_VOID(quantize_row(tensor_.type, values_, bytes_));
  CUPEL_TRY_VOID(dequantize_row(tensor_.type, bytes_, result_));
  add_errors();
  return std::span<const std::byte>(bytes_);
}

QuantizedTensor RowConverter::report() const {
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

void RowConverter::add_errors() {
  for (size_t i = 0; i < values_.size(); ++i) {
    const double error = std::fabs(static_cast<double>(values_[i]) - result_[i]);
    squared_error_ += error * error;
    squared_weight_ += static_cast<double>(values_[i]) * values_[i];
    max_error_ = std::max(max_error_, error);
  }
}

Result<std::vector<FolderTensor>> folder_tensors(const Checkpoint& file,
                                                 const ModelFamily& family,
                                                 std::optional<TensorType> type) {
  return FolderPlan(file, family).run(type);
}

}  // namespace cupel::engine
