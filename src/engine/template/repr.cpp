#include "engine/template/repr.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {
namespace {

void append_escape(std::string& out, uint32_t c) {
  if (c <= 0xFF) {
    out += format("\\x{:02x}", c);
  } else if (c <= 0xFFFF) {
    out += format("\\u{:04x}", c);
  } else {
    out += format("\\U{:08x}", c);
  }
}

void append_repr_character(std::string& out, uint32_t c, std::string_view bytes, char quote) {
  switch (c) {
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (c == static_cast<uint32_t>(quote)) {
    out += '\\';
    out += quote;
  } else if (is_printable(c)) {
    out += bytes;
  } else {
    append_escape(out, c);
  }
}

Result<Ok> append_items(Runtime& runtime, const std::vector<Value>& items, std::string& out) {
  bool first = true;
  for (const auto& item : items) {
    CUPEL_TRY_VOID(runtime.step());
    if (!first) {
      out += ", ";
    }
    first = false;
    CUPEL_TRY_VOID(append_repr(runtime, item, out));
  }
  return Ok{};
}

Result<Ok> append_sequence(Runtime& runtime, const Sequence& sequence, std::string& out) {
  out += sequence.tuple ? '(' : '[';
  CUPEL_TRY_VOID(append_items(runtime, sequence.items, out));
  if (sequence.tuple && sequence.items.size() == 1) {
    out += ',';
  }
  out += sequence.tuple ? ')' : ']';
  return runtime.check_text_size(out.size());
}

Result<Ok> append_dict(Runtime& runtime, const Dict& dict, std::string& out) {
  out += '{';
  bool first = true;
  for (const auto& [key, value] : dict.entries) {
    CUPEL_TRY_VOID(runtime.step());
    if (!first) {
      out += ", ";
    }
    first = false;
    CUPEL_TRY_VOID(append_repr(runtime, key, out));
    out += ": ";
    CUPEL_TRY_VOID(append_repr(runtime, value, out));
  }
  out += '}';
  return runtime.check_text_size(out.size());
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view scientific(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = scientific.find('e');
  int exponent = 0;
  const size_t digits_at = scientific[mark + 1] == '+' ? mark + 2 : mark + 1;
  std::from_chars(scientific.data() + digits_at, end, exponent);
  // Python prints plain digits for exponents -4 … 15.
  if (exponent < -4 || exponent >= 16) {
    std::string out(scientific.substr(0, mark));
    return out + format("e{}{:02d}", exponent < 0 ? "-" : "+", std::abs(exponent));
  }
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string out(buffer, static_cast<size_t>(fixed - buffer));
  if (out.find('.') == std::string::npos) {
    out += ".0";
  }
  return out;
}

std::string text_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (size_t at = 0; at < text.size();) {
    const size_t length = sequence_length(text[at]);
    append_repr_character(out, code_point_at(text, at), text.substr(at, length), quote);
    at += length;
  }
  out += quote;
  return out;
}

Result<Ok> append_repr(Runtime& runtime, const Value& value, std::string& out) {
  switch (value.kind()) {
    case Kind::kMissing:
    case Kind::kUndefined:
      out += "Undefined";
      return Ok{};
    case Kind::kNone:
      out += "None";
      return Ok{};
    case Kind::kBool:
      out += value.as_bool() ? "True" : "False";
      return Ok{};
    case Kind::kInt:
      out += std::to_string(value.as_int());
      return Ok{};
    case Kind::kFloat:
      out += float_repr(value.as_double());
      return Ok{};
    case Kind::kText: {
      CUPEL_TRY_VOID(runtime.step(1 + value.bytes().size() / 16));
      const std::string quoted = text_repr(value.bytes());
      out += value.text().markup ? format("Markup({})", quoted) : quoted;
      return runtime.check_text_size(out.size());
    }
    case Kind::kSequence:
      return append_sequence(runtime, value.sequence(), out);
    case Kind::kDict:
      return append_dict(runtime, value.dict(), out);
    case Kind::kObject:
      return value.object()->append_repr(runtime, out);
  }
  return Ok{};
}

Result<Ok> append_str(Runtime& runtime, const Value& value, std::string& out) {
  if (value.is_text()) {
    out += value.bytes();
    return runtime.check_text_size(out.size());
  }
  if (value.is_undefined() || value.is_missing()) {
    return Ok{};
  }
  return append_repr(runtime, value, out);
}

Result<std::string> str(Runtime& runtime, const Value& value) {
  std::string out;
  CUPEL_TRY_VOID(append_str(runtime, value, out));
  return out;
}

Result<std::string> repr(Runtime& runtime, const Value& value) {
  std::string out;
  CUPEL_TRY_VOID(append_repr(runtime, value, out));
  return out;
}

}  // namespace cupel::engine::jinja
