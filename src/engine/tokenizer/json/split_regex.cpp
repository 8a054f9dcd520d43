#include "engine/tokenizer/json/split_regex.h"

#include <cctype>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "engine/tokenizer/unicode_additions.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxPatternBytes = 32 << 10;
constexpr int kMaxDepth = 64;
// A search that takes more steps gives up: a text of a megabyte needs a few thousand in a piece.
constexpr uint32_t kMatchLimit = 1'000'000;

constexpr std::string_view kSpace = R"(\x{9}-\x{d}\x{85}\p{Z})";
constexpr std::string_view kNoSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{84}\x{86}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff})"
    R"(\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{10ffff})";
constexpr std::string_view kHex = "0-9A-Fa-f";

/// Members of `\p{property}` for PCRE2 and the newer characters of that property.
std::string property_members(std::string_view property) {
  return format("\\p{{{}}}{}", property, added_ranges(property));
}

std::string word_members() {
  return property_members("L") + property_members("M") + property_members("Nd") +
         property_members("Nl") + property_members("Pc") +
         R"(\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
}

/// Outside of sets the original engine counts some superscripts and fractions as well.
std::string lone_word_members() {
  return word_members() + R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
}

/// A set of characters: members of a bracket, and expressions of one character each that belong to
/// it as well. Both together may be meant as what the set does not hold.
struct CharSet {
  std::string members;
  bool negated = false;
  std::vector<std::string> others = {};
  bool single = false;  ///< exactly one character, which may begin or end a range

  /// An expression that matches one character of the set.
  [[nodiscard]] std::string expression() const {
    if (others.empty()) {
      return members.empty() ? (negated ? "(?s:.)" : "(?!)")
                             : format("[{}{}]", negated ? "^" : "", members);
    }
    std::string either = members.empty() ? "(?:" : format("(?:[{}]|", members);
    for (const std::string& other : others) {
      either += other;
      either += &other == &others.back() ? ")" : "|";
    }
    return negated ? format("(?:(?!{})(?s:.))", either) : either;
  }
  void add(CharSet item) {
    if (item.others.empty() && !item.negated) {
      members += item.members;
    } else {
      others.push_back(item.expression());
    }
  }
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_(pattern) {}

