#include "base/remove_path.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

TEST(RemovePath, FilesFoldersAndWhatIsNotThere) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(make_directories(folder.file("held_out")).has_value());
  ASSERT_TRUE(write_file_atomic(folder.file("held_out/question.jsonl"), "x").has_value());
  ASSERT_TRUE(write_file_atomic(folder.file("pairs.jsonl"), "x").has_value());
  ASSERT_TRUE(make_directories(folder.file("pairs.jsonl.partial/of a kill")).has_value());
  for (const char* const name : {"held_out", "pairs.jsonl", "absent"}) {
    ASSERT_TRUE(remove_path(folder.file(name)).has_value()) << name;
  }
  EXPECT_TRUE(list_folder(folder.path())->empty());
}

}  // namespace
}  // namespace cupel
