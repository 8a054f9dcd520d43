#include "engine/checkpoint/quantize.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "engine/checkpoint/gguf_writer.h"
#include "engine/checkpoint/importance.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quant_codec.h"

namespace cupel::engine {
namespace {

// Numbers converted between two writes: 4 MiB as f32, large enough to keep every worker busy.
constexpr uint64_t kSlabElements = 1U << 20U;

QuantizedTensor start_report(const SourceTensor& tensor, const TensorPlan& plan) {
  return {.name = tensor.name,
          .from = tensor.type,
          .to = plan.type,
          .elements = tensor.elements(),
          .rmse = 0,
          .max_error = 0,
          .rms = 0,
          .note = plan.note};
}

// Importance of the inputs as weights of the search: of mean 1, none so small that a number of no
// importance could become anything.
std::vector<float> search_weights(std::span<const float> importance) {
  constexpr double kLeast = 1e-4;
  double sum = 0;
  for (const float value : importance) {
    sum += value;
  }
  const double mean = sum / static_cast<double>(std::max<size_t>(1, importance.size()));
  std::vector<float> weights;
  for (const float value : importance) {
    weights.push_back(mean > 0 ? static_cast<float>(std::max(value / mean, kLeast)) : 1.0F);
  }
  return weights;
}

// One row of weights for all rows of a tensor, or one for each matrix of a stack.
Result<std::vector<float>> weights_of(const SourceTensor& tensor,
                                      const Importance& importance,
                                      QuantizedTensor& report) {
  const auto means = importance.find(tensor.name);
  const bool searched = search_encoder(report.to) != nullptr && report.to != tensor.type;
  if (!searched || importance.tensors() == 0) {
    return std::vector<float>();
  }
  if (means.empty()) {
    report.note += report.note.empty() ? "no importance known" : "; no importance known";
    return std::vector<float>();
  }
  const uint64_t stack = tensor.rows() / tensor.dims[1];
  if (means.size() != tensor.columns() && means.size() != tensor.columns() * stack) {
    return invalid_argument(
        "tensor \"{}\": the importance has {} values, expected {}; is it of another model?",
        printable(tensor.name), means.size(), tensor.columns() * stack);
  }
  return search_weights(means);
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
  TensorConverter(const SourceTensor& tensor,
                  std::span<const float> weights,
                  QuantizedTensor& plan,
                  ThreadPool& pool)
      : tensor_(tensor),
        weights_(weights),
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
    if (auto done = quantize_row_searched(plan_.to, source, row_weights(begin + i), out); !done) {
      return corrupt_data("{}; the source is damaged or out of range for the type",
                          done.error().message);
    }
    CUPEL_TRY_VOID(dequantize_row(plan_.to, out, result));
    row_errors_[i] = compare(source, result);
    return Ok{};
  }

  [[nodiscard]] std::span<const float> row_weights(uint64_t row) const {
    const uint64_t columns = tensor_.columns();
    const uint64_t matrix = weights_.size() > columns ? row / tensor_.dims[1] : 0;
    return weights_.empty() ? weights_ : weights_.subspan(matrix * columns, columns);
  }

  // Of the rows that fail the first one is named, whichever worker comes first.
  void keep_first_failure(uint64_t row, Error error) {
    const std::lock_guard lock(mutex_);
    if (!failure_ || row < failure_->first) {
      failure_ = {row, std::move(error)};
    }
  }

