#include "report/page_parts.h"

#include <array>
#include <charconv>
#include <cstdint>

#include "base/hash.h"
#include "base/text.h"
#include "report/numbers.h"

namespace cupel::report {
namespace {

// Nothing loads and nothing is sent: what slipped through the escaping would stay inert.
constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'";

// The cupel: a small vessel with a bead of metal in it.
constexpr std::string_view kIcon =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M1 6h14l-2 8H3z' fill='%238b8478'/%3E%3Ccircle cx='8' cy='6' r='4' "
    "fill='%23d99a26'/%3E%3C/svg%3E";

constexpr std::string_view kMark =
    R"(<svg class="mark-logo" width="28" height="28" viewBox="0 0 16 16" aria-hidden="true">)"
    R"(<circle cx="8" cy="6" r="4" class="bead"/><path d="M1 7h14l-2 7.5H3z" class="vessel"/></svg>)";

/// SHA-256 in base64, as a Content-Security-Policy names a script.
std::string base64_sha256(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string hex = sha256(text);
  std::array<uint32_t, 33> bytes{};  // 32 and a zero: eleven groups of three
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    std::from_chars(hex.data() + i, hex.data() + i + 2, bytes.at(i / 2), 16);
  }
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t group = (bytes.at(i) << 16U) | (bytes.at(i + 1) << 8U) | bytes.at(i + 2);
    for (const uint32_t shift : {18U, 12U, 6U, 0U}) {
      out += kDigits[(group >> shift) & 63U];
    }
  }
  out.back() = '=';  // the zero was no byte of the hash
  return out;
}

void write_head(Markup& html, const PageFrame& frame) {
  std::string policy(kPolicy);
  if (!frame.script.empty()) {
    policy += "; script-src 'sha256-" + base64_sha256(frame.script) + "'";
  }
  html.open("head");
  html.leaf("meta", {{"charset", "utf-8"}});
  html.leaf("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}});
  html.leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.leaf("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
  html.leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.leaf("link", {{"rel", "icon"}, {"href", kIcon}});
  html.element("title", std::string(frame.title) + " · Cupel " + std::string(frame.kind));
  html.open("style").trusted(frame.css).close();
  html.close();
}

void write_header(Markup& html, const PageFrame& frame) {
  html.element("a", {{"class", "skip"}, {"href", "#main"}}, frame.skip);
  html.open("header", {{"class", "top"}}).open("div", {{"class", "wrap"}});
  html.open("p", {{"class", "brand"}}).trusted(kMark);
  html.text("Cupel ").text(frame.kind).close();
  html.open("h1", {{"dir", "auto"}});
  write_breakable(html, frame.title);
  html.close();
  if (!frame.subtitle.empty()) {
    html.element("p", {{"class", "subtitle"}, {"dir", "auto"}}, frame.subtitle);
  }
  html.close().close();
}

void write_navigation(Markup& html, const PageFrame& frame) {
  html.open("nav", {{"aria-label", "Sections"}}).open("ul", {{"class", "wrap"}});
  for (const PageLink& link : frame.links) {
    html.open("li").element("a", {{"href", link.target}}, link.name).close();
  }
  html.close().close();
}

// A hash says nothing to the eye beyond its first digits; the whole of it stands in the tooltip.
void write_run_fact(Markup& html, const RunFact& fact) {
  constexpr size_t kHashDigits = 12;
  html.open("div").element("dt", {{"dir", "auto"}}, fact.name);
  html.open("dd", {{"dir", "auto"}});
  write_breakable(html, fact.value);
  if (!fact.hash.empty()) {
    const std::string shown = excerpt(fact.hash, kHashDigits);
    html.text(fact.value.empty() ? "" : " ");
    html.element("code", {{"class", "hash"}, {"title", fact.hash}}, shown);
  }
  html.close().close();
}

/// "5 min 31 s" breaks before a number, never before its unit.
std::string with_bound_units(std::string_view value) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool number = !value.empty() && is_digit(value.front());
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool unit = number && value[i] == ' ' && i + 1 < value.size() && !is_digit(value[i + 1]);
    text += unit ? std::string_view("\u00a0") : value.substr(i, 1);
  }
  return text;
}

}  // namespace

