#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"

namespace cupel::test {

/// The tokenizer of a GGUF file; a failed expectation and nullptr when it does not load.
inline std::unique_ptr<Tokenizer> open_tokenizer(const std::string& path) {
  const auto file = engine::Checkpoint::open(path);
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
  if (!file) {
    return nullptr;
  }
  auto tokenizer = engine::load_tokenizer(*file);
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return tokenizer ? std::move(tokenizer).value() : nullptr;
}

inline std::string dump_ids(const std::vector<TokenId>& ids) {
  std::string out;
  for (const TokenId id : ids) {
    out += std::to_string(id) + " ";
  }
  return out;
}

/// Compares ids with a record {"text", "ids", "parse_special"?}.
inline void check_line(const Tokenizer& tokenizer, const Json& line, const std::string& where) {
  const auto text = get_string(line, "text");
  const auto ids = get_array(line, "ids");
  const auto parse_special = get_bool_or(line, "parse_special", false);
  ASSERT_TRUE(text.has_value() && ids.has_value() && parse_special.has_value()) << where;
  std::vector<TokenId> expected;
  for (const Json& id : (*ids)->as_array()) {
    expected.push_back(static_cast<TokenId>(id.as_int()));
  }
  const std::vector<TokenId> found = tokenizer.encode(*text, {.parse_special = *parse_special});
  EXPECT_EQ(dump_ids(found), dump_ids(expected)) << where << ": " << *text;
}

/// Compares ids with every line of a JSONL file; lines without "text" (a record of versions) are
/// passed over. Returns how many lines were compared.
inline size_t check_ids(const Tokenizer& tokenizer, const std::string& path) {
  size_t compared = 0;
  const auto row = [&](Json&& line, size_t number) -> Result<Ok> {
    if (line.contains("text")) {
      check_line(tokenizer, line, path + ":" + std::to_string(number));
      ++compared;
    }
    return Ok{};
  };
  const auto read = for_each_jsonl_file(path, row);
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
  return compared;
}

/// A random text of up to `max_chars` characters, drawn from classes that word splitters tell
/// apart.
inline std::string random_text(uint64_t seed, size_t max_chars) {
  static constexpr uint32_t kPicks[] = {
      ' ',    ' ',    ' ',    '\n',   '\r',    '\t',    '\'',    's',     'S',     't',
      'l',    'r',    'e',    'v',    'm',     'd',     'L',     'a',     'Z',     '0',
      '7',    '9',    '.',    '!',    '(',     '|',     '<',     '>',     '$',     '/',
      '_',    0x85,   0xA0,   0x17F,  0xB2,    0xBD,    0x301,   0x3B1,   0x416,   0x5D0,
      0x627,  0x660,  0x915,  0x94D,  0xE01,   0x180E,  0x1680,  0x2003,  0x200B,  0x200D,
      0x2014, 0x2019, 0x2028, 0x202F, 0x2160,  0x3000,  0x3001,  0x3042,  0x4E2D,  0xAC00,
      0xFEFF, 0xFF01, 0xFF10, 0xFF21, 0x1F600, 0x1F680, 0x1F1E9, 0x1D7D8, 0x20000, 0xE0001};
  Rng rng(seed);
  std::string text;
  const size_t count = rng.below(max_chars + 1);
  while (text.size() < count) {
    uint32_t c = kPicks[rng.below(std::size(kPicks))];
    if (rng.below(12) == 0) {
      c = static_cast<uint32_t>(rng.below(0x110000));
      c = c >= 0xD800 && c < 0xE000 ? 0xFFFD : c;
    }
    const uint64_t repeats = rng.below(6) == 0 ? 1 + rng.below(5) : 1;
    for (uint64_t i = 0; i < repeats; ++i) {
      append_utf8(text, c);
    }
  }
  return text;
}

/// Whether the vocabulary can write every byte of the text (some lack bytes that are rare in
/// UTF-8).
inline bool can_write(const Tokenizer& tokenizer, std::string_view text) {
  return std::ranges::all_of(
      text, [&](char c) { return !tokenizer.encode(std::string_view(&c, 1), {}).empty(); });
}

/// decode(encode(x)) = x, whole and streamed.
inline void check_round_trip(const Tokenizer& tokenizer, const std::string& text) {
  const std::vector<TokenId> ids = tokenizer.encode(text, {});
  ASSERT_EQ(tokenizer.decode(ids), text) << "ids " << dump_ids(ids);
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const TokenId id : ids) {
    const std::string part = decoder.push(id);
    ASSERT_TRUE(is_valid_utf8(part));
    streamed += part;
  }
  ASSERT_EQ(streamed + decoder.flush(), to_valid_utf8(text));
}

/// Round trips of `count` random texts and as many random byte strings. U+2581 is not among them:
/// SentencePiece reads it as a blank.
inline void check_round_trips(const Tokenizer& tokenizer, int count) {
  for (int seed = 0; seed < count; ++seed) {
    std::string text = replace_all(random_text(static_cast<uint64_t>(seed), 60), "\u2581", "");
    if (can_write(tokenizer, text)) {
      check_round_trip(tokenizer, text);
    }
    Rng rng(static_cast<uint64_t>(seed), 1);
    for (char& c : text) {
      c = rng.below(3) == 0 ? static_cast<char>(rng.below(256)) : c;
    }
    text = replace_all(text, "\u2581", "");
    if (can_write(tokenizer, text)) {
      check_round_trip(tokenizer, text);
    }
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace cupel::test
