#include "engine/checkpoint/safetensors_writer.h"

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"

namespace cupel::engine {

uint64_t SafetensorsPlan::size_bytes() const {
  uint64_t elements = 1;
  for (const uint64_t dim : shape) {
    elements *= dim;
  }
  return row_bytes(type, elements);
}

Result<SafetensorsWriter> SafetensorsWriter::create(std::string folder,
                                                    std::vector<SafetensorsPlan> plans,
                                                    uint64_t shard_bytes,
                                                    std::string stem) {
  CUPEL_CHECK(!plans.empty(), "SafetensorsWriter: no tensors");
  SafetensorsWriter writer(std::move(folder), std::move(plans), std::move(stem));
  writer.split(shard_bytes);
  CUPEL_TRY_VOID(writer.open_shard());
  return writer;
}

void SafetensorsWriter::split(uint64_t shard_bytes) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < plans_.size(); ++i) {
    const uint64_t size = plans_[i].size_bytes();
    if (bytes > 0 && bytes + size > shard_bytes) {
      shard_ends_.push_back(i);
      bytes = 0;
    }
    bytes += size;
  }
  shard_ends_.push_back(plans_.size());
}

std::string SafetensorsWriter::shard_name(size_t shard) const {
  return shard_ends_.size() == 1
             ? format("{}.safetensors", stem_)
             : format("{}-{:05}-of-{:05}.safetensors", stem_, shard + 1, shard_ends_.size());
}

std::string SafetensorsWriter::header(size_t shard) const {
  Json json = Json::object();
  Json::Object& members = json.as_object();
  members.emplace_back("__metadata__", Json::object().set("format", "pt"));
  uint64_t offset = 0;
  for (size_t i = shard == 0 ? 0 : shard_ends_[shard - 1]; i < shard_ends_[shard]; ++i) {
    Json shape = Json::array();
    for (const uint64_t dim : plans_[i].shape) {
      shape.push_back(dim);
    }
    const uint64_t end = offset + plans_[i].size_bytes();
    members.emplace_back(plans_[i].name,
                         Json::object()
                             .set("dtype", tensor_type_name(plans_[i].type))
                             .set("shape", std::move(shape))
                             .set("data_offsets", Json::array().push_back(offset).push_back(end)));
    offset = end;
  }
  std::string text = dump_json(json);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const auto size = static_cast<uint64_t>(text.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

Result<Ok> SafetensorsWriter::open_shard() {
  CUPEL_TRY(file_, AtomicFile::create(format("{}/{}", folder_, shard_name(shard_))));
  const std::string head = header(shard_);
  bytes_written_ += head.size();
  return file_->append(head);
}

Result<Ok> SafetensorsWriter::write(std::span<const std::byte> piece) {
  CUPEL_CHECK(tensor_ < plans_.size(), "SafetensorsWriter: bytes after the last tensor");
  const uint64_t size = plans_[tensor_].size_bytes();
  CUPEL_CHECK(piece.size() <= size - tensor_written_,
              "SafetensorsWriter: a piece crosses into the next tensor");
  CUPEL_TRY_VOID(file_->append({reinterpret_cast<const char*>(piece.data()), piece.size()}));
  tensor_written_ += piece.size();
  bytes_written_ += piece.size();
  if (tensor_written_ < size) {
    return Ok{};
  }
  tensor_written_ = 0;
  ++tensor_;
  if (tensor_ == shard_ends_[shard_] && tensor_ < plans_.size()) {
    CUPEL_TRY_VOID(file_->commit());
    ++shard_;
    return open_shard();
  }
  return Ok{};
}

Result<Ok> SafetensorsWriter::write_index() const {
  Json map = Json::object();
  uint64_t total = 0;
  size_t shard = 0;
  for (size_t i = 0; i < plans_.size(); ++i) {
    shard += i == shard_ends_[shard] ? 1 : 0;
    map.as_object().emplace_back(plans_[i].name, shard_name(shard));
    total += plans_[i].size_bytes();
  }
  const Json index = Json::object()
                         .set("metadata", Json::object().set("total_size", total))
                         .set("weight_map", std::move(map));
  return write_file_atomic(format("{}/{}.safetensors.index.json", folder_, stem_),
                           dump_json(index, {.indent = 2}) + "\n");
}

Result<Ok> SafetensorsWriter::close() {
  CUPEL_CHECK(tensor_ == plans_.size(), "SafetensorsWriter: closed before the last tensor");
  CUPEL_TRY_VOID(file_->commit());
  return shard_ends_.size() == 1 ? Result<Ok>(Ok{}) : write_index();
}

}  // namespace cupel::engine
