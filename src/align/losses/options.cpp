#include "align/losses/options.h"

#include <algorithm>
#include <cmath>

#include "align/losses/hints.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::align {
namespace {

std::vector<std::string> names_of(std::span<const LossParameter> parameters) {
  std::vector<std::string> names;
  for (const LossParameter& parameter : parameters) {
    names.emplace_back(parameter.name);
  }
  return names;
}

Result<double> read_word(std::string_view loss, const LossParameter& parameter, const Json& value) {
  if (value.is_string()) {
    for (size_t i = 0; i < parameter.words.size(); ++i) {
      if (parameter.words[i] == value.as_string()) {
        return static_cast<double>(i);
      }
    }
  }
  return invalid_argument("{}: {} is {}; expected {}", loss, parameter.name,
                          printable(dump_json(value)), parameter.range());
}

Result<double> read_number(std::string_view loss,
                           const LossParameter& parameter,
                           const Json& value) {
  if (value.is_null() && std::isnan(parameter.value)) {
    return kUnset;
  }
  const double number = value.is_number() ? value.as_double() : kUnset;
  const bool above = parameter.above_low ? number > parameter.low : number >= parameter.low;
  const bool below = parameter.below_high ? number < parameter.high : number <= parameter.high;
  if (!std::isfinite(number) || !above || !below) {
    return invalid_argument("{}: {} is {}; it must be a number in {}", loss, parameter.name,
                            printable(dump_json(value)), parameter.range());
  }
  return number;
}

}  // namespace

std::string LossParameter::range() const {
  if (!words.empty()) {
    return join(std::vector<std::string>(words.begin(), words.end()), "|");
  }
  const auto bound = [](double at) {
    return std::isfinite(at) ? format("{:g}", at) : std::string(at < 0 ? "-∞" : "∞");
  };
  return format("{}{}, {}{}", above_low || !std::isfinite(low) ? "(" : "[", bound(low), bound(high),
                below_high || !std::isfinite(high) ? ")" : "]");
}

std::string LossParameter::condition() const {
  const std::vector<std::string> of(with_words.begin(), with_words.end());
  return with.empty() ? "" : format("{} {}", with, join(of, "|"));
}

std::string LossParameter::text(double of) const {
  if (!words.empty()) {
    return std::string(words[static_cast<size_t>(of)]);
  }
  return std::isnan(of) ? "unset" : format("{:g}", of);
}

LossOptions::LossOptions(std::span<const LossParameter> parameters) : parameters_(parameters) {
  for (const LossParameter& parameter : parameters) {
    values_.push_back(parameter.value);
  }
  given_.resize(values_.size());
}

Result<Ok> LossOptions::set(std::string_view loss, std::string_view name, const Json& value) {
  const size_t index = index_of(name);
  if (index == parameters_.size()) {
    const std::vector<std::string> names = names_of(parameters_);
    const std::string hint = parameter_hint(loss, name, parameters_);
    return invalid_argument("{} has no parameter \"{}\"{}; it has: {}", loss, printable(name),
                            hint.empty() ? did_you_mean(name, names) : "; " + hint,
                            names.empty() ? "none" : join(names, ", "));
  }
  const LossParameter& parameter = parameters_[index];
  CUPEL_TRY(values_[index], parameter.words.empty() ? read_number(loss, parameter, value)
                                                    : read_word(loss, parameter, value));
  given_[index] = !std::isnan(values_[index]);
  return Ok{};
}

bool LossOptions::is_read(const LossParameter& parameter) const {
  return parameter.with.empty() || std::ranges::find(parameter.with_words, word(parameter.with)) !=
                                       parameter.with_words.end();
}

Result<Ok> LossOptions::check(std::string_view loss) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    const LossParameter& parameter = parameters_[i];
    if (!given_[i] || is_read(parameter)) {
      continue;
    }
    const size_t index = index_of(parameter.with);
    return invalid_argument("{}: {} is read only with {}, and {} is {}; leave one of the two out",
                            loss, parameter.name, parameter.condition(), parameter.with,
                            parameters_[index].text(values_[index]));
  }
  return Ok{};
}

std::string LossOptions::given() const {
  std::vector<std::string> texts;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (given_[i]) {
      texts.push_back(format("{} = {}", parameters_[i].name, parameters_[i].text(values_[i])));
    }
  }
  return join(texts, ", ");
}

size_t LossOptions::index_of(std::string_view name) const {
  const auto found =
      std::find_if(parameters_.begin(), parameters_.end(),
                   [&](const LossParameter& parameter) { return parameter.name == name; });
  return static_cast<size_t>(found - parameters_.begin());
}

double LossOptions::operator[](std::string_view name) const {
  const size_t index = index_of(name);
  CUPEL_CHECK(index < values_.size(), "a loss reads a parameter that it does not declare");
  return values_[index];
}

bool LossOptions::is_set(std::string_view name) const {
  return !std::isnan((*this)[name]);
}

bool LossOptions::declares(std::string_view name) const {
  return index_of(name) < parameters_.size();
}

std::string_view LossOptions::word(std::string_view name) const {
  const size_t index = index_of(name);
  CUPEL_CHECK(index < values_.size() && !parameters_[index].words.empty(),
              "a loss reads a word that it does not declare");
  return parameters_[index].words[static_cast<size_t>(values_[index])];
}

Json LossOptions::to_json() const {
  Json json = Json::object();
  for (size_t i = 0; i < values_.size(); ++i) {
    const LossParameter& parameter = parameters_[i];
    if (!is_read(parameter)) {
      continue;
    }
    if (!parameter.words.empty()) {
      json.set(parameter.name, parameter.words[static_cast<size_t>(values_[i])]);
    } else {
      json.set(parameter.name, std::isnan(values_[i]) ? Json() : Json(values_[i]));
    }
  }
  return json;
}

}  // namespace cupel::align
