#include "rank/vote_plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

/// The names for a message: few enough for a line, safe to show.
std::vector<std::string> shown(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (out.size() == 40) {
      out.emplace_back("…");
      break;
    }
    out.push_back(printable(name, 40));
  }
  return out;
}

Error no_column(std::string_view name, std::string_view purpose, const VoteColumns& columns) {
  const std::vector<std::string> names = shown(columns.names);
  return invalid_argument("no column \"{}\"{}{}; columns are: {}", name, purpose,
                          did_you_mean(name, names), join(names, ", "));
}

/// Puts the plan together, one purpose after another.
class Planner {
 public:
  Planner(const VoteColumns& columns, VotePlan& plan) : columns_(columns), plan_(plan) {}

  [[nodiscard]] bool has(std::string_view name) const {
    return std::find(columns_.names.begin(), columns_.names.end(), name) != columns_.names.end();
  }
  /// The columns that hold a name, as the format presents it.
  [[nodiscard]] std::vector<std::string> cells(const std::string& name) const {
    if (has(name) || (columns_.json_cells && find_cell(columns_.names, name).has_value())) {
      return {name};
    }
    std::vector<std::string> members;
    for (const std::string& column : columns_.names) {
      if (columns_.leaves_only && column.starts_with(name + ".")) {
        members.push_back(column);
      }
    }
    return members;
  }
  /// The place of a column in the plan, new or not.
  Result<size_t> place(const std::string& name) {
    if (std::count(columns_.names.begin(), columns_.names.end(), name) > 1) {
      return invalid_argument("column \"{}\" is there twice; rename one of them", name);
    }
    const auto found = std::find(plan_.columns.begin(), plan_.columns.end(), name);
    if (found == plan_.columns.end()) {
      plan_.columns.push_back(name);
      return plan_.columns.size() - 1;
    }
    return static_cast<size_t>(found - plan_.columns.begin());
  }
  Result<Ok> add_dialect();
  Result<Ok> add_cluster(const std::string& name);
  Result<Ok> add_kept(const std::string& name);
  Result<Ok> add_style(const std::string& feature);

 private:
  [[nodiscard]] std::vector<std::string> columns_of(const VoteDialect& dialect) const {
    std::vector<std::string> names = {std::string(dialect.column_a), std::string(dialect.column_b)};
    names.insert(names.end(), dialect.winner_columns.begin(), dialect.winner_columns.end());
    return names;
  }
  [[nodiscard]] Error no_dialect() const;
  Result<Ok> place_all(const std::vector<std::string>& names);

  const VoteColumns& columns_;
  VotePlan& plan_;
};

Result<Ok> Planner::add_dialect() {
  for (const VoteDialect& dialect : vote_dialects()) {
    const std::vector<std::string> names = columns_of(dialect);
    if (std::all_of(names.begin(), names.end(),
                    [&](const std::string& name) { return has(name); })) {
      plan_.dialect = &dialect;
      return place_all(names);
    }
  }
  return no_dialect();
}

Result<Ok> Planner::place_all(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    CUPEL_TRY_VOID(place(name));
  }
  return Ok{};
}

/// Names the column that is missing when all others of a dialect are there.
Error Planner::no_dialect() const {
  const std::vector<std::string> names = shown(columns_.names);
  if (columns_.names.size() == 1 && columns_.names[0].find_first_of(";|\t") != std::string::npos) {
    return invalid_argument("the header is \"{}\"; expected its names to be separated by commas{}",
                            names[0],
                            columns_.names[0].find('\t') != std::string::npos ? ", not tabs" : "");
  }
  if (!std::all_of(columns_.names.begin(), columns_.names.end(),
                   [](const std::string& name) { return is_valid_utf8(name); })) {
    return corrupt_data("columns are: {}, which is no UTF-8 text; expected {}", join(names, ", "),
                        expected_vote_columns());
  }
  for (const VoteDialect& dialect : vote_dialects()) {
    std::vector<std::string> missing = columns_of(dialect);
    std::erase_if(missing, [&](const std::string& name) { return has(name); });
    if (missing.size() == 1) {
      return invalid_argument("no column \"{}\"{}; columns are: {}; expected {}", missing[0],
                              did_you_mean(missing[0], names), join(names, ", "),
                              expected_vote_columns());
    }
  }
  return invalid_argument("columns are: {}; expected {}", join(names, ", "),
                          expected_vote_columns());
}

Result<Ok> Planner::add_cluster(const std::string& name) {
  const std::vector<std::string> candidates = cluster_columns(name);
  for (const std::string& candidate : candidates) {
    if (cells(candidate).size() == 1) {
      CUPEL_TRY(plan_.cluster, place(candidate));
      return Ok{};
    }
  }
  return no_column(name,
                   candidates.size() == 1 ? std::string(" to cluster by")
                                          : format(" to cluster by, nor any of {}",
                                                   join(std::span(candidates).subspan(1), ", ")),
                   columns_);
}

Result<Ok> Planner::add_kept(const std::string& name) {
  if (cells(name).size() != 1) {
    return no_column(name, "", columns_);
  }
  CUPEL_TRY(const size_t column, place(name));
  plan_.kept.push_back(column);
  return Ok{};
}

Result<Ok> Planner::add_style(const std::string& feature) {
  VotePlan::Style style;
  auto source = find_style(feature, [&](const std::string& name) { return cells(name); });
  if (!source.has_value()) {
    const Error& error = source.error();
    return Error{error.code,
                 format("{}; columns are: {}", error.message, join(shown(columns_.names), ", "))};
  }
  style.source = std::move(*source);
  for (const std::string& name : style.source.columns_a) {
    CUPEL_TRY(style.a.emplace_back(), place(name));
  }
  for (const std::string& name : style.source.columns_b) {
    CUPEL_TRY(style.b.emplace_back(), place(name));
  }
  plan_.style.push_back(std::move(style));
  return Ok{};
}

}  // namespace

std::vector<std::string> cluster_columns(const std::string& name) {
  if (name == "user") {
    return {"user", "user_id", "voter", "judge", "judge_hash", "worker", "evaluator"};
  }
  if (name == "prompt") {
    return {"prompt", "prompt_id", "question_id", "question"};
  }
  return {name};
}

std::optional<CellPath> find_cell(const std::vector<std::string>& names, std::string_view name) {
  for (size_t end = name.size(); end != std::string_view::npos && end > 0;
       end = name.rfind('.', end - 1)) {
    const auto found = std::find(names.begin(), names.end(), name.substr(0, end));
    if (found != names.end()) {
      return CellPath{static_cast<size_t>(found - names.begin()),
                      std::string(name.substr(std::min(end + 1, name.size())))};
    }
  }
  return std::nullopt;
}

Result<VotePlan> make_vote_plan(const VoteColumns& columns, const VoteReadOptions& options) {
  VotePlan plan;
  Planner planner(columns, plan);
  CUPEL_TRY_VOID(planner.add_dialect());
  if (!options.cluster.empty()) {
    CUPEL_TRY_VOID(planner.add_cluster(options.cluster));
  }
  for (const std::string& name : options.keep) {
    CUPEL_TRY_VOID(planner.add_kept(name));
  }
  for (const std::string& feature : options.style) {
    CUPEL_TRY_VOID(planner.add_style(feature));
  }
  return plan;
}

}  // namespace cupel::rank
