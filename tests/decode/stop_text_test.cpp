// Stop strings in a growing text, whatever the pieces that it grows by.
#include "decode/stop_text.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "base/text.h"

namespace cupel::decode {
namespace {

struct Outcome {
  std::string text;
  std::string shown;
  bool stopped = false;
};

// Feeds `pieces` until a stop string is complete; checks after each that what was shown can stay.
Outcome feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopText text(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) {
    outcome.stopped = text.push(piece);
    if (outcome.stopped) {
      break;
    }
    outcome.shown += text.take(false);
    EXPECT_TRUE(text.text().starts_with(outcome.shown));
  }
  outcome.shown += text.take(true);
  outcome.text = text.text();
  EXPECT_EQ(outcome.shown, outcome.text);
  return outcome;
}

std::vector<std::string> one_by_one(const std::string& text) {
  std::vector<std::string> pieces;
  for (const char c : text) {
    pieces.emplace_back(1, c);
  }
  return pieces;
}

TEST(StopText, EndsBeforeTheStopString) {
  EXPECT_EQ(feed({"def"}, {"abcdefgh"}).text, "abc");
  EXPECT_EQ(feed({"def"}, {"abc", "d", "e", "fgh"}).text, "abc");
  EXPECT_EQ(feed({"def"}, one_by_one("abcdefgh")).text, "abc");
  EXPECT_EQ(feed({"abc"}, {"abc"}).text, "");
  EXPECT_TRUE(feed({"abc"}, {"ab", "c"}).stopped);
}

TEST(StopText, ShowsWhatTurnsOutToBeNoStopString) {
  const Outcome outcome = feed({"\nUser:"}, {"a\n", "Use", "r", "s"});
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(outcome.text, "a\nUsers");
}

TEST(StopText, HoldsBackOnlyWhatMayBecomeAStopString) {
  StopText text({"END", "\n\n"});
  EXPECT_FALSE(text.push("one E"));
  EXPECT_EQ(text.take(false), "one ");
  EXPECT_FALSE(text.push("N"));
  EXPECT_EQ(text.take(false), "");
  EXPECT_FALSE(text.push("!\n"));
  EXPECT_EQ(text.take(false), "EN!");
  EXPECT_FALSE(text.push("x"));
  EXPECT_EQ(text.take(false), "\nx");
  EXPECT_EQ(text.take(true), "");
}

TEST(StopText, FindsAStopStringThatOverlapsItsOwnBeginning) {
  // "aab" in "aaab": the first try fails at the third letter.
  EXPECT_EQ(feed({"aab"}, one_by_one("xaaab")).text, "xa");
  EXPECT_EQ(feed({"abab!"}, one_by_one("abababab!")).text, "abab");
}

TEST(StopText, TakesTheEarliestOfSeveralInOnePiece) {
  EXPECT_EQ(feed({"world", "hello"}, {"say hello world"}).text, "say ");
  EXPECT_EQ(feed({"bc", "abcd"}, {"xabcd"}).text, "x");
}

TEST(StopText, NeverSplitsACharacter) {
  // The stop string begins with the same byte as "è" (C3 A8) and "é" (C3 A9).
  StopText text({"é!"});
  std::string shown;
  for (const char* piece : {"à", "è", "é", "?", "é"}) {
    EXPECT_FALSE(text.push(piece));
    const std::string next(text.take(false));
    EXPECT_TRUE(is_valid_utf8(next)) << next;
    shown += next;
  }
  EXPECT_EQ(shown, "àèé?");
  EXPECT_TRUE(text.push("!"));
  EXPECT_EQ(text.text(), "àèé?");
}

// Against a search in the whole text, for random texts, stop strings and cuts.
TEST(StopText, EqualsASearchInTheWholeText) {
  Rng rng(11);
  const auto random_word = [&](size_t longest) {
    std::string word(1 + rng.below(longest), 'a');
    for (char& c : word) {
      c = static_cast<char>('a' + rng.below(2));
    }
    return word;
  };
  int stopped = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops;
    for (uint64_t i = 0; i < 1 + rng.below(3); ++i) {
      stops.push_back(random_word(6));
    }
    const std::string whole = random_word(24);
    // Byte by byte the text ends where the first stop string is complete; at a tie, before the
    // longest of them.
    size_t completed = std::string::npos;
    size_t begin = std::string::npos;
    for (const std::string& stop : stops) {
      const size_t at = whole.find(stop);
      if (at != std::string::npos && at + stop.size() <= completed) {
        begin = at + stop.size() < completed ? at : std::min(begin, at);
        completed = at + stop.size();
      }
    }
    const Outcome outcome = feed(stops, one_by_one(whole));
    EXPECT_EQ(outcome.stopped, begin != std::string::npos);
    EXPECT_EQ(outcome.text, whole.substr(0, begin)) << whole;
    stopped += outcome.stopped ? 1 : 0;
  }
  EXPECT_GT(stopped, 300);
  EXPECT_LT(stopped, 2900);
}

}  // namespace
}  // namespace cupel::decode
