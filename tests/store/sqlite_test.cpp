#include "store/sqlite.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::store {
namespace {

using test::TemporaryFolder;
using ::testing::HasSubstr;

constexpr uint32_t kId = 42;
constexpr std::array<std::string_view, 2> kSteps = {
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    "ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 3",
};

std::unique_ptr<Database> open_database(const std::string& path) {
  auto database = Database::open(path, 5);
  EXPECT_TRUE(database) << database.error().message;
  return std::move(database).value();
}

TEST(Database, BindsAndReadsRows) {
  const TemporaryFolder folder;
  const auto database = open_database(folder.file("a.db"));
  ASSERT_TRUE(database->migrate(kId, kSteps));
  auto insert = database->prepare("INSERT INTO notes VALUES (?1, ?2, ?3)");
  ASSERT_TRUE(insert);
  const std::string text("a\0'; DROP TABLE notes", 22);
  ASSERT_TRUE(insert->bind(1, int64_t{7}));
  ASSERT_TRUE(insert->bind(2, text));
  ASSERT_TRUE(insert->bind(3, int64_t{5}));
  ASSERT_TRUE(insert->step());
  auto read = database->prepare("SELECT id, text, stars FROM notes");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->step().value_or(false), true);
  EXPECT_EQ(read->integer(0), 7);
  EXPECT_EQ(read->text(1), text);
  EXPECT_EQ(read->integer(2), 5);
  EXPECT_EQ(read->step().value_or(true), false);
}

TEST(Database, KeepsStrictTypes) {
  const TemporaryFolder folder;
  const auto database = open_database(folder.file("a.db"));
  ASSERT_TRUE(database->migrate(kId, kSteps));
  EXPECT_FALSE(database->execute("INSERT INTO notes VALUES (1, 'x', 'many')"));
}

TEST(Database, MigratesStepByStepAndOnce) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.db");
  ASSERT_TRUE(open_database(path)->migrate(kId, std::span(kSteps).first(1)));
  ASSERT_TRUE(open_database(path)->execute("INSERT INTO notes VALUES (1, 'old')"));
  const auto database = open_database(path);
  ASSERT_TRUE(database->migrate(kId, kSteps));
  ASSERT_TRUE(database->migrate(kId, kSteps));
  auto read = database->prepare("SELECT stars FROM notes");
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->step());
  EXPECT_EQ(read->integer(0), 3);
}

TEST(Database, LeavesAFailedStepUndone) {
  const TemporaryFolder folder;
  const auto database = open_database(folder.file("a.db"));
  constexpr std::array<std::string_view, 1> kBad = {"CREATE TABLE x (a TEXT) STRICT; nonsense"};
  ASSERT_FALSE(database->migrate(kId, kBad));
  constexpr std::array<std::string_view, 1> kGood = {"CREATE TABLE x (b TEXT) STRICT"};
  EXPECT_TRUE(database->migrate(kId, kGood));
}

TEST(Database, RefusesANewerSchemaAndOtherPrograms) {
  const TemporaryFolder folder;
  const auto database = open_database(folder.file("a.db"));
  ASSERT_TRUE(database->migrate(kId, kSteps));
  const auto newer = database->migrate(kId, std::span(kSteps).first(1));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kUnsupported);
  EXPECT_THAT(newer.error().message, HasSubstr("newer Cupel"));
  const auto other = database->migrate(kId + 1, kSteps);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("another program"));
}

TEST(Database, NamesAFileThatIsNoDatabase) {
  const TemporaryFolder folder;
  const std::string path = folder.file("notes.txt");
  const std::string content(5000, 'x');
  ASSERT_TRUE(write_file_atomic(path, content));
  const auto database = Database::open(path);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Code::kCorruptData);
  EXPECT_THAT(database.error().message, HasSubstr(path));
  EXPECT_EQ(*read_file(path), content);
}

TEST(Database, NamesAFolderThatIsMissing) {
  const TemporaryFolder folder;
  const auto database = Database::open(folder.file("none/a.db"));
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Code::kUnavailable);
  EXPECT_THAT(database.error().message, HasSubstr("none/a.db"));
}

TEST(Database, SurvivesEveryCutOfItsFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.db");
  {
    const auto database = open_database(path);
    ASSERT_TRUE(database->migrate(kId, kSteps));
    ASSERT_TRUE(database->execute("INSERT INTO notes VALUES (1, 'x', 1)"));
  }
  const std::string whole = *read_file(path);
  for (size_t size = 1; size < whole.size(); size += 509) {
    const std::string cut = folder.file("cut.db");
    ASSERT_TRUE(write_file_atomic(cut, whole.substr(0, size)));
    const auto database = Database::open(cut);
    if (!database) {
      EXPECT_EQ(database.error().code, Code::kCorruptData) << database.error().message;
      continue;
    }
    auto read = (*database)->prepare("SELECT text FROM notes");
    const auto row = read ? read->step() : Result<bool>(read.error());
    EXPECT_TRUE(row.has_value() || row.error().code == Code::kCorruptData)
        << size << ": " << row.error().message;
  }
}

TEST(Database, IsSharedByProcesses) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.db");
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto database = Database::open(path);
      bool good = database && (*database)->migrate(kId, kSteps);
      for (int i = 0; i < 20 && good; ++i) {
        good = (*database)->execute("INSERT INTO notes (text) VALUES ('child')").has_value();
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (const pid_t pid : children) {
    int status = 1;
    ::waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto database = open_database(path);
  auto count = database->prepare("SELECT count(*) FROM notes");
  ASSERT_TRUE(count);
  ASSERT_TRUE(count->step());
  EXPECT_EQ(count->integer(0), 80);
}

}  // namespace
}  // namespace cupel::store
