// What the calls of the contenders and of the judge took: tokens, time, money.
#include <algorithm>
#include <string>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

// Local models have no price: the column is there only when somebody has one.
bool has_costs(const EvaluationPage& page) {
  return page.total_cost.has_value() || (page.judge_usage && page.judge_usage->cost.has_value()) ||
         std::ranges::any_of(page.leaderboard,
                             [](const LeaderboardRow& row) { return row.usage.cost.has_value(); });
}

std::string cost_text(const EvaluationPage& page, const std::optional<double>& cost) {
  if (!cost) {
    return kPageNoNumber;
  }
  return money_text(*cost) + (page.currency.empty() ? "" : " " + page.currency);
}

std::string token_speed(const CallUsage& usage) {
  return usage.tokens_per_second > 0 ? fixed_text(usage.tokens_per_second, 1) : kPageNoNumber;
}

// A judge reads much and writes little: tokens a second would make it look slow.
std::string call_speed(const CallUsage& usage) {
  if (usage.calls <= 0 || !(usage.seconds > 0)) {
    return kPageNoNumber;
  }
  return fixed_text(static_cast<double>(usage.calls) / usage.seconds, 1) + " calls/s";
}

void write_usage_cells(Markup& html,
                       const EvaluationPage& page,
                       const CallUsage& usage,
                       const std::string& speed) {
  for (const std::string& text :
       {count_text(usage.calls), count_text(usage.cached_calls), count_text(usage.prompt_tokens),
        count_text(usage.completion_tokens), speed,
        typographic_text(duration_text(usage.seconds))}) {
    html.element("td", {{"class", "num"}}, text);
  }
  if (has_costs(page)) {
    html.element("td", {{"class", "num"}}, cost_text(page, usage.cost));
  }
}

void write_contenders(Markup& html, const PageView& view) {
  html.open("tbody");
  for (size_t i = 0; i < view.page().leaderboard.size(); ++i) {
    html.open("tr").open("th", {{"scope", "row"}});
    write_model_name(html, view, i);
    html.close();
    const CallUsage& usage = view.page().leaderboard[i].usage;
    write_usage_cells(html, view.page(), usage, token_speed(usage));
    html.close();
  }
  html.close();
}

// The judge stands apart: its cost is that of judging, not of any contender.
void write_judge_and_total(Markup& html, const EvaluationPage& page) {
  if (!page.judge_usage && !page.total_cost) {
    return;
  }
  html.open("tbody");
  if (page.judge_usage) {
    html.open("tr").open("th", {{"scope", "row"}}).text("Judge ");
    html.element("span", {{"dir", "auto"}}, page.judge).close();
    write_usage_cells(html, page, *page.judge_usage, call_speed(*page.judge_usage));
    html.close();
  }
  if (page.total_cost) {
    html.open("tr").element("th", {{"scope", "row"}}, "Whole run");
    html.element("td", {{"colspan", "6"}}, "");
    html.open("td", {{"class", "num"}});
    html.element("b", cost_text(page, page.total_cost)).close().close();
  }
  html.close();
}

}  // namespace

void write_cost(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  if (page.leaderboard.empty()) {
    return;
  }
  open_section(html, "cost", "Tokens, time and cost");
  for (const std::string& note : page.cost_notes) {
    write_hint(html, note);
  }
  open_scroll_box(html, "Table of tokens, time and cost");
  html.open("table").open("thead").open("tr").element("th", {{"scope", "col"}}, "Model");
  for (const std::string_view name :
       {"Calls", "Cached", "Prompt tokens", "Completion tokens", "Tokens/s", "Wall time"}) {
    html.element("th", {{"scope", "col"}, {"class", "num"}}, name);
  }
  if (has_costs(page)) {
    html.element("th", {{"scope", "col"}, {"class", "num"}}, "Cost");
  }
  html.close().close();
  write_contenders(html, view);
  write_judge_and_total(html, page);
  html.close().close().close();
}

}  // namespace cupel::report
