#include "engine/checkpoint/model_source.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20U;

GgufHeader metadata_of(const Checkpoint& file) {
  GgufHeader header(file.alignment());
  for (const GgufEntry& entry : file.metadata()) {
    header.set_value(entry.key, entry.value);
  }
  return header;
}

}  // namespace

uint64_t SourceTensor::rows() const {
  uint64_t rows = 1;
  for (size_t d = 1; d < dims.size(); ++d) {
    rows *= dims[d];
  }
  return rows;
}

std::span<const std::byte> SourceTensor::row(uint64_t index) const {
  if (head_rows > 0) {
    const uint64_t in_head = index % head_rows;
    index = index - in_head + in_head / 2 + in_head % 2 * (head_rows / 2);
  }
  const uint64_t bytes = row_bytes();
  const uint64_t rows_of_part = parts.front().size() / bytes;
  return parts[index / rows_of_part].subspan(index % rows_of_part * bytes, bytes);
}

ModelSource::ModelSource(const Checkpoint& file) : file_(&file), metadata_(metadata_of(file)) {
  for (const CheckpointTensor& tensor : file.tensors()) {
    tensors_.push_back(
        {.name = std::string(tensor.name),
         .type = tensor.type,
         .dims = std::vector<uint64_t>(tensor.dims.begin(), tensor.dims.begin() + tensor.num_dims),
         .parts = {tensor.data},
         .values = nullptr});
  }
}

ModelSource::ModelSource(const Checkpoint& file,
                         GgufHeader metadata,
                         std::vector<SourceTensor> tensors)
    : file_(&file), metadata_(std::move(metadata)), tensors_(std::move(tensors)) {}

uint64_t ModelSource::size_bytes() const {
  uint64_t total = 0;
  for (const SourceTensor& tensor : tensors_) {
    total += tensor.size_bytes();
  }
  return total;
}

void ModelSource::release(const SourceTensor& tensor) const {
  if (tensor.values == nullptr) {
    for (const std::span<const std::byte> part : tensor.parts) {
      file_->release(part);
    }
  }
}

Result<Ok> check_source(const ModelSource& source, const std::string& output_path) {
  const Checkpoint& file = source.file();
  std::error_code ec;
  if (std::filesystem::equivalent(file.path(), output_path, ec)) {
    return invalid_argument("{}: is the source itself; name another output", output_path);
  }
  if (source.tensors().empty()) {
    return unsupported("{}: holds no tensors (a vocabulary only?); there is nothing to convert",
                       file.path());
  }
  CUPEL_TRY(const uint64_t shards, file.get_u64_or("split.count", 1));
  if (shards > 1) {
    return unsupported("{}: is one of {} parts of a split model; merge them first", file.path(),
                       shards);
  }
  return Ok{};
}

Result<Ok> write_rows(const SourceTensor& tensor, GgufWriter& writer) {
  if (tensor.head_rows == 0) {
    for (const std::span<const std::byte> part : tensor.parts) {
      CUPEL_TRY_VOID(writer.write(part));
    }
    return Ok{};
  }
  std::vector<std::byte> piece;
  for (uint64_t row = 0; row < tensor.rows(); ++row) {
    const std::span<const std::byte> bytes = tensor.row(row);
    piece.insert(piece.end(), bytes.begin(), bytes.end());
    if (piece.size() >= kPieceBytes || row + 1 == tensor.rows()) {
      CUPEL_TRY_VOID(writer.write(piece));
      piece.clear();
    }
  }
  return Ok{};
}

Result<uint64_t> write_model(const ModelSource& source,
                             const std::string& path,
                             const WriteObserver& observer) {
  CUPEL_TRY_VOID(check_source(source, path));
  GgufHeader header = source.metadata();
  for (const SourceTensor& tensor : source.tensors()) {
    if (static_cast<uint32_t>(tensor.type) >= kFirstForeignType) {
      return unsupported("{}: tensor {} is {}, which GGUF does not have; name another type",
                         source.file().path(), printable(tensor.name),
                         tensor_type_name(tensor.type));
    }
    header.add_tensor(tensor.plan());
  }
  CUPEL_TRY(GgufWriter writer, GgufWriter::create(path, std::move(header)));
  const uint64_t total = source.size_bytes();
  uint64_t done = 0;
  for (const SourceTensor& tensor : source.tensors()) {
    if (observer.stop.stop_requested()) {
      return cancelled("stopped; no file was written");
    }
    CUPEL_TRY_VOID(write_rows(tensor, writer));
    source.release(tensor);
    done += tensor.size_bytes();
    if (observer.progress) {
      observer.progress(done, total);
    }
  }
  CUPEL_TRY_VOID(writer.close());
  return writer.bytes_written();
}

}  // namespace cupel::engine
