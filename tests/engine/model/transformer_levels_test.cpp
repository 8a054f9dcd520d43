// Whole models at every CPU level and with every number of threads: the same bits. Levels that the
// machine lacks are named as skipped.
#include "engine/kernels/packing.h"
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
    for (const TensorType type : kernels::kernel_types()) {
      TinyModelOptions options = family_options(family);
      options.type = type;
      if (tensor_type_info(type).block_elements == 256) {
        options = cupel::test::tiny_wide_options(type);
        options.family = family;
        options.tied_head = true;
        options.layers = 1;
      }
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

// The same ids in other company: in steps of several sizes, beside others up to 64 rows, after a
// fork, after a roll-back, and as rows of a tree beside other drafts, which is then committed.
void expect_same_in_any_company(const TinyModel& model,
                                const EngineOptions& options,
                                const Logits& expected,
                                const std::string& what) {
  const Engine engine = open_engine(model, options);
  const auto ids = random_ids(1, 66) + random_ids(2, 3);
  const auto others = random_ids(3, 64);
  SequenceState trunk = engine->new_sequence();
  Logits logits;
  size_t fed = 0;
  for (const size_t count : {1U, 2U, 3U, 5U, 13U, 16U, 20U}) {  // 60 of 69
    SequenceState other = engine->new_sequence();
    std::vector<StepRow> rows;
    add_rows(rows, trunk, std::span(ids).subspan(fed, count));
    add_rows(rows, other, std::span(others).first(64 - count));
    const Logits step_logits = step(*engine, rows);
    logits.insert(logits.end(), step_logits.begin(), step_logits.begin() + count);
    fed += count;
  }
  EXPECT_TRUE(same_bits(logits, slice(expected, 0, fed))) << what << " in batches of 64";

  SequenceState fork = trunk.fork();
  feed(*engine, fork, std::span(others).first(7));
  fork.truncate(static_cast<int64_t>(fed));  // what was wrongly drafted is rolled back
  const auto rest = std::span(ids).subspan(fed);
  EXPECT_TRUE(same_bits(feed(*engine, fork, rest), slice(expected, fed, ids.size())))
      << what << " after fork and roll-back";

  // Each right row with a wrong sibling before it, whose own child is wrong too.
  std::vector<StepRow> rows;
  std::vector<int32_t> path;
  for (size_t i = 0; i < rest.size(); ++i) {
    const int32_t parent = path.empty() ? StepRow::kRoot : path.back();
    const auto first = static_cast<int32_t>(rows.size());
    for (const int32_t wrong_parent : {parent, first}) {
      rows.push_back({.sequence = &trunk,
                      .token = others[rows.size()],
                      .logits = true,
                      .parent = wrong_parent});
    }
    path.push_back(static_cast<int32_t>(rows.size()));
    rows.push_back({.sequence = &trunk, .token = rest[i], .logits = true, .parent = parent});
  }
  const Logits tree = step(*engine, rows);
  Logits on_path;
  for (const int32_t row : path) {
    on_path.push_back(tree[static_cast<size_t>(row)]);
  }
  EXPECT_TRUE(same_bits(on_path, slice(expected, fed, ids.size()))) << what << " as tree rows";
  path.pop_back();
  ASSERT_TRUE(engine->commit(trunk, path).has_value());
  EXPECT_EQ(trunk.length(), static_cast<int64_t>(ids.size()) - 1);
  EXPECT_TRUE(
      same_bits(feed(*engine, trunk, rest.last(1)), slice(expected, ids.size() - 1, ids.size())))
      << what << " after a committed path";
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
      const std::string what = c.name + (activations == Activations::kInt8 ? " int8" : " f32");
      EXPECT_TRUE(same_bits(run(model, options), expected)) << what;
      expect_same_in_any_company(model, options, expected, what);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, CpuLevels, testing::ValuesIn(cpu_levels()), [](const auto& param) {
  return std::string(cpu_level_name(param.param));
});

// Nodes of a random tree of 64 rows that crosses two pages are those of their paths, which is what
// verifying 64 drafts at once needs. One format of each kind of kernel, both caches.
TEST_P(CpuLevels, ATreeOf64RowsEqualsItsPaths) {
  const auto available = available_cpu_levels();
  if (std::find(available.begin(), available.end(), GetParam()) == available.end()) {
    GTEST_SKIP() << cpu_level_name(GetParam()) << ": this CPU lacks it";
  }
  const std::vector<TokenId> prompt = random_ids(5, 61);
  const std::vector<TokenId> ids = random_ids(6, 64);
  for (const TensorType type :
       {TensorType::kF32, TensorType::kBF16, TensorType::kQ4_0, TensorType::kQ8_0}) {
    TinyModelOptions model_options;
    model_options.type = type;
    const TinyModel model(model_options);
    for (const auto activations : {Activations::kInt8, Activations::kFloat32}) {
      EngineOptions options;
      options.activations = activations;
      options.level = GetParam();
      const Engine engine = open_engine(model, options);
      SequenceState trunk = engine->new_sequence();
      feed(*engine, trunk, prompt);
      Rng rng(7);
      std::vector<StepRow> rows;
      std::vector<std::vector<TokenId>> paths;
      for (size_t i = 0; i < ids.size(); ++i) {
        const auto parent = static_cast<int32_t>(rng.below(i + 1)) - 1;
        rows.push_back({.sequence = &trunk, .token = ids[i], .logits = true, .parent = parent});
        paths.push_back(parent < 0 ? prompt : paths[static_cast<size_t>(parent)]);
        paths.back().push_back(ids[i]);
      }
      const Logits tree = step(*engine, rows);
      for (size_t i = 0; i < ids.size(); ++i) {
        ASSERT_TRUE(same_bits({tree[i]}, {run_fresh(*engine, paths[i]).back()}))
            << tensor_type_name(type) << " row " << i;
      }
    }
  }
}

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

// Rows of one step beyond a pass, of two sequences and a tree: one thread takes each strip of them
// through a layer, in another order with every number of threads.
TEST(ThreadCounts, OfManyRowsChangeNoBit) {
  for (const std::string family : {"llama", "gemma3"}) {
    TinyModelOptions model_options = family_options(family);
    model_options.type = TensorType::kQ4_1;
    const TinyModel model(model_options);
    Logits one;
    for (const size_t threads : {1U, 2U, 3U, 5U}) {
      EngineOptions options;
      options.threads = threads;
      const Engine engine = open_engine(model, options);
      SequenceState tree = engine->new_sequence();
      feed(*engine, tree, random_ids(3, 20));
      SequenceState first = engine->new_sequence();
      SequenceState second = engine->new_sequence();
      std::vector<StepRow> rows;
      add_rows(rows, first, random_ids(4, 333));
      Rng rng(5);
      for (const TokenId id : random_ids(6, 150)) {
        const auto placed = static_cast<int64_t>(rows.size()) - 333;
        const auto parent = static_cast<int32_t>(rng.below(static_cast<uint64_t>(placed) + 1)) - 1;
        rows.push_back({.sequence = &tree, .token = id, .logits = true, .parent = parent});
      }
      add_rows(rows, second, random_ids(7, 111));
      const Logits all = step(*engine, rows);
      if (threads == 1) {
        one = all;
        EXPECT_TRUE(same_bits(slice(one, 0, 333), run_fresh(*engine, random_ids(4, 333))));
      }
      EXPECT_TRUE(same_bits(all, one)) << family << " " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace test
}  // namespace cupel::engine
