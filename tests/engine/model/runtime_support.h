#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/runtime/transformer.h"
#include "support/tiny_model.h"

// What the tests of the runtime share: tiny models in an engine, logits by row, bit equality.

namespace cupel::engine::test {

using cupel::test::TinyModel;
using cupel::test::TinyModelOptions;
using Logits = std::vector<std::vector<float>>;  // [row][V]; a row that asked for none is empty

struct Engine {
  std::unique_ptr<Checkpoint> file;
  std::unique_ptr<Transformer> transformer;
  Transformer* operator->() const { return transformer.get(); }
  Transformer& operator*() const { return *transformer; }
};

/// One thread unless `options` say otherwise; a failed expectation ends the test's process, since
/// nothing below could run.
inline Engine open_engine(const TinyModel& model, EngineOptions options = {}) {
  options.threads = options.threads == 0 ? 1 : options.threads;
  auto file = Checkpoint::open(model.path());
  CUPEL_CHECK(file.has_value(), file ? "" : file.error().message);
  Engine engine;
  engine.file = std::make_unique<Checkpoint>(std::move(*file));
  auto transformer = Transformer::load(*engine.file, options);
  CUPEL_CHECK(transformer.has_value(), transformer ? "" : transformer.error().message);
  engine.transformer = std::move(*transformer);
  return engine;
}

/// Bytes for `pages` pages of the cache of that model and mode.
inline size_t cache_bytes(const TinyModel& model, size_t pages, const EngineOptions& options = {}) {
  return open_engine(model, options)->kv_pool().page_bytes() * pages;
}

inline std::vector<TokenId> random_ids(uint64_t seed, size_t count) {
  Rng rng(seed);
  std::vector<TokenId> ids(count);
  for (TokenId& id : ids) {
    id =
        static_cast<TokenId>(rng.below(static_cast<uint64_t>(cupel::test::tiny_vocabulary_size())));
  }
  return ids;
}

inline std::vector<TokenId> operator+(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Appends a row for each id; all ask for logits.
inline void add_rows(std::vector<StepRow>& rows,
                     SequenceState& sequence,
                     std::span<const TokenId> ids) {
  for (const TokenId id : ids) {
    rows.push_back({.sequence = &sequence, .token = id, .logits = true});
  }
}

/// One step; logits by row.
inline Result<Logits> try_step(Transformer& transformer, const std::vector<StepRow>& rows) {
  Logits logits(rows.size());
  CUPEL_TRY_VOID(transformer.step(
      rows, [&](size_t row, std::span<float> x) { logits[row].assign(x.begin(), x.end()); }));
  return logits;
}

inline Logits step(Transformer& transformer, const std::vector<StepRow>& rows) {
  auto logits = try_step(transformer, rows);
  EXPECT_TRUE(logits.has_value()) << (logits ? "" : logits.error().message);
  return logits ? std::move(*logits) : Logits(rows.size());
}

/// Feeds ids to a sequence in one step.
inline Logits feed(Transformer& transformer,
                   SequenceState& sequence,
                   std::span<const TokenId> ids) {
  std::vector<StepRow> rows;
  add_rows(rows, sequence, ids);
  return step(transformer, rows);
}

/// The logits of all ids in a fresh sequence.
inline Logits run_fresh(Transformer& transformer, std::span<const TokenId> ids) {
  SequenceState sequence = transformer.new_sequence();
  return feed(transformer, sequence, ids);
}

inline Logits slice(const Logits& all, size_t begin, size_t end) {
  return {all.begin() + static_cast<int64_t>(begin), all.begin() + static_cast<int64_t>(end)};
}

/// Bit equality; names the first row and element that differ.
inline testing::AssertionResult same_bits(const Logits& a, const Logits& b) {
  if (a.size() != b.size()) {
    return testing::AssertionFailure() << a.size() << " rows and " << b.size();
  }
  for (size_t row = 0; row < a.size(); ++row) {
    if (a[row].size() != b[row].size()) {
      return testing::AssertionFailure()
             << "row " << row << ": " << a[row].size() << " numbers and " << b[row].size();
    }
    for (size_t i = 0; i < a[row].size(); ++i) {
      if (std::memcmp(&a[row][i], &b[row][i], sizeof(float)) != 0) {
        return testing::AssertionFailure()
               << "row " << row << ", element " << i << ": " << a[row][i] << " and " << b[row][i];
      }
    }
  }
  return testing::AssertionSuccess();
}

/// Both families with all their kinds of layers: gemma3 has five layers with a window, then one
/// without.
inline TinyModelOptions family_options(const std::string& family) {
  TinyModelOptions options;
  options.family = family;
  if (family == "gemma3") {
    options.layers = 6;
    options.heads = 2;
    options.kv_heads = 1;
    options.head_dim = 48;  // three registers of 16 lanes
    options.window = 24;
    options.rope_base = 1000000;
  }
  return options;
}

}  // namespace cupel::engine::test
