#include <string>

#include <gtest/gtest.h>

#include "store/fake_hub.h"
#include "store/hub/listing.h"

namespace cupel::store {
namespace {

// The shape of a real answer, shortened: a file that git holds and one of large-file storage.
constexpr std::string_view kRevision = R"({"id": "org/model", "sha":
  "0123456789abcdef0123456789abcdef01234567", "private": false, "siblings": [
  {"rfilename": "config.json", "size": 6, "blobId": "ce013625030ba8dba906f756967f9e9ca394464a"},
  {"rfilename": "sub/m.gguf", "size": 3, "blobId": "ffffffffffffffffffffffffffffffffffffffff",
   "lfs": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
           "size": 3, "pointerSize": 126}}]})";

Result<HubListing> parsed(std::string_view text) {
  CUPEL_TRY(const Json json, parse_json(text));
  return parse_revision(json);
}

TEST(HubListing, ReadsARevision) {
  const auto listing = parsed(kRevision);
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_EQ(listing->commit, "0123456789abcdef0123456789abcdef01234567");
  ASSERT_EQ(listing->files.size(), 2U);
  EXPECT_EQ(listing->files[0].git_sha1, "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(listing->files[0].sha256, "");
  EXPECT_EQ(listing->files[1].path, "sub/m.gguf");
  EXPECT_EQ(listing->files[1].size, 3);
  EXPECT_EQ(listing->files[1].git_sha1, "");  // it names the pointer
  EXPECT_EQ(listing->files[1].sha256.substr(0, 8), "ba7816bf");
  EXPECT_TRUE(listing->has_all_sizes());
}

TEST(HubListing, ReadsATree) {
  const auto json = parse_json(R"([{"type": "directory", "path": "sub", "oid": "x", "size": 0},
    {"type": "file", "path": "a", "oid": "ce013625030ba8dba906f756967f9e9ca394464a", "size": 6},
    {"type": "file", "path": "b", "oid": "ffffffffffffffffffffffffffffffffffffffff", "size": 9,
     "lfs": {"oid": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "size": 3}}])");
  std::vector<HubFile> files;
  ASSERT_TRUE(append_tree(*json, files));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].size, 6);
  EXPECT_EQ(files[1].size, 3);
  EXPECT_EQ(files[1].sha256.size(), 64U);
  EXPECT_FALSE(append_tree(*json, files)) << "the same names on a second page";
}

TEST(HubListing, RefusesWhatIsCutOff) {
  for (size_t length = 0; length < kRevision.size(); ++length) {
    const auto listing = parsed(kRevision.substr(0, length));
    ASSERT_FALSE(listing) << length;
    EXPECT_EQ(listing.error().code, Code::kCorruptData);
  }
}

TEST(HubListing, RefusesHostileEntries) {
  const std::string head = R"({"sha": "0123456789abcdef0123456789abcdef01234567", "siblings": )";
  for (const char* entry :
       {R"({"rfilename": "../x", "size": 1})", R"({"rfilename": "/etc/passwd", "size": 1})",
        R"({"rfilename": "a/../../x", "size": 1})", R"({"rfilename": "a\u0000b", "size": 1})",
        R"({"rfilename": "a\nb", "size": 1})", R"({"rfilename": "", "size": 1})",
        R"({"rfilename": 5, "size": 1})", R"({"size": 1})", R"("a")",
        R"({"rfilename": "a", "size": -1})", R"({"rfilename": "a", "size": 1e300})",
        R"({"rfilename": "a", "size": 9223372036854775807})", R"({"rfilename": "a", "size": "1"})",
        R"({"rfilename": "a", "size": 1, "blobId": "xyz"})",
        R"({"rfilename": "a", "size": 1, "lfs": {"sha256": "short", "size": 1}})",
        R"({"rfilename": "a", "size": 1}, {"rfilename": "a", "size": 1})"}) {
    const auto listing = parsed(head + "[" + entry + "]}");
    ASSERT_FALSE(listing) << entry;
    EXPECT_EQ(listing.error().code, Code::kCorruptData) << listing.error().message;
    EXPECT_EQ(listing.error().message.find('\n'), std::string::npos);
  }
  for (const char* text : {"[]", "{}", "null", R"({"sha": "main", "siblings": []})",
                           R"({"sha": "0123456789abcdef0123456789abcdef01234567"})"}) {
    EXPECT_FALSE(parsed(text)) << text;
  }
}

}  // namespace
}  // namespace cupel::store
