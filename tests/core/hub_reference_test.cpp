#include "core/hub_reference.h"

#include <string>

#include <gtest/gtest.h>

namespace cupel {
namespace {

TEST(HubReference, ReadsItsParts) {
  const auto whole = parse_hub_reference("my-org/My.Model_1@refs/pr/2:sub/a b*.gguf");
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(whole->owner, "my-org");
  EXPECT_EQ(whole->name, "My.Model_1");
  EXPECT_EQ(whole->revision, "refs/pr/2");
  EXPECT_EQ(whole->file, "sub/a b*.gguf");
  EXPECT_EQ(whole->repository(), "my-org/My.Model_1");
  for (const char* text : {"a/b", "a/b:c", "a/b@c", "a/b@c:d/e", "_a/_b", "a/b:c@d:e"}) {
    const auto reference = parse_hub_reference(text);
    ASSERT_TRUE(reference) << text;
    EXPECT_EQ(reference->text(), text);
  }
}

TEST(HubReference, RefusesWhatCouldLeadElsewhere) {
  const std::string endless = "a/" + std::string(97, 'x');
  for (const char* text :
       {"",         "a",      "/a",     "a/",       "a/b/c",      "../b",         "a/..",
        "a/.b",     ".a/b",   "-a/b",   "a/b..c",   "a b/c",      "a/b@",         "a/b:",
        "a/b@../x", "a/b@x/", "a/b:/c", "a/b:../c", "a/b:c/../d", "a/b:c//d",     "a/b:c\\d",
        "a/b:c\nd", "a/b?x",  "a/b#x",  "a/b%2e",   "http://a/b", endless.c_str()}) {
    const auto reference = parse_hub_reference(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code, Code::kInvalidArgument);
    EXPECT_EQ(reference.error().message.find('\n'), std::string::npos);
  }
}

TEST(RepositoryPath, StaysBelowItsFolder) {
  for (const char* path : {"a", "a/b/c.gguf", "a..b", "...", ".gitattributes", "ä/ö", "a b:c"}) {
    EXPECT_TRUE(check_repository_path(path)) << path;
  }
  const std::string deep = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a";
  const std::string wide(201, 'a');
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string(".."), std::string("../a"),
        std::string("a/.."), std::string("a/./b"), std::string("a//b"), std::string("a/"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("a\x1b[31m"), std::string("\xff"),
        deep, wide}) {
    const auto checked = check_repository_path(path);
    ASSERT_FALSE(checked) << path;
    EXPECT_EQ(checked.error().code, Code::kCorruptData);
  }
}

}  // namespace
}  // namespace cupel
