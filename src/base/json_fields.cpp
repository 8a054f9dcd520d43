#include "base/json_fields.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "base/byte_masks.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kMostDepth = 512;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Value of a hexadecimal digit, or -1.
int hex_digit(char c) {
  return is_digit(c)            ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// What `\uXXXX` at the beginning of a text stands for, one or two of them; nothing when malformed.
struct UnicodeEscape {
  uint32_t value = 0;
  size_t length = 0;
};

std::optional<uint32_t> code_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
    return std::nullopt;
  }
  uint32_t value = 0;
  for (size_t i = 2; i < 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) {
      return std::nullopt;
    }
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

std::optional<UnicodeEscape> unicode_escape(std::string_view text) {
  const auto high = code_unit(text);
  if (!high || (*high >= 0xDC00 && *high < 0xE000)) {
    return std::nullopt;
  }
  if (*high < 0xD800 || *high >= 0xE000) {
    return UnicodeEscape{*high, 6};
  }
  const auto low = code_unit(text.substr(6));
  if (!low || *low < 0xDC00 || *low >= 0xE000) {
    return std::nullopt;  // half a pair
  }
  return UnicodeEscape{0x10000 + ((*high - 0xD800) << 10U) + (*low - 0xDC00), 12};
}

constexpr std::string_view kEscapes = "\"\\/bfnrt";
constexpr std::string_view kEscaped = "\"\\/\b\f\n\r\t";

/// The text of a string that was read already, its escapes replaced.
void unescape(std::string_view text, std::string& out) {
  out.clear();
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out += text[i++];
    } else if (text[i + 1] == 'u') {
      const auto escape = unicode_escape(text.substr(i));
      append_utf8(out, escape->value);
      i += escape->length;
    } else {
      out += kEscaped[kEscapes.find(text[i + 1])];
      i += 2;
    }
  }
}

/// The first byte from `at` on that ends a string or needs a look: a quote, a backslash, a control.
size_t plain_string_end(std::string_view text, size_t at) {
  for (; at + 64 <= text.size(); at += 64) {
    const ByteBlock block(text.data() + at);
    const uint64_t special = block.equal_either('"', '\\') | block.below_space();
    if (special != 0) {
      return at + static_cast<size_t>(std::countr_zero(special));
    }
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' &&
         static_cast<unsigned char>(text[at]) >= 0x20) {
    ++at;
  }
  return at;
}

}  // namespace

/// Goes through one text. `at_` is where it has come to; false stands for an error in `problem_`.
class JsonFieldParser {
 public:
  JsonFieldParser(std::string_view text, JsonFieldReader& reader) : text_(text), reader_(reader) {}

