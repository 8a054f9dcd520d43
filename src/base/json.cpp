#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kMaxDepth = 512;
constexpr size_t kMaxReasonBytes = 256;  // it quotes what was read last: a text of any length

// One pass with a hash set instead of Json::set per member: a hostile object of a million keys must
// not cost a million squared.
// Returns a key that was there twice, or nothing.
std::optional<std::string> keep_last_of_each_key(Json::Object& members) {
  std::unordered_map<std::string_view, size_t> last;
  last.reserve(members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    last[members[i].first] = i;
  }
  if (last.size() == members.size()) {
    return std::nullopt;
  }
  std::string twice;
  Json::Object kept;
  for (size_t i = 0; i < members.size(); ++i) {
    if (last[members[i].first] == i) {
      kept.emplace_back(members[i].first, std::move(members[i].second));
    } else {
      twice = members[i].first;
    }
  }
  members = std::move(kept);
  return twice;
}

// Builds our DOM from nlohmann's SAX events; its parser is iterative, so depth is ours to bound.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    return value <= static_cast<uint64_t>(INT64_MAX)
               ? add(Json(static_cast<int64_t>(value)))
               : add_rounded(static_cast<double>(value), std::to_string(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    const bool whole = text.find_first_of(".eE") == string_t::npos;  // of more than 64 bits
    return whole ? add_rounded(value, text) : add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool key(string_t& name) override {
    stack_.back().key = std::move(name);
    return true;
  }
  bool end_object() override {
    duplicate_ = keep_last_of_each_key(stack_.back().value.as_object());
    return !(duplicate_ && limits_.unique_keys) && close();
  }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::detail::exception& e) override {
    position_ = position;
    reason_ = e.what();
    return false;
  }

  Json root;
  [[nodiscard]] size_t position() const { return position_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] bool too_many() const { return values_ > limits_.max_values; }
  [[nodiscard]] const std::optional<std::string>& duplicate() const { return duplicate_; }
  [[nodiscard]] const std::optional<std::string>& inexact() const { return inexact_; }

 private:
  struct Frame {
    Json value;
    std::string key;
  };

  bool open(Json value) {
    if (stack_.size() >= kMaxDepth) {
      too_deep_ = true;
      return false;
    }
    stack_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    return add(std::move(done));
  }
  bool add_rounded(double value, const std::string& text) {
    if (limits_.exact_integers) {
      inexact_ = text;
      return false;
    }
    return add(Json(value));
  }
  bool add(Json value) {
    if (++values_ > limits_.max_values) {
      return false;
    }
    if (stack_.empty()) {
      root = std::move(value);
    } else if (Frame& frame = stack_.back(); frame.value.is_array()) {
      frame.value.as_array().push_back(std::move(value));
    } else {
      frame.value.as_object().emplace_back(std::move(frame.key), std::move(value));
    }
    return true;
  }

  JsonLimits limits_;
  std::vector<Frame> stack_;
  std::optional<std::string> duplicate_;  // of the last object that was closed
  std::optional<std::string> inexact_;    // an integer that no int64 holds
  size_t values_ = 0;
  size_t position_ = 0;
  std::string reason_;
  bool too_deep_ = false;
};

// nlohmann says "[json.exception.parse_error.101] parse error at line 1, column 3: syntax error …":
// keep what follows the place.
std::string plain_reason(const std::string& what) {
  if (const size_t at = what.find("column "); at != std::string::npos) {
    if (const size_t colon = what.find(": ", at); colon != std::string::npos) {
      return what.substr(colon + 2);
    }
  }
  return what;
}

void append_escaped(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      ++i;
    } else if (c < 0x20) {
      switch (c) {
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          out += format("\\u{:04x}", static_cast<int>(c));
      }
      ++i;
    } else if (c < 0x80) {
      out += static_cast<char>(c);
      ++i;
    } else {
      const CodePoint point = decode_utf8(text, i);
      if (ascii) {
        if (point.value >= 0x10000) {
          const uint32_t rest = point.value - 0x10000;
          out += format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
        } else {
          out += format("\\u{:04x}", point.value);
        }
      } else {
        append_utf8(out, point.value);
      }
      i += point.length;
    }
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) {
    out += ".0";
  }
}

void append_newline(std::string& out, int indent, int depth) {
  if (indent >= 0) {
    out += '\n';
    out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
  }
}

void append_json(std::string& out, const Json& value, const JsonStyle& style, int depth) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_double()) {
    append_double(out, value.as_double());
  } else if (value.is_string()) {
    append_escaped(out, value.as_string(), style.ascii);
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value.as_array()) {
      out += first ? std::string_view{} : style.item_separator;
      first = false;
      append_newline(out, style.indent, depth + 1);
      append_json(out, item, style, depth + 1);
    }
    if (!first) {
      append_newline(out, style.indent, depth);
    }
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value.as_object()) {
      out += first ? std::string_view{} : style.item_separator;
      first = false;
      append_newline(out, style.indent, depth + 1);
      append_escaped(out, key, style.ascii);
      out += style.key_separator;
      append_json(out, item, style, depth + 1);
    }
    if (!first) {
      append_newline(out, style.indent, depth);
    }
    out += '}';
  }
}

