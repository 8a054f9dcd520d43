#include "rank/alpaca_eval_files.h"

#include <charconv>
#include <cmath>
#include <functional>
#include <set>
#include <span>

#include "base/csv.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

using Fields = std::span<const std::string_view>;

/// A column under any of its names.
struct Column {
  std::vector<std::string_view> names;
};

/// The name as a message shows it.
std::string shown(std::string_view name) {
  return name.empty() ? "(no name)" : printable(name);
}

Result<size_t> find_column(Fields header, const Column& column) {
  for (const std::string_view name : column.names) {
    for (size_t i = 0; i < header.size(); ++i) {
      if (trim(header[i]) == name) {
        return i;
      }
    }
  }
  std::vector<std::string> present;
  for (const std::string_view name : header.first(std::min<size_t>(header.size(), 40))) {
    present.push_back(shown(trim(name)));
  }
  return invalid_argument("no column {}; the columns are: {}", shown(column.names.front()),
                          join(present, ", "));
}

/// Calls `row` with the wanted fields of each record, in the order of `columns`.
Result<Ok> for_each_row(std::string_view text,
                        const std::string& path,
                        std::span<const Column> columns,
                        const std::function<Result<Ok>(Fields)>& row) {
  std::vector<size_t> places;
  std::vector<std::string_view> wanted(columns.size());
  bool any = false;
  CUPEL_TRY_VOID(for_each_csv(text, path, [&](Fields fields, size_t /*line*/) -> Result<Ok> {
    if (places.empty()) {
      for (const Column& column : columns) {
        CUPEL_TRY(const size_t place, find_column(fields, column));
        places.push_back(place);
      }
      return Ok{};
    }
    any = true;
    for (size_t i = 0; i < places.size(); ++i) {
      wanted[i] = trim(fields[places[i]]);
    }
    return row(wanted);
  }));
  if (!any) {
    return invalid_argument("{}: no rows; expected a header and at least one row", path);
  }
  return Ok{};
}

Result<double> number(std::string_view field, std::string_view column) {
  double value = 0;
  const char* end = field.data() + field.size();
  const auto [rest, failure] = std::from_chars(field.data(), end, value);
  if (failure != std::errc() || rest != end || !std::isfinite(value)) {
    return corrupt_data("{} is \"{}\"; expected a number", column, printable(field));
  }
  return value;
}

Result<int64_t> count(std::string_view field, std::string_view column) {
  int64_t value = 0;
  const char* end = field.data() + field.size();
  const auto [rest, failure] = std::from_chars(field.data(), end, value);
  if (failure != std::errc() || rest != end || value < 0) {
    return corrupt_data("{} is \"{}\"; expected a whole number, 0 or more", column,
                        printable(field));
  }
  return value;
}

Result<std::optional<double>> preference(std::string_view field) {
  const std::string word = to_lower_ascii(field);
  if (word.empty() || word == "nan" || word == "none" || word == "null") {
    return std::optional<double>();
  }
  CUPEL_TRY(const double value, number(field, "preference"));
  if (value == 0) {
    return std::optional<double>(0.5);
  }
  if (!(value >= 1 && value <= 2)) {
    return corrupt_data(
        "preference is {}; expected 1 (the baseline is better) to 2 (the model is better), or 0 "
        "for a draw",
        printable(field));
  }
  return std::optional<double>(value - 1);
}

}  // namespace

Result<std::vector<PreferenceItem>> parse_alpaca_annotations(std::string_view text,
                                                             const std::string& path) {
  const std::vector<Column> columns = {{{"index"}}, {{"preference"}}, {{"len_1"}}, {{"len_2"}}};
  std::vector<PreferenceItem> items;
  std::set<int64_t> seen;
  CUPEL_TRY_VOID(for_each_row(text, path, columns, [&](Fields fields) -> Result<Ok> {
    PreferenceItem item;
    CUPEL_TRY(item.instruction, count(fields[0], "index"));
    CUPEL_TRY(item.preference, preference(fields[1]));
    CUPEL_TRY(item.baseline_length, count(fields[2], "len_1"));
    CUPEL_TRY(item.model_length, count(fields[3], "len_2"));
    if (!seen.insert(item.instruction).second) {
      return corrupt_data("instruction {} has a row before; expected one for each",
                          item.instruction);
    }
    items.push_back(item);
    return Ok{};
  }));
  return items;
}

Result<InstructionDifficulties> parse_instruction_difficulties(std::string_view text,
                                                               const std::string& path) {
  const std::vector<Column> columns = {{{"index", ""}}, {{"difficulty", "instruction_difficulty"}}};
  InstructionDifficulties difficulties;
  CUPEL_TRY_VOID(for_each_row(text, path, columns, [&](Fields fields) -> Result<Ok> {
    CUPEL_TRY(const int64_t instruction, count(fields[0], "index"));
    CUPEL_TRY(const double difficulty, number(fields[1], "difficulty"));
    if (!difficulties.emplace(instruction, difficulty).second) {
      return corrupt_data("instruction {} has a row before; expected one for each", instruction);
    }
    return Ok{};
  }));
  return difficulties;
}

Result<std::map<std::string, LengthControlledWeights>> parse_length_controlled_weights(
    std::string_view text, const std::string& path) {
  const std::vector<Column> columns = {{{"", "model"}},
                                       {{"np.tanh(std_delta_len)"}},
                                       {{"instruction_difficulty"}},
                                       {{"not_gamed_baseline.astype(float)"}}};
  std::map<std::string, LengthControlledWeights> weights;
  CUPEL_TRY_VOID(for_each_row(text, path, columns, [&](Fields fields) -> Result<Ok> {
    LengthControlledWeights found;
    CUPEL_TRY(found.phi, number(fields[1], columns[1].names.front()));
    CUPEL_TRY(found.psi, number(fields[2], columns[2].names.front()));
    CUPEL_TRY(found.theta, number(fields[3], columns[3].names.front()));
    if (fields[0].empty() || !is_valid_utf8(fields[0])) {
      return corrupt_data("the model's name is empty or not UTF-8");
    }
    if (!weights.emplace(fields[0], found).second) {
      return corrupt_data("model \"{}\" has a row before; expected one for each",
                          printable(fields[0]));
    }
    return Ok{};
  }));
  return weights;
}

Result<std::vector<PreferenceItem>> read_alpaca_annotations(const std::string& path) {
  CUPEL_TRY(const std::string text, read_file(path));
  return parse_alpaca_annotations(text, path);
}

Result<InstructionDifficulties> read_instruction_difficulties(const std::string& path) {
  CUPEL_TRY(const std::string text, read_file(path));
  return parse_instruction_difficulties(text, path);
}

Result<std::map<std::string, LengthControlledWeights>> read_length_controlled_weights(
    const std::string& path) {
  CUPEL_TRY(const std::string text, read_file(path));
  return parse_length_controlled_weights(text, path);
}

}  // namespace cupel::rank
