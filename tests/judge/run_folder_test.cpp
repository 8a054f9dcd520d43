// One writer of a run's folder: whoever comes second reads nothing and writes nothing.
#include "judge/run_folder.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

TEST(RunFolder, TakesTheLockBeforeItReadsTheManifest) {
  const test::TemporaryFolder folder;
  const auto benchmark = load_benchmark(test::test_data("../../benchmarks/touchstone"));
  ASSERT_TRUE(benchmark.has_value()) << benchmark.error().message;
  const std::string path = folder.file("run");
  {
    auto first = RunFolder::open(path, *benchmark, {.seed = 1, .max_tokens = 8});
    ASSERT_TRUE(first.has_value()) << first.error().message;
    // What the first one may be about to replace says nothing to the second: with other settings
    // it hears of the other process, not of the settings.
    const auto second = RunFolder::open(path, *benchmark, {.seed = 2, .max_tokens = 8});
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().message.find("results.jsonl"), std::string::npos)
        << second.error().message;
    ASSERT_TRUE(first->add_model({.name = "a", .fingerprint = "f", .spec = "s"}).has_value());
  }
  const auto third = RunFolder::open(path, *benchmark, {.seed = 1, .max_tokens = 8});
  ASSERT_TRUE(third.has_value()) << third.error().message;
  EXPECT_EQ(third->models().size(), 1U);
}

TEST(RunFolder, LeavesAFolderOfSomethingElseAsItIs) {
  const test::TemporaryFolder folder;
  const auto benchmark = load_benchmark(test::test_data("../../benchmarks/touchstone"));
  ASSERT_TRUE(benchmark.has_value()) << benchmark.error().message;
  ASSERT_TRUE(make_directories(folder.file("notes")));
  ASSERT_TRUE(write_file_atomic(folder.file("notes/diary.txt"), "x"));
  EXPECT_FALSE(RunFolder::open(folder.file("notes"), *benchmark, {.max_tokens = 8}).has_value());
  EXPECT_FALSE(read_file(folder.file("notes/results.jsonl")).has_value());
}

}  // namespace
}  // namespace cupel::judge
