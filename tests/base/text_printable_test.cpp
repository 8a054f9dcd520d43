#include <gtest/gtest.h>

#include "base/text.h"

namespace cupel {
namespace {

TEST(Printable, KeepsPlainTextAndCutsLongText) {
  EXPECT_EQ(printable("blk.0.attn_q.weight"), "blk.0.attn_q.weight");
  EXPECT_EQ(printable("Zürich"), "Zürich");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Printable, ReplacesWhatWouldBreakALine) {
  EXPECT_EQ(printable("a\nb\x1B[2J\x7F"), "a?b?[2J?");
  EXPECT_EQ(printable("a\xFFz"), "a\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace cupel
