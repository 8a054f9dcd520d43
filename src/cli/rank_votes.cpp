#include "cli/rank_votes.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "rank/duplicates.h"
#include "rank/methods/registry.h"
#include "report/numbers.h"

namespace cupel::cli {
namespace {

std::string dashed(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::vector<std::string> comma_separated(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size() && !text.empty();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) {
      parts.push_back(text.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return parts;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const rank::RatingMethod& method : rank::rating_methods()) {
    names.push_back(dashed(method.name));
  }
  return names;
}

/// "davidson, gpm": the methods that have a parameter of that name.
std::string methods_with(std::string_view parameter) {
  std::vector<std::string> names;
  for (const rank::RatingMethod& method : rank::rating_methods()) {
    if (std::any_of(method.parameters.begin(), method.parameters.end(),
                    [&](const rank::RatingParameter& p) { return p.name == parameter; })) {
      names.push_back(dashed(method.name));
    }
  }
  return join(names, ", ");
}

/// --ci as it was given, or what the method can.
Result<Ok> read_intervals(const std::string& text,
                          const rank::RatingMethod& method,
                          rank::LeaderboardOptions& board) {
  using rank::IntervalKind;
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::vector<std::string> kinds = {"none", "bootstrap", "sandwich", "simultaneous",
                                          "diagonal"};
  if (kind.empty() && text.empty()) {
    board.intervals = method.has_covariance ? IntervalKind::kSandwich : IntervalKind::kNone;
  } else if (kind == "none") {
    board.intervals = IntervalKind::kNone;
  } else if (kind == "sandwich") {
    board.intervals = IntervalKind::kSandwich;
  } else if (kind == "simultaneous") {
    board.intervals = IntervalKind::kSimultaneous;
  } else if (kind == "diagonal") {
    board.intervals = IntervalKind::kDiagonal;
  } else if (kind == "bootstrap") {
    board.intervals = IntervalKind::kBootstrap;
  } else {
    return invalid_argument(
        "--ci \"{}\"{}; expected none, bootstrap[:ROUNDS], sandwich, "
        "simultaneous or diagonal",
        printable(text), did_you_mean(kind, kinds));
  }
  if (colon == std::string::npos) {
    return Ok{};
  }
  const auto rounds = parse_number(std::string_view(text).substr(colon + 1));
  if (kind != "bootstrap" || !rounds || *rounds != std::floor(*rounds) || *rounds < 2 ||
      *rounds > 1e6) {
    return invalid_argument("--ci \"{}\": expected bootstrap:ROUNDS, 2 to 1,000,000 of them",
                            printable(text));
  }
  board.bootstrap.rounds = static_cast<int64_t>(*rounds);
  return Ok{};
}

}  // namespace

Result<NamedNumber> parse_named_number(const std::string& text, const std::string& flag) {
  const size_t equals = text.rfind('=');
  const auto value = equals == std::string::npos
                         ? std::nullopt
                         : parse_number(std::string_view(text).substr(equals + 1));
  if (!value || equals == 0) {
    return invalid_argument("{} \"{}\": expected NAME=NUMBER", flag, printable(text));
  }
  return NamedNumber{text.substr(0, equals), *value};
}

std::vector<std::string> reading_warnings(const rank::VoteFile& votes) {
  std::vector<std::string> warnings = votes.notes;
  if (votes.skipped > 0) {
    warnings.push_back(format("{} bad row{} left out:", report::count_text(votes.skipped),
                              votes.skipped == 1 ? " was" : "s were"));
    warnings.insert(warnings.end(), votes.first_skipped.begin(), votes.first_skipped.end());
  }
  return warnings;
}

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) {
    log_warning("{}", printable(warning, 400));
  }
}

std::string tally_text(const rank::VoteFile& votes) {
  const int64_t total = votes.wins_a + votes.wins_b + votes.ties;
  std::string text = format("{} ties ({})", report::count_text(votes.ties),
                            report::percent_text(report::share_of(votes.ties, total).value_or(0)));
  if (votes.both_bad > 0) {
    text += format(", {} of them bad on both sides", report::count_text(votes.both_bad));
  }
  return text;
}

void VoteFlags::declare_files(Arguments& a) {
  a.positionals("VOTES", files_,
                "Vote files: CSV, JSONL or Parquet, also gzip or zstd; - is standard input");
  a.text("--cluster", "user|prompt|COLUMN", cluster_,
         "Votes of one user (prompt, …) may depend on each other");
  a.flag("--skip-bad", skip_bad_, "Leave out rows that break the format, count and list them");
  a.integer("--threads", "N", threads_, "0 = all CPUs; changes no number", 0, 1024);
  a.integer("--seed", "N", seed_, "Of all random draws", 0, int64_t{1} << 62);
}

