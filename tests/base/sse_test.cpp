#include "base/sse.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cupel {
namespace {

struct Heard {
  std::vector<std::string> data;
  std::vector<std::string> types;
  SseParser::OnEvent listener() {
    return [this](const SseEvent& event) {
      data.push_back(event.data);
      types.push_back(event.event);
      return true;
    };
  }
};

using Texts = std::vector<std::string>;

// A byte order mark, every line end, a comment, several data lines, fields without colon or blank.
const std::string kStream =
    "\xEF\xBB\xBF: hello\r\ndata: one\r\n\nevent: note\rdata:two\rdata: lines\r\r"
    "id: 7\nretry: 10\nunknown\n\ndata\n\ndata: \xE2\x82\xAC\n\ndata: [DONE]\n\n";
const Texts kExpected = {"one", "two\nlines", "", "\xE2\x82\xAC", "[DONE]"};

TEST(SseParser, ReadsEveryFormOfLineAndField) {
  SseParser parser;
  Heard heard;
  ASSERT_TRUE(parser.push(kStream, heard.listener()));
  EXPECT_EQ(heard.data, kExpected);
  EXPECT_EQ(heard.types, (Texts{"", "note", "", "", ""}));
}

TEST(SseParser, GivesTheSameEventsForEverySplitIntoTwo) {
  for (size_t cut = 0; cut <= kStream.size(); ++cut) {
    SseParser parser;
    Heard heard;
    ASSERT_TRUE(parser.push(kStream.substr(0, cut), heard.listener()));
    ASSERT_TRUE(parser.push(kStream.substr(cut), heard.listener()));
    EXPECT_EQ(heard.data, kExpected) << "cut at " << cut;
  }
}

TEST(SseParser, GivesTheSameEventsByteByByte) {
  SseParser parser;
  Heard heard;
  for (const char byte : kStream) {
    ASSERT_TRUE(parser.push(std::string_view(&byte, 1), heard.listener()));
    ASSERT_TRUE(parser.push("", heard.listener()));
  }
  EXPECT_EQ(heard.data, kExpected);
}

TEST(SseParser, DeliversAnUnclosedEventAtTheEndOnly) {
  SseParser parser;
  Heard heard;
  ASSERT_TRUE(parser.push("data: a\n\ndata: b", heard.listener()));
  EXPECT_EQ(heard.data, Texts{"a"});
  ASSERT_TRUE(parser.finish(heard.listener()));
  EXPECT_EQ(heard.data, (Texts{"a", "b"}));
  ASSERT_TRUE(parser.finish(heard.listener()));
  EXPECT_EQ(heard.data.size(), 2U);
}

TEST(SseParser, StopsWhenTheListenerSaysSo) {
  SseParser parser;
  int heard = 0;
  ASSERT_TRUE(parser.push("data: a\n\ndata: b\n\n", [&](const SseEvent&) {
    ++heard;
    return false;
  }));
  EXPECT_EQ(heard, 1);
}

TEST(SseParser, RefusesAnEventWithoutEnd) {
  SseParser parser(100);
  Heard heard;
  const auto one_line = parser.push("data: " + std::string(200, 'x'), heard.listener());
  ASSERT_FALSE(one_line);
  EXPECT_EQ(one_line.error().code, Code::kExhausted);

  SseParser lines(100);
  Result<Ok> result = Ok{};
  for (int i = 0; i < 20 && result; ++i) {
    result = lines.push("data: 0123456789\n", heard.listener());
  }
  EXPECT_FALSE(result);
}

}  // namespace
}  // namespace cupel
