#include "train/metrics/train_log.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_paths.h"

namespace cupel::train {
namespace {

Json record(int64_t step) {
  Json json = Json::object();
  json.set("step", step).set("loss", 1.0 / static_cast<double>(step + 1));
  return json;
}

void write_steps(const std::string& path, int64_t from, int64_t to) {
  auto log = TrainLog::open(path, from);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  for (int64_t step = from; step < to; ++step) {
    ASSERT_TRUE(log->append(record(step)).has_value());
  }
}

std::vector<int64_t> steps_of(const std::string& path) {
  std::vector<int64_t> steps;
  const auto read = for_each_train_record(path, [&steps](int64_t step, Json&&) -> Result<Ok> {
    steps.push_back(step);
    return Ok{};
  });
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
  return steps;
}

TEST(TrainLog, AResumedRunLeavesTheSameFile) {
  const test::TemporaryFolder folder;
  const std::string straight = folder.file("straight.jsonl");
  write_steps(straight, 0, 6);
  const std::string expected = *read_file(straight);
  // Killed anywhere: at any byte, resumed at a checkpoint before it.
  for (size_t size = 0; size <= expected.size(); ++size) {
    const std::string path = folder.file("resumed.jsonl");
    std::ofstream(path, std::ios::binary) << expected.substr(0, size);
    int64_t whole = 0;
    for (const char c : expected.substr(0, size)) {
      whole += c == '\n' ? 1 : 0;
    }
    write_steps(path, whole - whole % 3, 6);  // checkpoints every three steps
    ASSERT_EQ(*read_file(path), expected) << "killed at byte " << size;
  }
}

TEST(TrainLog, ReadersPassOverACutLastLine) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("train.jsonl");
  write_steps(path, 0, 3);
  const std::string text = *read_file(path);
  ASSERT_TRUE(write_file_atomic(path, text.substr(0, text.size() - 5)).has_value());
  EXPECT_EQ(steps_of(path), std::vector<int64_t>({0, 1}));
}

TEST(TrainLog, SeveralLinesOfAStepStayTogether) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("train.jsonl");
  ASSERT_TRUE(
      write_file_atomic(path, "{\"step\":1}\n{\"step\":2}\n{\"step\":2,\"eval\":1}\n").has_value());
  EXPECT_EQ(steps_of(path), std::vector<int64_t>({1, 2, 2}));
  ASSERT_TRUE(TrainLog::open(path, 2).has_value());
  EXPECT_EQ(steps_of(path), std::vector<int64_t>({1}));
}

TEST(TrainLog, RefusesAFileThatIsNotItsOwn) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("train.jsonl");
  const auto message = [&](std::string_view text) {
    EXPECT_TRUE(write_file_atomic(path, text).has_value());
    const auto log = TrainLog::open(path, 5);
    EXPECT_FALSE(log.has_value());
    EXPECT_EQ(*read_file(path), text) << "it stays as it was";
    return log ? std::string() : log.error().message;
  };
  EXPECT_NE(message("{\"step\":1}\nhello\n").find(":2: "), std::string::npos);
  EXPECT_NE(message("{\"loss\":1}\n").find("\"step\""), std::string::npos);
  EXPECT_NE(message("{\"step\":3}\n{\"step\":2}\n").find("step 2 stands behind step 3"),
            std::string::npos);
}

TEST(TrainLog, OneProcessWrites) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("train.jsonl");
  const auto first = TrainLog::open(path, 0);
  ASSERT_TRUE(first.has_value());
  const auto second = TrainLog::open(path, 0);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace cupel::train
