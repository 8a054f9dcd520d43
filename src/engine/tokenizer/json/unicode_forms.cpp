#include "engine/tokenizer/json/unicode_forms.h"

#include <algorithm>
#include <iterator>

#include <utf8proc.h>

#include "base/text.h"
#include "engine/tokenizer/unicode_additions.h"

namespace cupel::engine {
namespace {

constexpr uint32_t kFirstInert = 0x80;        // below it no form changes anything
constexpr uint32_t kFirstUncomposed = 0x300;  // below it everything is composed already
constexpr size_t kMaxDecomposition = 32;      // the longest has 18 characters

utf8proc_category_t category(uint32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

/// First letter of the category.
char category_group(uint32_t c) {
  return utf8proc_category_string(static_cast<utf8proc_int32_t>(c))[0];
}

/// What the original's tables answer otherwise than those of the library.
enum class Exception : uint8_t {
  kMark,
  kNonspacing,
  kOther,
  kPunctuation,
  kNumber,
  kKeptByNfd,
  kKeptByNfkd,
};
struct ExceptionRange {
  Exception kind;
  uint32_t first;
  uint32_t last;
};
constexpr ExceptionRange kExceptions[] = {
#define CUPEL_EXCEPTION(kind, first, last) {Exception::kind, first, last},
#define CUPEL_LOWER(first, last, lower)
#include "engine/tokenizer/json/unicode_exceptions.def"
#undef CUPEL_EXCEPTION
#undef CUPEL_LOWER
};
struct LowerRange {
  uint32_t first;
  uint32_t last;
  uint32_t lower;
};
constexpr LowerRange kLower[] = {
#define CUPEL_EXCEPTION(kind, first, last)
#define CUPEL_LOWER(first, last, lower) {first, last, lower},
#include "engine/tokenizer/json/unicode_exceptions.def"
#undef CUPEL_EXCEPTION
#undef CUPEL_LOWER
};

bool is_exception(Exception kind, uint32_t c) {
  // A kind's ranges stand together, ascending.
  const auto [begin, end] = std::ranges::equal_range(kExceptions, kind, {}, &ExceptionRange::kind);
  const auto* const after = std::upper_bound(
      begin, end, c,
      [](uint32_t value, const ExceptionRange& range) { return value < range.first; });
  return after != begin && c <= std::prev(after)->last;
}

bool in_any(uint32_t c, std::span<const std::pair<uint32_t, uint32_t>> ranges) {
  return std::ranges::any_of(
      ranges, [c](const auto& range) { return c >= range.first && c <= range.second; });
}

uint32_t combining_class(uint32_t c) {
  return static_cast<uint32_t>(
      utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class);
}

void append_decomposed(uint32_t c, bool compatible, std::vector<uint32_t>& out) {
  if (is_exception(Exception::kKeptByNfd, c) ||
      (compatible && is_exception(Exception::kKeptByNfkd, c))) {
    out.push_back(c);
    return;
  }
  utf8proc_int32_t buffer[kMaxDecomposition];
  int boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer,
                                             kMaxDecomposition, options, &boundary);
  if (count <= 0 || count > static_cast<utf8proc_ssize_t>(kMaxDecomposition)) {
    out.push_back(c);
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    out.push_back(static_cast<uint32_t>(buffer[i]));
  }
}

/// Canonical order: every run of combining marks by class, otherwise as it stood.
void reorder_marks(std::vector<uint32_t>& chars) {
  for (size_t i = 0; i < chars.size(); ++i) {
    if (chars[i] < kFirstUncomposed || combining_class(chars[i]) == 0) {
      continue;
    }
    size_t end = i;
    while (end < chars.size() && combining_class(chars[end]) != 0) {
      ++end;
    }
    std::stable_sort(
        chars.begin() + static_cast<ptrdiff_t>(i), chars.begin() + static_cast<ptrdiff_t>(end),
        [](uint32_t a, uint32_t b) { return combining_class(a) < combining_class(b); });
    i = end - 1;
  }
}

void compose(std::vector<uint32_t>& chars) {
  static_assert(sizeof(utf8proc_int32_t) == sizeof(uint32_t));
  auto* buffer = reinterpret_cast<utf8proc_int32_t*>(chars.data());
  const auto length =
      utf8proc_normalize_utf32(buffer, static_cast<utf8proc_ssize_t>(chars.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (length >= 0) {
    chars.resize(static_cast<size_t>(length));
  }
}

}  // namespace

CharText to_chars(std::string_view text, size_t at_start) {
  CharText result;
  result.at_start = at_start;
  result.chars.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      result.chars.push_back(byte);
      ++at;
      continue;
    }
    const CodePoint c = decode_utf8(text, at);
    result.chars.push_back(c.value);
    at += c.length;
  }
  return result;
}

std::string to_utf8(std::span<const uint32_t> chars) {
  std::string text;
  text.reserve(chars.size());
  for (const uint32_t c : chars) {
    append_utf8(text, c);
  }
  return text;
}

void normalize(CharText& text, UnicodeForm form) {
  const bool composing = form == UnicodeForm::kNfc || form == UnicodeForm::kNfkc;
  const uint32_t inert = form == UnicodeForm::kNfc ? kFirstUncomposed : kFirstInert;
  if (std::ranges::all_of(text.chars, [inert](uint32_t c) { return c < inert; })) {
    return;
  }
  const bool compatible = form == UnicodeForm::kNfkc || form == UnicodeForm::kNfkd;
  std::vector<uint32_t> chars;
  chars.reserve(text.chars.size() + text.chars.size() / 4);
  size_t at_start = 0;
  for (size_t i = 0; i < text.chars.size(); ++i) {
    if (text.chars[i] < kFirstInert) {
      chars.push_back(text.chars[i]);
    } else {
      append_decomposed(text.chars[i], compatible, chars);
    }
    at_start = i < text.at_start ? chars.size() : at_start;
  }
  reorder_marks(chars);
  if (composing) {
    compose(chars);
    at_start = std::min<size_t>(at_start, 1);
  }
  text.chars = std::move(chars);
  text.at_start = at_start;
}

bool is_white_space(uint32_t c) {
  return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_punctuation(uint32_t c) {
  if (c < 0x80) {
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
  }
  return (category_group(c) == 'P') != is_exception(Exception::kPunctuation, c);
}

bool is_number(uint32_t c) {
  if (c < 0x80) {
    return c >= '0' && c <= '9';
  }
  return (category_group(c) == 'N') != is_exception(Exception::kNumber, c);
}

bool is_mark(uint32_t c) {
  return c >= 0x80 && (category_group(c) == 'M') != is_exception(Exception::kMark, c);
}

bool is_nonspacing_mark(uint32_t c) {
  return c >= 0x80 &&
         (category(c) == UTF8PROC_CATEGORY_MN) != is_exception(Exception::kNonspacing, c);
}

bool is_other(uint32_t c) {
  const bool other = category_group(c) == 'C' && category(c) != UTF8PROC_CATEGORY_CN;
  return c < 0x80 ? other : other != is_exception(Exception::kOther, c);
}

bool is_word(uint32_t c) {
  if (c < 0x80) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  // Letters by shape that are symbols by category, and the two joiners.
  constexpr std::pair<uint32_t, uint32_t> kOthers[] = {{0x200C, 0x200D},
                                                       {0x24B6, 0x24E9},
                                                       {0x1F130, 0x1F149},
                                                       {0x1F150, 0x1F169},
                                                       {0x1F170, 0x1F189}};
  const std::string_view added = added_category(c);
  const char group = added.empty() ? category_group(c) : added.front();
  if (group == 'L' || group == 'M') {
    return true;
  }
  switch (category(c)) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return added == "Nd" || in_any(c, kOthers);
  }
}

void append_lower(uint32_t c, std::vector<uint32_t>& out) {
  constexpr uint32_t kDottedI = 0x130;
  if (c < 0x80) {
    out.push_back(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return;
  }
  if (c == kDottedI) {
    out.insert(out.end(), {uint32_t{'i'}, uint32_t{0x307}});
    return;
  }
  for (const LowerRange& range : kLower) {
    if (c >= range.first && c <= range.last) {
      out.push_back(range.lower + (c - range.first));
      return;
    }
  }
  out.push_back(static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

size_t grapheme_end(std::span<const uint32_t> chars, size_t at) {
  utf8proc_int32_t state = 0;
  size_t end = at + 1;
  while (end < chars.size() &&
         !utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(chars[end - 1]),
                                           static_cast<utf8proc_int32_t>(chars[end]), &state)) {
    ++end;
  }
  return end;
}

}  // namespace cupel::engine
