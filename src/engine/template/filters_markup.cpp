// Filters for HTML and URLs.

#include <array>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/compare.h"
#include "engine/template/filters.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

Result<Value> safe(Call& call) {
  CUPEL_TRY(auto text, str(call.runtime, call[0]));
  return call.runtime.text(std::move(text), true);
}

Result<Value> escape(Call& call) {
  CUPEL_TRY(auto text, escape_value(call.runtime, call[0]));
  return call.runtime.text(std::move(text), true);
}

Result<Value> force_escape(Call& call) {
  CUPEL_TRY(const auto text, str(call.runtime, call[0]));
  return call.runtime.text(escape_html(text), true);
}

std::string remove_tags(std::string_view text) {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find('<', at);
    if (begin == std::string_view::npos) {
      break;
    }
    const bool comment = text.substr(begin, 4) == "<!--";
    const size_t end = comment ? text.find("-->", begin + 4) : text.find('>', begin);
    if (end == std::string_view::npos) {
      break;
    }
    out += text.substr(at, begin - at);
    at = end + (comment ? 3 : 1);
  }
  return out + std::string(text.substr(at));
}

// One entity without & and ;, or "" when it is not known.
std::string entity_text(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kNamed = {
      {{"amp", "&"},
       {"lt", "<"},
       {"gt", ">"},
       {"quot", "\""},
       {"apos", "'"},
       {"nbsp", "\u00A0"},
       {"copy", "\u00A9"},
       {"raquo", "\u00BB"},
       {"laquo", "\u00AB"},
       {"mdash", "\u2014"},
       {"ndash", "\u2013"},
       {"hellip", "\u2026"}}};
  for (const auto& [known, text] : kNamed) {
    if (known == name) {
      return std::string(text);
    }
  }
  std::string out;
  if (name.starts_with('#')) {
    const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const auto digits = name.substr(hexadecimal ? 2 : 1);
    uint32_t value = 0;
    const auto result =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    const bool valid = result.ec == std::errc() && result.ptr == digits.data() + digits.size() &&
                       value > 0 && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
    append_utf8(out, valid ? value : 0xFFFD);
  }
  return out;
}

std::string unescape_html(std::string_view text) {
  constexpr size_t kLongestEntity = 32;
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    const size_t end =
        text[at] == '&' ? text.substr(at, kLongestEntity).find(';') : std::string_view::npos;
    const std::string entity =
        end != std::string_view::npos ? entity_text(text.substr(at + 1, end - 1)) : "";
    if (entity.empty()) {
      out += text[at];
    } else {
      out += entity;
      at += end;
    }
  }
  return out;
}

Result<Value> strip_tags(Call& call) {
  CUPEL_TRY(const auto text, str(call.runtime, call[0]));
  CUPEL_TRY_VOID(call.runtime.step(1 + text.size() / 16));
  const std::string plain = remove_tags(text);
  std::string spaced;
  for (const auto word : split_space(plain, -1, false)) {
    spaced += spaced.empty() ? "" : " ";
    spaced += word;
  }
  return call.runtime.text(unescape_html(spaced));
}

std::string quote_url(std::string_view text, bool query) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kSafe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kSafe.find(c) != std::string_view::npos || (c == '/' && !query)) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

Result<Value> url_encode(Call& call) {
  auto& runtime = call.runtime;
  if (call[0].is_text() || !is_iterable(runtime, call[0])) {
    CUPEL_TRY(const auto text, str(runtime, call[0]));
    return runtime.text(quote_url(text, false));
  }
  Value source = call[0];
  if (source.is_dict()) {
    CUPEL_TRY(source, runtime.object(std::make_shared<DictView>(source, DictView::Part::kItems),
                                     source.depth()));
  }
  CUPEL_TRY(const auto pairs, collect(runtime, source));
  std::string out;
  for (const auto& item : pairs) {
    CUPEL_TRY(const auto pair, collect(runtime, item));
    if (pair.size() != 2) {
      return invalid_argument("urlencode needs pairs of key and value");
    }
    CUPEL_TRY(const auto key, str(runtime, pair[0]));
    CUPEL_TRY(const auto value, str(runtime, pair[1]));
    out += out.empty() ? "" : "&";
    out += format("{}={}", quote_url(key, true), quote_url(value, true));
    CUPEL_TRY_VOID(runtime.check_text_size(out.size()));
  }
  return runtime.text(std::move(out));
}

Result<Value> xml_attributes(Call& call) {
  if (!call[0].is_dict()) {
    return call[0].is_undefined() ? undefined_error(call[0])
                                  : invalid_argument("xmlattr needs a dict");
  }
  CUPEL_TRY(const bool leading_space, call.flag(1, true));
  std::string out;
  for (const auto& [key, value] : call[0].dict().entries) {
    if (value.is_none() || value.is_undefined()) {
      continue;
    }
    if (!key.is_text()) {
      return invalid_argument("xmlattr: attribute names must be strings");
    }
    if (key.bytes().find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      return invalid_argument("invalid character in attribute name: {}", text_repr(key.bytes()));
    }
    CUPEL_TRY(const auto name, escape_value(call.runtime, key));
    CUPEL_TRY(const auto text, escape_value(call.runtime, value));
    out += out.empty() && !leading_space ? "" : " ";
    out += format("{}=\"{}\"", name, text);
    CUPEL_TRY_VOID(call.runtime.check_text_size(out.size()));
  }
  return call.runtime.text(std::move(out));
}

Result<Value> unavailable(Call& call) {
  return unsupported("the filter '{}' is not available in chat templates", call.name);
}

constexpr Builtin kFilters[] = {
    {"e", "s", escape},
    {"escape", "s", escape},
    {"forceescape", "value", force_escape},
    {"random", "*", unavailable},
    {"safe", "value", safe},
    {"striptags", "value", strip_tags},
    {"urlencode", "value", url_encode},
    {"urlize", "*", unavailable},
    {"xmlattr", "d autospace?", xml_attributes},
};

}  // namespace

std::span<const Builtin> markup_filters() {
  return kFilters;
}

}  // namespace cupel::engine::jinja
