// Patterns against PCRE2 (base/regex.h), which reads the same syntax in an independent way: random
// patterns of the subset on random texts, and by hand what the subset leaves out.
#include <algorithm>
#include <optional>

#include "base/regex.h"
#include "base/rng.h"
#include "base/text.h"
#include "decode/constraint/regex_parser.h"
#include "decode/constraint/regex_rewrites.h"
#include "decode/constraint_support.h"

namespace cupel::decode::constraint {
namespace {

using test::accepts;
using test::error_of;
using test::machine_of;

bool pcre_matches_whole(const std::string& pattern, const std::string& text) {
  // A text may end in a line break that $ would overlook.
  const auto regex = Regex::compile("\\A(?:" + pattern + ")\\z");
  CUPEL_CHECK(regex.has_value(), pattern);
  return regex->find(text).found;
}

std::string random_pattern(Rng& rng, int depth) {
  const char* const atoms[] = {"a",       "b",     "ab",      "[ab]", "[^a]",  ".",     "\\d",
                               "\\w",     "[a-c]", "\\x61",   "é",    "[é-ü]", "\\.",   "[^é]",
                               "\\u0062", "(?:a)", "[\\d_-]", "a{2}", "😀",     "[😀-😂a]"};
  const char* const quantifiers[] = {"", "", "", "*", "+", "?", "{0,2}", "{2,}", "{1,3}?", "*?"};
  std::string pattern;
  const auto parts = 1 + rng.below(3);
  for (uint64_t i = 0; i < parts; ++i) {
    if (depth > 0 && rng.below(3) == 0) {
      pattern += "(" + random_pattern(rng, depth - 1) + "|" + random_pattern(rng, depth - 1) + ")";
    } else if (const std::string atom = atoms[rng.below(std::size(atoms))]; atom == "a{2}") {
      pattern += "(?:a{2})";
    } else {
      pattern += atom;
    }
    // A multi-byte literal of two characters would only have its last one repeated: as in PCRE2.
    pattern += quantifiers[rng.below(std::size(quantifiers))];
  }
  return pattern;
}

std::string random_text(Rng& rng) {
  const char* const pieces[] = {"a", "b", "c", "1", "_", "é", "ü", "😀", "\n", ".", "-", "aa"};
  std::string text;
  for (uint64_t i = rng.below(6); i > 0; --i) {
    text += pieces[rng.below(std::size(pieces))];
  }
  return text;
}

TEST(ConstraintRegex, AgreesWithPcre2OnRandomPatterns) {
  Rng rng(11);
  int matches = 0;
  for (int i = 0; i < 400; ++i) {
    std::string pattern = random_pattern(rng, 2);
    // PCRE2 writes code points as \x{…}.
    const std::string theirs = replace_all(pattern, "\\u0062", "\\x{62}");
    auto machine = machine_of(compile_regex(pattern));
    for (int j = 0; j < 25; ++j) {
      const std::string text = random_text(rng);
      // Of line ends PCRE2's dot leaves out \n alone, which is the only one here.
      const bool expected = pcre_matches_whole(theirs, text);
      matches += expected ? 1 : 0;
      ASSERT_EQ(accepts(machine, text), expected) << pattern << " on " << printable(text);
    }
  }
  EXPECT_GT(matches, 500);  // else the texts show nothing
}

TEST(ConstraintRegex, ALookAheadAtTheBeginningAgreesWithPcre2) {
  Rng rng(12);
  int matches = 0;
  int excluded = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string pattern = random_pattern(rng, 2);
    const std::string ours = "(?!^[ab-]*$)" + pattern;
    const std::string theirs = replace_all(ours, "\\u0062", "\\x{62}");
    auto automaton = compile_regex(ours);
    if (!automaton) {
      EXPECT_NE(automaton.error().message.find("excludes every text"), std::string::npos)
          << ours << ": " << automaton.error().message;
    }
    std::optional<Machine> machine;
    if (automaton) {
      machine = machine_of(std::move(automaton));
    }
    for (int j = 0; j < 25; ++j) {
      const std::string text = random_text(rng);
      const bool expected = pcre_matches_whole(theirs, text);
      matches += expected ? 1 : 0;
      excluded += expected != pcre_matches_whole(replace_all(pattern, "\\u0062", "\\x{62}"), text);
      ASSERT_EQ(machine && accepts(*machine, text), expected) << ours << " on " << printable(text);
    }
  }
  EXPECT_GT(matches, 200);
  EXPECT_GT(excluded, 100);
}

TEST(ConstraintRegex, TextsOfALengthAreThoseOfThePatternThatHaveIt) {
  Rng rng(13);
  int told = 0;
  int matches = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto node = parse_regex(random_pattern(rng, 1));
    ASSERT_TRUE(node.has_value());
    const auto min = static_cast<int64_t>(rng.below(3));
    const int64_t max = min + static_cast<int64_t>(rng.below(3));
    const auto some = of_length(*node, min, max);
    const auto machine_for = [](const RegexNode& tree) {
      AutomatonBuilder builder(100'000);
      const RuleId rule = builder.add_rule("test");
      builder.add_nothing(add_regex(builder, tree, Spelling::kPlain, builder.begin_of(rule)),
                          builder.end_of(rule));
      return machine_of(std::move(builder).finish());
    };
    Machine all = machine_for(*node);
    std::optional<Machine> fewer;
    if (some) {
      fewer = machine_for(*some);
      ++told;
    }
    for (int j = 0; j < 25; ++j) {
      const std::string text = random_text(rng);
      const auto length = std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;  // of each character one byte
      });
      const bool expected = accepts(all, text) && length >= min && length <= max;
      matches += some && expected ? 1 : 0;
      if (some) {
        ASSERT_EQ(accepts(*fewer, text), expected) << printable(text);
      }
    }
  }
  EXPECT_GT(told, 200);
  EXPECT_GT(matches, 200);
}

