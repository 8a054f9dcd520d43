// A template from a stranger: it must end soon, with a text or a clear error, whatever it tries.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/rng.h"
#include "engine/template/chat_template.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

Result<RenderedTemplate> render(const std::string& source, const RenderOptions& options = {}) {
  CUPEL_TRY(const auto parsed, ChatTemplate::parse(source));
  return parsed.render(Json::object(), options);
}

std::string repeated(const std::string& part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) {
    text += part;
  }
  return text;
}

// A tenth of the real limits, to be quick.
RenderOptions small_limits() {
  RenderOptions options;
  options.limits.steps = 500'000;
  options.limits.text_bytes = 1u << 20;
  options.limits.memory_bytes = 16u << 20;
  return options;
}

void expect_exhausted(const std::string& source, const RenderOptions& options = small_limits()) {
  const Stopwatch watch;
  const auto rendered = render(source, options);
  ASSERT_FALSE(rendered.has_value())
      << source << "\nrendered " << rendered->text.size() << " bytes";
  EXPECT_EQ(rendered.error().code, Code::kExhausted) << source << "\n" << rendered.error().message;
  EXPECT_LT(watch.seconds(), 60) << source;
}

// Runs the statement in a loop that would go on for 100,000 rounds.
std::string in_loop(const std::string& before, const std::string& statement) {
  return before + "{% for i in range(100000) %}" + statement + "{% endfor %}";
}

