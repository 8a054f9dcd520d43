#include "report/markup.h"

#include <utility>

#include <gtest/gtest.h>

#include "web/xss_corpus.h"

namespace cupel::report {
namespace {

TEST(EscapeMarkup, ReplacesTheFiveSpecialCharacters) {
  EXPECT_EQ(escape_markup("<a b=\"c\" d='e'> & f"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt; &amp; f");
  EXPECT_EQ(escape_markup("&lt;"), "&amp;lt;");
}

TEST(EscapeMarkup, MendsWhatIsNoText) {
  EXPECT_EQ(escape_markup("a\r\nb\rc\td"), "a\nb\nc\td");
  EXPECT_EQ(escape_markup(std::string_view("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(escape_markup("\x1b[31m"), "\uFFFD[31m");
  EXPECT_EQ(escape_markup("\xC0\xBCscript"), "\uFFFD\uFFFDscript");  // an overlong "<"
  EXPECT_EQ(escape_markup("\xEF\xBF\xBF"), "\uFFFD");                // U+FFFF
  EXPECT_EQ(escape_markup("naïve 日本 👍"), "naïve 日本 👍");
}

TEST(EscapeMarkup, LeavesNoSyntaxOfTheCorpus) {
  for (const std::string_view text : test::kXssCorpus) {
    const std::string safe = escape_markup(text);
    EXPECT_EQ(safe.find_first_of("<>\"'"), std::string::npos) << text;
  }
}

TEST(Markup, ClosesWhatItOpens) {
  Markup html;
  html.open("p", {{"class", "x\"y"}, {"title", {}}, {"hidden", ""}}).text("1 < 2").leaf("br");
  html.element("b", "bold").close();
  EXPECT_EQ(std::move(html).take(),
            "<p class=\"x&quot;y\" hidden=\"\">1 &lt; 2<br/><b>bold</b></p>");
}

TEST(MarkupDeathTest, AbortsOnAnElementLeftOpen) {
  Markup html;
  html.open("p");
  EXPECT_DEATH((void)std::move(html).take(), "check failed");
}

}  // namespace
}  // namespace cupel::report
