// The pool of tensors' memory: blocks are used again, neighbours become one, contents stay apart.
#include "tensor/memory.h"

#include <vector>

#include <gtest/gtest.h>

#include "tensor/tensor.h"

namespace cupel::tensor {
namespace {

constexpr int64_t kMegabyte = int64_t{1} << 18;  // in f32

class TensorMemory : public testing::Test {
 protected:
  void SetUp() override { pool_tensor_memory(); }
};

TEST_F(TensorMemory, TheNextTensorTakesWhatTheLastOneFreed) {
  at::Tensor first = at::empty({kMegabyte}, at::kFloat);
  const void* const memory = first.const_data_ptr();
  const size_t held = pool_use().held;
  const size_t used = pool_use().used;
  EXPECT_GE(used, size_t{4} * kMegabyte);
  first.reset();
  EXPECT_EQ(pool_use().used, used - size_t{4} * kMegabyte);
  const at::Tensor second = at::empty({kMegabyte}, at::kFloat);
  EXPECT_EQ(second.const_data_ptr(), memory);
  EXPECT_EQ(pool_use().held, held);
}

TEST_F(TensorMemory, SmallTensorsAreNotOfThePool) {
  const size_t used = pool_use().used;
  const at::Tensor small = at::empty({100}, at::kFloat);
  EXPECT_EQ(pool_use().used, used);
}

// Freed in another order than taken, the pieces are one block again.
TEST_F(TensorMemory, FreeNeighboursBecomeOneBlock) {
  std::vector<at::Tensor> parts;
  for (int i = 0; i < 8; ++i) {
    parts.push_back(at::empty({8 * kMegabyte}, at::kFloat));
  }
  const size_t held = pool_use().held;
  for (const size_t i : {3, 0, 2, 7, 5, 1, 6, 4}) {
    parts[i].reset();
  }
  const at::Tensor all = at::empty({8 * 8 * kMegabyte}, at::kFloat);
  EXPECT_EQ(pool_use().held, held);
}

TEST_F(TensorMemory, TensorsDoNotOverlap) {
  std::vector<at::Tensor> all;
  const size_t used = pool_use().used;
  for (int64_t round = 0; round < 200; ++round) {
    const int64_t size = kMegabyte / 4 + (round * 7919) % kMegabyte;
    if (round % 3 == 2) {
      all.erase(all.begin() + round % static_cast<int64_t>(all.size()));
    }
    all.push_back(at::full({size}, static_cast<double>(round), at::kFloat));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(all.back().const_data_ptr()) % 64, 0U);
  }
  for (const at::Tensor& one : all) {
    EXPECT_TRUE(one.eq(one[0].item()).all().item<bool>());
  }
  all.clear();
  EXPECT_EQ(pool_use().used, used);
}

}  // namespace
}  // namespace cupel::tensor
