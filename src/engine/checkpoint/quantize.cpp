#include "engine/checkpoint/quantize.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/checkpoint/quant.h"

namespace cupel::engine {
namespace {

// Numbers converted between two writes: 4 MiB as f32, large enough to keep every worker busy.
constexpr uint64_t kSlabElements = 1U << 20U;

// `general.file_type` of a file that is mostly of one type (GGUF's own numbering).
uint32_t file_type_id(TensorType type) {
  switch (type) {
    case TensorType::kF16:
      return 1;
    case TensorType::kQ4_0:
      return 2;
    case TensorType::kQ4_1:
      return 3;
    case TensorType::kQ8_0:
      return 7;
    case TensorType::kQ5_0:
      return 8;
    case TensorType::kQ5_1:
      return 9;
    case TensorType::kBF16:
      return 32;
    default:
      return 0;  // F32
  }
}

// Small matrices whose error would cost more than their bytes save; runtimes expect them as floats.
bool stays_float(std::string_view name) {
  constexpr std::string_view kParts[] = {"_norm.",     "ffn_gate_inp",  "ssm_conv1d",
                                         "ssm_x",      "ssm_dt",        "ssm_a",
                                         "rope_freqs", "position_embd", "token_types"};
  return std::any_of(std::begin(kParts), std::end(kParts), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

// The type that a tensor gets, and why when it is not the one asked for.
QuantizedTensor plan_tensor(const GgufTensor& tensor, TensorType type) {
  QuantizedTensor plan{.name = std::string(tensor.name),
                       .from = tensor.type,
                       .to = type,
                       .elements = tensor.elements(),
                       .rmse = 0,
                       .max_error = 0,
                       .rms = 0,
                       .note = {}};
  const bool matrix = tensor.num_dims >= 2 && tensor.name.ends_with(".weight");
  if (!matrix || stays_float(tensor.name)) {
    plan.to = tensor.type;
    plan.note = "kept: no weight matrix";
  } else if (tensor.columns() % tensor_type_info(type).block_elements != 0) {
    plan.to = TensorType::kF16;
    plan.note = format("F16: rows of {} are no multiple of {}", tensor.columns(),
                       tensor_type_info(type).block_elements);
  }
  return plan;
}

// Sums over one row, kept apart so that totals add up in row order for any number of threads.
struct RowError {
  double squared_error = 0;
  double max_error = 0;
  double squared_weight = 0;
};

RowError compare(std::span<const float> source, std::span<const float> result) {
  RowError sums;
  for (size_t i = 0; i < source.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(source[i]) - result[i]);
    sums.squared_error += difference * difference;
    sums.max_error = std::max(sums.max_error, difference);
    sums.squared_weight += static_cast<double>(source[i]) * source[i];
  }
  return sums;
}

// Converts a tensor slab by slab into a writer.
class TensorConverter {
 public:
  TensorConverter(const GgufTensor& tensor, QuantizedTensor& plan, ThreadPool& pool)
      : tensor_(tensor),
        plan_(plan),
        pool_(pool),
        slab_rows_(std::clamp<uint64_t>(kSlabElements / tensor.columns(), 1, tensor.rows())),
        row_bytes_(row_bytes(plan.to, tensor.columns())),
        output_(slab_rows_ * row_bytes_),
        row_errors_(slab_rows_) {}

  Result<Ok> run(GgufWriter& writer, const std::stop_token& stop) {
    RowError total;
    for (uint64_t begin = 0; begin < tensor_.rows(); begin += slab_rows_) {
      if (stop.stop_requested()) {
        return cancelled("quantize: stopped; no file was written");
      }
      const uint64_t count = std::min(slab_rows_, tensor_.rows() - begin);
      CUPEL_TRY_VOID(convert_slab(begin, count));
      CUPEL_TRY_VOID(writer.write(std::span(output_).first(count * row_bytes_)));
      for (const RowError& row : std::span(row_errors_).first(count)) {
        total.squared_error += row.squared_error;
        total.max_error = std::max(total.max_error, row.max_error);
        total.squared_weight += row.squared_weight;
      }
    }
    const auto elements = static_cast<double>(tensor_.elements());
    plan_.rmse = std::sqrt(total.squared_error / elements);
    plan_.max_error = total.max_error;
    plan_.rms = std::sqrt(total.squared_weight / elements);
    return Ok{};
  }

 private:
  Result<Ok> convert_slab(uint64_t begin, uint64_t count) {
    failure_.reset();
    pool_.for_each_chunk(count, std::max<uint64_t>(1, slab_rows_ / 64),
                         [&](size_t first, size_t last) {
                           std::vector<float> source(tensor_.columns());
                           std::vector<float> result(tensor_.columns());
                           for (size_t i = first; i < last; ++i) {
                             if (auto done = convert_row(begin, i, source, result); !done) {
                               keep_first_failure(begin + i, std::move(done).error());
                               return;
                             }
                           }
                         });
    if (failure_) {
      return in_context(failure_->second,
                        format("tensor \"{}\" row {}", printable(tensor_.name), failure_->first));
    }
    return Ok{};
  }

  Result<Ok> convert_row(uint64_t begin,
                         size_t i,
                         std::span<float> source,
                         std::span<float> result) {
    const auto out = std::span(output_).subspan(i * row_bytes_, row_bytes_);
    CUPEL_TRY_VOID(dequantize_row(tensor_.type, tensor_.row(begin + i), source));
    if (auto done = quantize_row(plan_.to, source, out); !done) {
      return corrupt_data("{}; the source is damaged or out of range for the type",
                          done.error().message);
    }
    CUPEL_TRY_VOID(dequantize_row(plan_.to, out, result));
    row_errors_[i] = compare(source, result);
    return Ok{};
  }

  // Of the rows that fail the first one is named, whichever worker comes first.
  void keep_first_failure(uint64_t row, Error error) {
    const std::lock_guard lock(mutex_);
    if (!failure_ || row < failure_->first) {
      failure_ = {row, std::move(error)};
    }
  }

  const GgufTensor& tensor_;
  QuantizedTensor& plan_;
  ThreadPool& pool_;
  uint64_t slab_rows_;
  uint64_t row_bytes_;
  std::vector<std::byte> output_;
  std::vector<RowError> row_errors_;
  std::mutex mutex_;
  std::optional<std::pair<uint64_t, Error>> failure_;
};

Result<Ok> check_request(const GgufFile& source, const std::string& output_path, TensorType type) {
  const TensorTypeInfo& info = tensor_type_info(type);
  if (!info.writable) {
    return unsupported(
        "quantize: cannot write {}; choose q8_0, q4_0, q4_1, q5_0, q5_1, f16, bf16 or f32",
        info.name);
  }
  std::error_code ec;
  if (std::filesystem::equivalent(source.path(), output_path, ec)) {
    return invalid_argument("{}: is the source itself; name another output file", output_path);
  }
  if (source.tensors().empty()) {
    return unsupported("{}: holds no tensors (a vocabulary only?); there is nothing to quantize",
                       source.path());
  }
  CUPEL_TRY(const uint64_t shards, source.get_u64_or("split.count", 1));
  if (shards > 1) {
    return unsupported("{}: is one of {} parts of a split model; merge them first", source.path(),
                       shards);
  }
  return Ok{};
}

GgufHeader plan_header(const GgufFile& source,
                       TensorType type,
                       std::span<const QuantizedTensor> plans) {
  GgufHeader header(source.alignment());
  for (const GgufEntry& entry : source.metadata()) {
    header.set_value(entry.key, entry.value);
  }
  header.set("general.file_type", file_type_id(type));
  if (tensor_type_info(type).block_elements > 1) {
    header.set("general.quantization_version", uint32_t{2});
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    const GgufTensor& tensor = source.tensors()[i];
    header.add_tensor(
        {plans[i].name, plans[i].to,
         std::vector<uint64_t>(tensor.dims.begin(), tensor.dims.begin() + tensor.num_dims)});
  }
  return header;
}

}  // namespace

Json to_json(const QuantizeReport& report) {
  Json tensors = Json::array();
  for (const QuantizedTensor& tensor : report.tensors) {
    Json row = Json::object();
    row.set("name", to_valid_utf8(tensor.name))
        .set("from", tensor_type_name(tensor.from))
        .set("to", tensor_type_name(tensor.to))
        .set("elements", tensor.elements)
        .set("rmse", tensor.rmse)
        .set("max_error", tensor.max_error)
        .set("rms", tensor.rms);
    if (!tensor.note.empty()) {
      row.set("note", tensor.note);
    }
    tensors.push_back(std::move(row));
  }
  Json json = Json::object();
  json.set("source_bytes", report.source_bytes)
      .set("output_bytes", report.output_bytes)
      .set("tensors", std::move(tensors));
  return json;
}

Result<QuantizeReport> quantize_file(const std::string& source_path,
                                     const std::string& output_path,
                                     TensorType type,
                                     const QuantizeOptions& options) {
  CUPEL_TRY(const GgufFile source, GgufFile::open(source_path));
  CUPEL_TRY_VOID(check_request(source, output_path, type));
  QuantizeReport report;
  report.source_bytes = source.size_bytes();
  for (const GgufTensor& tensor : source.tensors()) {
    report.tensors.push_back(plan_tensor(tensor, type));
  }
  CUPEL_TRY(GgufWriter writer,
            GgufWriter::create(output_path, plan_header(source, type, report.tensors)));
  ThreadPool pool(options.threads > 0 ? options.threads : available_cpus());
  for (size_t i = 0; i < report.tensors.size(); ++i) {
    const GgufTensor& tensor = source.tensors()[i];
    if (report.tensors[i].to == tensor.type) {
      CUPEL_TRY_VOID(writer.write(tensor.data));
    } else if (auto done =
                   TensorConverter(tensor, report.tensors[i], pool).run(writer, options.stop);
               !done) {
      return done.error().code == Code::kCorruptData || done.error().code == Code::kUnsupported
                 ? in_file(std::move(done).error(), source_path)
                 : std::move(done).error();
    }
    if (options.progress) {
      options.progress(tensor.offset + tensor.data.size(), source.size_bytes());
    }
  }
  CUPEL_TRY_VOID(writer.close());
  report.output_bytes = writer.bytes_written();
  return report;
}

}  // namespace cupel::engine
