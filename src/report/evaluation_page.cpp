#include "report/evaluation_page.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

// Nothing loads, nothing runs, nothing is sent: what slipped through the escaping would stay inert.
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

void write_head(Markup& html, const EvaluationPage& page) {
  html.open("head");
  html.leaf("meta", {{"charset", "utf-8"}});
  html.leaf("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", kPolicy}});
  html.leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.leaf("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
  html.leaf("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.leaf("link", {{"rel", "icon"}, {"href", kIcon}});
  html.element("title", page.title + " · Cupel evaluation report");
  html.open("style").trusted(page_css(page)).close();
  html.close();
}

void write_header(Markup& html, const EvaluationPage& page) {
  html.element("a", {{"class", "skip"}, {"href", "#main"}}, "Skip to the result");
  html.open("header", {{"class", "top"}}).open("div", {{"class", "wrap"}});
  html.open("p", {{"class", "brand"}}).trusted(kMark).text("Cupel evaluation report").close();
  html.element("h1", {{"dir", "auto"}}, page.title);
  if (!page.subtitle.empty()) {
    html.element("p", {{"class", "subtitle"}, {"dir", "auto"}}, page.subtitle);
  }
  html.close().close();
}

void write_navigation(Markup& html, const EvaluationPage& page) {
  html.open("nav", {{"aria-label", "Sections"}}).open("ul", {{"class", "wrap"}});
  const auto item = [&](bool shown, std::string_view target, std::string_view name) {
    if (shown) {
      html.open("li").element("a", {{"href", target}}, name).close();
    }
  };
  const bool rows = !page.leaderboard.empty();
  item(true, "#leaderboard", "Leaderboard");
  item(!page.differences.empty(), "#differences", "Differences");
  item(rows && !page.categories.empty(), "#categories", "Categories");
  item(rows, "#deciders", "Who decided");
  item(rows, "#cost", "Cost");
  item(!page.questions.empty(), "#questions", "Questions");
  item(true, "#method", "Method");
  html.close().close();
}

// A hash says nothing to the eye beyond its first digits; the whole of it stands in the tooltip.
void write_fact(Markup& html, const RunFact& fact) {
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

}  // namespace

void write_method(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  open_section(html, "method", "Method and run");
  for (const std::string& paragraph : page.method) {
    html.element("p", {{"dir", "auto"}}, paragraph);
  }
  if (!page.metadata.empty()) {
    html.element("h3", "Run");
    html.open("dl", {{"class", "metadata"}});
    for (const RunFact& fact : page.metadata) {
      write_fact(html, fact);
    }
    html.close();
  }
  html.close();
}

std::string render_evaluation_page(const EvaluationPage& page) {
  const PageView view(page);
  Markup html;
  html.trusted("<!doctype html>\n").open("html", {{"lang", "en"}});
  write_head(html, page);
  html.open("body");
  write_header(html, page);
  write_navigation(html, page);
  html.open("main", {{"id", "main"}, {"class", "wrap"}, {"tabindex", "-1"}});
  write_headline(html, view);
  write_leaderboard(html, view);
  write_differences(html, view);
  write_categories(html, view);
  write_deciders(html, view);
  write_cost(html, view);
  write_questions(html, view);
  write_method(html, view);
  html.close();
  html.open("footer").open("div", {{"class", "wrap"}});
  html.element("p", "Made by Cupel. This file is complete: it loads nothing and runs no script.");
  html.close().close().close().close();
  return std::move(html).take() + "\n";
}

}  // namespace cupel::report