void VoteFlags::declare_rating(Arguments& a) {
  a.choice("--method", method_names(), method_, "How votes become ratings (docs/rank.md)");
  a.number("--alpha", "SHARE", alpha_, "Intervals and ranks may be wrong so often");
  declare_votes_and_settings(a);
}

void VoteFlags::declare_intervals(Arguments& a) {
  a.text("--ci", "KIND", ci_,
         "none, bootstrap[:ROUNDS], sandwich, simultaneous (all at once) or diagonal (thousands of "
         "models); default: sandwich where the method has it, else none");
  a.text("--anchor", "MODEL=RATING", anchor_, "Shift all ratings so that this one stands there");
}

void VoteFlags::declare_votes_and_settings(Arguments& a) {
  a.text("--style", "NAMES", style_,
         "Method style: length,headers,lists,bold or NAME for columns NAME_a, NAME_b");
  a.text("--component", "COLUMN", component_, "Method composite: the column of the kinds of votes");
  a.texts("--component-weight", "KIND=WEIGHT", component_weights_,
          "Weight of a kind; the others keep 1 (can be repeated)");
  a.text("--distinct", "COLUMN", distinct_,
         "Count repeated prompts (values of that column) down to one vote together");
  a.integer("--min-votes", "N", min_votes_, "Leave out models with fewer votes", 0, 1'000'000'000);
  a.integer("--even-pairs", "N", even_pairs_,
            "Weigh a vote by 1/max(votes of its pair, N); arena-rank uses 50", 0, 1'000'000'000);
  a.number("--pseudo-ties", "WEIGHT", pseudo_ties_,
           "A tie of that weight between every two models, e.g. 0.5: no infinite ratings");
  for (const rank::RatingMethod& method : rank::rating_methods()) {
    for (const rank::RatingParameter& parameter : method.parameters) {
      const bool known = std::any_of(settings_.begin(), settings_.end(), [&](const auto& setting) {
        return setting->name == parameter.name;
      });
      if (!known) {
        settings_.push_back(std::make_unique<Setting>(Setting{std::string(parameter.name), {}}));
        a.text("--" + dashed(parameter.name), "NUMBER", settings_.back()->text,
               format("{} ({}; default {:g})", parameter.summary, methods_with(parameter.name),
                      parameter.value));
      }
    }
  }
}

Result<std::vector<rank::RatingOptions::Setting>> VoteFlags::settings() const {
  std::vector<rank::RatingOptions::Setting> result;
  for (const auto& setting : settings_) {
    if (setting->text.empty()) {
      continue;
    }
    const auto value = parse_number(setting->text);
    if (!value) {
      return invalid_argument("--{} \"{}\": expected a number", dashed(setting->name),
                              printable(setting->text));
    }
    result.push_back({setting->name, *value});
  }
  return result;
}

std::vector<std::string> VoteFlags::choices() const {
  std::vector<std::string> flags;
  const auto add = [&](std::string_view flag, const std::string& value) {
    if (!value.empty()) {
      flags.push_back(format("{} {}", flag, printable(value, 60)));
    }
  };
  const auto number = [](auto value) { return value == 0 ? std::string() : format("{}", value); };
  add("--style", style_);
  add("--component", component_);
  for (const std::string& weight : component_weights_) {
    add("--component-weight", weight);
  }
  add("--distinct", distinct_);
  add("--min-votes", number(min_votes_));
  add("--even-pairs", number(even_pairs_));
  add("--pseudo-ties", number(pseudo_ties_));
  for (const auto& setting : settings_) {
    add("--" + dashed(setting->name), setting->text);
  }
  add("--anchor", anchor_);
  return flags;
}

Result<rank::AnalysisOptions> VoteFlags::analysis() const {
  rank::AnalysisOptions options;
  CUPEL_TRY(options.method, rank::find_rating_method(method_));
  if (!(alpha_ >= 1e-9 && alpha_ < 1)) {
    return invalid_argument("--alpha is {:g}; expected a share between 0 and 1, e.g. 0.05", alpha_);
  }
  if (!(pseudo_ties_ >= 0 && pseudo_ties_ <= 1e6)) {
    return invalid_argument("--pseudo-ties is {:g}; expected a weight from 0 to 1,000,000",
                            pseudo_ties_);
  }
  rank::LeaderboardOptions& board = options.leaderboard;
  CUPEL_TRY_VOID(read_intervals(ci_, *options.method, board));
  board.confidence = 1 - alpha_;
  board.fewest_clusters = rank::kFewestClusters;
  board.bootstrap.seed = seed();
  board.bootstrap.threads = static_cast<size_t>(threads_);
  board.rating.seed = seed();
  board.rating.threads = board.bootstrap.threads;
  CUPEL_TRY(board.rating.settings, settings());
  CUPEL_TRY_VOID(rank::check_settings(*options.method, board.rating.settings));
  if (!anchor_.empty()) {
    CUPEL_TRY(const NamedNumber anchor, parse_named_number(anchor_, "--anchor"));
    constexpr double kMostRating = 1e6;
    if (!(std::abs(anchor.value) <= kMostRating)) {
      return invalid_argument("--anchor {}: the rating is {:g}; expected -1,000,000 to 1,000,000",
                              printable(anchor_), anchor.value);
    }
    board.anchor_model = anchor.name;
    board.anchor_rating = anchor.value;
  }
  const bool wants_style = !style_.empty();
  if (wants_style && options.method->name != "style") {
    return invalid_argument("--style belongs to --method style; {} does not know features",
                            dashed(options.method->name));
  }
  if (!component_.empty() && options.method->name != "composite") {
    return invalid_argument("--component belongs to --method composite");
  }
  if (component_.empty() && !component_weights_.empty()) {
    return invalid_argument("--component-weight needs --component");
  }
  options.min_votes = min_votes_;
  options.even_pairs = even_pairs_;
  options.pseudo_ties = pseudo_ties_;
  return options;
}

Result<rank::VoteFile> VoteFlags::read(std::vector<std::string> keep) {
  if (files_.empty()) {
    return invalid_argument("rank: no votes given; name a file, or - for standard input");
  }
  for (const std::string& column : {component_, distinct_}) {
    if (!column.empty()) {
      keep.push_back(column);
    }
  }
  const std::vector<std::string> style = comma_separated(style_);
  for (const std::string& name : style) {
    if (std::count(style.begin(), style.end(), name) > 1) {
      return invalid_argument("--style names \"{}\" twice", printable(name));
    }
  }
  CUPEL_TRY(rank::VoteFile votes, rank::read_votes({.paths = files_,
                                                    .cluster = cluster_,
                                                    .keep = std::move(keep),
                                                    .style = style,
                                                    .skip_bad = skip_bad_,
                                                    .threads = static_cast<size_t>(threads_)}));
  CUPEL_TRY_VOID(apply_columns(votes));
  if (method_ == "style" && style_.empty()) {
    votes.notes.emplace_back("no features were named with --style: this is bradley-terry");
  }
  if (method_ == "composite" && component_.empty()) {
    votes.notes.emplace_back("no --component was named: all votes are one kind");
  }
  return votes;
}

/// Takes the columns that change the table out of those that were kept.
Result<Ok> VoteFlags::apply_columns(rank::VoteFile& votes) const {
  if (!distinct_.empty()) {
    rank::DuplicateWeights weights = rank::duplicate_weights(votes.kept.back().ids);
    CUPEL_TRY_VOID(votes.table.set_weights(std::move(weights.weights)));
    votes.notes.push_back(format("{} distinct values of {}; {} votes on repeated ones count less",
                                 report::count_text(weights.distinct), distinct_,
                                 report::count_text(weights.repeated_rows)));
    votes.kept.pop_back();
  }
  if (component_.empty()) {
    return Ok{};
  }
  rank::VoteColumn column = std::move(votes.kept.back());
  votes.kept.pop_back();
  rank::BattleComponents parts{
      .names = std::move(column.values), .ids = std::move(column.ids), .weights = {}};
  parts.weights.assign(parts.names.size(), 1.0);
  for (const std::string& text : component_weights_) {
    CUPEL_TRY(const NamedNumber weight, parse_named_number(text, "--component-weight"));
    if (!(weight.value >= 1e-6 && weight.value <= 1e6)) {
      return invalid_argument(
          "--component-weight \"{}\": expected a weight from 1e-06 to 1,000,000", printable(text));
    }
    const auto index = parts.names.find(weight.name);
    if (!index) {
      return not_found("--component-weight: column {} has no value \"{}\"{}", component_,
                       printable(weight.name), did_you_mean(weight.name, parts.names.names()));
    }
    parts.weights[static_cast<size_t>(*index)] = weight.value;
  }
  return votes.table.set_components(std::move(parts));
}

}  // namespace cupel::cli
