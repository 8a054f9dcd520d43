// Proves: system 5
// Proves: system 21
// Proves: system 36
// Proves: system 63
// Proves: system 83
// Tiny models of every family against transformers (bench/oracles/families_oracle.py; the fixtures
// name its version), from safetensors and from the GGUF that is made of them: f32 logits within
// 1e-4, the same greedy continuation.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/convert/to_folder.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/open_folder.h"
#include "engine/runtime/transformer.h"
#include "support/family_fixtures.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

class Families : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto fixture =
        read_json_file(test::test_data("oracles/families/" + GetParam() + ".json"));
    ASSERT_TRUE(fixture.has_value()) << fixture.error().message;
    fixture_ = *fixture;
    const auto written = test::write_seeded_checkpoint(fixture_, folder_.path());
    ASSERT_TRUE(written.has_value()) << written.error().message;
  }

  [[nodiscard]] std::vector<TokenId> ids(std::string_view key) const {
    std::vector<TokenId> ids;
    for (const Json& id : fixture_.find(key)->as_array()) {
      ids.push_back(static_cast<TokenId>(id.as_int()));
    }
    return ids;
  }

  static std::unique_ptr<Transformer> load(const Checkpoint& file) {
    auto transformer =
        Transformer::load(file, {.threads = 1, .activations = Activations::kFloat32});
    EXPECT_TRUE(transformer.has_value()) << transformer.error().message;
    return transformer ? std::move(*transformer) : nullptr;
  }

  /// Logits of all rows of `ids` fed at once.
  static std::vector<std::vector<float>> feed(Transformer& transformer,
                                              SequenceState& sequence,
                                              std::span<const TokenId> ids) {
    std::vector<StepRow> rows;
    for (const TokenId id : ids) {
      rows.push_back({.sequence = &sequence, .token = id, .logits = true});
    }
    std::vector<std::vector<float>> logits(ids.size());
    const auto keep = [&](size_t row, std::span<float> values) {
      logits[row].assign(values.begin(), values.end());
    };
    const auto stepped = transformer.step(rows, keep);
    EXPECT_TRUE(stepped.has_value()) << stepped.error().message;
    return logits;
  }

  void expect_the_reference(const Checkpoint& file) {
    const auto transformer = load(file);
    ASSERT_NE(transformer, nullptr);
    SequenceState sequence = transformer->new_sequence();
    const std::vector<TokenId> prompt = ids("ids");
    const auto logits = feed(*transformer, sequence, prompt);
    const Json::Array& positions = fixture_.find("positions")->as_array();
    for (size_t i = 0; i < positions.size(); ++i) {
      const auto at = static_cast<size_t>(positions[i].as_int());
      const Json::Array& expected = fixture_.find("logits")->as_array()[i].as_array();
      ASSERT_EQ(logits[at].size(), expected.size());
      double worst = 0;
      for (size_t v = 0; v < expected.size(); ++v) {
        worst = std::max(worst, std::abs(logits[at][v] - expected[v].as_double()));
      }
      EXPECT_LE(worst, 1e-4) << "position " << at;
    }
    std::vector<TokenId> written;
    std::vector<float> last = logits.back();
    const std::vector<TokenId> expected = ids("greedy");
    while (written.size() < expected.size()) {
      const auto best = std::max_element(last.begin(), last.end()) - last.begin();
      written.push_back(static_cast<TokenId>(best));
      last = feed(*transformer, sequence, std::span(written).last(1)).front();
    }
    EXPECT_EQ(written, expected);
  }

  Json fixture_;
  test::TemporaryFolder folder_;
};

TEST_P(Families, SafetensorsFollowTransformers) {
  const auto file = hf::open_folder(folder_.path());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  expect_the_reference(*file);
}

TEST_P(Families, TheirGgufFollowsTransformers) {
  const auto file = hf::open_folder(folder_.path());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const std::string path = folder_.file("converted.gguf");
  const auto written = write_gguf(*file, GgufHeader(), path);
  ASSERT_TRUE(written.has_value()) << written.error().message;
  const auto converted = Checkpoint::open(path);
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  expect_the_reference(*converted);
}

TEST_P(Families, TheFolderMadeOfTheirGgufFollowsTransformers) {
  const auto file = hf::open_folder(folder_.path());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const std::string path = folder_.file("converted.gguf");
  ASSERT_TRUE(write_gguf(*file, GgufHeader(), path).has_value());
  const auto converted = Checkpoint::open(path);
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  const auto written = write_folder(*converted, folder_.file("back"));
  ASSERT_TRUE(written.has_value()) << written.error().message;
  const auto back = hf::open_folder(folder_.file("back"));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  expect_the_reference(*back);
}

