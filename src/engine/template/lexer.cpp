#include "engine/template/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {
namespace {

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) {
    out.pop_back();  // keep_trailing_newline is off
  }
  return out;
}

int count_newlines(std::string_view text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

size_t space_length(std::string_view text) {
  return text.size() - strip_space(text, Side::kLeft).size();
}

/// Turns the escapes of a string literal into characters, as Python's unicode-escape.
class Unescaper {
 public:
  explicit Unescaper(std::string_view text) : text_(text) {}

  Result<std::string> run() {
    while (at_ < text_.size()) {
      if (text_[at_] != '\\' || at_ + 1 >= text_.size()) {
        out_ += text_[at_++];
        continue;
      }
      const char kind = text_[at_ + 1];
      at_ += 2;
      CUPEL_TRY_VOID(escape(kind));
    }
    return std::move(out_);
  }

 private:
  Result<Ok> escape(char kind) {
    constexpr std::string_view kNames = "\\'\"abfnrtv\n";
    constexpr std::array<std::string_view, 11> kValues = {"\\", "'",  "\"", "\a", "\b", "\f",
                                                          "\n", "\r", "\t", "\v", ""};
    if (const size_t known = kNames.find(kind); known != std::string_view::npos) {
      out_ += kValues[known];
      return Ok{};
    }
    switch (kind) {
      case 'x':
        return hexadecimal(2);
      case 'u':
        return hexadecimal(4);
      case 'U':
        return hexadecimal(8);
      case 'N':
        return unsupported("character names (\\N{{…}}) in strings are not available");
      default:
        break;
    }
    if (kind >= '0' && kind <= '7') {
      octal(kind);
    } else {
      out_ += '\\';
      out_ += kind;
    }
    return Ok{};
  }

  Result<Ok> hexadecimal(size_t digits) {
    uint32_t value = 0;
    const auto part = text_.substr(at_, digits);
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    if (part.size() < digits || failure != std::errc() || end != part.data() + digits) {
      return corrupt_data("a character escape in a string needs {} hexadecimal digits", digits);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return corrupt_data("a character escape in a string names no character");
    }
    append_utf8(out_, value);
    at_ += digits;
    return Ok{};
  }

  void octal(char first) {
    auto value = static_cast<uint32_t>(first - '0');
    for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7'; ++i) {
      value = value * 8 + static_cast<uint32_t>(text_[at_++] - '0');
    }
    append_utf8(out_, value);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) {
      auto done = next_part();
      if (!done) {
        return at_line(std::move(done).error(), line_);
      }
    }
    push(TokenType::kEnd, {});
    return std::move(tokens_);
  }

 private:
  enum class Tag { kVariable, kBlock, kComment, kRaw };

  [[nodiscard]] std::string_view rest() const { return source_.substr(at_); }

  void push(TokenType type, std::string text) {
    tokens_.push_back({.type = type, .text = std::move(text), .number = {}, .line = line_});
  }

  void advance(size_t count) {
    const auto passed = source_.substr(at_, count);
    line_ += count_newlines(passed);
    if (!passed.empty()) {
      line_starting_ = passed.back() == '\n';
    }
    at_ += count;
  }

  // Data up to the next tag, then the tag.
  Result<Ok> next_part() {
    size_t begin = at_;
    while (begin < source_.size()) {
      begin = source_.find('{', begin);
      if (begin == std::string_view::npos || begin + 1 >= source_.size()) {
        begin = source_.size();
        break;
      }
      const char kind = source_[begin + 1];
      if (kind == '{' || kind == '%' || kind == '#') {
        break;
      }
      ++begin;
    }
    if (begin >= source_.size()) {
      push_data(rest());
      advance(source_.size() - at_);
      return Ok{};
    }
    return tag(begin);
  }

  Result<Ok> tag(size_t begin) {
    const char kind = source_[begin + 1];
    const char sign = begin + 2 < source_.size() ? source_[begin + 2] : ' ';
    const bool signed_tag = sign == '-' || sign == '+';
    const size_t raw = kind == '%' ? raw_begin_length(begin) : 0;
    const auto data = source_.substr(at_, begin - at_);
    push_data(strip_data(data, sign, kind == '{'));
    advance(data.size());
    if (raw > 0) {
      advance(raw);
      return raw_block();
    }
    if (kind == '#') {
      advance(signed_tag ? 3 : 2);
      return comment();
    }
    push(kind == '{' ? TokenType::kVariableBegin : TokenType::kBlockBegin, {});
    advance(signed_tag ? 3 : 2);
    return expression(kind == '{');
  }

  void push_data(std::string_view data) {
    if (!data.empty()) {
      push(TokenType::kData, std::string(data));
    }
  }

  // What stays of the text before a tag.
  [[nodiscard]] std::string_view strip_data(std::string_view data, char sign, bool variable) const {
    if (sign == '-') {
      return strip_space(data, Side::kRight);
    }
    if (sign == '+' || variable) {
      return data;
    }
    const size_t newline = data.rfind('\n');
    const size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
    if (line_start == 0 && !line_starting_) {
      return data;
    }
    const auto tail = data.substr(line_start);
    return strip_space(tail).empty() ? data.substr(0, line_start) : data;
  }

  // Length of `{% raw %}` at this place, or 0.
  [[nodiscard]] size_t raw_begin_length(size_t begin) const {
    size_t at = begin + 2;
    at += at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? 1 : 0;
    at += space_length(source_.substr(at));
    if (source_.substr(at, 3) != "raw") {
      return 0;
    }
    at += 3;
    at += space_length(source_.substr(at));
    if (source_.substr(at, 2) == "%}") {
      return at + 2 - begin;
    }
    if (source_.substr(at, 3) != "-%}") {
      return 0;
    }
    at += 3;
    return at + space_length(source_.substr(at)) - begin;
  }

  // Length of the end tag at this place ("%}" with sign and what it strips), or 0.
  [[nodiscard]] static size_t end_length(std::string_view text,
                                         std::string_view symbol,
                                         bool allow_plus) {
    const bool minus = text.starts_with('-');
    const bool plus = allow_plus && text.starts_with('+');
    const size_t sign = minus || plus ? 1 : 0;
    if (!text.substr(sign).starts_with(symbol)) {
      return 0;
    }
    const size_t length = sign + symbol.size();
    if (minus) {
      return length + space_length(text.substr(length));
    }
    const bool trims = !plus && symbol != "}}" && text.substr(length).starts_with('\n');
    return length + (trims ? 1 : 0);
  }

  Result<Ok> comment() {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) {
      return corrupt_data("missing end of comment tag");
    }
    const bool has_sign = end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
    const size_t begin = has_sign ? end - 1 : end;
    advance(begin - at_);
    advance(end_length(rest(), "#}", true));
    return Ok{};
  }

  Result<Ok> raw_block() {
    for (size_t begin = source_.find("{%", at_); begin != std::string_view::npos;
         begin = source_.find("{%", begin + 2)) {
      size_t at = begin + 2;
      const char sign = at < source_.size() ? source_[at] : ' ';
      at += sign == '-' || sign == '+' ? 1 : 0;
      at += space_length(source_.substr(at));
      if (source_.substr(at, 6) != "endraw") {
        continue;
      }
      at += 6;
      at += space_length(source_.substr(at));
      const size_t end = end_length(source_.substr(at), "%}", true);
      if (end == 0) {
        continue;
      }
      const auto data = source_.substr(at_, begin - at_);
      push_data(strip_data(data, sign, false));
      advance(at + end - at_);
      return Ok{};
    }
    return corrupt_data("missing end of raw directive");
  }

  Result<Ok> expression(bool variable) {
    std::string brackets;
    while (at_ < source_.size()) {
      if (const size_t space = space_length(rest()); space > 0) {
        advance(space);
        continue;
      }
      const size_t end =
          brackets.empty() ? end_length(rest(), variable ? "}}" : "%}", !variable) : 0;
      if (end > 0) {
        push(variable ? TokenType::kVariableEnd : TokenType::kBlockEnd, {});
        advance(end);
        return Ok{};
      }
      CUPEL_TRY_VOID(token(brackets));
    }
    return corrupt_data("the template ends inside a tag");
  }

  Result<Ok> token(std::string& brackets) {
    const char c = source_[at_];
    if (is_digit_char(c)) {
      return number();
    }
    if (c == '"' || c == '\'') {
      return string(c);
    }
    if (is_word(code_point_at(source_, at_))) {
      return name();
    }
    return symbol(brackets);
  }

  // End of a run of digits that may have single underscores between them.
  [[nodiscard]] size_t digits_end(size_t at) const {
    while (at < source_.size() &&
           (is_digit_char(source_[at]) ||
            (source_[at] == '_' && at + 1 < source_.size() && is_digit_char(source_[at + 1])))) {
      ++at;
    }
    return at;
  }

  [[nodiscard]] size_t exponent_end(size_t at) const {
    if (at >= source_.size() || (source_[at] != 'e' && source_[at] != 'E')) {
      return at;
    }
    size_t digits = at + 1;
    digits += digits < source_.size() && (source_[digits] == '+' || source_[digits] == '-') ? 1 : 0;
    const bool has_digits = digits < source_.size() && is_digit_char(source_[digits]);
    return has_digits ? digits_end(digits) : at;
  }

  Result<Ok> number() {
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';  // x.0.1: two integers
    const size_t integer_end = digits_end(at_);
    size_t end = integer_end;
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.' &&
        is_digit_char(source_[end + 1])) {
      end = digits_end(end + 1);
    }
    if (!after_dot) {
      end = exponent_end(end);
    }
    return end > integer_end ? real(end) : integer();
  }

  Result<Ok> real(size_t end) {
    std::string digits(source_.substr(at_, end - at_));
    std::erase(digits, '_');
    double value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
      return unsupported("the number {} is out of range", excerpt(digits, 40));
    }
    push(TokenType::kFloat, {});
    tokens_.back().number = Value::real(value);
    advance(end - at_);
    return Ok{};
  }

  Result<Ok> integer() {
    const auto prefix = to_lower_ascii(source_.substr(at_, 2));
    int base = 10;
    base = prefix == "0x" ? 16 : prefix == "0o" ? 8 : prefix == "0b" ? 2 : 10;
    size_t end = base == 10 ? digits_end(at_) : at_ + 2;
    const std::string_view allowed = std::string_view("0123456789abcdefABCDEF");
    const size_t count = base == 16 ? 22 : static_cast<size_t>(base);
    while (base != 10 && end < source_.size() &&
           (source_[end] == '_' ||
            allowed.substr(0, count).find(source_[end]) != std::string_view::npos)) {
      ++end;
    }
    if (base == 10 && source_[at_] == '0') {  // 007 is 0, then 07 …: an error of the parser
      end = at_ + 1;
    }
    std::string digits(
        source_.substr(base == 10 ? at_ : at_ + 2, end - at_ - (base == 10 ? 0 : 2)));
    std::erase(digits, '_');
    int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (result.ec != std::errc()) {
      return unsupported("the number {} is out of range", excerpt(digits, 40));
    }
    push(TokenType::kInteger, {});
    tokens_.back().number = Value::integer(value);
    advance(end - at_);
    return Ok{};
  }

  Result<Ok> string(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) {
      end += source_[end] == '\\' ? 2 : 1;
    }
    if (end >= source_.size()) {
      return corrupt_data("a string that starts here is not closed");
    }
    CUPEL_TRY(auto text, Unescaper(source_.substr(at_ + 1, end - at_ - 1)).run());
    push(TokenType::kString, std::move(text));
    advance(end + 1 - at_);
    return Ok{};
  }

  Result<Ok> name() {
    size_t end = at_;
    while (end < source_.size() && is_word(code_point_at(source_, end))) {
      end += sequence_length(source_[end]);
    }
    push(TokenType::kName, std::string(source_.substr(at_, end - at_)));
    advance(end - at_);
    return Ok{};
  }

  Result<Ok> symbol(std::string& brackets) {
    constexpr std::array<std::string_view, 6> kDouble = {"//", "**", "==", "!=", ">=", "<="};
    constexpr std::string_view kSingle = "+-/*%~[](){}><=.:|,;";
    const auto two = source_.substr(at_, 2);
    const bool is_double = std::find(kDouble.begin(), kDouble.end(), two) != kDouble.end();
    const char c = source_[at_];
    if (!is_double && kSingle.find(c) == std::string_view::npos) {
      return corrupt_data("unexpected character '{}'",
                          source_.substr(at_, sequence_length(source_[at_])));
    }
    if (c == '(' || c == '[' || c == '{') {
      brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) {
        return corrupt_data("unexpected '{}'", c);
      }
      brackets.pop_back();
    }
    push(TokenType::kOperator, std::string(is_double ? two : source_.substr(at_, 1)));
    advance(is_double ? 2 : 1);
    return Ok{};
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Error at_line(Error error, int line) {
  if (!error.message.starts_with("template:")) {
    error.message = format("template:{}: {}", line, error.message);
  }
  return error;
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  const std::string normal = normalize_newlines(source);
  return Lexer(normal).run();
}

}  // namespace cupel::engine::jinja
