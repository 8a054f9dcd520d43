// How the leaderboard was made: the method in words and as a formula, what it fitted beside the
// ratings, which votes were left out, and the run.
#include <string>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

constexpr int kDecimals = 4;

void write_meaning(Markup& html, const RankPage& page) {
  if (!page.method.empty()) {
    html.open("p").element("strong", {{"dir", "auto"}}, page.method);
    if (!page.method_meaning.empty()) {
      html.text(": ").element("span", {{"dir", "auto"}}, page.method_meaning);
    }
    html.close();
  }
  if (!page.formula.empty()) {
    html.element("p", {{"class", "formula"}, {"dir", "auto"}}, page.formula);
  }
  for (const std::string& paragraph : page.method_notes) {
    html.element("p", {{"dir", "auto"}}, paragraph);
  }
}

std::string parameter_interval(const Estimate& estimate) {
  return estimate.has_interval() ? signed_text(estimate.interval->low, kDecimals) + " to " +
                                       signed_text(estimate.interval->high, kDecimals)
                                 : kPageNoNumber;
}

void write_parameters(Markup& html, const RankView& view) {
  html.element("h3", "Fitted parameters");
  open_scroll_box(html, "Table of fitted parameters");
  html.open("table");
  const std::string interval = view.confidence_text() + " interval";
  write_number_heads(html, {"Parameter", "Value", interval});
  for (const Coefficient& row : view.page().parameters) {
    html.open("tr").open("th", {{"scope", "row"}});
    html.element("span", {{"dir", "auto"}}, row.name);
    if (!row.meaning.empty()) {
      html.element("small", {{"dir", "auto"}}, row.meaning);
    }
    html.close();
    write_number_cell(html, signed_text(row.value.value, kDecimals));
    write_number_cell(html, parameter_interval(row.value));
    html.close();
  }
  html.close().close().close();
}

void write_dropped(Markup& html, const std::vector<DroppedVotes>& dropped) {
  html.element("h3", "Votes left out");
  open_scroll_box(html, "Table of votes left out, by reason");
  html.open("table");
  write_number_heads(html, {"Reason", "Votes"});
  for (const DroppedVotes& row : dropped) {
    html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, row.reason);
    write_number_cell(html, count_text(row.count));
    html.close();
  }
  html.close().close().close();
}

}  // namespace

void write_rank_method(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  open_section(html, "method", "Method and run");
  write_meaning(html, page);
  if (!page.parameters.empty()) {
    write_parameters(html, view);
  }
  if (!page.votes.dropped.empty()) {
    write_dropped(html, page.votes.dropped);
  }
  write_run_facts(html, "Run", page.metadata);
  html.close();
}

}  // namespace cupel::report
