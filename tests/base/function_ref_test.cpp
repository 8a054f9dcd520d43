#include "base/function_ref.h"

#include <memory>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace cupel {
namespace {

int twice(FunctionRef<int(int)> f) {
  return f(f(1));
}

int add_ten(int x) {
  return x + 10;
}

TEST(FunctionRef, CallsWhatItBorrows) {
  int calls = 0;
  EXPECT_EQ(twice([&calls](int x) {
              ++calls;
              return 3 * x;
            }),
            9);
  EXPECT_EQ(calls, 2);
  int (*pointer)(int) = &add_ten;
  EXPECT_EQ(twice(pointer), 21);
}

TEST(FunctionRef, ChangesTheCallableItselfAndCopiesOfTheReferenceShareIt) {
  auto counter = [count = 0]() mutable { return ++count; };
  const FunctionRef<int()> first = counter;
  const FunctionRef<int()> second = first;  // NOLINT: the copy is what is tested
  EXPECT_EQ(first(), 1);
  EXPECT_EQ(second(), 2);
  EXPECT_EQ(counter(), 3);
}

TEST(FunctionRef, PassesReferencesAndValuesThatOnlyMove) {
  const auto append = [](std::string& text, std::unique_ptr<int> value) {
    text += std::to_string(*value);
  };
  const FunctionRef<void(std::string&, std::unique_ptr<int>)> borrowed = append;
  std::string text = "n = ";
  borrowed(text, std::make_unique<int>(7));
  EXPECT_EQ(text, "n = 7");
}

TEST(FunctionRef, TakesOnlyWhatFits) {
  using Ref = FunctionRef<int(int)>;
  static_assert(std::is_convertible_v<int (*)(int), Ref>);
  static_assert(!std::is_convertible_v<int (*)(std::string), Ref>);
  static_assert(!std::is_convertible_v<void (*)(int), Ref>);
  static_assert(sizeof(Ref) == 2 * sizeof(void*));
}

}  // namespace
}  // namespace cupel
