// Vectors of tiny seeded encoders against sentence-transformers (bench/oracles/encoders_oracle.py;
// the fixtures name its version), from their folders and from the GGUF that is made of them: ids
// equal, vectors within 1e-4 in f32.
#include "decode/embedder_support.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/open_folder.h"

namespace cupel::decode {
namespace {

using engine::Activations;
using engine::EngineOptions;

const EngineOptions kExact = {.threads = 1, .activations = Activations::kFloat32};

class Encoders : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    fixture_ = test::encoder_fixture(GetParam());
    ASSERT_TRUE(fixture_.is_object());
    const auto written = test::write_seeded_checkpoint(fixture_, folder_.path());
    ASSERT_TRUE(written.has_value()) << written.error().message;
    texts_ = test::texts_of(fixture_);
  }

  [[nodiscard]] std::vector<float> vectors(LocalEmbedder& embedder) const {
    const auto embeddings = embedder.embed(texts_, {});
    EXPECT_TRUE(embeddings.has_value()) << embeddings.error().message;
    return embeddings ? embeddings->values : std::vector<float>();
  }

  Json fixture_;
  std::vector<std::string> texts_;
  test::TemporaryFolder folder_;
};

TEST_P(Encoders, FoldersFollowSentenceTransformers) {
  const auto embedder = test::open_embedder(folder_.path());
  ASSERT_NE(embedder, nullptr);
  const auto embeddings = embedder->embed(texts_, {});
  ASSERT_TRUE(embeddings.has_value()) << embeddings.error().message;
  EXPECT_LE(test::worst_difference(fixture_, embeddings->values), 1e-4);
  const auto ids = test::ids_of(fixture_);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(embeddings->tokens[i], std::ssize(ids[i])) << texts_[i];
  }
}

TEST_P(Encoders, TheirGgufFollowsSentenceTransformers) {
  const auto file = engine::hf::open_folder(folder_.path());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const std::string path = folder_.file("converted.gguf");
  const auto written = engine::write_gguf(*file, engine::GgufHeader(), path);
  ASSERT_TRUE(written.has_value()) << written.error().message;
  const auto converted = engine::Checkpoint::open(path);
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  const auto encoder = engine::Encoder::load(*converted, kExact);
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
  const auto ids = test::ids_of(fixture_);
  std::vector<float> vectors(ids.size() * (*encoder)->dimensions());
  const auto encoded = (*encoder)->encode(ids, vectors);
  ASSERT_TRUE(encoded.has_value()) << encoded.error().message;
  EXPECT_LE(test::worst_difference(fixture_, vectors), 1e-4);
}

TEST_P(Encoders, AVectorIsTheSameBitsAloneAndAmongOthers) {
  for (const Activations activations : {Activations::kFloat32, Activations::kInt8}) {
    const auto one =
        test::open_embedder(folder_.path(), {.threads = 1, .activations = activations});
    const auto two =
        test::open_embedder(folder_.path(), {.threads = 2, .activations = activations});
    ASSERT_TRUE(one != nullptr && two != nullptr);
    const std::vector<float> together = vectors(*one);
    EXPECT_EQ(vectors(*two), together) << "threads";
    for (size_t i = 0; i < texts_.size(); ++i) {
      const auto alone = two->embed(std::span(texts_).subspan(i, 1), {});
      ASSERT_TRUE(alone.has_value()) << alone.error().message;
      const auto begin = together.begin() + static_cast<std::ptrdiff_t>(i * one->dimensions());
      EXPECT_TRUE(std::equal(alone->values.begin(), alone->values.end(), begin)) << texts_[i];
    }
  }
}