Error mistyped(const Json& object, std::string_view key, std::string_view wanted) {
  const Json* member = object.find(key);
  if (!object.is_object()) {
    return corrupt_data("expected an object with \"{}\", found {}", key, object.type_name());
  }
  if (member == nullptr) {
    return corrupt_data("\"{}\" is missing; expected {}", key, wanted);
  }
  return corrupt_data("\"{}\" is {}; expected {}", key, member->type_name(), wanted);
}

bool absent(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  return object.is_object() && (member == nullptr || member->is_null());
}

}  // namespace

std::string_view Json::type_name() const {
  constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "integer", "number",
                                                      "string", "array",   "object"};
  return kNames[value_.index()];
}

size_t Json::size() const {
  return is_array() ? as_array().size() : is_object() ? as_object().size() : 0;
}

const Json* Json::find(std::string_view key) const {
  if (is_object()) {
    for (const auto& [name, value] : as_object()) {
      if (name == key) {
        return &value;
      }
    }
  }
  return nullptr;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) {
    value_ = Object{};
  }
  for (auto& [name, old] : as_object()) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  as_object().emplace_back(std::string(key), std::move(value));
  return *this;
}

Json& Json::push_back(Json value) {
  if (is_null()) {
    value_ = Array{};
  }
  as_array().push_back(std::move(value));
  return *this;
}

bool Json::erase(std::string_view key) {
  return is_object() && std::erase_if(as_object(), [key](const Member& member) {
                          return member.first == key;
                        }) > 0;
}

bool Json::operator==(const Json& other) const {
  if (is_number() && other.is_number()) {
    return is_int() && other.is_int() ? as_int() == other.as_int()
                                      : as_double() == other.as_double();
  }
  if (is_object() && other.is_object()) {
    if (size() != other.size()) {
      return false;
    }
    for (const auto& [key, value] : as_object()) {
      const Json* twin = other.find(key);
      if (twin == nullptr || !(*twin == value)) {
        return false;
      }
    }
    return true;
  }
  return value_ == other.value_;
}

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  Builder builder(limits);
  bool parsed = false;
  try {
    parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  } catch (const std::exception& e) {
    return corrupt_data("json: {}", e.what());
  }
  if (parsed) {
    return std::move(builder.root);
  }
  if (builder.too_deep()) {
    return corrupt_data("json is nested deeper than {} levels", kMaxDepth);
  }
  if (builder.too_many()) {
    return exhausted("json holds more than {} values", limits.max_values);
  }
  if (builder.duplicate() && limits.unique_keys) {
    return corrupt_data("json: an object has the key \"{}\" twice",
                        printable(*builder.duplicate()));
  }
  if (builder.inexact()) {
    return unsupported("json: the integer {} is beyond 64 bits and cannot be kept exactly",
                       printable(*builder.inexact(), 60));
  }
  const size_t at = std::min(builder.position(), text.size());
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? at : at - newline - 1;
  return corrupt_data("json error at line {}, column {}: {}", line, column,
                      printable(plain_reason(builder.reason()), kMaxReasonBytes));
}

std::string dump_json(const Json& value, const JsonStyle& style) {
  std::string out;
  append_json(out, value, style, 0);
  return out;
}

Result<std::string> get_string(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_string()) {
    return mistyped(object, key, "a string");
  }
  return member->as_string();
}

Result<int64_t> get_int(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_int()) {
    return mistyped(object, key, "an integer");
  }
  return member->as_int();
}

Result<double> get_double(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_number()) {
    return mistyped(object, key, "a number");
  }
  return member->as_double();
}

Result<bool> get_bool(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_bool()) {
    return mistyped(object, key, "true or false");
  }
  return member->as_bool();
}

Result<const Json*> get_array(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_array()) {
    return mistyped(object, key, "an array");
  }
  return member;
}

Result<const Json*> get_object(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  if (member == nullptr || !member->is_object()) {
    return mistyped(object, key, "an object");
  }
  return member;
}

Result<std::string> get_string_or(const Json& object,
                                  std::string_view key,
                                  std::string_view fallback) {
  return absent(object, key) ? Result<std::string>(std::string(fallback)) : get_string(object, key);
}

Result<int64_t> get_int_or(const Json& object, std::string_view key, int64_t fallback) {
  return absent(object, key) ? Result<int64_t>(fallback) : get_int(object, key);
}

Result<double> get_double_or(const Json& object, std::string_view key, double fallback) {
  return absent(object, key) ? Result<double>(fallback) : get_double(object, key);
}

Result<bool> get_bool_or(const Json& object, std::string_view key, bool fallback) {
  return absent(object, key) ? Result<bool>(fallback) : get_bool(object, key);
}

}  // namespace cupel
