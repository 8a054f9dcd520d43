// What `cupel loss` does.
#include <cmath>
#include <cstdio>

#include "align/losses/evaluate.h"
#include "align/losses/registry.h"
#include "base/error.h"
#include "base/io.h"
#include "cli/loss_flags.h"
#include "cli/output.h"
#include "cli/train_bodies.h"
#include "report/table.h"

namespace cupel::cli {
namespace {

Result<Json> read_fixture_file(const std::string& path) {
  const bool piped = path == "-";
  CUPEL_TRY(const std::string text, read_file(piped ? "/dev/stdin" : path));
  auto parsed = parse_json(text, {.unique_keys = true});
  return parsed ? std::move(parsed)
                : Result<Json>(in_file(std::move(parsed).error(), piped ? "standard input" : path));
}

/// A number where it reads as one, else a word.
Result<std::pair<std::string, Json>> read_parameter(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return invalid_argument("--param {}: expected NAME=VALUE", text);
  }
  const std::string value = text.substr(equals + 1);
  const auto number = parse_json(value);
  return std::pair{text.substr(0, equals), number && number->is_number() ? *number : Json(value)};
}

void print_gradient(const Json& gradient) {
  for (const auto& [role, rows] : gradient.as_object()) {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::string line = format("d loss / d {}[{}]", role, i);
      for (const Json& number : rows.as_array()[i].as_array()) {
        line += format("  {:+.8f}", number.as_double());
      }
      print(line + "\n");
    }
  }
}

void print_report(const Json& report) {
  print(format("{}  {:.8f}  ({})\n", report.find("name")->as_string(),
               report.find("loss")->as_double(), report.find("dtype")->as_string()));
  for (const Json& term : report.find("terms")->as_array()) {
    const double count = term.find("count")->as_double();
    print(format("term {}: {:.8f} over {:g} {}s\n", term.find("name")->as_string(),
                 term.find("numerator")->as_double(), count, term.find("per")->as_string()));
  }
  for (const auto& [name, value] : report.find("metrics")->as_object()) {
    print(format("{:<20} {:.8f}\n", name, value.as_double()));
  }
  print_gradient(*report.find("gradient"));
}

void print_list() {
  const Json all = align::loss_catalogue();
  for (const Json& loss : all.as_array()) {
    print(format("{}  ({}): {}\n    {}\n    {}\n", loss.find("name")->as_string(),
                 loss.find("form")->as_string(), loss.find("summary")->as_string(),
                 loss.find("formula")->as_string(), loss.find("source")->as_string()));
    for (const Json& parameter : loss.find("parameters")->as_array()) {
      const Json& value = *parameter.find("default");
      const Json* const condition = parameter.find("read_with");
      print(format("    {} = {} in {}: {}{}\n", parameter.find("name")->as_string(),
                   value.is_null()     ? "unset"
                   : value.is_string() ? value.as_string()
                                       : format("{:g}", value.as_double()),
                   parameter.find("range")->as_string(), parameter.find("summary")->as_string(),
                   condition == nullptr ? "" : "; read with " + condition->as_string()));
    }
  }
}

Result<int> list(const LossFlags& flags) {
  if (!flags.loss.empty() || !flags.input.empty()) {
    return invalid_argument("--list shows all losses; leave NAME and --input out");
  }
  if (flags.format == "json") {
    print_pretty(align::loss_catalogue());
  } else if (flags.format == "markdown") {
    print(align::losses_page());
  } else {
    print_list();
  }
  return 0;
}

}  // namespace

Result<int> run_loss(const LossFlags& flags) {
  if (flags.list) {
    return list(flags);
  }
  if (flags.loss.empty() || flags.input.empty()) {
    return invalid_argument(
        "loss needs a NAME and --input FILE.json (or --list); see cupel loss --help");
  }
  if (flags.format == "markdown") {
    return invalid_argument("--format markdown is the form of --list; expected table or json");
  }
  CUPEL_TRY_VOID(align::find_loss(flags.loss));  // a wrong name before a wrong file
  align::LossCall call{.loss = flags.loss, .single_precision = flags.dtype == "f32"};
  for (const std::string& parameter : flags.parameters) {
    CUPEL_TRY(auto pair, read_parameter(parameter));
    call.parameters.push_back(std::move(pair));
  }
  CUPEL_TRY(call.fixture, read_fixture_file(flags.input));
  auto report = align::evaluate_loss(call);
  if (!report) {
    Error error = std::move(report).error();
    const std::string& name = flags.input == "-" ? "standard input" : flags.input;
    return error.code == Code::kCorruptData ? in_file(std::move(error), name) : error;
  }
  for (const Json& key : report->find("ignored")->as_array()) {
    std::fprintf(stderr, "note: %s reads no %s here; what the fixture has of them is not used\n",
                 report->find("name")->as_string().c_str(), key.as_string().c_str());
  }
  if (flags.format == "json") {
    print_pretty(*report);
  } else {
    print_report(*report);
  }
  return 0;
}

}  // namespace cupel::cli
