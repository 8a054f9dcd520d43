#include "engine/model/metadata_reader.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {

std::string MetadataReader::key(std::string_view name) const {
  return format("{}.{}", prefix_, name);
}

std::string MetadataReader::used_key(std::string_view name) {
  return *used_.insert(key(name)).first;
}

bool MetadataReader::contains(std::string_view name) {
  return file_->contains(used_key(name));
}

Result<int64_t> MetadataReader::size(std::string_view name, int64_t limit) {
  CUPEL_TRY(const uint64_t value, file_->get_u64(used_key(name)));
  return checked_size(name, value, limit);
}

Result<int64_t> MetadataReader::size_or(std::string_view name, int64_t fallback, int64_t limit) {
  return contains(name) ? size(name, limit) : fallback;
}

Result<int64_t> MetadataReader::size_or_zero(std::string_view name, int64_t limit) {
  CUPEL_TRY(const uint64_t value, file_->get_u64_or(used_key(name), 0));
  return value == 0 ? Result<int64_t>(0) : checked_size(name, value, limit);
}

Result<int64_t> MetadataReader::checked_size(std::string_view name,
                                             uint64_t value,
                                             int64_t limit) const {
  if (value == 0 || value > static_cast<uint64_t>(limit)) {
    return corrupt_data("{}: {} is {}; expected 1 to {}", file_->path(), key(name), value, limit);
  }
  return static_cast<int64_t>(value);
}

Result<double> MetadataReader::checked_number(std::string_view name,
                                              double value,
                                              bool zero) const {
  if (!std::isfinite(value) || value < 0 || (value == 0 && !zero)) {
    return corrupt_data("{}: {} is {}; expected a {} number", file_->path(), key(name), value,
                        zero ? "non-negative" : "positive");
  }
  return value;
}

Result<double> MetadataReader::positive(std::string_view name) {
  CUPEL_TRY(const double value, file_->get_f64(used_key(name)));
  return checked_number(name, value, false);
}

Result<double> MetadataReader::positive_or(std::string_view name, double fallback) {
  return contains(name) ? positive(name) : fallback;
}

Result<double> MetadataReader::number_or(std::string_view name, double fallback) {
  CUPEL_TRY(const double value, file_->get_f64_or(used_key(name), fallback));
  return checked_number(name, value, true);
}

Result<bool> MetadataReader::flag_or(std::string_view name, bool fallback) {
  return file_->get_bool_or(used_key(name), fallback);
}

Result<std::string> MetadataReader::text_or(std::string_view name, std::string_view fallback) {
  return file_->get_string_or(used_key(name), fallback);
}

Result<std::vector<bool>> MetadataReader::flags_or(std::string_view name,
                                                   size_t layers,
                                                   FunctionRef<bool(size_t)> fallback) {
  std::vector<bool> flags(layers);
  if (!contains(name)) {
    for (size_t i = 0; i < layers; ++i) {
      flags[i] = fallback(i);
    }
    return flags;
  }
  if (const auto interval = file_->find(key(name))->to_u64(); interval) {
    for (size_t i = 0; i < layers; ++i) {
      flags[i] = *interval > 0 && (i + 1) % *interval != 0;
    }
    return flags;
  }
  CUPEL_TRY(const std::vector<int32_t> values, file_->get_i32_array(key(name)));
  if (values.size() != layers) {
    return corrupt_data("{}: {} has {} entries; expected one per layer, {}", file_->path(),
                        key(name), values.size(), layers);
  }
  for (size_t i = 0; i < layers; ++i) {
    flags[i] = values[i] != 0;
  }
  return flags;
}

Result<Ok> MetadataReader::refuse_unread() const {
  const std::string begin = prefix_ + ".";
  for (const GgufEntry& entry : file_->metadata()) {
    if (entry.key.starts_with(begin) && !used_.contains(std::string(entry.key))) {
      return unsupported(
          "{}: {} is a setting that is not understood; the model would be computed "
          "wrongly without it",
          file_->path(), printable(entry.key));
    }
  }
  return Ok{};
}

}  // namespace cupel::engine
