#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "decode/constraint/automaton.h"

namespace cupel::decode::constraint {

/// Digits of an integer part and of a fraction beyond which none is generated: what is written can
/// be read back as int64 or double, and no digit is repeated without end.
inline constexpr int kMaxDigits = 18;

/// A bound of a number.
struct NumberBound {
  Json value;  ///< a number
  bool exclusive = false;
};

struct NumberRange {
  std::optional<NumberBound> low;
  std::optional<NumberBound> high;
  bool integer = false;  ///< no fraction
};

/// Adds JSON numbers between the bounds, written without an exponent, behind `from`, ending at
/// `to`. Bounds are compared digit by digit: exact, whatever their size. Adds nothing where no
/// number lies between them.
/// Errors: kUnsupported - a bound whose decimal form has more than 60 digits.
Result<Ok> add_number_range(AutomatonBuilder& builder,
                            const NumberRange& range,
                            NodeId from,
                            NodeId to);

/// Adds all JSON numbers (or integers), the ones without bounds with an exponent of up to two
/// digits, behind `from`, ending at `to`.
void add_any_number(AutomatonBuilder& builder, bool integer, NodeId from, NodeId to);

}  // namespace cupel::decode::constraint
