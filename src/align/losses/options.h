#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::align {

/// The default of a parameter that is off unless it is given.
inline constexpr double kUnset = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kUnbounded = std::numeric_limits<double>::infinity();

/// A number, or one word of a list, that a loss lets its user set: flag, key in `params` and in a
/// recipe are the name.
struct LossParameter {
  std::string_view name;
  double value = kUnset;     ///< the default; of words the index
  double low = -kUnbounded;  ///< bounds of a number
  double high = kUnbounded;
  bool above_low = false;  ///< the bound itself is not allowed
  bool below_high = false;
  std::string_view summary;
  std::span<const std::string_view> words = {};
  /// Where the loss reads it with some words of another parameter alone: that one, and those.
  std::string_view with = {};
  std::span<const std::string_view> with_words = {};

  /// "(0, ∞)", "[0, 0.5)" or "token|row".
  [[nodiscard]] std::string range() const;
  /// When it is read: "variant sigmoid", "gamma unset"; empty: always.
  [[nodiscard]] std::string condition() const;
  /// A value as a user writes it: "0.1", "row" or "unset".
  [[nodiscard]] std::string text(double of) const;
};

/// The values of all parameters of one loss: the defaults, and what was set.
class LossOptions {
 public:
  explicit LossOptions(std::span<const LossParameter> parameters);

  /// `value` is a number, or a word as text. Errors: kInvalidArgument - no such parameter (with the
  /// nearest), another type, or outside its range; `loss` names the loss in the message.
  Result<Ok> set(std::string_view loss, std::string_view name, const Json& value);

  /// The value of a parameter that the loss declares; reading another one is a bug.
  [[nodiscard]] double operator[](std::string_view name) const;
  [[nodiscard]] bool is_set(std::string_view name) const;
  [[nodiscard]] std::string_view word(std::string_view name) const;
  [[nodiscard]] bool declares(std::string_view name) const;

  /// Errors: kInvalidArgument - one was given that the loss does not read beside the others.
  [[nodiscard]] Result<Ok> check(std::string_view loss) const;
  /// What was given: "beta = 0.1, base = ipo"; may be empty.
  [[nodiscard]] std::string given() const;
  /// Those that are read: {"beta": 0.1, "gold_reduction": "token"}; unset ones are null.
  [[nodiscard]] Json to_json() const;

 private:
  [[nodiscard]] size_t index_of(std::string_view name) const;
  [[nodiscard]] bool is_read(const LossParameter& parameter) const;
  std::span<const LossParameter> parameters_;
  std::vector<double> values_;
  std::vector<bool> given_;
};

/// A parameter that a loss reads with some words of another one alone.
constexpr LossParameter only_with(LossParameter parameter,
                                  std::string_view other,
                                  std::span<const std::string_view> words) {
  parameter.with = other;
  parameter.with_words = words;
  return parameter;
}

}  // namespace cupel::align
