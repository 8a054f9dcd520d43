#include "decode/constraint/regex_parser.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "decode/constraint/regex_rewrites.h"

namespace cupel::decode::constraint {
namespace {

constexpr size_t kLongestPattern = 64 << 10;
constexpr std::string_view kNoLookAround =
    "look-ahead and look-behind are not supported, but for (?!^[…]*$) at the beginning";
constexpr int kDeepestGroup = 100;
constexpr int64_t kLargestCount = 1'000'000'000;

const CodePointSet& digits() {
  static const CodePointSet set = {{'0', '9'}};
  return set;
}
const CodePointSet& word_characters() {
  static const CodePointSet set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}
const CodePointSet& spaces() {
  static const CodePointSet set = {{'\t', '\r'}, {' ', ' '}};
  return set;
}
// ECMA-262's white space and line ends: \S reads none of them, so that it is right by that
// standard as well.
const CodePointSet& unicode_spaces() {
  static const CodePointSet set = {
      {'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return set;
}
const CodePointSet& line_ends() {
  static const CodePointSet set = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return set;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : text_(pattern) {}

  Result<RegexNode> parse() {
    CUPEL_TRY(RegexNode node, alternatives(0));
    if (at_ < text_.size()) {
      return malformed("\")\" closes nothing; write \\) for the character");
    }
    return node;
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] bool next_is(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }
  bool take(std::string_view what) {
    const bool found = next_is(what);
    at_ += found ? what.size() : 0;
    return found;
  }
  [[nodiscard]] Error malformed(std::string_view what) const {
    return invalid_argument("pattern \"{}\", byte {}: {}", printable(text_, 60), at_, what);
  }
  [[nodiscard]] Error refused(std::string_view what) const {
    return unsupported("pattern \"{}\", byte {}: {}", printable(text_, 60), at_, what);
  }

  Result<RegexNode> alternatives(int depth) {
    if (depth > kDeepestGroup) {
      return exhausted("pattern \"{}\": groups are nested more than {} deep", printable(text_, 60),
                       kDeepestGroup);
    }
    RegexNode node{.kind = RegexNode::Kind::kAlternatives};
    do {
      CUPEL_TRY(RegexNode one, sequence(depth));
      node.children.push_back(std::move(one));
    } while (take("|"));
    if (node.children.size() == 1) {
      RegexNode only = std::move(node.children.front());
      return only;
    }
    return node;
  }

  Result<RegexNode> sequence(int depth) {
    RegexNode node;
    std::optional<CodePointSet> not_only;
    if (depth == 0) {
      take("^");
      if (take("(?!")) {
        CUPEL_TRY(not_only, look_ahead());
      }
    }
    while (!done() && !next_is("|") && !next_is(")")) {
      if (depth == 0 && (text_.substr(at_) == "$" || next_is("$|"))) {
        ++at_;
        break;
      }
      CUPEL_TRY(RegexNode one, atom(depth));
      CUPEL_TRY_VOID(quantifier(one));
      if (regex_length(one).max > 0) {  // what reads nothing says nothing, however often
        node.children.push_back(std::move(one));
      }
    }
    return not_only ? with_others(node, *not_only) : Result<RegexNode>(std::move(node));
  }

  // Behind "(?!" at the beginning: of look-aheads only ^[…]*$, a text of nothing but these.
  Result<CodePointSet> look_ahead() {
    const size_t begin = at_;
    take("^");
    if (!done() && !next_is("(") && !next_is("^") && !next_is("$")) {
      CUPEL_TRY(RegexNode one, atom(1));
      CUPEL_TRY_VOID(quantifier(one));
      if (one.min == 0 && one.max == RegexNode::kUnbounded && take("$)")) {
        return std::move(one.set);
      }
    }
    at_ = begin - 3;
    return refused(kNoLookAround);
  }

  [[nodiscard]] Result<RegexNode> with_others(const RegexNode& node,
                                              const CodePointSet& set) const {
    auto rest = with_one_outside(node, set);
    if (!rest) {
      return in_context(std::move(rest).error(), format("pattern \"{}\"", printable(text_, 60)));
    }
    if (!*rest) {
      return malformed("the look-ahead excludes every text of the pattern");
    }
    RegexNode whole;
    whole.children.push_back(std::move(**rest));
    return whole;
  }

  Result<RegexNode> atom(int depth) {
    if (take("(")) {
      return group(depth);
    }
    if (take("[")) {
      return character_class();
    }
    if (take("\\")) {
      CUPEL_TRY(CodePointSet set, escape(false));
      return of_set(std::move(set));
    }
    if (take(".")) {
      return of_set(line_ends().complement());
    }
    if (next_is("^") || next_is("$")) {
      return refused(
          "an anchor stands inside the pattern; it may only stand at the ends of the pattern and "
          "of its outermost alternatives");
    }
    if (next_is("*") || next_is("+") || next_is("?") || next_is("{")) {
      return malformed("a quantifier follows nothing; write \\ before it for the character");
    }
    CUPEL_TRY(const uint32_t c, character());
    return of_set({{c, c}});
  }

  static RegexNode of_set(CodePointSet set) {
    return {.kind = RegexNode::Kind::kSet, .set = std::move(set)};
  }

  Result<uint32_t> character() {
    const CodePoint c = decode_utf8(text_, at_);
    if (!c.valid) {
      return malformed("the byte is no UTF-8");
    }
    at_ += c.length;
    return c.value;
  }

  Result<RegexNode> group(int depth) {
    if (next_is("?=") || next_is("?!") || next_is("?<=") || next_is("?<!")) {
      return refused(kNoLookAround);
    }
    if (take("?<") || take("?P<")) {
      const size_t end = text_.find('>', at_);
      if (end == std::string_view::npos) {
        return malformed("the name of the group does not end");
      }
      at_ = end + 1;
    } else if (next_is("?") && !take("?:")) {
      return refused("of groups with (? only (?:…) and named ones are supported");
    }
    CUPEL_TRY(RegexNode node, alternatives(depth + 1));
    if (!take(")")) {
      return malformed("a group is not closed");
    }
    // Repeated as a whole: what it was repeated by inside stays its own.
    RegexNode whole;
    whole.children.push_back(std::move(node));
    return whole;
  }

  Result<int64_t> count() {
    int64_t value = 0;
    const size_t begin = at_;
    for (; !done() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = std::min(kLargestCount, value * 10 + (text_[at_] - '0'));
    }
    if (at_ == begin) {
      return malformed("expected {n}, {n,} or {n,m}; write \\{ for the character");
    }
    return value;
  }

  Result<Ok> quantifier(RegexNode& node) {
    if (take("*")) {
      node.min = 0;
      node.max = RegexNode::kUnbounded;
    } else if (take("+")) {
      node.max = RegexNode::kUnbounded;
    } else if (take("?")) {
      node.min = 0;
    } else if (take("{")) {
      CUPEL_TRY(node.min, count());
      node.max = node.min;
      if (take(",")) {
        node.max = RegexNode::kUnbounded;
        if (!next_is("}")) {
          CUPEL_TRY(node.max, count());
        }
      }
      if (!take("}")) {
        return malformed("expected {n}, {n,} or {n,m}; write \\{ for the character");
      }
      if (node.max < node.min) {
        return malformed("the quantifier's maximum is below its minimum");
      }
    } else {
      return Ok{};
    }
    take("?");  // a lazy one finds another match first, but accepts the same texts
    if (next_is("+")) {
      return refused("possessive quantifiers are not supported");
    }
    if (next_is("*") || next_is("{") || next_is("?")) {
      return malformed("a quantifier follows a quantifier; put the first in (?:…)");
    }
    return Ok{};
  }

  Result<uint32_t> hex(size_t count) {
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const int digit = done() ? -1 : hex_value(text_[at_]);
      if (digit < 0) {
        return malformed(format("expected {} hexadecimal digits", count));
      }
      value = value * 16 + static_cast<uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  Result<uint32_t> unicode_escape() {
    if (take("{")) {
      uint32_t value = 0;
      const size_t begin = at_;
      while (!done() && hex_value(text_[at_]) >= 0 && value <= kLastCodePoint) {
        value = value * 16 + static_cast<uint32_t>(hex_value(text_[at_++]));
      }
      if (at_ == begin || value > kLastCodePoint || !take("}")) {
        return malformed("expected \\u{…} with the digits of a code point");
      }
      return value;
    }
    CUPEL_TRY(const uint32_t value, hex(4));
    if (value >= 0xD800 && value <= 0xDBFF && take("\\u")) {
      CUPEL_TRY(const uint32_t low, hex(4));
      if (low < 0xDC00 || low > 0xDFFF) {
        return malformed("half a surrogate pair");
      }
      return 0x10000 + ((value - 0xD800) << 10U) + (low - 0xDC00);
    }
    return value;
  }

  // Behind the backslash.
  Result<CodePointSet> escape(bool in_class) {
    if (done()) {
      return malformed("the pattern ends with a backslash");
    }
    const char c = text_[at_];
    const auto one = [](uint32_t code_point) { return CodePointSet{{code_point, code_point}}; };
    if (c >= '1' && c <= '9') {
      return refused("back-references are not supported");
    }
    if (c == 'u' || c == 'x') {
      ++at_;
      CUPEL_TRY(const uint32_t value, c == 'u' ? unicode_escape() : hex(2));
      return one(value);
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      CUPEL_TRY(const uint32_t value, character());
      return one(value);
    }
    ++at_;
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return digits().complement();
      case 'w':
        return word_characters();
      case 'W':
        return word_characters().complement();
      case 's':
        return spaces();
      case 'S':
        return unicode_spaces().complement();
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'b':
        if (in_class) {
          return one('\b');
        }
        break;
      default:
        break;
    }
    const bool letter = hex_value(c) >= 0 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter) {
      return refused(format("\\{} is not supported", std::string(1, c)));
    }
    return one(static_cast<uint32_t>(c));
  }

  // One end of a range, or a whole set such as \d.
  Result<CodePointSet> class_item() {
    if (done()) {
      return malformed("a character class is not closed");
    }
    if (take("\\")) {
      return escape(true);
    }
    if (next_is("[:")) {
      return refused("POSIX classes are not supported");
    }
    CUPEL_TRY(const uint32_t c, character());
    return CodePointSet{{c, c}};
  }

  static std::optional<uint32_t> single(const CodePointSet& set) {
    const auto& ranges = set.ranges();
    return ranges.size() == 1 && ranges[0].first == ranges[0].last ? std::optional(ranges[0].first)
                                                                   : std::nullopt;
  }

  Result<RegexNode> character_class() {
    const bool negated = take("^");
    CodePointSet set;
    while (!take("]")) {
      CUPEL_TRY(const CodePointSet low, class_item());
      if (!next_is("-") || next_is("-]")) {
        set.add(low);
        continue;
      }
      ++at_;
      CUPEL_TRY(const CodePointSet high, class_item());
      if (!single(low) || !single(high) || *single(low) > *single(high)) {
        return malformed(
            "a range of the character class does not go from a character to a later "
            "one");
      }
      set.add({*single(low), *single(high)});
    }
    set.normalise();
    if (negated) {
      set = set.complement();
    }
    return of_set(std::move(set));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<RegexNode> parse_regex(std::string_view pattern) {
  if (pattern.size() > kLongestPattern) {
    return exhausted("the pattern has {} bytes; at most {} are taken", pattern.size(),
                     kLongestPattern);
  }
  return Parser(pattern).parse();
}

}  // namespace cupel::decode::constraint
