// json.dumps, as transformers' tojson filter calls it.

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/compare.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonOptions& options) : runtime_(runtime), options_(options) {}

  Result<Ok> write(const Value& value) {
    CUPEL_TRY_VOID(runtime_.step());
    switch (value.kind()) {
      case Kind::kNone:
        out += "null";
        return Ok{};
      case Kind::kBool:
        out += value.as_bool() ? "true" : "false";
        return Ok{};
      case Kind::kInt:
        out += std::to_string(value.as_int());
        return Ok{};
      case Kind::kFloat:
        out += number(value.as_double());
        return Ok{};
      case Kind::kText:
        return write_text(value.bytes());
      case Kind::kSequence:
        return write_array(value.items());
      case Kind::kDict:
        return write_object(value.dict());
      default:
        return invalid_argument("Object of type {} is not JSON serializable", type_name(value));
    }
  }

  std::string out;

 private:
  static std::string number(double value) {
    if (std::isnan(value)) {
      return "NaN";
    }
    if (std::isinf(value)) {
      return value < 0 ? "-Infinity" : "Infinity";
    }
    return float_repr(value);
  }

  void write_escaped(uint32_t c) {
    if (c > 0xFFFF) {
      const uint32_t rest = c - 0x10000;
      out += format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    } else {
      out += format("\\u{:04x}", c);
    }
  }

  void write_character(uint32_t c, std::string_view bytes) {
    constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetters = "\"\\bfnrt";
    const size_t special = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
    if (special != std::string_view::npos) {
      out += '\\';
      out += kLetters[special];
    } else if (c < 0x20 || (options_.ascii && c > 0x7E)) {
      write_escaped(c);
    } else {
      out += bytes;
    }
  }

  Result<Ok> write_text(std::string_view text) {
    CUPEL_TRY_VOID(runtime_.step(text.size() / 16));
    out += '"';
    for (size_t at = 0; at < text.size();) {
      const size_t length = sequence_length(text[at]);
      write_character(code_point_at(text, at), text.substr(at, length));
      at += length;
    }
    out += '"';
    return runtime_.check_text_size(out.size());
  }

  void new_line() {
    if (options_.pretty) {
      out += '\n';
      for (int i = 0; i < level_; ++i) {
        out += options_.indent;
      }
    }
  }

  void separate(bool& first) {
    if (!first) {
      out += options_.item_separator;
    }
    first = false;
    new_line();
  }

  Result<Ok> write_array(const std::vector<Value>& items) {
    if (items.empty()) {
      out += "[]";
      return Ok{};
    }
    out += '[';
    ++level_;
    bool first = true;
    for (const auto& item : items) {
      separate(first);
      CUPEL_TRY_VOID(write(item));
      CUPEL_TRY_VOID(runtime_.check_text_size(out.size()));
    }
    --level_;
    new_line();
    out += ']';
    return Ok{};
  }

  Result<std::string> key_text(const Value& key) {
    switch (key.kind()) {
      case Kind::kText:
        return key.bytes();
      case Kind::kNone:
        return std::string("null");
      case Kind::kBool:
        return std::string(key.as_bool() ? "true" : "false");
      case Kind::kInt:
        return std::to_string(key.as_int());
      case Kind::kFloat:
        return number(key.as_double());
      default:
        return invalid_argument("keys must be str, int, float, bool or None, not {}",
                                type_name(key));
    }
  }

  Result<std::vector<Value>> ordered_keys(const Dict& dict) {
    std::vector<Value> keys;
    for (const auto& entry : dict.entries) {
      keys.push_back(entry.first);
    }
    if (!options_.sort_keys) {
      return keys;
    }
    return sort_by_key(runtime_, keys, keys, false);
  }

  Result<Ok> write_object(const Dict& dict) {
    if (dict.entries.empty()) {
      out += "{}";
      return Ok{};
    }
    CUPEL_TRY(const auto keys, ordered_keys(dict));
    out += '{';
    ++level_;
    bool first = true;
    for (size_t i = 0; i < keys.size(); ++i) {
      separate(first);
      CUPEL_TRY(const auto name, key_text(keys[i]));
      CUPEL_TRY_VOID(write_text(name));
      out += options_.key_separator;
      const Value* value = &dict.entries[i].second;
      if (options_.sort_keys) {
        CUPEL_TRY(value, find_key(runtime_, dict, keys[i]));
      }
      CUPEL_TRY_VOID(write(*value));
      CUPEL_TRY_VOID(runtime_.check_text_size(out.size()));
    }
    --level_;
    new_line();
    out += '}';
    return Ok{};
  }

  Runtime& runtime_;
  const JsonOptions& options_;
  int level_ = 0;
};

}  // namespace

Result<std::string> to_json(Runtime& runtime, const Value& value, const JsonOptions& options) {
  JsonWriter writer(runtime, options);
  CUPEL_TRY_VOID(writer.write(value));
  return std::move(writer.out);
}

}  // namespace cupel::engine::jinja
