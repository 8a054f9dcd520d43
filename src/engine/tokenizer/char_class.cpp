#include "engine/tokenizer/char_class.h"

#include <array>

#include <utf8proc.h>

#include "engine/tokenizer/unicode_additions.h"

namespace cupel::engine {
namespace {

CharClass class_of_added(std::string_view category) {
  return category.starts_with('L')   ? CharClass::kLetter
         : category.starts_with('N') ? CharClass::kNumber
                                     : CharClass::kOther;
}

CharClass class_by_category(uint32_t code_point) {
  if ((code_point >= 0x9 && code_point <= 0xD) || code_point == 0x85) {
    return CharClass::kSpace;
  }
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharClass::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharClass::kNumber;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return CharClass::kSpace;
    case UTF8PROC_CATEGORY_CN:
      return class_of_added(added_category(code_point));
    default:
      return CharClass::kOther;
  }
}

constexpr size_t kTableSize = 0x800;  // what two bytes of UTF-8 reach

std::array<CharClass, kTableSize> make_table() {
  std::array<CharClass, kTableSize> table{};
  for (uint32_t c = 0; c < kTableSize; ++c) {
    table[c] = class_by_category(c);
  }
  return table;
}

}  // namespace

CharClass char_class(uint32_t code_point) {
  static const std::array<CharClass, kTableSize> table = make_table();
  return code_point < kTableSize ? table[code_point] : class_by_category(code_point);
}

Char char_at(std::string_view text, size_t offset) {
  if (offset >= text.size()) {
    return {};
  }
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[offset + i]));
  };
  const uint32_t lead = byte(0);
  uint32_t value = lead;
  uint32_t length = 1;
  if (lead >= 0xF0) {
    length = 4;
    value = ((lead & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) |
            (byte(3) & 0x3FU);
  } else if (lead >= 0xE0) {
    length = 3;
    value = ((lead & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU);
  } else if (lead >= 0xC0) {
    length = 2;
    value = ((lead & 0x1FU) << 6U) | (byte(1) & 0x3FU);
  }
  return {value, length, char_class(value)};
}

}  // namespace cupel::engine
