#include "flow/run_tasks.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>

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

// Tasks that last for a while on threads of their own, and which lanes they saw at work together.
class Workshop {
 public:
  ~Workshop() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  Task task(const std::string& key, const std::string& lane, std::vector<std::string> needs = {}) {
    const auto start = [this, lane](const Inputs&, const Done& done) {
      begin(lane);
      threads_.emplace_back([this, lane, done] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        end(lane);
        done(Json(1));
      });
    };
    return {.key = key, .lane = lane, .needs = std::move(needs), .start = start};
  }

  [[nodiscard]] bool together(const std::string& a, const std::string& b) const {
    return together_.contains({std::min(a, b), std::max(a, b)});
  }
  [[nodiscard]] int64_t most(const std::string& lane) { return most_[lane]; }
  [[nodiscard]] const std::vector<std::string>& starts() const { return starts_; }

 private:
  void begin(const std::string& lane) {
    const std::lock_guard lock(mutex_);
    starts_.push_back(lane);
    most_[lane] = std::max(most_[lane], ++working_[lane]);
    for (const auto& [other, count] : working_) {
      if (count > 0 && other != lane) {
        together_.insert({std::min(lane, other), std::max(lane, other)});
      }
    }
  }
  void end(const std::string& lane) {
    const std::lock_guard lock(mutex_);
    --working_[lane];
  }

  std::mutex mutex_;
  std::map<std::string, int64_t> working_;
  std::map<std::string, int64_t> most_;
  std::set<std::pair<std::string, std::string>> together_;
  std::vector<std::string> starts_;
  std::vector<std::thread> threads_;
};

TEST(RunTasks, LanesOfOneResourceTakeTurnsAndOthersDoNotWait) {
  const test::TemporaryFolder folder;
  Workshop workshop;
  std::vector<Task> tasks;
  for (const char* lane : {"a", "b", "free"}) {
    for (int i = 0; i < 6; ++i) {
      const std::string key = std::string(lane) + std::to_string(i);
      tasks.push_back(workshop.task(key, lane));
    }
  }
  for (int i = 0; i < 6; ++i) {  // what a judge reads: tasks of both lanes
    const std::string n = std::to_string(i);
    tasks.push_back(workshop.task("verdict" + n, "judge", {"a" + n, "b" + n}));
  }
  auto journal = Journal::open(folder.file("rows.jsonl"));
  ASSERT_TRUE(journal.has_value());
  const auto done = run_tasks(tasks, **journal,
                              {.lanes = {{"a", {.limit = 2, .resource = "cpu"}},
                                         {"b", {.limit = 3, .resource = "cpu"}},
                                         {"judge", {.limit = 2, .resource = "cpu"}},
                                         {"free", {.limit = 4, .resource = ""}}}});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_FALSE(workshop.together("a", "b"));
  EXPECT_FALSE(workshop.together("a", "judge"));
  EXPECT_FALSE(workshop.together("b", "judge"));
  EXPECT_TRUE(workshop.together("a", "free"));
  EXPECT_EQ(workshop.most("a"), 2);
  EXPECT_EQ(workshop.most("b"), 3);
  EXPECT_EQ(workshop.most("free"), 4);
}

TEST(RunTasks, ALaneFinishesItsTurnAndTheNextIsTheFirstInTheList) {
  const test::TemporaryFolder folder;
  Workshop workshop;
  // b's second task becomes ready while c waits: it still belongs to b's turn. z comes before c.
  const std::vector<Task> tasks = {workshop.task("b1", "b"), workshop.task("b2", "b", {"b1"}),
                                   workshop.task("z1", "z"), workshop.task("c1", "c")};
  auto journal = Journal::open(folder.file("rows.jsonl"));
  ASSERT_TRUE(journal.has_value());
  const Lane shared{.limit = 1, .resource = "cpu"};
  const auto done =
      run_tasks(tasks, **journal, {.lanes = {{"b", shared}, {"c", shared}, {"z", shared}}});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(workshop.starts(), (std::vector<std::string>{"b", "b", "z", "c"}));
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
