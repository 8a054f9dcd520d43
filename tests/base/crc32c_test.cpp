#include "base/crc32c.h"

#include <string>

#include <gtest/gtest.h>

namespace cupel {
namespace {

TEST(Crc32c, GivesThePublishedValues) {
  // RFC 3720, §B.4: 32 bytes of zeros, of ones, ascending and descending; and the usual check
  // value.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  std::string ascending;
  for (char c = 0; c < 32; ++c) {
    ascending += c;
  }
  EXPECT_EQ(crc32c(ascending), 0x46DD794EU);
  EXPECT_EQ(crc32c(std::string(ascending.rbegin(), ascending.rend())), 0x113FDB5CU);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

}  // namespace
}  // namespace cupel
