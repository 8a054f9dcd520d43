#include "train/data/row.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/format.h"

namespace cupel::train {
namespace {

Result<Row> parse(std::string_view text) {
  const auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text;
  return parse_row(*json, "rows.jsonl:7");
}

Row good(std::string_view text) {
  auto row = parse(text);
  EXPECT_TRUE(row.has_value()) << text << ": " << (row ? "" : row.error().message);
  return row.has_value() ? std::move(*row) : Row{};
}

std::string content(const RowText& text, size_t index) {
  return text.messages.as_array().at(index).find("content")->as_string();
}

TEST(ParseRow, ReadsPlainText) {
  const Row row = good(R"({"text": "once", "weight": 0.5, "source": "book", "id": 3})");
  EXPECT_EQ(row.form, RowForm::kText);
  EXPECT_EQ(row.responses.at(0).text, "once");
  EXPECT_EQ(row.weight, 0.5);
  EXPECT_EQ(row.source, "book");
  EXPECT_EQ(row.id, "3");
  EXPECT_EQ(good(R"({"text": "x"})").id, "rows.jsonl:7");
}

TEST(ParseRow, ReadsMessagesAndShareGpt) {
  const Row row = good(
      R"({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}],
          "tools": [{"type": "function"}]})");
  EXPECT_EQ(row.form, RowForm::kMessages);
  EXPECT_EQ(row.responses.at(0).messages.size(), 2U);
  EXPECT_EQ(row.tools.size(), 1U);
  const Row shared = good(
      R"({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yo"}]})");
  EXPECT_EQ(shared.responses.at(0).messages, row.responses.at(0).messages);
}

TEST(ParseRow, KeepsWhatTemplatesReadBesides) {
  const Row row = good(
      R"({"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}]})");
  const Json& message = row.responses.at(0).messages.as_array()[0];
  EXPECT_EQ(message.find("tool_calls")->size(), 1U);
  EXPECT_EQ(*message.find("content"), Json(""));
  EXPECT_FALSE(has_empty_response(row));
}

TEST(ParseRow, ReadsPromptAndCompletion) {
  const Row plain = good(R"({"prompt": "2+2=", "completion": " 4"})");
  EXPECT_EQ(plain.form, RowForm::kPromptCompletion);
  EXPECT_EQ(plain.prompt.text, "2+2=");
  EXPECT_EQ(plain.responses.at(0).text, " 4");
  const Row chat = good(R"({"prompt": [{"role": "user", "content": "q"}], "completion": "a"})");
  EXPECT_EQ(content(chat.responses.at(0), 0), "a");
}

TEST(ParseRow, ReadsPreferences) {
  const Row row = good(
      R"({"prompt": "p", "chosen": "good", "rejected": "bad", "score_chosen": 8, "margin": 2.5,
          "tie": false})");
  EXPECT_EQ(row.form, RowForm::kPreference);
  EXPECT_EQ(row.responses.at(0).text, "good");
  EXPECT_EQ(row.responses.at(1).text, "bad");
  EXPECT_EQ(row.scores.at(0), 8);
  EXPECT_TRUE(std::isnan(row.scores.at(1)));
  EXPECT_EQ(row.margin, 2.5);
}

TEST(ParseRow, FindsAnImplicitPromptOfMessages) {
  const Row row = good(
      R"({"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
          "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]})");
  ASSERT_EQ(row.prompt.messages.size(), 1U);
  EXPECT_EQ(content(row.prompt, 0), "q");
  EXPECT_EQ(content(row.responses.at(0), 0), "a");
  EXPECT_EQ(content(row.responses.at(1), 0), "b");
  // The same answer twice is a row all the same (a tie): its last message is the answer.
  const Row same = good(
      R"({"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
          "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})");
  EXPECT_EQ(same.prompt.messages.size(), 1U);
}

TEST(ParseRow, AnswersMayRepeatThePromptThatIsGivenBesideThem) {
  constexpr std::string_view kAnswers =
      R"("chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
         "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]})";
  for (const std::string_view prompt : {R"("q")", R"([{"role": "user", "content": "q"}])"}) {
    const Row row = good(format("{{\"prompt\": {}, {}", prompt, kAnswers));
    ASSERT_EQ(row.prompt.messages.size(), 1U) << prompt;
    EXPECT_EQ(content(row.prompt, 0), "q");
    ASSERT_EQ(row.responses.at(0).messages.size(), 1U);
    EXPECT_EQ(content(row.responses.at(0), 0), "a");
    EXPECT_EQ(content(row.responses.at(1), 0), "b");
  }
  const auto other = parse_row(*parse_json(format("{{\"prompt\": \"other\", {}", kAnswers)), "f:1");
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().message.find("write both in the same form"), std::string::npos);
}

