#include "cli/evaluation_text.h"

#include <algorithm>
#include <functional>

#include "base/format.h"
#include "report/numbers.h"

namespace cupel::cli {
namespace {

// One column of the leaderboard on a terminal and how a model fills it.
struct LeaderboardColumn {
  report::Column column;
  std::function<std::string(const judge::ModelSummary& model)> cell;
};

std::string number(const std::optional<double>& value, std::string_view pattern) {
  return value ? format(pattern, *value) : report::kNoNumber;
}

std::vector<LeaderboardColumn> score_columns() {
  using judge::ModelSummary;
  using report::Align;
  return {
      {{"rank", Align::kRight}, [](const ModelSummary& m) { return format("{}", m.score.rank); }},
      {{"model", Align::kLeft, 14},
       [](const ModelSummary& m) { return m.is_control ? m.name + " (control)" : m.name; }},
      {{"score", Align::kRight},
       [](const ModelSummary& m) { return format("{:.2f}", m.score.mean); }},
      {{"95% interval", Align::kRight},
       [](const ModelSummary& m) {
         const auto& interval = m.score.interval;
         return interval ? format("{:.2f} - {:.2f}", interval->low, interval->high)
                         : report::kNoNumber;
       }},
      {{"rating", Align::kRight, 0, 3},
       [](const ModelSummary& m) { return number(m.rating, "{:.0f}"); }},
      {{"programs", Align::kRight, 0, 4},
       [](const ModelSummary& m) { return number(m.programs.score, "{:.2f}"); }},
      {{"judge", Align::kRight, 0, 5},
       [](const ModelSummary& m) { return number(m.judge.score, "{:.2f}"); }},
      {{"invalid", Align::kRight}, [](const ModelSummary& m) { return format("{}", m.invalid); }},
      {{"cut", Align::kRight, 0, 1},
       [](const ModelSummary& m) { return format("{}", m.truncated); }}};
}

// Judge items without a Yes or No, where there are any.
void add_undecided_column(std::vector<LeaderboardColumn>& columns) {
  columns.push_back({{"undecided", report::Align::kRight}, [](const judge::ModelSummary& m) {
                       return m.judge.undecided() > 0
                                  ? format("{}/{}", m.judge.undecided(), m.judge.count())
                                  : std::string("0");
                     }});
}

void add_usage_columns(std::vector<LeaderboardColumn>& columns, bool cached, bool priced) {
  using judge::ModelSummary;
  using report::Align;
  columns.push_back({{"calls", Align::kRight, 0, 8},
                     [](const ModelSummary& m) { return format("{}", m.usage.calls); }});
  if (cached) {
    columns.push_back({{"cached", Align::kRight, 0, 7},
                       [](const ModelSummary& m) { return format("{}", m.usage.cached_calls); }});
  }
  columns.push_back({{"tokens", Align::kRight, 0, 6}, [](const ModelSummary& m) {
                       return format("{}", m.usage.completion_tokens);
                     }});
  columns.push_back({{"tok/s", Align::kRight, 0, 9}, [](const ModelSummary& m) {
                       return number(m.usage.tokens_per_second(), "{:.0f}");
                     }});
  columns.push_back({{"seconds", Align::kRight, 0, 10},
                     [](const ModelSummary& m) { return format("{:.1f}", m.usage.seconds); }});
  if (priced) {
    columns.push_back({{"cost", Align::kRight, 0, 2}, [](const ModelSummary& m) {
                         return m.usage.cost ? report::money_text(*m.usage.cost)
                                             : report::kNoNumber;
                       }});
  }
}

// What the judge took, and what the whole run has cost.
std::string cost_lines(const judge::RunSummary& summary) {
  std::string text;
  const judge::ModelUsage& usage = summary.judge_usage;
  if (usage.any()) {
    text += format("judge {}: {} calls{}, {} prompt and {} answer tokens, {:.1f} s{}\n",
                   summary.judge, usage.calls,
                   usage.cached_calls > 0 ? format(" and {} cached", usage.cached_calls) : "",
                   usage.prompt_tokens, usage.completion_tokens, usage.seconds,
                   usage.cost ? ", cost " + report::money_text(*usage.cost) : "");
  }
  if (summary.total_cost) {
    text += format("whole run: cost {} (prices of a million prompt and answer tokens: {})\n",
                   report::money_text(*summary.total_cost), prices_text(summary.prices));
  }
  return text;
}

}  // namespace

bool any_cached_answer(const judge::RunSummary& summary) {
  return std::any_of(summary.models.begin(), summary.models.end(),
                     [](const judge::ModelSummary& m) { return m.usage.cached_calls > 0; });
}

std::string prices_text(const std::map<std::string, store::Price>& prices) {
  std::string text;
  for (const auto& [name, price] : prices) {
    text += format("{}{} {:g} and {:g}", text.empty() ? "" : "; ", name, price.prompt,
                   price.completion);
  }
  return text;
}

report::Table leaderboard_table(const judge::RunSummary& summary) {
  std::vector<LeaderboardColumn> columns = score_columns();
  if (judge::any_undecided(summary)) {
    add_undecided_column(columns);
  }
  add_usage_columns(columns, any_cached_answer(summary), !summary.prices.empty());
  std::vector<report::Column> heads;
  for (const LeaderboardColumn& column : columns) {
    heads.push_back(column.column);
  }
  report::Table table(std::move(heads));
  for (const judge::ModelSummary& model : summary.models) {
    std::vector<std::string> cells;
    for (const LeaderboardColumn& column : columns) {
      cells.push_back(column.cell(model));
    }
    table.add_row(cells);
  }
  return table;
}

std::string summary_text(const judge::RunSummary& summary, const report::Terminal& terminal) {
  const report::Table table = leaderboard_table(summary);
  std::string text = table.render(terminal);
  if (const size_t hidden = table.hidden_columns(terminal); hidden > 0) {
    text += format("({} column{} hidden; widen the terminal or use --format json)\n", hidden,
                   hidden == 1 ? "" : "s");
  }
  for (const judge::RunSummary::Difference& d : summary.differences) {
    if (d.paired.interval) {
      const bool separated = d.paired.interval->low > 0 || d.paired.interval->high < 0;
      text += format("{} - {}: {:+.2f}  (95%: {:+.2f} to {:+.2f}{})\n", d.a, d.b,
                     d.paired.difference, d.paired.interval->low, d.paired.interval->high,
                     separated ? ", zero excluded" : ", not separated");
    }
  }
  text += cost_lines(summary);
  for (const std::string& warning : summary.warnings) {
    text += "note: " + warning + "\n";
  }
  return text;
}

}  // namespace cupel::cli
