#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "decode/local_embedder.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"

namespace cupel::test {

/// A fixture of bench/oracles/encoders_oracle.py.
inline Json encoder_fixture(const std::string& name) {
  auto fixture = read_json_file(test_data("oracles/encoders/" + name + ".json"));
  EXPECT_TRUE(fixture.has_value()) << (fixture ? "" : fixture.error().message);
  return fixture ? *fixture : Json();
}

inline std::vector<std::string> texts_of(const Json& fixture) {
  std::vector<std::string> texts;
  for (const Json& text : fixture.find("texts")->as_array()) {
    texts.push_back(text.as_string());
  }
  return texts;
}

inline std::vector<std::vector<TokenId>> ids_of(const Json& fixture) {
  std::vector<std::vector<TokenId>> all;
  for (const Json& row : fixture.find("ids")->as_array()) {
    all.emplace_back();
    for (const Json& id : row.as_array()) {
      all.back().push_back(static_cast<TokenId>(id.as_int()));
    }
  }
  return all;
}

/// The largest difference of any number from the fixture's vectors.
inline double worst_difference(const Json& fixture, std::span<const float> values) {
  const Json::Array& rows = fixture.find("vectors")->as_array();
  double worst = 0;
  size_t at = 0;
  for (const Json& row : rows) {
    for (const Json& expected : row.as_array()) {
      if (at == values.size()) {
        return INFINITY;
      }
      worst = std::max(worst, std::abs(static_cast<double>(values[at++]) - expected.as_double()));
    }
  }
  return at == values.size() ? worst : INFINITY;
}

/// An open encoder, or a failed expectation and nullptr.
inline std::unique_ptr<decode::LocalEmbedder> open_embedder(
    const std::string& path,
    const engine::EngineOptions& engine = {.threads = 1,
                                           .activations = engine::Activations::kFloat32}) {
  auto embedder = decode::LocalEmbedder::open(
      {.path = path, .name = "encoder", .tokenizer_pre = {}, .engine = engine});
  EXPECT_TRUE(embedder.has_value()) << (embedder ? "" : embedder.error().message);
  return embedder ? std::move(*embedder) : nullptr;
}

}  // namespace cupel::test
