#include "rank/style_features.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

struct KnownStyle {
  std::string_view feature;
  std::string_view metadata_a;
  std::string_view metadata_b;
  int64_t StyleCounts::*counted;
};
constexpr std::array kKnown = {
    KnownStyle{"length", "conv_metadata.sum_assistant_a_tokens",
               "conv_metadata.sum_assistant_b_tokens", &StyleCounts::characters},
    KnownStyle{"headers", "conv_metadata.header_count_a", "conv_metadata.header_count_b",
               &StyleCounts::headers},
    KnownStyle{"lists", "conv_metadata.list_count_a", "conv_metadata.list_count_b",
               &StyleCounts::lists},
    KnownStyle{"bold", "conv_metadata.bold_count_a", "conv_metadata.bold_count_b",
               &StyleCounts::bold}};

const KnownStyle* find_known(std::string_view feature) {
  for (const KnownStyle& known : kKnown) {
    if (known.feature == feature) {
      return &known;
    }
  }
  return nullptr;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// The text without ```…``` where no backtick stands between.
std::string without_fenced_code(std::string_view text) {
  constexpr std::string_view kFence = "```";
  std::string rest;
  size_t at = 0;
  while (true) {
    const size_t open = text.find(kFence, at);
    if (open == std::string_view::npos) {
      return rest.append(text.substr(at));
    }
    const size_t tick = text.find('`', open + kFence.size());
    if (tick != std::string_view::npos && text.substr(tick, kFence.size()) == kFence) {
      rest.append(text.substr(at, open - at));
      at = tick + kFence.size();
    } else {
      rest.append(text.substr(at, open + 1 - at));  // no fence begins at this backtick
      at = open + 1;
    }
  }
}

/// `line` ends with its line end, if it has one: that is the blank behind a mark as well.
bool is_header(std::string_view line) {
  const size_t marks = std::min(line.find_first_not_of('#'), line.size());
  return marks >= 1 && marks <= 6 && marks < line.size() && is_blank(line[marks]);
}

bool is_list_item(std::string_view line) {
  size_t at = 0;
  while (at < line.size() && is_blank(line[at])) {
    ++at;
  }
  if (at < line.size() && (line[at] == '-' || line[at] == '*' || line[at] == '+')) {
    return at + 1 < line.size() && is_blank(line[at + 1]);
  }
  const size_t digits = at;
  while (at < line.size() && line[at] >= '0' && line[at] <= '9') {
    ++at;
  }
  return at > digits && at + 1 < line.size() && line[at] == '.' && is_blank(line[at + 1]);
}

/// How often two of `mark`, one or more other characters and two of `mark` stand in a line.
int64_t count_bold(std::string_view line, char mark) {
  int64_t found = 0;
  size_t at = 0;
  while (at + 4 < line.size()) {
    if (line[at] != mark || line[at + 1] != mark) {
      ++at;
      continue;
    }
    const size_t close = line.find_first_of(std::string{mark, '\n'}, at + 2);
    const bool bold = close != std::string_view::npos && close > at + 2 && line[close] == mark &&
                      close + 1 < line.size() && line[close + 1] == mark;
    found += bold ? 1 : 0;
    at = bold ? close + 2 : at + 1;
  }
  return found;
}

/// A JSON list of texts as one text; any other text as it is.
std::string joined_texts(std::string_view cell) {
  if (!trim(cell).starts_with('[')) {
    return std::string(cell);
  }
  const auto list = parse_json(cell);
  if (!list.has_value()) {
    return std::string(cell);  // an answer that begins with a bracket
  }
  std::string text;
  for (const Json& part : list->as_array()) {
    if (!part.is_string()) {
      return std::string(cell);
    }
    text += text.empty() ? "" : "\n";
    text += part.as_string();
  }
  return text;
}

Result<double> amount_of_object(std::string_view cell) {
  CUPEL_TRY(const Json object, parse_json(cell));
  double sum = 0;
  for (const auto& [key, value] : object.as_object()) {
    if (!value.is_number() || value.as_double() < 0) {
      return corrupt_data("\"{}\" is no count; expected a number of 0 or more", printable(key));
    }
    sum += value.as_double();
  }
  return sum;
}

Result<double> amount_of_cell(std::string_view cell) {
  if (cell.starts_with('{')) {
    return amount_of_object(cell);
  }
  double number = 0;
  const auto [end, problem] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  if (problem != std::errc() || end != cell.data() + cell.size() || !std::isfinite(number) ||
      number < 0) {
    return corrupt_data("\"{}\" is no count; expected a number of 0 or more", printable(cell, 40));
  }
  return number;
}

}  // namespace

StyleCounts count_style(std::string_view text) {
  StyleCounts counts;
  for (const char c : text) {
    counts.characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  }
  const std::string prose = without_fenced_code(text);
  for (size_t at = 0; at < prose.size();) {
    const size_t end = std::min(prose.find('\n', at), prose.size() - 1) + 1;
    const std::string_view line = std::string_view(prose).substr(at, end - at);
    counts.headers += is_header(line) ? 1 : 0;
    counts.lists += is_list_item(line) ? 1 : 0;
    counts.bold += count_bold(line, '*') + count_bold(line, '_');
    at = end;
  }
  return counts;
}

Result<StyleSource> find_style(
    const std::string& feature,
    FunctionRef<std::vector<std::string>(const std::string& name)> cells) {
  const KnownStyle* known = find_known(feature);
  struct Candidate {
    StyleSource::Kind kind;
    std::string a;
    std::string b;
  };
  std::vector<Candidate> candidates = {
      {StyleSource::Kind::kNumbers, feature + "_a", feature + "_b"}};
  if (known != nullptr) {
    candidates.push_back({StyleSource::Kind::kNumbers, std::string(known->metadata_a),
                          std::string(known->metadata_b)});
    candidates.push_back({StyleSource::Kind::kTexts, "response_a", "response_b"});
  }
  std::string looked_for;
  for (const Candidate& candidate : candidates) {
    StyleSource source{feature, candidate.kind, cells(candidate.a), cells(candidate.b)};
    if (!source.columns_a.empty() && !source.columns_b.empty()) {
      return source;
    }
    looked_for +=
        format("{}{} and {}", looked_for.empty() ? "" : ", or ", candidate.a, candidate.b);
  }
  return invalid_argument("no columns for the style feature \"{}\": expected {}", feature,
                          looked_for);
}

Result<double> style_amount(const StyleSource& source, std::span<const std::string_view> cells) {
  double sum = 0;
  for (const std::string_view cell : cells) {
    if (source.kind == StyleSource::Kind::kTexts) {
      const StyleCounts counts = count_style(joined_texts(cell));
      sum += static_cast<double>(counts.*find_known(source.feature)->counted);
    } else {
      CUPEL_TRY(const double amount, amount_of_cell(trim(cell)));
      sum += amount;
    }
  }
  return sum;
}

double style_difference(const StyleSource& source, double a, double b) {
  const double whole = a + b + (source.feature == "length" ? 0 : 1);
  return whole > 0 ? (a - b) / whole : 0;
}

}  // namespace cupel::rank
