#include "tensor/guard.h"

#include <new>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tensor/tensor.h"

namespace cupel::tensor {
namespace {

TEST(TensorGuard, TurnsAnErrorOfLibtorchIntoOneLine) {
  const auto done = guard([]() -> Result<Ok> {
    const at::Tensor sum = at::zeros({2}) + at::zeros({3});
    return Ok{};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kInternal);
  EXPECT_NE(done.error().message.find("size"), std::string::npos) << done.error().message;
  EXPECT_EQ(done.error().message.find('\n'), std::string::npos) << done.error().message;
}

TEST(TensorGuard, NoMemoryIsExhausted) {
  const auto done = guard([]() -> Result<Ok> {
    const at::Tensor huge = at::empty({int64_t{1} << 60}, at::kChar);
    return Ok{};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kExhausted) << done.error().message;
  const auto standard = guard([]() -> Result<Ok> { throw std::bad_alloc(); });
  EXPECT_EQ(standard.error().code, Code::kExhausted);
}

TEST(TensorGuard, PassesResultsThrough) {
  EXPECT_EQ(*guard([]() -> Result<int> { return 3; }), 3);
  EXPECT_EQ(guard([]() -> Result<int> { throw std::runtime_error("x"); }).error().code,
            Code::kInternal);
}

}  // namespace
}  // namespace cupel::tensor
