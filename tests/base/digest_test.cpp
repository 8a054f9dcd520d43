#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace cupel {
namespace {

// FIPS 180-2, appendices A.1 and B.1; the git name of "hello\n" is what `git hash-object` prints.
TEST(Digest, GivesThePublishedValues) {
  Digest sha1(Digest::Kind::kSha1);
  sha1.add("abc");
  EXPECT_EQ(sha1.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  Digest git(Digest::Kind::kSha1);
  git.add(std::string("blob 6\0hello\n", 13));
  EXPECT_EQ(git.hex(), "ce013625030ba8dba906f756967f9e9ca394464a");
  Digest sha256_digest(Digest::Kind::kSha256);
  sha256_digest.add("abc");
  EXPECT_EQ(sha256_digest.hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, DoesNotDependOnThePieces) {
  const std::string text(1000, 'x');
  Digest digest(Digest::Kind::kSha256);
  for (size_t at = 0; at < text.size(); at += 7) {
    digest.add(std::string_view(text).substr(at, 7));
    EXPECT_EQ(digest.hex(), sha256(text.substr(0, std::min(at + 7, text.size()))));
  }
}

}  // namespace
}  // namespace cupel
