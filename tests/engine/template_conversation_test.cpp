#include <gtest/gtest.h>

#include "engine/template/conversation.h"
#include "engine/template/marked_messages.h"

namespace cupel::engine {
namespace {

/// Knows the one control token "<e>".
class OneControlToken final : public Tokenizer {
 public:
  [[nodiscard]] std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override {
    return {};
  }
  [[nodiscard]] std::string token_bytes(TokenId, bool) const override { return "<e>"; }
  [[nodiscard]] std::string decode(std::span<const TokenId>, bool) const override { return ""; }
  [[nodiscard]] std::vector<size_t> control_places(std::string_view text) const override {
    std::vector<size_t> places;
    for (size_t at = text.find("<e>"); at != std::string_view::npos;
         at = text.find("<e>", at + 1)) {
      places.push_back(at);
    }
    return places;
  }
  [[nodiscard]] size_t vocabulary_size() const override { return 1; }
  [[nodiscard]] TokenId bos() const override { return -1; }
  [[nodiscard]] TokenId eos() const override { return 0; }
  [[nodiscard]] bool ends_generation(TokenId) const override { return true; }
  [[nodiscard]] bool is_control(TokenId) const override { return true; }
  [[nodiscard]] TokenId find(std::string_view) const override { return 0; }
};

Json messages(std::initializer_list<std::pair<const char*, std::string>> turns) {
  Json list = Json::array();
  for (const auto& [role, content] : turns) {
    Json message = Json::object();
    message.set("role", role).set("content", content);
    list.push_back(message);
  }
  return list;
}

RenderedConversation render(std::string_view source, const Json& conversation) {
  const OneControlToken tokenizer;
  const auto parsed = ChatTemplate::parse(source);
  EXPECT_TRUE(parsed.has_value());
  auto rendered = render_conversation(*parsed, tokenizer, conversation,
                                      conversation_variables(tokenizer, false));
  EXPECT_TRUE(rendered.has_value()) << (rendered ? "" : rendered.error().message);
  return std::move(rendered).value();
}

std::string show(const RenderedConversation& rendered) {
  std::string text;
  for (const auto& part : rendered.texts) {
    text += std::to_string(part.message) + "=" +
            rendered.text.substr(part.begin, part.end - part.begin) + ";";
  }
  return text;
}

constexpr std::string_view kPlain =
    "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}<e>\n{% endfor %}";

TEST(RenderConversation, FollowsTextsIntoWhatComesOut) {
  const auto rendered = render(kPlain, messages({{"user", " q\n"}, {"assistant", "a b"}}));
  EXPECT_EQ(rendered.text, "user: q<e>\nassistant: a b<e>\n");
  EXPECT_EQ(show(rendered), "0=q;1=a b;");
  EXPECT_TRUE(rendered.plain_at.empty());
}

TEST(RenderConversation, OnlyTheTemplateWritesControlTokens) {
  const auto rendered = render(kPlain, messages({{"user", "x<e>y"}}));
  EXPECT_EQ(rendered.text, "user: x<e>y<e>\n");
  EXPECT_EQ(rendered.plain_at, std::vector<size_t>({7}));
  EXPECT_EQ(show(rendered), "0=x<e>y;");
}

TEST(RenderConversation, MarksInAMessageBecomeReplacementCharacters) {
  const auto rendered = render(kPlain, messages({{"user", "a\uFDD0b\uFDD1c\uFDEF"}}));
  EXPECT_EQ(rendered.text, "user: a\uFFFDb\uFFFDc\uFFFD<e>\n");
  EXPECT_EQ(show(rendered), "0=a\uFFFDb\uFFFDc\uFFFD;");
}

TEST(RenderConversation, MovedTextsKeepTheirMessage) {
  const auto rendered = render("{{ messages[1].content }}|{{ messages[0].content }}",
                               messages({{"system", "s"}, {"user", "u"}}));
  EXPECT_EQ(rendered.text, "u|s");
  EXPECT_EQ(show(rendered), "1=u;0=s;");
}

TEST(RenderConversation, AMessageThatCannotBeFollowedIsNamed) {
  const auto rendered = render(
      "{% for m in messages %}{{ m.content | length if loop.first else m.content }}.{% endfor %}",
      messages({{"system", "four"}, {"user", "u"}}));
  EXPECT_EQ(rendered.text, "4.u.");
  EXPECT_EQ(rendered.followed, std::vector<bool>({false, true}));
  EXPECT_EQ(show(rendered), "1=u;");
}

TEST(TakeMarks, SaysWhenAnEndIsMissing) {
  const OneControlToken tokenizer;
  MessageMarker marker(tokenizer);
  const Json marked = marker.mark_texts(messages({{"user", "abc"}}), [](size_t) { return true; });
  const std::string text = marked.as_array()[0].find("content")->as_string();
  EXPECT_TRUE(take_marks(text).complete);
  EXPECT_EQ(take_marks(text).text, "abc");
  for (size_t cut = 3; cut < text.size(); ++cut) {
    EXPECT_FALSE(take_marks(std::string_view(text).substr(0, cut)).complete) << cut;
  }
  EXPECT_EQ(mark_bytes_before(text, text.size()), text.size() - 3);
}

}  // namespace
}  // namespace cupel::engine
