#include "report/text_width.h"

#include <gtest/gtest.h>

namespace cupel::report {
namespace {

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("naïve"), 5U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\u0301"), 1U);      // a combining accent takes no column
  EXPECT_EQ(display_width("👍"), 2U);            // an emoji takes two
  EXPECT_EQ(display_width("👩\u200D🔬"), 2U);     // what is joined takes none
  EXPECT_EQ(display_width("✈\uFE0F"), 2U);      // the picture form of a narrow sign
  EXPECT_EQ(display_width("a\xFF\xFE z"), 5U);  // each broken byte shows as one mark
}

TEST(TerminalText, NeverSendsControlCharacters) {
  EXPECT_EQ(terminal_text("a\tb\nc"), "a b c");
  EXPECT_EQ(terminal_text("\x1b[31mred"), "\uFFFD[31mred");
  EXPECT_EQ(terminal_text("x\u202Ey\u009Bz"), "x\uFFFDy\uFFFDz");
  EXPECT_EQ(terminal_text("bad\xC0"), "bad\uFFFD");
}

TEST(CutToWidth, LeavesRoomForTheEllipsis) {
  EXPECT_EQ(cut_to_width("harbour", 7), "harbour");
  EXPECT_EQ(cut_to_width("harbour", 4), "har…");
  EXPECT_EQ(cut_to_width("日本語", 4), "日…");  // half of a wide character is never shown
  EXPECT_EQ(cut_to_width("abcd", 3, ".."), "a..");
  EXPECT_EQ(cut_to_width("abcd", 1, ".."), ".");
  EXPECT_EQ(cut_to_width("", 0), "");
}

TEST(PadToWidth, FillsOnTheRightSide) {
  EXPECT_EQ(pad_to_width("ab", 4, Align::kLeft), "ab  ");
  EXPECT_EQ(pad_to_width("日", 4, Align::kRight), "  日");
  EXPECT_EQ(pad_to_width("abcde", 4, Align::kLeft), "abcde");
}

}  // namespace
}  // namespace cupel::report