TEST(ConstraintRegex, AnchorsAtTheEndsChangeNothing) {
  auto machine = machine_of(compile_regex("^ab$|^c|d$"));
  for (const char* text : {"ab", "c", "d"}) {
    EXPECT_TRUE(accepts(machine, text)) << text;
  }
  for (const char* text : {"", "abc", "xd", "cx"}) {
    EXPECT_FALSE(accepts(machine, text)) << text;
  }
}

TEST(ConstraintRegex, ClassesAndEscapes) {
  struct Case {
    const char* pattern;
    const char* yes;
    const char* no;
  };
  // From ECMA-262: \s in ASCII only here, . without line ends, \S without any white space.
  const Case cases[] = {{"\\s", "\t", "\xC2\xA0"},   {"\\S", "a", "\xC2\xA0"},
                        {".", "\t", "\xE2\x80\xA8"}, {"[\\]\\\\^-]", "^", "["},
                        {"[a\\-c]", "-", "b"},       {"[-a]", "-", "b"},
                        {"\\u{1F600}", "😀", "😁"},    {"\\uD83D\\uDE00", "😀", "😁"},
                        {"[\\b]", "\b", "b"},        {"(?<year>\\d{4})", "2024", "202"},
                        {"(?P<x>a)", "a", "b"},      {"a{0}b", "b", "ab"},
                        {"[^]", "\n", ""},           {"\\/", "/", "\\/"},
                        {"a}]", "a}]", "a"}};
  for (const Case& c : cases) {
    auto machine = machine_of(compile_regex(c.pattern));
    EXPECT_TRUE(accepts(machine, c.yes)) << c.pattern;
    EXPECT_FALSE(accepts(machine, c.no)) << c.pattern;
  }
}

TEST(ConstraintRegex, ReadsNothingButWholeUtf8) {
  auto machine = machine_of(compile_regex("[^a]*"));
  EXPECT_TRUE(accepts(machine, "\xF4\x8F\xBF\xBF"));  // U+10FFFF
  for (const char* text :
       {"\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\x80"}) {
    EXPECT_FALSE(accepts(machine, text));
  }
}

