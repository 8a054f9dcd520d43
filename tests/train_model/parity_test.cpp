// Every family's tiny checkpoint (tests/data/oracles/families, made with transformers; the fixtures
// name the version) in the twin and in the engine: one description, two executions.
#include <algorithm>
#include <cmath>

#include "base/io.h"
#include "engine/convert/to_gguf.h"
#include "train/model/export.h"
#include "train_model/engine_logits.h"
#include "train_model/twin_fixture.h"

namespace cupel::train {
namespace {

using test::distance;
using test::FamilyModel;

constexpr double kEngine = 1e-5;        // of log-probs, f32
constexpr double kTransformers = 1e-4;  // of logits, f32

/// What f32 can hold: tiny models whose head is the embedding, uniform in ±1, have logits of up to
/// 63, where one unit in the last place is 4e-6. Of them both executions are 1e-5 to 3e-5 away from
/// the twin in f64 (measured); all others have logits of about 4.
double allowed(const at::Tensor& logits) {
  return kEngine * std::max(1.0, logits.abs().max().item<double>() / 8);
}

at::Tensor tensor_of(const Json& numbers) {
  const Json::Array& values = numbers.as_array();
  at::Tensor result = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  for (size_t i = 0; i < values.size(); ++i) {
    result.mutable_data_ptr<double>()[i] = values[i].as_double();
  }
  return result;
}

class TwinParity : public testing::TestWithParam<std::string> {};

TEST_P(TwinParity, FollowsTheEngineAndTransformers) {
  const FamilyModel model(GetParam());
  Twin twin = model.twin();
  const std::vector<int64_t> ids = model.ids();
  const tensor::RecordingGuard off(false);
  const at::Tensor logits = twin.logits(test::hidden_of(twin, ids));
  EXPECT_LE(distance(test::next_logps(logits, ids),
                     test::next_logps(test::engine_logits(model.file(), ids), ids)),
            allowed(logits));
  const Json::Array& positions = model.fixture().find("positions")->as_array();
  for (size_t i = 0; i < positions.size(); ++i) {
    const at::Tensor expected = tensor_of(model.fixture().find("logits")->as_array()[i]);
    EXPECT_LE(distance(logits.select(0, positions[i].as_int()), expected), kTransformers)
        << "position " << positions[i].as_int();
  }
}

// The head in chunks says the same as the logits.
TEST_P(TwinParity, ChunkedHeadFollowsTheEngine) {
  const FamilyModel model(GetParam());
  Twin twin = model.twin();
  const std::vector<int64_t> ids = model.ids();
  std::vector<int64_t> labels(ids.begin() + 1, ids.end());
  labels.push_back(HeadLogpsOptions::kIgnored);
  const tensor::RecordingGuard off(false);
  const at::Tensor logps = head_logps(test::hidden_of(twin, ids), twin.head(),
                                      test::tensor_of(labels), {.chunk_rows = 7})
                               .logps;
  const int64_t counted = logps.size(0) - 1;
  const at::Tensor expected = test::engine_logits(model.file(), ids);
  EXPECT_LE(distance(logps.narrow(0, 0, counted), test::next_logps(expected, ids)),
            allowed(expected));
  EXPECT_EQ(logps[counted].item<float>(), 0.0F);
}

// What llama.cpp's conventions change comes back: pairs of rows, norms with + 1, stacks.
TEST_P(TwinParity, ItsGgufGivesTheSameParameters) {
  const FamilyModel model(GetParam());
  const cupel::test::TemporaryFolder folder;
  const std::string path = folder.file("model.gguf");
  ASSERT_TRUE(engine::write_gguf(model.file(), engine::GgufHeader(), path).has_value());
  const auto again = load_model(path);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  ASSERT_EQ(again->parameters.size(), model.model().parameters.size());
  // 1 + w - 1 rounds once.
  const double allowed = model.model().description.norm_plus_one ? 1.2e-7 : 0;
  for (const ParameterSet::Entry& entry : model.model().parameters.entries()) {
    const at::Tensor* found = again->parameters.find(entry.name);
    ASSERT_NE(found, nullptr) << entry.name;
    ASSERT_EQ(found->sizes(), entry.tensor.sizes()) << entry.name;
    EXPECT_LE(distance(*found, entry.tensor), allowed) << entry.name;
  }
  EXPECT_TRUE(Twin::create(*again).has_value());
}

// The engine runs what a model holds now, bit for bit as it runs the file of it.
TEST_P(TwinParity, TheEngineReadsItsParameters) {
  const FamilyModel model(GetParam());
  const std::vector<int64_t> ids = model.ids();
  const auto live = checkpoint_of(model.model());
  ASSERT_TRUE(live.has_value()) << live.error().message;
  EXPECT_EQ(distance(test::engine_logits(*live, ids), test::engine_logits(model.file(), ids)), 0);
}

// The engine sees what a step has written. Embeddings of a sixteenth: the logits of all families
// are then of the size that trained models have, and 1e-5 holds for each.
TEST_P(TwinParity, TheEngineSeesChangedParameters) {
  const FamilyModel model(GetParam());
  const std::vector<int64_t> ids = model.ids();
  const tensor::RecordingGuard off(false);
  model.model().find("token_embd.weight")->mul_(1.0 / 16);
  const auto changed = checkpoint_of(model.model());
  ASSERT_TRUE(changed.has_value()) << changed.error().message;
  Twin twin = model.twin();
  const at::Tensor expected = test::engine_logits(*changed, ids);
  EXPECT_GT(distance(expected, test::engine_logits(model.file(), ids)), 1e-4);
  EXPECT_LE(distance(test::next_logps(twin.logits(test::hidden_of(twin, ids)), ids),
                     test::next_logps(expected, ids)),
            kEngine);
}

INSTANTIATE_TEST_SUITE_P(All,
                         TwinParity,
                         testing::ValuesIn(cupel::test::family_fixtures()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace cupel::train
