// Whole models at every CPU level and with every number of threads: the same bits. Levels that the
// machine lacks are named as skipped.
#include "engine/model/runtime_support.h"

namespace cupel::engine {

static void PrintTo(CpuLevel level, std::ostream* out) {
  *out << cpu_level_name(level);
}

namespace test {
namespace {

struct Case {
  std::string name;
  TinyModelOptions options;
};

// Both families; every format that has kernels of its own.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string family : {"llama", "gemma3"}) {
    for (const TensorType type :
         {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0,
          TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1, TensorType::kQ8_0}) {
      TinyModelOptions options = family_options(family);
      options.type = type;
      all.push_back({family + "_" + std::string(tensor_type_name(type)), options});
    }
    for (const TensorType type : {TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K}) {
      TinyModelOptions options = cupel::test::tiny_wide_options(type);
      options.family = family;
      options.tied_head = true;
      options.layers = 1;
      all.push_back({family + "_" + std::string(tensor_type_name(type)), options});
    }
  }
  return all;
}

// Logits of a prompt beyond a page, then of a few single tokens after it: the paths of many rows
// and of one.
Logits run(const TinyModel& model, const EngineOptions& options) {
  const Engine engine = open_engine(model, options);
  const auto prompt = random_ids(1, 66);
  SequenceState sequence = engine->new_sequence();
  Logits logits = feed(*engine, sequence, prompt);
  for (const TokenId id : random_ids(2, 3)) {
    const Logits next = feed(*engine, sequence, std::vector<TokenId>{id});
    logits.push_back(next.front());
  }
  return logits;
}

class CpuLevels : public testing::TestWithParam<CpuLevel> {};

TEST_P(CpuLevels, WholeModelsEqualTheScalarOracle) {
  const auto available = available_cpu_levels();
  if (std::find(available.begin(), available.end(), GetParam()) == available.end()) {
    GTEST_SKIP() << cpu_level_name(GetParam())
                 << ": this CPU lacks it; that whole models agree at this level is not shown";
  }
  for (const Case& c : cases()) {
    const TinyModel model(c.options);
    for (const auto activations : {Activations::kInt8, Activations::kFloat32}) {
      EngineOptions options;
      options.activations = activations;
      options.level = CpuLevel::kScalar;
      const Logits expected = run(model, options);
      options.level = GetParam();
      EXPECT_TRUE(same_bits(run(model, options), expected))
          << c.name << (activations == Activations::kInt8 ? " int8" : " f32");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels,
                         CpuLevels,
                         testing::Values(CpuLevel::kAvx2, CpuLevel::kAvx512),
                         [](const auto& param) {
                           return std::string(cpu_level_name(param.param));
                         });

TEST(CpuLevels, TransformerTakesTheLevelThatIsAskedFor) {
  const TinyModel model;
  for (const CpuLevel level : available_cpu_levels()) {
    EngineOptions options;
    options.level = level;
    EXPECT_EQ(open_engine(model, options)->operators().level(), level);
  }
}

TEST(ThreadCounts, ChangeNoBit) {
  for (const std::string family : {"llama", "gemma3"}) {
    TinyModelOptions model_options = family_options(family);
    model_options.type = TensorType::kQ4_1;
    model_options.width = 256;  // enough work for the loops to be split
    model_options.feed_forward = 512;
    const TinyModel model(model_options);
    for (const auto activations : {Activations::kInt8, Activations::kFloat32}) {
      EngineOptions options;
      options.activations = activations;
      options.threads = 1;
      const Logits one = run(model, options);
      for (const size_t threads : {2U, 3U}) {
        options.threads = threads;
        EXPECT_TRUE(same_bits(run(model, options), one)) << family << " " << threads << " threads";
      }
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace cupel::engine
