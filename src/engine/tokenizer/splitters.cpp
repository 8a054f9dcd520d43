#include "engine/tokenizer/splitters.h"

#include <limits>

#include "engine/tokenizer/char_class.h"

namespace cupel::engine {
namespace {

constexpr uint32_t kLongS = 0x17F;  // folds to "s" where case is ignored

/// End of the run of characters of that kind that begins at `at`.
size_t run_end(std::string_view text,
               size_t at,
               CharClass kind,
               size_t most = std::numeric_limits<size_t>::max()) {
  for (Char c = char_at(text, at); c.length > 0 && c.kind == kind && most > 0; --most) {
    at += c.length;
    c = char_at(text, at);
  }
  return at;
}

/// 's 't 're 've 'm 'll 'd; 0 when none stands there.
size_t contraction_end(std::string_view text, size_t at, bool ignore_case) {
  if (text[at] != '\'') {
    return 0;
  }
  const auto letter = [&](size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  const char first = letter(at + 1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') {
    return at + 2;
  }
  const char second = letter(at + 2);
  if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l')) {
    return at + 3;
  }
  const Char c = char_at(text, at + 1);
  return ignore_case && c.value == kLongS ? at + 1 + c.length : 0;
}

/// `\s+(?!\S)|\s+` at the start of a run of white space: the run without its last character, unless
/// the text ends with it.
size_t space_run_end(std::string_view text, size_t at) {
  size_t last = at;
  size_t end = at;
  for (Char c = char_at(text, at); c.length > 0 && c.kind == CharClass::kSpace;
       c = char_at(text, end)) {
    last = end;
    end += c.length;
  }
  return end == text.size() || last == at ? end : last;
}

size_t gpt2_end(std::string_view text, size_t at) {
  if (const size_t end = contraction_end(text, at, false); end > 0) {
    return end;
  }
  // ` ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+`
  const size_t start = at + (text[at] == ' ' ? 1 : 0);
  const Char first = char_at(text, start);
  if (first.length > 0 && first.kind != CharClass::kSpace) {
    return run_end(text, start, first.kind);
  }
  return space_run_end(text, at);
}

size_t newlines_end(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == '\r' || text[at] == '\n')) {
    ++at;
  }
  return at;
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+` at the start of a run of white space.
size_t llama3_space_end(std::string_view text, size_t at) {
  size_t after_newline = 0;
  size_t last = at;
  size_t end = at;
  for (Char c = char_at(text, at); c.length > 0 && c.kind == CharClass::kSpace;
       c = char_at(text, end)) {
    last = end;
    end += c.length;
    after_newline = c.value == '\r' || c.value == '\n' ? end : after_newline;
  }
  if (after_newline > 0) {
    return after_newline;
  }
  return end == text.size() || last == at ? end : last;
}

size_t llama3_end(std::string_view text, size_t at, size_t most_numbers) {
  if (const size_t end = contraction_end(text, at, true); end > 0) {
    return end;
  }
  const Char first = char_at(text, at);
  if (first.kind == CharClass::kLetter) {
    return run_end(text, at, CharClass::kLetter);
  }
  if (first.kind == CharClass::kNumber) {
    return run_end(text, at, CharClass::kNumber, most_numbers);
  }
  const Char second = char_at(text, at + first.length);
  if (first.value != '\r' && first.value != '\n' && second.kind == CharClass::kLetter) {
    return run_end(text, at + first.length, CharClass::kLetter);
  }
  // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
  const size_t start = at + (first.value == ' ' ? 1 : 0);
  const Char symbol = start == at ? first : second;
  if (symbol.length > 0 && symbol.kind == CharClass::kOther) {
    return newlines_end(text, run_end(text, start, CharClass::kOther));
  }
  return llama3_space_end(text, at);
}

template <typename End>
void split_by(std::string_view text, Pieces& pieces, const End& end_of) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = end_of(text, at);
    pieces.push_back(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace

void split_gpt2(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, gpt2_end);
}

void split_digits_gpt2(std::string_view text, Pieces& pieces) {
  size_t begin = 0;  // of the stretch without numbers
  for (size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    if (c.kind == CharClass::kNumber) {
      split_gpt2(text.substr(begin, at - begin), pieces);
      pieces.push_back(text.substr(at, c.length));
      begin = at + c.length;
    }
    at += c.length;
  }
  split_gpt2(text.substr(begin), pieces);
}

void split_llama3(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, [](std::string_view t, size_t at) { return llama3_end(t, at, 3); });
}

void split_qwen2(std::string_view text, Pieces& pieces) {
  split_by(text, pieces, [](std::string_view t, size_t at) { return llama3_end(t, at, 1); });
}

}  // namespace cupel::engine