TEST(TemplateSandbox, EndsLongLoops) {
  expect_exhausted(
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", {});
  expect_exhausted(
      "{% macro m(n) %}{% for i in range(10) %}{{ m(n + 1) if n < 40 }}{% endfor %}"
      "{% endmacro %}{{ m(0) }}");
  expect_exhausted("{{ range(100001) }}");
}

TEST(TemplateSandbox, BoundsRecursion) {
  expect_exhausted("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  expect_exhausted(
      "{% macro m(c) %}{{ caller and '' }}{% call m(1) %}{% endcall %}{% endmacro %}{{ m(1) }}");
  expect_exhausted("{% set l = [1] %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}");
  expect_exhausted(
      "{% macro m(x) %}{{ ['a']|map('replace', 'a', m(1))|list }}{% endmacro %}{{ m(1) }}");
}

TEST(TemplateSandbox, BoundsOutput) {
  expect_exhausted(in_loop("", "{{ 'x' * 100000 }}"));
  expect_exhausted(in_loop("", repeated("some text of the template ", 100)));
  expect_exhausted("{% set x %}" + in_loop("", "{{ 'x' * 100000 }}") + "{% endset %}");
}

TEST(TemplateSandbox, BoundsEveryText) {
  for (const std::string& expression :
       std::vector<std::string>{"'x' * 10**12",
                                "'x'.center(10**12)",
                                "'x'.ljust(10**12)",
                                "'x'.zfill(10**12)",
                                "'x'|center(10**12)",
                                "'\\t'.expandtabs(10**12)",
                                "'a\\nb'|indent(10**12)",
                                "[1]|tojson(indent=10**12)",
                                "'%1000000000d' % 1",
                                "'%*d' % (10**12, 1)",
                                "'%.1000000000f' % 1",
                                "'{:>100000000}'.format('x')",
                                "'{:0100000000}'.format(1)",
                                "'{:.900000000f}'.format(1.5)",
                                "('a' * 10**6).replace('a', 'b' * 10**6)",
                                "('a' * 10**6)|replace('', 'b' * 10**6)",
                                "('b' * 10**6).join('a' * 10**5)",
                                "range(100000)|join('b' * 10**6)",
                                "('a ' * 10**6)|wordwrap(1, wrapstring='b' * 10**6)",
                                "[1] * 10**12",
                                "[1]|batch(10**12, 'x')|list",
                                "[1]|slice(10**12)|list",
                                "('x' * 10**7) ~ ('x' * 10**7)",
                                "('x' * 10**7) + ('x' * 10**7)"}) {
    expect_exhausted("{{ " + expression + " }}");
  }
}

TEST(TemplateSandbox, BoundsMemory) {
  expect_exhausted(in_loop("{% set ns = namespace(l=[1]) %}", "{% set ns.l = ns.l + ns.l %}"));
  expect_exhausted(
      in_loop("{% set ns = namespace(l=[]) %}", "{% set ns.l = ns.l + ['x' * 10**5 ~ i] %}"));
  expect_exhausted(
      in_loop("{% set ns = namespace(f=1) %}",
              "{% macro m(x) %}{{ x }}{% endmacro %}{% set ns.f = [ns.f, 'x' * 10**5] %}"));
}

TEST(TemplateSandbox, BoundsNestingOfValues) {
  for (const std::string statement :
       {"{% set ns.x = [ns.x] %}", "{% set ns.x = {'a': ns.x} %}", "{% set ns.x = (ns.x, 1) %}",
        "{% set ns.x = [ns.x]|map('string') %}", "{% set ns.x = [ns.x]|select %}",
        "{% set ns.x = cycler(ns.x) %}",
        "{% for y in [ns.x] %}{% set ns.x = loop %}{% endfor %}"}) {
    expect_exhausted(in_loop("{% set ns = namespace(x=1) %}", statement));
  }
}

TEST(TemplateSandbox, SurvivesSharedAndCircularValues) {
  const std::string doubling = "{% set x = [1] %}" + repeated("{% set x = [x, x] %}", 100);
  expect_exhausted(doubling + "{{ x }}");
  expect_exhausted(doubling + "{{ x|tojson }}");
  expect_exhausted("{% set y = [2] %}{% set x = [1] %}" +
                   repeated("{% set x = [x, x] %}{% set y = [y, y] %}", 100) +
                   "{{ x == y }}{{ x < y }}{{ [x] == [[x] + [1]] }}{{ x ~ '' }}");
  expect_exhausted("{% set x = (1,) %}" + repeated("{% set x = (x, x) %}", 100) + "{{ {x: 1} }}");
  expect_exhausted("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}");
  const auto rendered = render(
      "{% set ns = namespace(f=1) %}{% set ns.me = [ns] %}"
      "{% macro wrap(f) %}{% macro inner() %}{{ f }}{% endmacro %}{% set ns.f = inner %}{% "
      "endmacro %}"
      "{% for i in range(1000) %}{% set _ = wrap(ns.f) %}{{ loop.changed(loop) and '' or '' }}{% "
      "endfor "
      "%}ok");
  ASSERT_TRUE(rendered.has_value()) << rendered.error().message;
  EXPECT_EQ(rendered->text, "ok");
}

TEST(TemplateSandbox, BoundsNestingOfTheSource) {
  constexpr size_t kDeep = 20000;
  for (const std::string& source : std::vector<std::string>{
           "{{ " + repeated("(", kDeep) + "1" + repeated(")", kDeep) + " }}",
           "{{ " + repeated("[", kDeep) + repeated("]", kDeep) + " }}",
           "{{ " + repeated("{1:", kDeep) + "1" + repeated("}", kDeep) + " }}",
           "{{ " + repeated("-", kDeep) + "1 }}", "{{ " + repeated("not ", kDeep) + "1 }}",
           "{{ 1" + repeated(" + 1", kDeep) + " }}", "{{ 1" + repeated(" or 0", kDeep) + " }}",
           "{{ 1" + repeated(" if 1 else 2", kDeep) + " }}",
           "{{ 1" + repeated("|string", kDeep) + " }}", "{{ a" + repeated(".a", kDeep) + " }}",
           "{{ a" + repeated("(1)", kDeep) + " }}", "{{ " + repeated("a(", kDeep) + " }}",
           repeated("{% if true %}", kDeep) + repeated("{% endif %}", kDeep),
           repeated("{% for i in [1] %}", kDeep) + repeated("{% endfor %}", kDeep),
           repeated("{% macro m() %}", kDeep) + repeated("{% endmacro %}", kDeep),
           "{{ " + repeated("'{", kDeep) + " }}"}) {
    const auto parsed = ChatTemplate::parse(source);
    EXPECT_FALSE(parsed.has_value()) << source.substr(0, 40);
  }
  const auto flat = render(repeated("{% if false %}{% elif 1 %}x{% endif %}", 2000));
  EXPECT_TRUE(flat.has_value());
  const auto concat = render("{{ 1" + repeated(" ~ 1", 5000) + " }}");
  EXPECT_TRUE(concat.has_value());
}

TEST(TemplateSandbox, RendersWithinItsOwnLimits) {
  RenderOptions options;
  options.limits.steps = 100;
  EXPECT_FALSE(render("{% for i in range(1000) %}x{% endfor %}", options).has_value());
  options.limits = {};
  options.limits.text_bytes = 10;
  EXPECT_FALSE(render("12345678901", options).has_value());
  EXPECT_TRUE(render("1234567890", options).has_value());
}

TEST(TemplateSandbox, RefusesInputThatIsTooDeep) {
  Json deep = Json::array();
  for (int i = 0; i < 600; ++i) {
    Json outer = Json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  const auto parsed = ChatTemplate::parse("{{ x }}");
  EXPECT_FALSE(parsed->render(Json::object().set("x", deep)).has_value());
}

// --- Mutations
// -------------------------------------------------------------------------------------

std::string mutated(std::string source, Rng& rng) {
  static const std::vector<std::string> snippets = {"{{",
                                                    "}}",
                                                    "{%",
                                                    "%}",
                                                    "{%-",
                                                    "-%}",
                                                    "{#",
                                                    "#}",
                                                    "(",
                                                    ")",
                                                    "[",
                                                    "]",
                                                    "{",
                                                    "}",
                                                    "'",
                                                    "\"",
                                                    "|",
                                                    ".",
                                                    ",",
                                                    ":",
                                                    "::",
                                                    "~",
                                                    "**",
                                                    "//",
                                                    " if ",
                                                    " else ",
                                                    " is ",
                                                    " not ",
                                                    " in ",
                                                    " for ",
                                                    "loop",
                                                    "loop(",
                                                    "|list",
                                                    "|map",
                                                    "|tojson",
                                                    "|join(",
                                                    "|length",
                                                    "[-1]",
                                                    "[::-1]",
                                                    " * 99",
                                                    "\\x",
                                                    "\xC3",
                                                    "\xFF",
                                                    "\n",
                                                    "-",
                                                    "none",
                                                    "namespace(",
                                                    "range(",
                                                    "{% raw %}",
                                                    "{% endif %}",
                                                    "{% endfor %}",
                                                    "{% else %}",
                                                    "{% set ns.x = ",
                                                    "{% macro m() %}",
                                                    "{% generation %}",
                                                    "{% break %}",
                                                    "messages",
                                                    "99999999999999999999",
                                                    "1e999",
                                                    "..",
                                                    "=",
                                                    "=="};
  const uint64_t edits = 1 + rng.below(4);
  for (uint64_t i = 0; i < edits && !source.empty(); ++i) {
    const size_t at = rng.below(source.size());
    switch (rng.below(4)) {
      case 0:
        source.erase(at, 1 + rng.below(8));
        break;
      case 1:
        source.insert(at, snippets[rng.below(snippets.size())]);
        break;
      case 2:
        source.replace(at, std::min<size_t>(1 + rng.below(4), source.size() - at),
                       snippets[rng.below(snippets.size())]);
        break;
      default:
        source.insert(at, source.substr(rng.below(source.size()), 1 + rng.below(60)));
    }
  }
  return source;
}

void render_mutations(const std::string& source, const Json& variables, int count, Rng& rng) {
  RenderOptions options;
  options.limits.steps = 200'000;
  options.limits.text_bytes = 1u << 20;
  for (int i = 0; i < count; ++i) {
    const auto parsed = ChatTemplate::parse(mutated(source, rng));
    if (!parsed) {
      EXPECT_TRUE(parsed.error().message.starts_with("template:")) << parsed.error().message;
      continue;
    }
    const auto rendered = parsed->render(variables, options);
    if (!rendered) {
      EXPECT_TRUE(rendered.error().message.starts_with("template:")) << rendered.error().message;
    }
  }
}

TEST(TemplateSandbox, SurvivesMutatedTemplates) {
  Json variables;
  Rng rng(7, 0);
  const auto path = test::test_data("template/features.jsonl");
  const auto done = for_each_jsonl_file(path, [&](Json&& row, size_t) -> Result<Ok> {
    if (const auto* shared = row.find("variables")) {
      variables = *shared;
      return Ok{};
    }
    render_mutations(row.find("template")->as_string(), variables, 6, rng);
    return Ok{};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

TEST(TemplateSandbox, SurvivesMutatedPublishedTemplates) {
  const std::string folder = test::shared_data("chat_templates");
  CUPEL_SKIP_UNLESS(folder, "no published templates at hand: their mutations are not shown");
  Rng rng(11, 0);
  for (const std::string name :
       {"Qwen3-Coder", "openai-gpt-oss-120b", "deepseek-ai-DeepSeek-V3.2",
        "meta-llama-Llama-3.3-70B-Instruct", "google-gemma-4-31B-it", "MiniMax-M3",
        "HuggingFaceTB-SmolLM3-3B", "CohereForAI-c4ai-command-r7b-12-2024-tool_use"}) {
    const auto source = read_file(folder + "/" + name + ".jinja");
    if (!source) {
      continue;  // the collection may change
    }
    const auto cases = read_file(folder + "/" + name + ".cases.jsonl");
    ASSERT_TRUE(cases.has_value());
    const auto first = parse_json(cases->substr(0, cases->find('\n')));
    ASSERT_TRUE(first.has_value());
    render_mutations(*source, *template_variables(*first), 250, rng);
  }
}

}  // namespace
}  // namespace cupel::engine