  const SourceTensor& tensor_;
  std::span<const float> weights_;  // of a row, or of the rows of each matrix; empty: all alike
  QuantizedTensor& plan_;
  ThreadPool& pool_;
  uint64_t slab_rows_;
  uint64_t row_bytes_;
  std::vector<std::byte> output_;
  std::vector<RowError> row_errors_;
  std::mutex mutex_;
  std::optional<std::pair<uint64_t, Error>> failure_;
};

Result<Ok> check_request(const ModelSource& source,
                         const std::string& output_path,
                         TensorType type) {
  const TensorTypeInfo& info = tensor_type_info(type);
  if (!info.writable) {
    return unsupported(
        "quantize: cannot write {}; choose q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, f16, "
        "bf16 or f32",
        info.name);
  }
  return check_source(source, output_path);
}

GgufHeader plan_header(const ModelSource& source,
                       const QuantizeTarget& target,
                       std::span<const QuantizedTensor> plans) {
  GgufHeader header = source.metadata();
  header.set("general.file_type", file_type_id(target));
  if (tensor_type_info(target.type).block_elements > 1) {
    header.set("general.quantization_version", uint32_t{2});
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    header.add_tensor({plans[i].name, plans[i].to, source.tensors()[i].dims});
  }
  return header;
}

Result<Ok> convert_all(const ModelSource& source,
                       const std::vector<std::vector<float>>& weights,
                       const QuantizeOptions& options,
                       QuantizeReport& report,
                       GgufWriter& writer) {
  ThreadPool pool(options.threads > 0 ? options.threads : available_cpus());
  const uint64_t total = source.size_bytes();
  uint64_t done_bytes = 0;
  for (size_t i = 0; i < report.tensors.size(); ++i) {
    const SourceTensor& tensor = source.tensors()[i];
    if (report.tensors[i].to == tensor.type) {
      CUPEL_TRY_VOID(write_rows(tensor, writer));
    } else if (auto done = TensorConverter(tensor, weights[i], report.tensors[i], pool)
                               .run(writer, options.stop);
               !done) {
      return done.error().code == Code::kCorruptData || done.error().code == Code::kUnsupported
                 ? in_file(std::move(done).error(), source.file().path())
                 : std::move(done).error();
    }
    source.release(tensor);
    done_bytes += tensor.size_bytes();
    if (options.progress) {
      options.progress(done_bytes, total);
    }
  }
  return Ok{};
}

}  // namespace

double QuantizeReport::relative_error() const {
  double squared_error = 0;
  double squared_weight = 0;
  for (const QuantizedTensor& tensor : tensors) {
    const auto elements = static_cast<double>(tensor.elements);
    squared_error += tensor.rmse * tensor.rmse * elements;
    squared_weight += tensor.rms * tensor.rms * elements;  // 0 where a tensor was copied
  }
  return squared_weight > 0 ? std::sqrt(squared_error / squared_weight) : 0;
}

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
      .set("relative_error", report.relative_error())
      .set("tensors", std::move(tensors));
  return json;
}

Result<QuantizeReport> quantize_model(const ModelSource& source,
                                      const std::string& output_path,
                                      const QuantizeTarget& target,
                                      const QuantizeOptions& options) {
  CUPEL_TRY_VOID(check_request(source, output_path, target.type));
  Importance importance;
  if (!options.importance_path.empty()) {
    CUPEL_TRY(importance, Importance::open(options.importance_path));
  }
  CUPEL_TRY(const std::vector<TensorPlan> plans, plan_tensors(source, target));
  QuantizeReport report;
  report.source_bytes = source.file().size_bytes();
  std::vector<std::vector<float>> weights;
  for (size_t i = 0; i < plans.size(); ++i) {
    const SourceTensor& tensor = source.tensors()[i];
    report.tensors.push_back(start_report(tensor, plans[i]));
    auto row = weights_of(tensor, importance, report.tensors.back());
    if (!row) {
      return in_file(std::move(row).error(), options.importance_path);
    }
    weights.push_back(std::move(*row));
  }
  CUPEL_TRY(GgufWriter writer,
            GgufWriter::create(output_path, plan_header(source, target, report.tensors)));
  CUPEL_TRY_VOID(convert_all(source, weights, options, report, writer));
  CUPEL_TRY_VOID(writer.close());
  report.output_bytes = writer.bytes_written();
  return report;
}

Result<QuantizeReport> quantize_file(const std::string& source_path,
                                     const std::string& output_path,
                                     const QuantizeTarget& target,
                                     const QuantizeOptions& options) {
  CUPEL_TRY(const Checkpoint source, Checkpoint::open(source_path));
  return quantize_model(ModelSource(source), output_path, target, options);
}

}  // namespace cupel::engine