  Result<std::string> translate() {
    while (at_ < pattern_.size()) {
      CUPEL_TRY_VOID(step());
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= pattern_.size(); }
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  template <typename... Args>
  Error refuse(std::string_view text, const Args&... args) const {
    return unsupported("pattern \"{}\": {} at byte {} is not supported", printable(pattern_, 256),
                       format(text, args...), at_);
  }
  Error malformed(std::string_view what) const {
    return invalid_argument("pattern \"{}\": {} at byte {}", printable(pattern_, 256), what, at_);
  }

  void atom(std::string_view text) {
    atom_ = out_.size();
    out_ += text;
  }

  Result<Ok> step() {
    switch (const char c = peek()) {
      case '\\':
        return escape();
      case '[': {
        CUPEL_TRY(const CharSet set, char_set(0));
        atom(set.expression());
        return Ok{};
      }
      case '(':
        return open_group();
      case ')':
        ++at_;
        out_ += ')';
        if (!groups_.empty()) {
          atom_ = groups_.back();
          groups_.pop_back();
        }
        return Ok{};
      case '{':
        return braces();
      case '^':
      case '$':
        ++at_;
        atom(c == '^' ? "(?m:^)" : "(?m:$)");
        return Ok{};
      case '|':
      case '?':
      case '*':
      case '+':
        ++at_;
        out_ += c;
        return Ok{};
      default: {
        const CodePoint point = decode_utf8(pattern_, at_);
        atom(pattern_.substr(at_, point.length));
        at_ += point.length;
        return Ok{};
      }
    }
  }

  /// `{n,m}` as a quantifier; after it "+" repeats in Ruby's syntax.
  Result<Ok> braces() {
    size_t end = at_ + 1;
    while (end < pattern_.size() &&
           (pattern_[end] == ',' || (pattern_[end] >= '0' && pattern_[end] <= '9'))) {
      ++end;
    }
    if (end >= pattern_.size() || pattern_[end] != '}' || end == at_ + 1) {
      atom("\\{");
      ++at_;
      return Ok{};
    }
    std::string counts(pattern_.substr(at_ + 1, end - at_ - 1));
    counts.insert(0, counts.front() == ',' ? "0" : "");
    at_ = end + 1;
    out_ += format("{{{}}}", counts);
    if (peek() == '+') {
      out_.insert(atom_, "(?:");
      out_ += ')';
    }
    return Ok{};
  }

  Result<Ok> open_group() {
    groups_.push_back(out_.size());
    if (groups_.size() > static_cast<size_t>(kMaxDepth)) {
      return refuse("a group nested deeper than {}", kMaxDepth);
    }
    ++at_;
    if (peek() != '?') {
      out_ += '(';
      return Ok{};
    }
    constexpr std::string_view kPlainKinds[] = {"?:", "?=", "?!", "?>", "?<=", "?<!"};
    for (const std::string_view kind : kPlainKinds) {
      if (pattern_.substr(at_).starts_with(kind)) {
        out_ += format("({}", kind);
        at_ += kind.size();
        return Ok{};
      }
    }
    if (pattern_.substr(at_).starts_with("?<")) {
      const size_t close = pattern_.find('>', at_);
      if (close == std::string_view::npos) {
        return malformed("a group's name does not end");
      }
      at_ = close + 1;
      out_ += '(';
      return Ok{};
    }
    return options();
  }

  /// `(?im-x)` and `(?im-x:`; Ruby's m is that "." matches a newline.
  Result<Ok> options() {
    std::string letters;
    size_t end = at_ + 1;
    for (; end < pattern_.size() && pattern_[end] != ')' && pattern_[end] != ':'; ++end) {
      const char c = pattern_[end];
      if (c != 'i' && c != 'm' && c != 'x' && c != '-') {
        return refuse("the group option \"{}\"", printable(pattern_.substr(end, 1)));
      }
      letters += c == 'm' ? 's' : c;
    }
    if (end >= pattern_.size()) {
      return malformed("a group does not end");
    }
    out_ += format("(?{}", letters);
    at_ = end;
    if (pattern_[end] == ':') {
      out_ += ':';
      ++at_;
    }
    return Ok{};
  }

  Result<Ok> escape() {
    if (at_ + 1 >= pattern_.size()) {
      return malformed("a \\ ends the pattern");
    }
    if (pattern_[at_ + 1] == 'w' || pattern_[at_ + 1] == 'W') {
      atom(format("[{}{}]", pattern_[at_ + 1] == 'W' ? "^" : "", lone_word_members()));
      at_ += 2;
      return Ok{};
    }
    constexpr std::string_view kAsIs = "AzZGBKXR";
    const char c = pattern_[at_ + 1];
    if (c == 'b' || c == 'B') {
      at_ += 2;
      const std::string word = format("[{}]", lone_word_members());
      atom(c == 'b' ? format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word)
                    : format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word));
      return Ok{};
    }
    if (kAsIs.find(c) != std::string_view::npos) {
      if (c == 'K') {
        return refuse("\\K");
      }
      atom(pattern_.substr(at_, 2));
      at_ += 2;
      return Ok{};
    }
    CUPEL_TRY(const CharSet set, escaped_set());
    atom(set.single ? set.members : set.expression());
    return Ok{};
  }

  /// A class or a character after a backslash.
  Result<CharSet> escaped_set() {
    const char c = pattern_[at_ + 1];
    at_ += 2;
    switch (c) {
      case 's':
        return CharSet{std::string(kSpace)};
      case 'S':
        return CharSet{std::string(kNoSpace)};
      case 'd':
      case 'D':
        return CharSet{property_members("Nd"), c == 'D'};
      case 'w':
      case 'W':
        return CharSet{word_members(), c == 'W'};
      case 'h':
      case 'H':
        return CharSet{std::string(kHex), c == 'H'};
      case 'p':
      case 'P':
        return property(c == 'P');
      case 'u':
      case 'x':
        return hex_character(c);
      default:
        break;
    }
    constexpr std::string_view kControls = "tnrfvae";
    if (const size_t index = kControls.find(c); index != std::string_view::npos) {
      constexpr int kValues[] = {9, 10, 13, 12, 11, 7, 27};
      return single(format("\\x{{{:x}}}", kValues[index]));
    }
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      at_ -= 2;
      return refuse("\\{}", std::string_view(&c, 1));
    }
    const CodePoint point = decode_utf8(pattern_, at_ - 1);
    std::string members = point.length == 1 ? "\\" : "";
    members += pattern_.substr(at_ - 1, point.length);
    at_ += point.length - 1U;
    return single(std::move(members));
  }

  static CharSet single(std::string member) {
    CharSet set;
    set.members = std::move(member);
    set.single = true;
    return set;
  }

  Result<CharSet> property(bool negated) {
    const size_t close = pattern_.find('}', at_);
    if (peek() != '{' || close == std::string_view::npos) {
      return malformed("\\p needs a property in braces");
    }
    std::string_view name = pattern_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    // A script means the characters of that script; PCRE2 takes its name for the extensions too.
    const std::string script = format("sc:{}", name);
    if (name.size() > 2 && Regex::compile(format("\\p{{{}}}", script))) {
      return CharSet{property_members(script), negated};
    }
    return CharSet{property_members(name), negated};
  }

  Result<CharSet> hex_character(char kind) {
    std::string_view digits;
    if (kind == 'x' && peek() == '{') {
      const size_t close = pattern_.find('}', at_);
      if (close == std::string_view::npos) {
        return malformed("\\x{ does not end");
      }
      digits = pattern_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
    } else {
      size_t count = 0;
      const size_t most = kind == 'u' ? 4 : 2;
      while (count < most && !done() &&
             std::isxdigit(static_cast<unsigned char>(peek(count))) != 0) {
        ++count;
      }
      digits = pattern_.substr(at_, count);
      at_ += count;
      if (kind == 'u' && count < most) {
        return malformed("\\u needs four hex digits");
      }
    }
    return single(format("\\x{{{}}}", digits));
  }

  /// A bracketed set that begins at `[`.
  Result<CharSet> char_set(int depth) {
    if (depth > kMaxDepth) {
      return refuse("a set nested deeper than {}", kMaxDepth);
    }
    ++at_;
    const bool negated = peek() == '^';
    at_ += negated ? 1 : 0;
    std::vector<CharSet> parts(1);
    bool after_single = false;
    for (bool first = true; done() || peek() != ']' || first; first = false) {
      if (done()) {
        return malformed("a set does not end");
      }
      if (peek() == '&' && peek(1) == '&') {
        at_ += 2;
        parts.emplace_back();
        after_single = false;
        continue;
      }
      if (peek() == '-') {
        parts.back().members += after_single && range_goes_on() ? "-" : "\\-";
        after_single = false;
        ++at_;
        continue;
      }
      CUPEL_TRY(CharSet item, set_item(depth));
      after_single = item.single;
      parts.back().add(std::move(item));
    }
    ++at_;
    return intersection(negated, std::move(parts));
  }

  /// Whether what follows a "-" in a set is one character, so that it ends a range.
  [[nodiscard]] bool range_goes_on() const {
    constexpr std::string_view kClasses = "sSdDwWhHpP";
    const char next = peek(1);
    return next != ']' && next != '[' && next != '\0' && !(next == '&' && peek(2) == '&') &&
           !(next == '\\' && kClasses.find(peek(2)) != std::string_view::npos);
  }

  static CharSet intersection(bool negated, std::vector<CharSet> parts) {
    CharSet result = std::move(parts.back());
    parts.pop_back();
    if (!parts.empty()) {
      std::string all = "(?:";
      for (const CharSet& part : parts) {
        all += format("(?={})", part.expression());
      }
      all += result.expression() + ")";
      result = CharSet{};
      result.others.push_back(std::move(all));
    }
    result.negated = negated;
    result.single = false;
    return result;
  }

  /// One character, class or nested set inside a set.
  Result<CharSet> set_item(int depth) {
    if (peek() == '[') {
      if (peek(1) == ':') {
        return refuse("a POSIX bracket");
      }
      return char_set(depth + 1);
    }
    if (peek() == '\\') {
      if (at_ + 1 >= pattern_.size()) {
        return malformed("a \\ ends the pattern");
      }
      if (peek(1) == 'b') {
        at_ += 2;
        return single("\\x{8}");
      }
      return escaped_set();
    }
    const CodePoint point = decode_utf8(pattern_, at_);
    const std::string_view text = pattern_.substr(at_, point.length);
    at_ += point.length;
    const bool plain = point.length > 1 || std::isalnum(static_cast<unsigned char>(text[0])) != 0;
    return single((plain ? "" : "\\") + std::string(text));
  }

  std::string_view pattern_;
  size_t at_ = 0;
  std::string out_;
  size_t atom_ = 0;             // where the last atom begins in out_
  std::vector<size_t> groups_;  // where the open groups begin in out_
};

}  // namespace

Result<std::string> oniguruma_to_pcre(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return unsupported("a pattern has {} bytes; supported are up to {}", pattern.size(),
                       kMaxPatternBytes);
  }
  return Translator(pattern).translate();
}

Result<Regex> compile_oniguruma(std::string_view pattern) {
  CUPEL_TRY(const std::string translated, oniguruma_to_pcre(pattern));
  return Regex::compile(translated, {.unicode_classes = true, .match_limit = kMatchLimit});
}

}  // namespace cupel::engine
