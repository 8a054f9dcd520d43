#include "report/markup.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace cupel::report {
namespace {

/// What stands for a character that must not appear as it is; empty: it may.
std::string_view replacement_of(uint32_t c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      break;
  }
  const bool control = (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0);
  const bool noncharacter = (c & 0xFFFEU) == 0xFFFEU || (c >= 0xFDD0 && c <= 0xFDEF);
  return control || noncharacter ? "\uFFFD" : std::string_view{};
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_utf8(text, at);
    const size_t next = at + point.length;
    if (point.value == '\r') {
      if (next >= text.size() || text[next] != '\n') {
        out += '\n';
      }
    } else if (!point.valid) {
      out += "\uFFFD";
    } else if (const std::string_view safe = replacement_of(point.value); !safe.empty()) {
      out += safe;
    } else {
      out.append(text.substr(at, point.length));
    }
    at = next;
  }
  return out;
}

void Markup::start(std::string_view tag, Attributes attributes, std::string_view end) {
  out_ += '<';
  out_ += tag;
  for (const Attribute& attribute : attributes) {
    if (attribute.value.data() == nullptr) {
      continue;
    }
    out_ += ' ';
    out_ += attribute.name;
    out_ += "=\"";
    out_ += escape_markup(attribute.value);
    out_ += '"';
  }
  out_ += end;
}

Markup& Markup::open(std::string_view tag, Attributes attributes) {
  start(tag, attributes, ">");
  open_.push_back(tag);
  return *this;
}

Markup& Markup::close() {
  CUPEL_CHECK(!open_.empty(), "no element is open");
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
  return *this;
}

Markup& Markup::leaf(std::string_view tag, Attributes attributes) {
  start(tag, attributes, "/>");
  return *this;
}

Markup& Markup::element(std::string_view tag, Attributes attributes, std::string_view text) {
  open(tag, attributes);
  out_ += escape_markup(text);
  return close();
}

Markup& Markup::text(std::string_view text) {
  out_ += escape_markup(text);
  return *this;
}

Markup& Markup::trusted(std::string_view markup) {
  out_ += markup;
  return *this;
}

std::string Markup::take() && {
  CUPEL_CHECK(open_.empty(), open_.empty() ? std::string_view{} : open_.back());
  return std::move(out_);
}

}  // namespace cupel::report