TEST(ParseRow, FindsAnImplicitPromptOfTexts) {
  // The blank before the difference belongs to the answers, as in TRL's extract_prompt.
  const Row row = good(R"({"chosen": "The sky is blue.", "rejected": "The sky is green."})");
  EXPECT_EQ(row.prompt.text, "The sky is");
  EXPECT_EQ(row.responses.at(0).text, " blue.");
  EXPECT_EQ(row.responses.at(1).text, " green.");
  // ä and ö share their first byte: the prompt ends before it.
  const Row umlaut = good("{\"chosen\": \"m\\u00e4\", \"rejected\": \"m\\u00f6\"}");
  EXPECT_EQ(umlaut.prompt.text, "m");
}

TEST(ParseRow, ReadsRankedResponses) {
  const Row row = good(
      R"({"prompt": "p", "responses": [{"content": "a", "score": 2, "source": "m"}, "b",
          {"content": "c", "score": null}]})");
  EXPECT_EQ(row.form, RowForm::kRanked);
  ASSERT_EQ(row.responses.size(), 3U);
  EXPECT_EQ(row.scores.at(0), 2);
  EXPECT_TRUE(std::isnan(row.scores.at(1)));
  EXPECT_EQ(row.response_sources.at(0), "m");
  EXPECT_EQ(row.responses.at(1).text, "b");
}

TEST(ParseRow, ReadsUnpairedLabels) {
  EXPECT_TRUE(good(R"({"prompt": "p", "completion": "c", "label": true})").label);
  const Row row = good(R"({"prompt": "p", "completion": "c", "label": 0})");
  EXPECT_EQ(row.form, RowForm::kUnpaired);
  EXPECT_FALSE(row.label);
}

TEST(ParseRow, EmptyAnswersAreToldApartFromBrokenRows) {
  EXPECT_TRUE(has_empty_response(good(R"({"text": ""})")));
  EXPECT_TRUE(has_empty_response(good(R"({"prompt": "p", "chosen": "", "rejected": "x"})")));
  EXPECT_TRUE(has_empty_response(good(
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": ""}]})")));
  EXPECT_TRUE(has_empty_response(
      good(R"({"prompt": [{"role": "user", "content": "q"}], "completion": ""})")));
  EXPECT_FALSE(has_empty_response(good(R"({"text": "x"})")));
}

TEST(ParseRow, SaysWhatIsWrongAndHowToMendIt) {
  const struct {
    std::string_view row;
    std::string_view part;
  } cases[] = {
      {R"([1])", "the row is array; expected an object"},
      {R"({"question": "x"})", "no known form; expected \"messages\""},
      {R"({"text": 5})", "text"},
      {R"({"chosen": "a"})", "\"rejected\" is absent"},
      {R"({"chosen": "abc", "rejected": "xyz"})", "no common start"},
      {R"({"chosen": "abc", "rejected": [{"role": "assistant", "content": "a"}]})", "same form"},
      {R"({"completion": "a"})", "\"prompt\" is absent"},
      {R"({"prompt": "p", "completion": "c", "label": "yes"})", "expected true (wanted) or false"},
      {R"({"prompt": "p", "responses": ["a"]})", "at least 2"},
      {R"({"prompt": "p", "responses": [{"score": 1}, "b"]})", "responses[0]\" has no \"content\""},
      {R"({"messages": [{"role": "usr", "content": "q"}]})", "did you mean \"user\"?"},
      {R"({"messages": [{"role": "user", "content": "q"}]})", "no assistant turn"},
      {R"({"messages": [{"content": "q"}]})", "messages[0] has no \"role\""},
      {R"({"messages": [{"role": "assistant"}]})", "has no \"content\""},
      {R"({"messages": [{"role": "assistant", "content": [{"type": "image_url"}]}]})",
       "content[0] is no"},
      {R"({"messages": "hello"})", "expected a list of messages"},
      {R"({"text": "x", "weight": -1})", "\"weight\" is -1; expected a number ≥ 0"},
      {R"({"text": "x", "weight": "heavy"})", "\"weight\" is string; expected a number"},
      {R"({"text": "x", "tools": {}})", "\"tools\" is object; expected a list"},
      {R"({"prompt": "p", "completion": [{"role": "assistant", "content": "a"}]})", "same form"},
      {R"({"prompt": [{"role": "user", "content": "q"}],
           "completion": [{"role": "user", "content": "a"}]})",
       "no assistant turn"},
  };
  for (const auto& c : cases) {
    const auto row = parse(c.row);
    ASSERT_FALSE(row.has_value()) << c.row;
    EXPECT_EQ(row.error().code, Code::kCorruptData) << c.row;
    EXPECT_NE(row.error().message.find(c.part), std::string::npos)
        << c.row << ": " << row.error().message;
  }
}

}  // namespace
}  // namespace cupel::train