TEST_P(Encoders, LevelsAgreeBitForBit) {
  std::vector<float> expected;
  for (const engine::CpuLevel level : engine::available_cpu_levels()) {
    for (const Activations activations : {Activations::kFloat32, Activations::kInt8}) {
      const auto embedder = test::open_embedder(
          folder_.path(), {.threads = 1, .level = level, .activations = activations});
      ASSERT_NE(embedder, nullptr);
      const std::vector<float> found = vectors(*embedder);
      if (activations == Activations::kInt8) {
        // Coarser, not different: the tiny models have numbers of about 1.
        EXPECT_LE(test::worst_difference(fixture_, found), 0.1);
      } else if (expected.empty()) {
        expected = found;
      } else {
        EXPECT_EQ(found, expected) << engine::cpu_level_name(level);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All,
    Encoders,
    testing::Values("mean", "cls", "several", "weighted", "prompt", "plain", "roberta"),
    [](const auto& instance) { return std::string(instance.param); });

/// A folder of the case "mean": BERT, the mean, length 1, at most 16 tokens.
struct MeanModel {
  MeanModel() {
    EXPECT_TRUE(
        test::write_seeded_checkpoint(test::encoder_fixture("mean"), folder.path()).has_value());
    embedder = test::open_embedder(folder.path());
  }
  test::TemporaryFolder folder;
  std::unique_ptr<LocalEmbedder> embedder;
};

TEST(LocalEmbedder, CountsTheTextsThatItCuts) {
  const MeanModel model;
  ASSERT_NE(model.embedder, nullptr);
  const std::string long_text = "a b c d e f g h i j k l m n o p q r s t";
  const auto embeddings = model.embedder->embed(std::vector<std::string>{"rain", long_text}, {});
  ASSERT_TRUE(embeddings.has_value());
  EXPECT_EQ(embeddings->cut, 1U);
  EXPECT_EQ(embeddings->tokens, (std::vector<int64_t>{3, 16}));
  // The 14 tokens that fit beside [CLS] and [SEP].
  const auto shorter = model.embedder->embed(std::vector<std::string>{long_text.substr(0, 27)}, {});
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(shorter->cut, 0U);
  EXPECT_TRUE(std::ranges::equal(shorter->vector(0), embeddings->vector(1)));
}

TEST(LocalEmbedder, PutsThePromptOfTheCallerBeforeTheText) {
  const MeanModel model;
  ASSERT_NE(model.embedder, nullptr);
  const std::vector<std::string> text = {"cat"};
  const std::vector<std::string> whole = {"the cat"};
  EmbedOptions options;
  options.prompt = "the ";
  const auto prompted = model.embedder->embed(text, options);
  const auto written = model.embedder->embed(whole, {});
  ASSERT_TRUE(prompted.has_value() && written.has_value());
  EXPECT_EQ(prompted->values, written->values);
}

TEST(LocalEmbedder, NormalizesWhenAsked) {
  test::TemporaryFolder folder;
  ASSERT_TRUE(
      test::write_seeded_checkpoint(test::encoder_fixture("plain"), folder.path()).has_value());
  const auto embedder = test::open_embedder(folder.path());
  ASSERT_NE(embedder, nullptr);
  const std::vector<std::string> texts = {"storm"};
  EmbedOptions options;
  options.normalize = true;
  const auto plain = embedder->embed(texts, {});
  const auto normal = embedder->embed(texts, options);
  ASSERT_TRUE(plain.has_value() && normal.has_value());
  double squares = 0;
  for (const float x : normal->values) {
    squares += static_cast<double>(x) * x;
  }
  EXPECT_NEAR(squares, 1, 1e-6);
  EXPECT_NEAR(cosine_similarity(plain->vector(0), normal->vector(0)), 1, 1e-6);
  EXPECT_NE(plain->values, normal->values);
}

TEST(LocalEmbedder, StopsWhenAsked) {
  const MeanModel model;
  ASSERT_NE(model.embedder, nullptr);
  std::stop_source source;
  source.request_stop();
  EmbedOptions options;
  options.stop = source.get_token();
  const auto stopped = model.embedder->embed(std::vector<std::string>{"a"}, options);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

TEST(LocalEmbedder, FingerprintFollowsWhatVectorsDependOn) {
  const MeanModel model;
  const MeanModel again;
  ASSERT_TRUE(model.embedder != nullptr && again.embedder != nullptr);
  EXPECT_EQ(model.embedder->fingerprint(), again.embedder->fingerprint());
  const auto coarse = test::open_embedder(model.folder.path(), {.threads = 1});
  EXPECT_NE(coarse->fingerprint(), model.embedder->fingerprint());
  ASSERT_TRUE(write_file_atomic(model.folder.file("sentence_bert_config.json"),
                                R"({"max_seq_length": 15, "do_lower_case": false})")
                  .has_value());
  EXPECT_NE(test::open_embedder(model.folder.path())->fingerprint(), again.embedder->fingerprint());
}

// By hand: (3, 4)·(4, 3) = 24 over 5 · 5.
TEST(CosineSimilarity, IsTheCosineOfTheAngle) {
  const std::vector<float> a = {3, 4};
  const std::vector<float> b = {4, 3};
  const std::vector<float> zero = {0, 0};
  EXPECT_DOUBLE_EQ(cosine_similarity(a, b), 0.96);
  EXPECT_DOUBLE_EQ(cosine_similarity(a, a), 1);
  EXPECT_DOUBLE_EQ(cosine_similarity(a, zero), 0);
}

}  // namespace
}  // namespace cupel::decode
