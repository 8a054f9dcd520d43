// Loading a model must not hold its weights twice: pages of the file go as they are packed.
#include <gtest/gtest.h>

#include "engine/checkpoint/checkpoint.h"
#include "engine/runtime/transformer.h"
#include "support/process_memory.h"
#include "support/tiny_model.h"

namespace cupel::engine::test {
namespace {

constexpr size_t kMiB = size_t{1} << 20U;

cupel::test::TinyModelOptions model_of_30_mib() {
  return {.type = TensorType::kQ8_0,
          .width = 1024,
          .layers = 2,
          .heads = 16,
          .kv_heads = 4,
          .head_dim = 64,
          .feed_forward = 4096};
}

TEST(LoadWeights, PeakMemoryIsTheWeightsOnceAndThreeTenths) {
  const cupel::test::TinyModel model(model_of_30_mib());
  const auto file = Checkpoint::open(model.path());
  ASSERT_TRUE(file.has_value());
  if (!cupel::test::reset_memory_peak()) {
    GTEST_SKIP() << "this system does not let the peak be measured anew";
  }
  const size_t before = cupel::test::memory_status("VmHWM").value();
  const auto transformer = Transformer::load(*file, {.threads = 2});
  ASSERT_TRUE(transformer.has_value());
  const size_t grown = cupel::test::memory_status("VmHWM").value() - before;
  const size_t weights = (*transformer)->weights().bytes();
  EXPECT_GT(weights, 25 * kMiB);
  EXPECT_GT(grown, weights * 9 / 10) << "the peak was not measured";
  EXPECT_LT(grown, weights * 13 / 10 + 4 * kMiB);
}

TEST(Checkpoint, ItsFingerprintDoesNotHoldTheFileInMemory) {
  const cupel::test::TinyModel model(model_of_30_mib());
  const auto file = Checkpoint::open(model.path());
  ASSERT_TRUE(file.has_value());
  if (!cupel::test::reset_memory_peak()) {
    GTEST_SKIP() << "this system does not let the peak be measured anew";
  }
  const size_t before = cupel::test::memory_status("VmHWM").value();
  EXPECT_EQ(file->fingerprint().size(), 32U);
  EXPECT_LT(cupel::test::memory_status("VmHWM").value() - before, 12 * kMiB);
}

}  // namespace
}  // namespace cupel::engine::test