// Chunks of 6, trained on 10: within one chunk nothing changes; beyond, reading a prompt and
// writing it token by token give the same bits.
TEST(DualChunkModel, EqualsItselfHoweverItIsFed) {
  const auto fixture = read_json_file(test::test_data("oracles/families/qwen2.json"));
  ASSERT_TRUE(fixture.has_value());
  Json dual = *fixture;
  Json config = *dual.find("config");
  config.set("dual_chunk_attention_config",
             Json::object().set("chunk_size", 10).set("local_size", 4));
  dual.set("config", config);
  const auto model_of = [](const Json& json) {
    test::TemporaryFolder folder;
    EXPECT_TRUE(test::write_seeded_checkpoint(json, folder.path()).has_value());
    const auto file = hf::open_folder(folder.path());
    EXPECT_TRUE(file.has_value()) << file.error().message;
    return std::move(*Transformer::load(*file, {.threads = 1}));
  };
  const auto plain = model_of(*fixture);
  const auto chunked = model_of(dual);
  const auto run = [](Transformer& model, size_t count, size_t at_once) {
    SequenceState sequence = model.new_sequence();
    std::vector<std::vector<float>> logits(count);
    for (size_t begin = 0; begin < count; begin += at_once) {
      std::vector<StepRow> rows;
      for (size_t i = begin; i < std::min(count, begin + at_once); ++i) {
        rows.push_back(
            {.sequence = &sequence, .token = static_cast<TokenId>(3 + i), .logits = true});
      }
      EXPECT_TRUE(model
                      .step(rows,
                            [&](size_t row, std::span<float> values) {
                              logits[begin + row].assign(values.begin(), values.end());
                            })
                      .has_value());
    }
    return logits;
  };
  EXPECT_EQ(run(*plain, 6, 6), run(*chunked, 6, 6));
  const auto whole = run(*chunked, 40, 40);
  EXPECT_NE(run(*plain, 40, 40).back(), whole.back());
  EXPECT_EQ(run(*chunked, 40, 1), whole);
  EXPECT_EQ(run(*chunked, 40, 7), whole);
}

/// The description of a fixture's GGUF with more metadata.
ModelDescription described(const std::string& name, const GgufHeader& more) {
  const auto fixture = read_json_file(test::test_data("oracles/families/" + name + ".json"));
  test::TemporaryFolder folder;
  EXPECT_TRUE(test::write_seeded_checkpoint(*fixture, folder.path()).has_value());
  const auto checkpoint = hf::open_folder(folder.path());
  EXPECT_TRUE(checkpoint.has_value());
  const std::string path = folder.file("a.gguf");
  EXPECT_TRUE(write_gguf(*checkpoint, more, path).has_value());
  const auto file = Checkpoint::open(path);
  EXPECT_TRUE(file.has_value());
  auto model = describe_model(*file);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return model ? *model : ModelDescription{};
}

// What converters write of models that do not use it: Phi-3 mini 4k states its original context,
// others a window or a number of experts of 0, Gemma its pattern as a number.
TEST(DescribeModel, TakesSettingsThatSayNothing) {
  GgufHeader more;
  more.set<uint32_t>("llama.rope.scaling.original_context_length", 4096);
  more.set<uint32_t>("llama.attention.sliding_window", 0);
  more.set<uint32_t>("llama.expert_count", 0);
  more.set<uint32_t>("llama.expert_used_count", 0);
  const ModelDescription model = described("llama", more);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[0].attention.window, 0);
  EXPECT_EQ(model.layers[0].feed_forward.experts.count, 0);
}

TEST(DescribeModel, ReadsAPatternOfWindowsAsANumber) {
  GgufHeader more;
  more.set<uint32_t>("mistral.unused", 0);  // another architecture's key
  more.set<uint32_t>("llama.attention.sliding_window_pattern", 2);
  const ModelDescription model = described("mistral_window", more);
  ASSERT_EQ(model.layers.size(), 2U);
  EXPECT_EQ(model.layers[0].attention.window, 8);
  EXPECT_EQ(model.layers[1].attention.window, 0);
}

INSTANTIATE_TEST_SUITE_P(All,
                         Families,
                         testing::ValuesIn(test::family_fixtures()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace cupel::engine
