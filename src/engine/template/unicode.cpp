#include "engine/template/unicode.h"

#include <utf8proc.h>

#include "base/text.h"

namespace cupel::engine::jinja {
namespace {

utf8proc_category_t category(uint32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

void append_upper(std::string& out, uint32_t c) {
  const auto expansion = upper_expansion(c);
  if (!expansion.empty()) {
    out += expansion;
  } else {
    append_utf8(out, static_cast<uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_title(std::string& out, uint32_t c) {
  const auto expansion = title_expansion(c);
  if (!expansion.empty()) {
    out += expansion;
  } else {
    append_utf8(out, static_cast<uint32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_case_ignorable(uint32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_ME ||
         kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_LM ||
         kind == UTF8PROC_CATEGORY_SK || c == '\'' || c == '.' || c == ':' || c == 0x2019 ||
         c == 0xB7;
}

// A capital sigma is final when a cased letter stands before it and none behind it.
bool is_final_sigma(std::string_view text, size_t offset) {
  bool cased_before = false;
  for (size_t at = offset; at > 0;) {
    at = previous_offset(text, at);
    const uint32_t c = code_point_at(text, at);
    if (!is_case_ignorable(c)) {
      cased_before = is_cased(c);
      break;
    }
  }
  if (!cased_before) {
    return false;
  }
  for (size_t at = offset + sequence_length(text[offset]); at < text.size();) {
    const uint32_t c = code_point_at(text, at);
    if (!is_case_ignorable(c)) {
      return !is_cased(c);
    }
    at += sequence_length(text[at]);
  }
  return true;
}

void append_lower(std::string& out, std::string_view text, size_t offset) {
  constexpr uint32_t kCapitalSigma = 0x3A3;
  constexpr uint32_t kCapitalDottedI = 0x130;
  const uint32_t c = code_point_at(text, offset);
  if (c == kCapitalSigma) {
    append_utf8(out, is_final_sigma(text, offset) ? 0x3C2 : 0x3C3);
  } else if (c == kCapitalDottedI) {
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

}  // namespace

size_t sequence_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) {
    return 1;
  }
  if (byte < 0xE0) {
    return 2;
  }
  return byte < 0xF0 ? 3 : 4;
}

size_t previous_offset(std::string_view text, size_t offset) {
  do {
    --offset;
  } while (offset > 0 && is_continuation(text[offset]));
  return offset;
}

size_t code_point_count(std::string_view text) {
  size_t count = 0;
  for (const char byte : text) {
    count += is_continuation(byte) ? 0 : 1;
  }
  return count;
}

size_t byte_offset(std::string_view text, size_t index) {
  size_t offset = 0;
  while (index > 0 && offset < text.size()) {
    offset += sequence_length(text[offset]);
    --index;
  }
  return offset < text.size() ? offset : text.size();
}

uint32_t code_point_at(std::string_view text, size_t offset) {
  return decode_utf8(text, offset).value;
}

bool is_space(uint32_t c) {
  if (c < 0x80) {
    return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  }
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_break(uint32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

bool is_printable(uint32_t c) {
  if (c == ' ') {
    return true;
  }
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alpha(uint32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(uint32_t c) {
  return is_decimal(c) || c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
         (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089) ||
         (c >= 0x2460 && c <= 0x2468) || (c >= 0x2474 && c <= 0x247C) ||
         (c >= 0x2488 && c <= 0x2490);
}

bool is_numeric(uint32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL ||
         kind == UTF8PROC_CATEGORY_NO;
}

bool is_alnum(uint32_t c) {
  return is_alpha(c) || is_numeric(c);
}
bool is_word(uint32_t c) {
  return c == '_' || is_alnum(c);
}
bool is_upper(uint32_t c) {
  return utf8proc_isupper(static_cast<utf8proc_int32_t>(c)) != 0;
}
bool is_lower(uint32_t c) {
  return utf8proc_islower(static_cast<utf8proc_int32_t>(c)) != 0;
}
bool is_title(uint32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LT;
}
bool is_cased(uint32_t c) {
  return is_upper(c) || is_lower(c) || is_title(c);
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    append_upper(out, code_point_at(text, at));
  }
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    append_lower(out, text, at);
  }
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool inside_word = false;
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const uint32_t c = code_point_at(text, at);
    if (inside_word) {
      append_lower(out, text, at);
    } else {
      append_title(out, c);
    }
    inside_word = is_cased(c);
  }
  return out;
}

std::string to_capitalized(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    if (at == 0) {
      append_title(out, code_point_at(text, at));
    } else {
      append_lower(out, text, at);
    }
  }
  return out;
}

std::string to_swapped_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const uint32_t c = code_point_at(text, at);
    if (is_upper(c)) {
      append_lower(out, text, at);
    } else if (is_lower(c)) {
      append_upper(out, c);
    } else {
      append_utf8(out, c);
    }
  }
  return out;
}

std::string to_folded_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); at += sequence_length(text[at])) {
    const auto c = static_cast<utf8proc_int32_t>(code_point_at(text, at));
    constexpr int kCapacity = 8;
    utf8proc_int32_t folded[kCapacity];
    int boundary = 0;
    const auto count = utf8proc_decompose_char(c, folded, kCapacity, UTF8PROC_CASEFOLD, &boundary);
    if (count < 1 || count > kCapacity) {
      append_utf8(out, static_cast<uint32_t>(c));
      continue;
    }
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      append_utf8(out, static_cast<uint32_t>(folded[i]));
    }
  }
  return out;
}

namespace {

template <typename Predicate>
std::string_view strip_if(std::string_view text, Side side, const Predicate& strips) {
  if (side != Side::kRight) {
    while (!text.empty() && strips(code_point_at(text, 0))) {
      text.remove_prefix(sequence_length(text[0]));
    }
  }
  if (side != Side::kLeft) {
    while (!text.empty()) {
      const size_t last = previous_offset(text, text.size());
      if (!strips(code_point_at(text, last))) {
        break;
      }
      text = text.substr(0, last);
    }
  }
  return text;
}

}  // namespace

std::string_view strip_space(std::string_view text, Side side) {
  return strip_if(text, side, [](uint32_t c) { return is_space(c); });
}

std::string_view strip_characters(std::string_view text, std::string_view characters, Side side) {
  return strip_if(text, side, [&](uint32_t c) {
    std::string encoded;
    append_utf8(encoded, c);
    return characters.find(encoded) != std::string_view::npos;
  });
}

}  // namespace cupel::engine::jinja
