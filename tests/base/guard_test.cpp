#include "base/guard.h"

#include <new>
#include <stdexcept>
#include <system_error>

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace cupel {
namespace {

Error error_of(const std::function<void()>& thrower) {
  const auto result = guard([&]() -> Result<Ok> {
    thrower();
    return Ok{};
  });
  EXPECT_FALSE(result.has_value());
  return result ? Error{} : result.error();
}

TEST(Guard, PassesValuesAndErrorsOn) {
  EXPECT_EQ(guard([]() -> Result<int> { return 7; }).value(), 7);
  const auto failed = guard([]() -> Result<int> { return Error{Code::kDeadline, "late"}; });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kDeadline);
  EXPECT_EQ(failed.error().message, "late");
}

TEST(Guard, TellsWhatRanOutFromABug) {
  const Error memory = error_of([] { throw std::bad_alloc(); });
  EXPECT_EQ(memory.code, Code::kExhausted);
  EXPECT_EQ(memory.message, "out of memory");
  const Error thread = error_of([] {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  });
  EXPECT_EQ(thread.code, Code::kExhausted);
  EXPECT_NE(thread.message.find("cannot start a thread: "), std::string::npos);
  const Error other = error_of([] { throw std::out_of_range("index 3"); });
  EXPECT_EQ(other.code, Code::kInternal);
  EXPECT_EQ(other.message, "internal error: index 3");
  EXPECT_EQ(error_of([] { throw 3; }).code, Code::kInternal);
}

// A string of that length lies in the Error itself: nothing is asked of an allocator that has none.
TEST(Guard, ReportsMissingMemoryWithoutAskingForAny) {
  const Error memory = error_of([] { throw std::bad_alloc(); });
  const auto* begin = reinterpret_cast<const char*>(&memory);
  EXPECT_GE(memory.message.data(), begin);
  EXPECT_LT(memory.message.data(), begin + sizeof memory);
}

TEST(StartThread, RunsTheBody) {
  int ran = 0;
  auto thread = start_thread([&] { ran = 1; });
  ASSERT_TRUE(thread.has_value());
  thread->join();
  EXPECT_EQ(ran, 1);
}

// A process without address space for another stack gets an Error, not std::terminate.
TEST(StartThreadDeathTest, SaysThatNoMoreThreadsCanBeHad) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the limit would hit the sanitizer's own memory";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto without_space = [] {
    const rlimit none{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};  // less than is mapped already
    if (::setrlimit(RLIMIT_AS, &none) != 0) {
      std::_Exit(1);
    }
    const auto thread = start_thread([] {});
    std::_Exit(!thread && thread.error().code == Code::kExhausted ? 6 : 2);
  };
  EXPECT_EXIT(without_space(), testing::ExitedWithCode(6), "");
}

}  // namespace
}  // namespace cupel