  bool parse() {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != '{') {
      return fail("expected an object");
    }
    if (!value(&reader_.nodes_[0], 0)) {
      return false;
    }
    skip_space();
    return at_ == text_.size() || fail("text follows the object");
  }
  [[nodiscard]] Error error() const {
    return corrupt_data("json error at column {}: {}", at_ + 1, problem_);
  }

 private:
  using Node = JsonFieldReader::Node;

  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  [[nodiscard]] size_t index_of(const Node& node) const {
    return static_cast<size_t>(&node - reader_.nodes_.data());
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) {
      return false;
    }
    ++at_;
    return true;
  }

  bool value(const Node* node, size_t depth) {
    skip_space();
    if (at_ >= text_.size()) {
      return fail("the text ends where a value is expected");
    }
    const size_t begin = at_;
    const char first = text_[at_];
    if (depth >= kMostDepth && (first == '{' || first == '[')) {
      return fail("nested deeper than 512 levels");
    }
    bool escapes = false;
    const bool good = first == '{'   ? object(node, depth)
                      : first == '[' ? array(depth)
                      : first == '"' ? string(escapes)
                                     : scalar();
    if (good && node != nullptr && node->path != JsonFieldReader::kNoPath) {
      keep(node->path, text_.substr(begin, at_ - begin), escapes);
    }
    return good;
  }

  void keep(size_t path, std::string_view raw, bool escapes) {
    std::string_view& kept = reader_.values_[path];
    if (raw == "null") {
      kept = std::string_view(raw.data(), 0);
    } else if (raw.front() != '"') {
      kept = raw;
    } else if (!escapes) {
      kept = raw.substr(1, raw.size() - 2);
    } else {
      unescape(raw.substr(1, raw.size() - 2), reader_.unescaped_[path]);
      kept = reader_.unescaped_[path];
    }
  }

  bool object(const Node* node, size_t depth) {
    ++at_;
    if (take('}')) {
      return true;
    }
    while (true) {
      skip_space();
      const size_t begin = at_;
      bool escapes = false;
      if (at_ >= text_.size() || text_[at_] != '"') {
        return fail("expected a key in quotes");
      }
      if (!string(escapes)) {
        return false;
      }
      const Node* child = child_of(node, text_.substr(begin + 1, at_ - begin - 2), escapes);
      if (child != nullptr && std::exchange(reader_.seen_[index_of(*child)], 1) != 0) {
        at_ = begin;
        return fail("the key \"" + child->key + "\" stands in its object twice");
      }
      if (!take(':')) {
        return fail("expected a colon behind a key");
      }
      if (!value(child, depth + 1)) {
        return false;
      }
      if (take('}')) {
        return true;
      }
      if (!take(',')) {
        return fail("expected a comma or the end of the object");
      }
    }
  }

  const Node* child_of(const Node* node, std::string_view key, bool escapes) {
    if (node == nullptr) {
      return nullptr;
    }
    if (escapes) {
      unescape(key, key_);
      key = key_;
    }
    for (const size_t child : node->children) {
      if (reader_.nodes_[child].key == key) {
        return &reader_.nodes_[child];
      }
    }
    return nullptr;
  }

  bool array(size_t depth) {
    ++at_;
    if (take(']')) {
      return true;
    }
    while (true) {
      if (!value(nullptr, depth + 1)) {
        return false;
      }
      if (take(']')) {
        return true;
      }
      if (!take(',')) {
        return fail("expected a comma or the end of the array");
      }
    }
  }

  bool string(bool& escapes) {
    ++at_;
    while (true) {
      at_ = plain_string_end(text_, at_);
      if (at_ >= text_.size()) {
        return fail("the text ends inside a string");
      }
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (text_[at_] != '\\') {
        return fail("a control character inside a string; expected it escaped");
      }
      escapes = true;
      if (!escape()) {
        return fail("expected an escape that JSON knows");
      }
    }
  }

  bool escape() {
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (kind == 'u') {
      const auto escape = unicode_escape(text_.substr(at_));
      at_ += escape ? escape->length : 0;
      return escape.has_value();
    }
    if (kEscapes.find(kind) == std::string_view::npos) {
      return false;
    }
    at_ += 2;
    return true;
  }

  bool scalar() {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return true;
      }
    }
    return number() || fail("expected a value");
  }

  bool number() {
    size_t at = at_;
    const auto digits = [&] {
      const size_t begin = at;
      while (at < text_.size() && is_digit(text_[at])) {
        ++at;
      }
      return at > begin;
    };
    at += at < text_.size() && text_[at] == '-' ? 1 : 0;
    const bool zero = at < text_.size() && text_[at] == '0';
    if (zero ? (++at, false) : !digits()) {
      return false;
    }
    if (at < text_.size() && text_[at] == '.') {
      ++at;
      if (!digits()) {
        return false;
      }
    }
    if (at < text_.size() && (text_[at] == 'e' || text_[at] == 'E')) {
      ++at;
      at += at < text_.size() && (text_[at] == '+' || text_[at] == '-') ? 1 : 0;
      if (!digits()) {
        return false;
      }
    }
    at_ = at;
    return true;
  }

  std::string_view text_;
  JsonFieldReader& reader_;
  size_t at_ = 0;
  std::string key_;
  std::string problem_;
};

JsonFieldReader::JsonFieldReader(const std::vector<std::string>& paths)
    : nodes_(1), values_(paths.size()), unescaped_(paths.size()) {
  for (size_t path = 0; path < paths.size(); ++path) {
    size_t node = 0;
    for (const std::string_view key : split(paths[path], '.')) {
      size_t next = 0;
      for (const size_t child : nodes_[node].children) {
        next = nodes_[child].key == key ? child : next;
      }
      if (next == 0) {
        next = nodes_.size();
        nodes_[node].children.push_back(next);
        nodes_.push_back({std::string(key), kNoPath, {}});
      }
      node = next;
    }
    CUPEL_CHECK(nodes_[node].path == kNoPath, "each path once");
    nodes_[node].path = path;
  }
}

Result<Ok> JsonFieldReader::read(std::string_view text) {
  values_.assign(values_.size(), {});
  seen_.assign(nodes_.size(), 0);
  JsonFieldParser parser(text, *this);
  return parser.parse() ? Result<Ok>(Ok{}) : parser.error();
}

namespace {

void append_paths(const Json& object,
                  const std::string& prefix,
                  size_t depth,
                  std::vector<std::string>& paths) {
  for (const auto& [key, value] : object.as_object()) {
    paths.push_back(prefix + key);
    if (value.is_object() && depth > 0) {
      append_paths(value, paths.back() + ".", depth - 1, paths);
    }
  }
}

}  // namespace

Result<std::vector<std::string>> json_paths(std::string_view text, size_t depth) {
  CUPEL_TRY(const Json value, parse_json(text));
  if (!value.is_object()) {
    return corrupt_data("expected an object, found {}", value.type_name());
  }
  std::vector<std::string> paths;
  append_paths(value, "", depth, paths);
  return paths;
}

}  // namespace cupel