TEST(ConstraintRegex, RefusesWhatItDoesNotSupportByNameAndPlace) {
  struct Case {
    const char* pattern;
    Code code;
    const char* says;
  };
  const Case cases[] = {{"a(?=b)", Code::kUnsupported, "look-ahead"},
                        {"(?!a)b", Code::kUnsupported, "byte 0: look-ahead"},
                        {"(?!", Code::kUnsupported, "byte 0: look-ahead"},
                        {"(?!^", Code::kUnsupported, "byte 0: look-ahead"},
                        {"(?!^[a]+$)b", Code::kUnsupported, "look-ahead"},
                        {"(?!^[ab]*$)[ab]+", Code::kInvalidArgument, "excludes every text"},
                        {"(?<!a)b", Code::kUnsupported, "look-behind"},
                        {"(a)\\1", Code::kUnsupported, "back-references"},
                        {"\\bword", Code::kUnsupported, "\\b"},
                        {"\\p{L}", Code::kUnsupported, "\\p"},
                        {"(?i)a", Code::kUnsupported, "(?:"},
                        {"a^b", Code::kUnsupported, "anchor"},
                        {"(a$)b", Code::kUnsupported, "anchor"},
                        {"a*+", Code::kUnsupported, "possessive"},
                        {"(a", Code::kInvalidArgument, "not closed"},
                        {"a)", Code::kInvalidArgument, "closes nothing"},
                        {"[a", Code::kInvalidArgument, "not closed"},
                        {"*a", Code::kInvalidArgument, "follows nothing"},
                        {"a**", Code::kInvalidArgument, "follows a quantifier"},
                        {"a{2,1}", Code::kInvalidArgument, "below its minimum"},
                        {"a{x}", Code::kInvalidArgument, "{n}"},
                        {"[b-a]", Code::kInvalidArgument, "range"},
                        {"\\x6", Code::kInvalidArgument, "hexadecimal"},
                        {"a\\", Code::kInvalidArgument, "backslash"},
                        {"\xFF", Code::kInvalidArgument, "UTF-8"},
                        {"[]", Code::kInvalidArgument, "no text"}};
  for (const Case& c : cases) {
    const Error error = error_of(compile_regex(c.pattern));
    EXPECT_EQ(error.code, c.code) << c.pattern << ": " << error.message;
    EXPECT_NE(error.message.find(c.says), std::string::npos) << c.pattern << ": " << error.message;
  }
}

TEST(ConstraintRegex, LengthsAreThoseOfTheTexts) {
  const auto length = [](std::string_view pattern) {
    const auto node = parse_regex(pattern);
    CUPEL_CHECK(node.has_value());
    return regex_length(*node);
  };
  EXPECT_EQ(length("a{2,5}(b|cd)?").min, 2);
  EXPECT_EQ(length("a{2,5}(b|cd)?").max, 7);
  EXPECT_EQ(length("a+").max, RegexNode::kUnbounded);
  EXPECT_EQ(length("(a{1000000000}){1000000000}").min, 1'000'000'000'000'000'000);
}

TEST(ConstraintRegex, HostilePatternsEndInAnError) {
  std::string nested;
  for (int i = 0; i < 5000; ++i) {
    nested += "(";
  }
  EXPECT_EQ(error_of(compile_regex(nested)).code, Code::kExhausted);
  EXPECT_EQ(error_of(compile_regex("a{1000000000}")).code, Code::kExhausted);
  EXPECT_EQ(error_of(compile_regex("((a{1000}){1000}){1000}")).code, Code::kExhausted);
  EXPECT_EQ(error_of(compile_regex(std::string(1 << 20, 'a'))).code, Code::kExhausted);
  // Repetitions of nothing cost nothing.
  auto empty = machine_of(compile_regex("((()*){1000000000}|){1000000000}"));
  EXPECT_TRUE(accepts(empty, ""));
}

// Backtracking matchers take 2^30 steps for it.
TEST(ConstraintRegex, NestedRepetitionsAreFollowedInLinearTime) {
  auto machine = machine_of(compile_regex("(a|a|aa)+(a*)*b"));
  EXPECT_FALSE(accepts(machine, std::string(5000, 'a')));
  EXPECT_TRUE(accepts(machine, std::string(5000, 'a') + "b"));
}

// The pattern of every truncation compiles or fails; none crashes.
TEST(ConstraintRegex, EveryTruncationEnds) {
  const std::string pattern = "^(?:[a-z\\]é]{2,3}|\\u{1F600}(?<n>x)*?|[^\\d\\n]+)$";
  for (size_t i = 0; i <= pattern.size(); ++i) {
    (void)compile_regex(pattern.substr(0, i));
  }
}

}  // namespace
}  // namespace cupel::decode::constraint
