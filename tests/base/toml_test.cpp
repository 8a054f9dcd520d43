#include "base/toml.h"

#include <gtest/gtest.h>

namespace cupel {
namespace {

std::string show(std::string_view text) {
  const auto entries = parse_toml(text, "a.toml");
  if (!entries.has_value()) {
    return entries.error().message;
  }
  std::string shown;
  for (const TomlEntry& entry : *entries) {
    shown += std::to_string(entry.line) + " " + entry.key + "=" + dump_json(entry.value) + ";";
  }
  return shown;
}

TEST(ParseToml, OpensTablesHoweverTheyAreWritten) {
  EXPECT_EQ(show("b = 1\n[optim]\nlr = 2e-5\nname = 'adamw'\n\n[data]\nfiles = [\"x\", 'y']\n"
                 "deep.er = true\ninline = { a = 1, b = 0.5 }\n"),
            "1 b=1;3 optim.lr=2e-05;4 optim.name=\"adamw\";7 data.files=[\"x\",\"y\"];"
            "8 data.deep.er=true;9 data.inline.a=1;9 data.inline.b=0.5;");
  EXPECT_EQ(show("[[phase]]\nsteps = 1\n[[phase]]\nsteps = 2\n"),
            "1 phase=[{\"steps\":1},{\"steps\":2}];");
  EXPECT_EQ(show(""), "");
}

TEST(ParseToml, NamesTheLineOfAnError) {
  EXPECT_EQ(show("a = 1\nb = = 2\n").substr(0, 10), "a.toml:2: ");
  EXPECT_EQ(show("a = 1\na = 2\n").substr(0, 10), "a.toml:2: ");
  EXPECT_EQ(show("x = 1\n\nd = 2026-01-01\n"),
            "a.toml:3: dates and times have no meaning here; write a text in quotes");
  EXPECT_NE(show(std::string(2 << 20, '#')).find("at most 1048576"), std::string::npos);
}

TEST(ParseToml, HoldsWhenCutAnywhereOrNestedDeeply) {
  const std::string text = "[a.b]\nc = [1, {d = \"\\u00e4\"}]\ne = '''x\ny'''\n";
  for (size_t size = 0; size <= text.size(); ++size) {
    show(std::string_view(text).substr(0, size));
  }
  EXPECT_EQ(show("a = " + std::string(100'000, '[')).substr(0, 10), "a.toml:1: ");
  // What the library asserts before it reports it.
  for (const char* key :
       {"a = {,b = 1}", "a = {=}", "a.=1", ".a=1", "=1", "[.]", "[a.]", "[]", "a={b.}"}) {
    EXPECT_EQ(show(key).substr(0, 10), "a.toml:1: ") << key;
  }
}

// Keys without quotes are of ASCII; no other letter is taken for a space or ends the program.
TEST(ParseToml, RefusesLettersWhereOnlyAsciiMayStand) {
  for (const char* text :
       {"n\u00e9 = 1", "\u00e9 = 1", "met\ufebf = 1", "\u0416 = 1", "a = \u00e9", "a = 1 \u00e9",
        "a = 1\ufebf", "[\u00e9]", "[a.\u2c5f]", "a = [\ufe75]"}) {
    EXPECT_EQ(show(text).substr(0, 10), "a.toml:1: ") << text;
  }
  EXPECT_EQ(show("'\u00e9' = '\ufebf' # \u00e9\n"), "1 \u00e9=\"\ufebf\";");
}

TEST(TomlValue, IsReadBackEqual) {
  for (const char* text :
       {"1", "-2.5", "1e-8", "true", "\"a \\\"b\\\" \\n\\u0001\\u007f\u00e9\"", "[1, [\"x\"]]"}) {
    const Json value = *parse_json(text);
    const auto read = parse_toml("k = " + toml_value(value), "a.toml");
    ASSERT_TRUE(read.has_value()) << toml_value(value) << ": " << read.error().message;
    EXPECT_EQ(read->at(0).value, value) << toml_value(value);
    EXPECT_EQ(read->at(0).value.is_int(), value.is_int());
  }
  EXPECT_EQ(toml_value(Json(2.0)), "2.0");
}

}  // namespace
}  // namespace cupel
