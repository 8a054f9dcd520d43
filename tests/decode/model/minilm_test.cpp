// all-MiniLM-L6-v2 against sentence-transformers (bench/oracles/encoders_oracle.py --model; the
// fixture names its version): ids equal, vectors within 1e-4.
#include "decode/embedder_support.h"
#include "engine/checkpoint/quantize.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/open_folder.h"

namespace cupel::decode {
namespace {

TEST(MiniLm, FollowsSentenceTransformers) {
  const std::string folder = test::model_file("all-MiniLM-L6-v2");
  CUPEL_SKIP_UNLESS(folder, "all-MiniLM-L6-v2 was not fetched: its vectors are not compared");
  const Json fixture = test::encoder_fixture("minilm");
  ASSERT_TRUE(fixture.is_object());
  const auto embedder = test::open_embedder(folder, {.activations = engine::Activations::kFloat32});
  ASSERT_NE(embedder, nullptr);
  const std::vector<std::string> texts = test::texts_of(fixture);
  const auto embeddings = embedder->embed(texts, {});
  ASSERT_TRUE(embeddings.has_value()) << embeddings.error().message;
  EXPECT_LE(test::worst_difference(fixture, embeddings->values), 1e-4);
  EXPECT_EQ(embeddings->cut, 1U);
  const auto ids = test::ids_of(fixture);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(embeddings->tokens[i], std::ssize(ids[i])) << texts[i];
  }
}

// What Q8_0 weights with int8 activations cost: the direction of every vector stays.
TEST(MiniLm, EightBitsKeepTheDirection) {
  const std::string folder = test::model_file("all-MiniLM-L6-v2");
  CUPEL_SKIP_UNLESS(folder, "all-MiniLM-L6-v2 was not fetched: eight bits are not compared");
  const Json fixture = test::encoder_fixture("minilm");
  ASSERT_TRUE(fixture.is_object());
  const auto file = engine::hf::open_folder(folder);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const test::TemporaryFolder made;
  ASSERT_TRUE(engine::write_gguf(*file, engine::GgufHeader(), made.file("f32.gguf")).has_value());
  const auto target = engine::parse_quantize_target("q8_0");
  ASSERT_TRUE(target.has_value());
  const auto report = engine::quantize_file(made.file("f32.gguf"), made.file("q8_0.gguf"), *target);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  const auto small = engine::Checkpoint::open(made.file("q8_0.gguf"));
  ASSERT_TRUE(small.has_value()) << small.error().message;
  const auto encoder = engine::Encoder::load(*small, {.activations = engine::Activations::kInt8});
  ASSERT_TRUE(encoder.has_value()) << encoder.error().message;
  const auto ids = test::ids_of(fixture);
  const size_t dimensions = (*encoder)->dimensions();
  std::vector<float> vectors(ids.size() * dimensions);
  ASSERT_TRUE((*encoder)->encode(ids, vectors).has_value());
  for (size_t i = 0; i < ids.size(); ++i) {
    std::vector<float> expected;
    for (const Json& x : fixture.find("vectors")->as_array()[i].as_array()) {
      expected.push_back(static_cast<float>(x.as_double()));
    }
    const auto found = std::span(vectors).subspan(i * dimensions, dimensions);
    EXPECT_GE(cosine_similarity(found, expected), 0.999) << ids[i].size() << " tokens";
  }
}

}  // namespace
}  // namespace cupel::decode
