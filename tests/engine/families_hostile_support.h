#pragma once

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "base/format.h"
#include "base/json.h"
#include "engine/runtime/transformer.h"

// What the hostile suites over all families share: broken checkpoints are opened, loaded and, where
// they are accepted, run.

namespace cupel::engine::test {

/// Writes without syncing: thousands of broken files.
inline void write_quickly(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  CUPEL_CHECK(out.good(), path);
}

/// One line that is no bug of ours.
inline void expect_clean(const Error& error, const std::string& what) {
  EXPECT_FALSE(error.message.empty()) << what;
  EXPECT_EQ(error.message.find('\n'), std::string::npos) << what << ": " << error.message;
  EXPECT_NE(error.code, Code::kInternal) << what << ": " << error.message;
}

/// Loads what was opened and reads 70 tokens with it. True when all of that works; what does not
/// must end with a clean error.
inline bool runs(const Result<Checkpoint>& file, const std::string& what) {
  if (!file) {
    expect_clean(file.error(), what);
    return false;
  }
  auto model = Transformer::load(*file, {.threads = 1, .max_cache_bytes = size_t{64} << 20U});
  if (!model) {
    expect_clean(model.error(), what);
    return false;
  }
  SequenceState sequence = (*model)->new_sequence();
  std::vector<StepRow> rows;
  for (TokenId id = 0; id < 70; ++id) {
    const auto vocabulary = (*model)->description().vocabulary_size;
    rows.push_back({.sequence = &sequence,
                    .token = static_cast<TokenId>(id % vocabulary),
                    .logits = id % 23 == 0});
  }
  const auto stepped = (*model)->step(rows, [](size_t, std::span<float>) {});
  if (!stepped) {
    expect_clean(stepped.error(), what);
  }
  return stepped.has_value();
}

/// A safetensors file in parts: the header can be changed and put together again.
struct SafetensorsParts {
  Json header;
  std::string data;

  static SafetensorsParts of(const std::string& bytes) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    auto header = parse_json(std::string_view(bytes).substr(sizeof length, length));
    CUPEL_CHECK(header.has_value(), "the header of a fixture");
    return {std::move(*header), bytes.substr(sizeof length + length)};
  }
  [[nodiscard]] std::string whole() const { return whole(dump_json(header)); }
  [[nodiscard]] std::string whole(const std::string& text) const {
    const uint64_t length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + data;
  }
};

}  // namespace cupel::engine::test
