#include "core/message.h"

#include <gtest/gtest.h>

namespace cupel {
namespace {

Result<Conversation> from(std::string_view text) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json) << text;
  return conversation_from_json(*json);
}

TEST(Conversation, RoundTripsThroughTheOpenAiForm) {
  constexpr std::string_view kText =
      R"([{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text",)"
      R"("text":"what?"},{"type":"image_url","image_url":{"url":"http://x/y.png"}}]},)"
      R"({"role":"tool","content":"4","tool_call_id":"c1"}])";
  const auto conversation = from(kText);
  ASSERT_TRUE(conversation) << conversation.error().message;
  EXPECT_EQ(conversation->at(1).text(), "what?");
  EXPECT_FALSE(conversation->at(1).is_text_only());
  EXPECT_TRUE(conversation->at(2).is_text_only());
  EXPECT_EQ(dump_json(conversation_to_json(*conversation)), kText);
}

TEST(Conversation, TakesATurnWithoutContent) {
  const auto conversation = from(R"([{"role":"assistant","content":null,"tool_calls":[]}])");
  ASSERT_TRUE(conversation);
  EXPECT_EQ(conversation->at(0).text(), "");
  EXPECT_TRUE(conversation->at(0).extra.contains("tool_calls"));
}

TEST(Conversation, NamesTheMessageThatIsWrong) {
  for (const char* text :
       {"{}", "[]", R"([{"content":"x"}])", R"([{"role":"user","content":5}])", R"([3])",
        R"([{"role":"user","content":[{"type":"sound"}]}])",
        R"([{"role":"user","content":[{"type":"image_url","image_url":"x"}]}])"}) {
    const auto conversation = from(text);
    ASSERT_FALSE(conversation) << text;
    EXPECT_EQ(conversation.error().code, Code::kCorruptData);
  }
  const auto second = from(R"([{"role":"user","content":"x"},{"role":"user","content":5}])");
  EXPECT_NE(second.error().message.find("messages[1]"), std::string::npos);
}

}  // namespace
}  // namespace cupel
