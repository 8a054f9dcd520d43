#include "report/page_parts.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(const PageFrame& frame) {
  Markup html;
  open_page(html, frame);
  close_page(html, frame);
  return std::move(html).take();
}

TEST(PageFrame, LetsItsOwnScriptInByItsHash) {
  // SHA-256 of "abc" (FIPS 180-2, appendix B.1), in base64 by coreutils: sha256sum | xxd | base64.
  const std::string html =
      page_of({.title = "t", .subtitle = "", .kind = "k", .skip = "s", .css = "", .script = "abc"});
  EXPECT_THAT(html, HasSubstr("; script-src &#39;sha256-"
                              "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=&#39;\"/>"));
  EXPECT_THAT(html, HasSubstr("<script>abc</script></body></html>"));
  EXPECT_THAT(html, Not(HasSubstr("runs no script")));
}

TEST(PageFrame, AllowsNoScriptWhereThereIsNone) {
  const std::string html = page_of({.title = "<t>",
                                    .subtitle = "a & b",
                                    .kind = "k",
                                    .skip = "s",
                                    .css = "p{}",
                                    .script = "",
                                    .links = {{"#x", "X"}}});
  EXPECT_THAT(html, HasSubstr("default-src &#39;none&#39;"));
  EXPECT_THAT(html, Not(HasSubstr("script-src")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("it loads nothing and runs no script."));
  EXPECT_THAT(html, HasSubstr("<title>&lt;t&gt; · Cupel k</title>"));
  EXPECT_THAT(html, HasSubstr("<h1 dir=\"auto\">&lt;t&gt;</h1>"));
  EXPECT_THAT(html, HasSubstr("a &amp; b</p>"));
  EXPECT_THAT(html, HasSubstr("<style>p{}</style>"));
  EXPECT_THAT(html, HasSubstr("<li><a href=\"#x\">X</a></li>"));
}

TEST(Twin, ClosesWhatItOpens) {
  Markup html;
  open_twin(html, "Table of <things>", "sortable");
  write_number_heads(html, {"Name", "Count"});
  close_twin(html);
  const std::string text = std::move(html).take();  // aborts on an element left open
  EXPECT_THAT(text, HasSubstr("<details class=\"twin\"><summary>Show as table</summary>"));
  EXPECT_THAT(text, HasSubstr("aria-label=\"Table of &lt;things&gt;\"><table class=\"sortable\">"));
  EXPECT_THAT(text, HasSubstr("<th scope=\"col\">Name</th><th scope=\"col\" class=\"num\">Count"));
}

TEST(HeadlineFact, ANumberIsNotPartedFromItsUnit) {
  const auto value_of = [](std::string_view value) {
    Markup html;
    html.open("dl");
    write_headline_fact(html, "time", value, "");
    html.close();
    return std::move(html).take();
  };
  EXPECT_THAT(value_of("5 min 31 s"), HasSubstr("<dd>5\u00a0min 31\u00a0s</dd>"));
  EXPECT_THAT(value_of("2.42 GiB"), HasSubstr("<dd>2.42\u00a0GiB</dd>"));
  EXPECT_THAT(value_of("best fit"), HasSubstr("<dd>best fit</dd>"));
}

TEST(PageFrame, LongPathsBreakAtTheirParts) {
  EXPECT_THAT(page_of({.title = "runs/first", .subtitle = "", .kind = "k", .skip = "s"}),
              HasSubstr("<h1 dir=\"auto\">runs/<wbr/>first</h1>"));
}

}  // namespace
}  // namespace cupel::report