void open_page(Markup& html, const PageFrame& frame) {
  html.trusted("<!doctype html>\n").open("html", {{"lang", "en"}});
  write_head(html, frame);
  html.open("body");
  write_header(html, frame);
  write_navigation(html, frame);
  html.open("main", {{"id", "main"}, {"class", "wrap"}, {"tabindex", "-1"}});
}

void close_page(Markup& html, const PageFrame& frame) {
  html.close();
  html.open("footer").open("div", {{"class", "wrap"}});
  html.element("p", frame.script.empty()
                        ? "Made by Cupel. This file is complete: it loads nothing and runs no "
                          "script."
                        : "Made by Cupel. This file is complete: it loads nothing, and without its "
                          "one small script it says the same.");
  html.close().close();
  if (!frame.script.empty()) {
    html.open("script").trusted(frame.script).close();
  }
  html.close().close();
}

void open_section(Markup& html, std::string_view id, std::string_view heading) {
  const std::string heading_id = std::string(id) + "-h";
  html.open("section", {{"id", id}, {"aria-labelledby", heading_id}});
  html.element("h2", {{"id", heading_id}}, heading);
}

void open_scroll_box(Markup& html, std::string_view label, std::string_view more) {
  html.open("div", {{"class", "scroll" + std::string(more)},
                    {"role", "region"},
                    {"tabindex", "0"},
                    {"aria-label", label}});
}

void open_twin(Markup& html, std::string_view label, std::string_view table_class) {
  html.open("details", {{"class", "twin"}}).element("summary", "Show as table");
  open_scroll_box(html, label);
  html.open("table", {{"class", table_class}});
}

void close_twin(Markup& html) {
  html.close().close().close().close();
}

void write_number_heads(Markup& html, const std::vector<std::string_view>& names) {
  html.open("thead").open("tr");
  for (size_t i = 0; i < names.size(); ++i) {
    html.element("th", {{"scope", "col"}, {"class", i == 0 ? std::string_view{} : "num"}},
                 names[i]);
  }
  html.close().close().open("tbody");
}

void write_number_cell(Markup& html, std::string_view text) {
  html.element("td", {{"class", "num"}}, text);
}

void write_breakable(Markup& html, std::string_view text) {
  constexpr std::string_view kBreaks = "/,";
  for (size_t begin = 0; begin < text.size();) {
    const size_t found = text.find_first_of(kBreaks, begin);
    const size_t end = found == std::string_view::npos ? text.size() : found + 1;
    html.text(text.substr(begin, end - begin));
    if (end < text.size()) {
      html.leaf("wbr");
    }
    begin = end;
  }
}

void write_hint(Markup& html, std::string_view text) {
  html.element("p", {{"class", "hint"}}, text);
}

void write_notes(Markup& html, const std::vector<Note>& notes) {
  for (const Note& note : notes) {
    const bool warning = note.level == NoteLevel::kWarning;
    html.open("p", {{"class", warning ? "note warning" : "note"}});
    html.element("strong", warning ? "Warning" : "Note").text(" ");
    html.element("span", {{"dir", "auto"}}, typographic_text(note.text)).close();
  }
}

void write_headline_fact(Markup& html,
                         std::string_view name,
                         std::string_view value,
                         std::string_view more) {
  html.open("div");
  html.element("dt", name);
  html.open("dd").text(with_bound_units(value));
  if (!more.empty()) {
    html.element("small", more);
  }
  html.close().close();
}

void write_run_facts(Markup& html, std::string_view heading, const std::vector<RunFact>& facts) {
  if (facts.empty()) {
    return;
  }
  html.element("h3", heading);
  html.open("dl", {{"class", "metadata"}});
  for (const RunFact& fact : facts) {
    write_run_fact(html, fact);
  }
  html.close();
}

}  // namespace cupel::report
