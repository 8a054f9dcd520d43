#include "base/toml.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "base/text.h"

// toml++ asserts of the text what it then reports as an error, so asserts are off here. Where it
// would let clang assume the same, nothing is assumed.
#ifndef NDEBUG
#define NDEBUG
#endif
#ifdef __clang__
#define __builtin_assume(...) static_cast<void>(0)
#endif
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace cupel {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20U;

class TomlReader {
 public:
  explicit TomlReader(const std::string& path) : path_(&path) {}

  Result<Ok> open(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      std::string name = prefix + std::string(key.str());
      const auto line = static_cast<size_t>(key.source().begin.line);
      if (const toml::table* inner = node.as_table()) {
        CUPEL_TRY_VOID(open(*inner, name + "."));
        continue;
      }
      CUPEL_TRY(Json value, to_json(node));
      entries_.push_back({std::move(name), std::move(value), line});
    }
    return Ok{};
  }

  std::vector<TomlEntry> take() {
    std::ranges::stable_sort(entries_, {}, &TomlEntry::line);
    return std::move(entries_);
  }

 private:
  Result<Json> to_json(const toml::node& node) {
    switch (node.type()) {
      case toml::node_type::table: {
        Json object = Json::object();
        for (const auto& [key, member] : *node.as_table()) {
          CUPEL_TRY(Json value, to_json(member));
          object.set(key.str(), std::move(value));
        }
        return object;
      }
      case toml::node_type::array: {
        Json list = Json::array();
        for (const toml::node& item : *node.as_array()) {
          CUPEL_TRY(Json value, to_json(item));
          list.push_back(std::move(value));
        }
        return list;
      }
      case toml::node_type::string:
        return Json(node.as_string()->get());
      case toml::node_type::integer:
        return Json(node.as_integer()->get());
      case toml::node_type::floating_point:
        return Json(node.as_floating_point()->get());
      case toml::node_type::boolean:
        return Json(node.as_boolean()->get());
      default:
        return in_file(unsupported("dates and times have no meaning here; write a text in quotes"),
                       *path_, static_cast<size_t>(node.source().begin.line));
    }
  }

  const std::string* path_;
  std::vector<TomlEntry> entries_;
};

}  // namespace

Result<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& path) {
  if (text.size() > kMostBytes) {
    return exhausted("{}: {} bytes of TOML; expected at most {}", path, text.size(), kMostBytes);
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return in_file(corrupt_data("{}", printable(error.description(), 200)), path,
                   static_cast<size_t>(error.source().begin.line));
  }
  TomlReader reader(path);
  CUPEL_TRY_VOID(reader.open(parsed.table(), ""));
  return reader.take();
}

std::string toml_value(const Json& value) {
  CUPEL_CHECK(!value.is_null() && !value.is_object(), "no TOML value");
  if (value.is_array()) {
    std::string text = "[";
    for (size_t i = 0; i < value.size(); ++i) {
      text += (i > 0 ? ", " : "") + toml_value(value.as_array()[i]);
    }
    return text + "]";
  }
  if (value.is_double() && !std::isfinite(value.as_double())) {
    return std::isnan(value.as_double()) ? "nan" : (value.as_double() > 0 ? "inf" : "-inf");
  }
  if (value.is_double()) {
    const std::string text = dump_json(value);
    const bool whole = text.find_first_of(".eE") == std::string::npos;
    return whole ? text + ".0" : text;
  }
  return dump_json(value);  // JSON's texts, numbers and booleans are TOML's
}

}  // namespace cupel
