// all-MiniLM-L6-v2 against sentence-transformers (bench/oracles/encoders_oracle.py --model; the
// fixture names its version): ids equal, vectors within 1e-4.
#include "decode/embedder_support.h"

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

// What int8 activations cost: the direction of every vector stays.
TEST(MiniLm, Int8ActivationsKeepTheDirection) {
  const std::string folder = test::model_file("all-MiniLM-L6-v2");
  CUPEL_SKIP_UNLESS(folder, "all-MiniLM-L6-v2 was not fetched: int8 activations are not compared");
  const Json fixture = test::encoder_fixture("minilm");
  ASSERT_TRUE(fixture.is_object());
  const auto exact = test::open_embedder(folder, {.activations = engine::Activations::kFloat32});
  const auto coarse = test::open_embedder(folder, {.activations = engine::Activations::kInt8});
  ASSERT_TRUE(exact != nullptr && coarse != nullptr);
  const std::vector<std::string> texts = test::texts_of(fixture);
  const auto a = exact->embed(texts, {});
  const auto b = coarse->embed(texts, {});
  ASSERT_TRUE(a.has_value() && b.has_value());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_GE(cosine_similarity(a->vector(i), b->vector(i)), 0.999) << texts[i];
  }
}

}  // namespace
}  // namespace cupel::decode
