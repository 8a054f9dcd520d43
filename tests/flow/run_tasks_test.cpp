#include "flow/run_tasks.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/test_paths.h"

namespace cupel::flow {
namespace {

Task task(std::string key, std::vector<std::string> needs, int* calls) {
  return {.key = std::move(key),
          .lane = "lane",
          .needs = std::move(needs),
          .start = [calls](const Inputs& inputs, const Done& done) {
            ++*calls;
            done(Json(static_cast<int64_t>(inputs.size())));
          }};
}

TEST(RunTasks, RunsNeedsFirstAndNeverAFinishedRowAgain) {
  const test::TemporaryFolder folder;
  int calls = 0;
  const std::vector<Task> tasks = {task("b", {"a"}, &calls), task("a", {}, &calls)};
  for (int round = 0; round < 2; ++round) {
    auto journal = Journal::open(folder.file("rows.jsonl"));
    ASSERT_TRUE(journal.has_value()) << journal.error().message;
    const auto done = run_tasks(tasks, **journal, {});
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ((*journal)->find("b")->as_int(), 1);
  }
  EXPECT_EQ(calls, 2);
}

TEST(RunTasks, KeepsFinishedRowsWhenOneFails) {
  const test::TemporaryFolder folder;
  int calls = 0;
  std::vector<Task> tasks = {task("a", {}, &calls)};
  tasks.push_back(
      {.key = "bad", .lane = "lane", .needs = {"a"}, .start = [](auto&, const Done& done) {
         done(unavailable("no answer"));
       }});
  auto journal = Journal::open(folder.file("rows.jsonl"));
  ASSERT_TRUE(journal.has_value());
  const auto done = run_tasks(tasks, **journal, {});
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(done.error().message, "bad: no answer");
  EXPECT_NE((*journal)->find("a"), nullptr);
}

TEST(RunTasks, RefusesCyclesUnknownNeedsAndEqualKeys) {
  const test::TemporaryFolder folder;
  int calls = 0;
  auto journal = Journal::open(folder.file("rows.jsonl"));
  ASSERT_TRUE(journal.has_value());
  EXPECT_FALSE(run_tasks({task("a", {"b"}, &calls), task("b", {"a"}, &calls)}, **journal, {}));
  EXPECT_FALSE(run_tasks({task("a", {"x"}, &calls)}, **journal, {}));
  EXPECT_FALSE(run_tasks({task("a", {}, &calls), task("a", {}, &calls)}, **journal, {}));
  EXPECT_EQ(calls, 0);
}

TEST(Journal, CutsOffTheLineThatAKillLeft) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("rows.jsonl");
  ASSERT_TRUE(write_file_atomic(path, "{\"key\":\"a\",\"row\":1}\n{\"key\":\"b\",\"ro"));
  {
    const auto journal = Journal::open(path);
    ASSERT_TRUE(journal.has_value()) << journal.error().message;
    EXPECT_EQ((*journal)->size(), 1U);
    ASSERT_TRUE((*journal)->append("b", Json(2)));
  }
  const auto again = Journal::open(path);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ((*again)->size(), 2U);
}

TEST(Journal, HasOneWriterAndAnyNumberOfReaders) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("rows.jsonl");
  const auto writer = Journal::open(path);
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->append("a", Json(1)));
  const auto second = Journal::open(path);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_NE(second.error().message.find(path), std::string::npos) << second.error().message;
  const auto reader = Journal::read(path);
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_EQ((*reader)->find("a")->as_int(), 1);
}

TEST(Journal, ReadingWritesNothing) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("rows.jsonl");
  const std::string text = "{\"key\":\"a\",\"row\":1}\n{\"key\":\"b\",\"ro";
  ASSERT_TRUE(write_file_atomic(path, text));
  const auto journal = Journal::read(path);
  ASSERT_TRUE(journal.has_value()) << journal.error().message;
  EXPECT_EQ((*journal)->size(), 1U);
  EXPECT_EQ(*read_file(path), text);
}

}  // namespace
}  // namespace cupel::flow
