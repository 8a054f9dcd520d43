// Small templates for each feature of the language, with what jinja2 makes of them
// (tests/data/template/features.jsonl, written by bench/oracles/make_template_features.py; its
// first record names the versions).

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/template/chat_template.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

Result<RenderedTemplate> render(const std::string& source,
                                const Json& variables = Json::object(),
                                const RenderOptions& options = {}) {
  CUPEL_TRY(const auto parsed, ChatTemplate::parse(source));
  return parsed.render(variables, options);
}

std::string error_of(const std::string& source) {
  const auto rendered = render(source);
  return rendered.has_value() ? "rendered: " + rendered->text : rendered.error().message;
}

TEST(TemplateFeatures, AgreeWithJinja2) {
  Json variables;
  RenderOptions options;
  size_t templates = 0;
  const auto path = test::test_data("template/features.jsonl");
  const auto done = for_each_jsonl_file(path, [&](Json&& row, size_t line) -> Result<Ok> {
    if (const auto* shared = row.find("variables")) {
      variables = *shared;
      CUPEL_TRY(const auto clock, get_string(row, "now"));
      CUPEL_TRY(options.now, parse_local_time(clock));
      return Ok{};
    }
    ++templates;
    CUPEL_TRY(const auto source, get_string(row, "template"));
    const auto rendered = render(source, variables, options);
    if (row.contains("error")) {
      EXPECT_FALSE(rendered.has_value())
          << "line " << line << " must fail: " << source << "\ngot: " << rendered->text;
      return Ok{};
    }
    EXPECT_TRUE(rendered.has_value()) << "line " << line << ": " << source << "\n"
                                      << rendered.error().message;
    if (rendered.has_value()) {
      EXPECT_EQ(rendered->text, row.find("expected")->as_string())
          << "line " << line << ": " << source;
    }
    return Ok{};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_GE(templates, 400U);
}

TEST(TemplateErrors, NameTheLine) {
  EXPECT_EQ(error_of("a\n{{ missing.x }}"), "template:2: 'missing' is undefined");
  EXPECT_EQ(error_of("\n\n{% if true %}\n{{ 'a' +\n 1 }}{% endif %}"),
            "template:4: can only concatenate str (not \"int\") to str");
  EXPECT_EQ(error_of("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}"),
            "template:2: division by zero");
  EXPECT_EQ(error_of("x\n{{ raise_exception('no tools here') }}"), "template:2: no tools here");
  EXPECT_EQ(error_of("x\n{% endfor %}"), "template:2: unknown tag 'endfor'");
  EXPECT_EQ(error_of("{% if true %}\nx"),
            "template:2: expected '{% endif %}', found the end of the template");
  EXPECT_EQ(error_of("\n{{ 1 | nosuch }}"), "template:2: no filter named 'nosuch'");
  EXPECT_EQ(error_of("\n{{ 'abc"), "template:2: a string that starts here is not closed");
}

TEST(TemplateErrors, CodesTellSyntaxFromRefusal) {
  EXPECT_EQ(ChatTemplate::parse("{% if %}").error().code, Code::kCorruptData);
  EXPECT_EQ(ChatTemplate::parse("{% autoescape true %}x{% endautoescape %}").error().code,
            Code::kUnsupported);
  EXPECT_EQ(render("{{ raise_exception('x') }}").error().code, Code::kInvalidArgument);
  EXPECT_EQ(render("{{ 9223372036854775807 + 1 }}").error().code, Code::kUnsupported);
  EXPECT_EQ(render("x", Json("text")).error().code, Code::kInvalidArgument);
}

TEST(TemplateGeneration, SpansMarkWhatTheModelWrites) {
  const std::string source =
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}"
      "{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}{% endif %}"
      "{% endfor %}";
  const auto variables = parse_json(
      R"({"messages": [{"role": "user", "content": "Grüße"}, {"role": "assistant", "content": "é"},
          {"role": "user", "content": "x"}, {"role": "assistant", "content": "ok"}]})");
  const auto rendered = render(source, *variables);
  ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
  std::vector<std::string> spans;
  for (const auto& span : rendered->generation) {
    spans.push_back(rendered->text.substr(span.begin, span.end - span.begin));
  }
  EXPECT_EQ(spans, (std::vector<std::string>{"é</s>", "ok</s>"}));
  EXPECT_EQ(rendered->unplaced_generation, 0U);
}

TEST(TemplateGeneration, CountsBlocksWithoutAPlace) {
  const auto rendered = render(
      "{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ m() }}"
      "{% generation %}b{% endgeneration %}");
  ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
  EXPECT_EQ(rendered->text, "ab");
  EXPECT_EQ(rendered->unplaced_generation, 1U);
  ASSERT_EQ(rendered->generation.size(), 1U);
  EXPECT_EQ(rendered->generation[0].begin, 1U);
}

TEST(TemplateVariables, FollowTheCaseFields) {
  const auto test_case = parse_json(
      R"({"case": "x", "messages": [], "bos_token": "<s>", "now": "2026-01-01T00:00:00",
          "extra": {"enable_thinking": true}})");
  const auto variables = template_variables(*test_case);
  ASSERT_TRUE(variables.has_value()) << variables.error().message;
  EXPECT_EQ(dump_json(*variables),
            R"({"messages":[],"tools":null,"documents":null,"add_generation_prompt":false,)"
            R"("bos_token":"<s>","enable_thinking":true})");
  EXPECT_FALSE(template_variables(*parse_json(R"({"messages": "hi"})")).has_value());
  EXPECT_FALSE(template_variables(*parse_json(R"({"messages": [], "extra": 1})")).has_value());
}

TEST(LocalTime, IsReadFromIsoText) {
  const auto time = parse_local_time("2026-07-24T15:30:05.25");
  ASSERT_TRUE(time.has_value()) << time.error().message;
  EXPECT_EQ(time->year, 2026);
  EXPECT_EQ(time->second, 5);
  EXPECT_EQ(time->microsecond, 250000);
  for (const auto* wrong : {"", "2026-07-24", "2026-13-24T15:30:00", "2026-07-24T15:30:00Z", "x"}) {
    EXPECT_FALSE(parse_local_time(wrong).has_value()) << wrong;
  }
}

TEST(ChatTemplate, RendersOnManyThreadsAtOnce) {
  const auto parsed = ChatTemplate::parse(
      "{% macro m(x) %}{{ x|upper }}{% endmacro %}{% for i in range(200) %}{{ m('a') ~ i }}{% "
      "endfor %}");
  ASSERT_TRUE(parsed.has_value());
  const auto expected = parsed->render(Json::object());
  ASSERT_TRUE(expected.has_value());
  std::vector<std::string> texts(4);
  {
    std::vector<std::jthread> threads;
    for (auto& text : texts) {
      threads.emplace_back([&] {
        const auto rendered = parsed->render(Json::object());
        text = rendered.has_value() ? rendered->text : rendered.error().message;
      });
    }
  }
  for (const auto& text : texts) {
    EXPECT_EQ(text, expected->text);
  }
}

TEST(ChatTemplate, TakesBytesThatAreNoUtf8) {
  const auto rendered = render("a\xFF{{ x }}\xC3", Json::object().set("x", "\xE2\x28"));
  ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
  EXPECT_EQ(rendered->text, "a\uFFFD\uFFFD(\uFFFD");
}

}  // namespace
}  // namespace cupel::engine
