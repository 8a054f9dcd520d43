#include "decode/constraint/number_range.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <tuple>

#include "base/error.h"

namespace cupel::decode::constraint {
namespace {

constexpr int kLongestBound = 60;

/// A number as its digits: no leading zeros but a single one, no trailing ones in the fraction.
struct Decimal {
  bool negative = false;
  std::string integer = "0";
  std::string fraction;
  [[nodiscard]] bool zero() const { return integer == "0" && fraction.empty(); }
};

Result<Decimal> to_decimal(const Json& value) {
  std::string text = dump_json(value);
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.erase(0, 1);
  }
  int exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string::npos) {
    exponent = std::stoi(text.substr(e + 1));  // of our own writing: at most three digits
    text.resize(e);
  }
  const size_t dot = text.find('.');
  std::string digits = text.substr(0, dot);
  int point = static_cast<int>(digits.size()) + exponent;
  if (dot != std::string::npos) {
    digits += text.substr(dot + 1);
  }
  if (std::abs(exponent) > kLongestBound) {
    return unsupported("the bound {} has too many digits; at most {} are taken", dump_json(value),
                       kLongestBound);
  }
  if (point <= 0) {
    digits.insert(0, static_cast<size_t>(1 - point), '0');
    point = 1;
  }
  if (static_cast<size_t>(point) > digits.size()) {
    digits.append(static_cast<size_t>(point) - digits.size(), '0');
  }
  decimal.integer = digits.substr(0, static_cast<size_t>(point));
  decimal.fraction = digits.substr(static_cast<size_t>(point));
  decimal.integer.erase(
      0, std::min(decimal.integer.find_first_not_of('0'), decimal.integer.size() - 1));
  decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
  decimal.negative = decimal.negative && !decimal.zero();
  return decimal;
}

struct Bound {
  Decimal value;
  bool exclusive = false;
};

void add_one(std::string& integer) {
  size_t i = integer.size();
  while (i > 0 && integer[i - 1] == '9') {
    integer[--i] = '0';
  }
  if (i == 0) {
    integer.insert(0, 1, '1');
  } else {
    ++integer[i - 1];
  }
}

// Of a number above 0.
void subtract_one(std::string& integer) {
  size_t i = integer.size();
  while (integer[i - 1] == '0') {
    integer[--i] = '9';
  }
  --integer[i - 1];
  if (integer.size() > 1 && integer[0] == '0') {
    integer.erase(0, 1);
  }
}

/// Numbers of one sign: `low` ≤ magnitude ≤ `high`, the latter perhaps without bound.
class MagnitudeWriter {
 public:
  MagnitudeWriter(
      AutomatonBuilder& builder, Bound low, std::optional<Bound> high, bool integer, NodeId to)
      : builder_(builder),
        low_(std::move(low)),
        high_(std::move(high)),
        integer_(integer),
        to_(to) {}

  void add(NodeId from) {
    if (integer_ && !round_bounds()) {
      return;
    }
    const size_t shortest = low_.value.integer.size();
    const size_t longest =
        high_ ? high_->value.integer.size() : std::max<size_t>(kMaxDigits, shortest);
    for (size_t length = shortest; length <= longest; ++length) {
      length_ = length;
      add_integer_digits(from, 0,
                         {length == shortest, high_ && length == high_->value.integer.size()});
    }
  }

 private:
  /// Whether all digits so far are those of a bound.
  struct Tight {
    bool low = false;
    bool high = false;
  };

  // Both bounds become integers that may be reached; false where that leaves nothing.
  bool round_bounds() {
    if (low_.exclusive || !low_.value.fraction.empty()) {
      add_one(low_.value.integer);
    }
    low_ = {.value = {.integer = low_.value.integer}};
    if (high_) {
      if (high_->exclusive && high_->value.fraction.empty()) {
        if (high_->value.zero()) {
          return false;
        }
        subtract_one(high_->value.integer);
      }
      high_ = Bound{.value = {.integer = high_->value.integer}};
    }
    return true;
  }

  NodeId node(size_t position, Tight tight, bool fraction) {
    // Digits of a fraction go on alike behind integer parts of all lengths.
    const auto [found, fresh] = nodes_.try_emplace(
        {fraction ? 0 : length_, position, tight.low, tight.high, fraction}, NodeId{0});
    if (fresh) {
      found->second = builder_.add_node();
      if (fraction) {
        add_fraction_digits(found->second, position, tight);
      } else {
        add_integer_digits(found->second, position, tight);
      }
    }
    return found->second;
  }

  void add_integer_digits(NodeId from, size_t position, Tight tight) {
    if (position == length_) {
      end_integer(from, tight);
      return;
    }
    const int least = position == 0 && length_ > 1 ? 1 : 0;
    const int low = tight.low ? low_.value.integer[position] - '0' : least;
    const int high = tight.high ? high_->value.integer[position] - '0' : 9;
    add_digits(from, position, std::max(low, least), high, tight, false);
  }

  // One digit between `low` and `high`; at the ends it stays tight where it was.
  void add_digits(NodeId from, size_t position, int low, int high, Tight tight, bool fraction) {
    for (int digit = low; digit <= high;) {
      const Tight next = {tight.low && digit == low, tight.high && digit == high};
      int last = digit;
      if (!next.low && !next.high) {
        last = tight.high ? high - 1 : high;
      }
      builder_.add_bytes(from, static_cast<uint8_t>('0' + digit), static_cast<uint8_t>('0' + last),
                         node(position + 1, next, fraction));
      digit = last + 1;
    }
  }

  void end_integer(NodeId from, Tight tight) {
    if (may_end(0, tight)) {
      builder_.add_nothing(from, to_);
    }
    if (!integer_) {
      const NodeId point = builder_.add_node();
      builder_.add_byte(from, '.', point);
      add_fraction_digits(point, 0, tight);
    }
  }

  [[nodiscard]] bool may_end(size_t position, Tight tight) const {
    const bool above = !tight.low || (position >= low_.value.fraction.size() && !low_.exclusive);
    const bool below = !tight.high || position < high_->value.fraction.size() || !high_->exclusive;
    return above && below;
  }

  void add_fraction_digits(NodeId from, size_t position, Tight tight) {
    if (position > 0 && may_end(position, tight)) {
      builder_.add_nothing(from, to_);
    }
    const auto digit = [position](const std::string& digits) {
      return position < digits.size() ? digits[position] - '0' : 0;
    };
    const size_t longest =
        std::max({static_cast<size_t>(kMaxDigits), low_.value.fraction.size() + 1,
                  high_ ? high_->value.fraction.size() + 1 : 0});
    if (position < longest) {
      add_digits(from, position, tight.low ? digit(low_.value.fraction) : 0,
                 tight.high ? digit(high_->value.fraction) : 9, tight, true);
    }
  }

  AutomatonBuilder& builder_;
  Bound low_;
  std::optional<Bound> high_;
  bool integer_;
  NodeId to_;
  size_t length_ = 0;  // of the integer part
  std::map<std::tuple<size_t, size_t, bool, bool, bool>, NodeId> nodes_;
};

Result<std::optional<Bound>> to_bound(const std::optional<NumberBound>& bound) {
  if (!bound) {
    return std::optional<Bound>();
  }
  CUPEL_TRY(Decimal value, to_decimal(bound->value));
  return std::optional(Bound{.value = std::move(value), .exclusive = bound->exclusive});
}

Bound magnitude(Bound bound) {
  bound.value.negative = false;
  return bound;
}

NodeId add_digits(AutomatonBuilder& builder, NodeId from, int most, NodeId to) {
  for (int i = 0; i < most; ++i) {
    const NodeId next = builder.add_node();
    builder.add_bytes(from, '0', '9', next);
    builder.add_nothing(next, to);
    from = next;
  }
  return to;
}

}  // namespace

Result<Ok> add_number_range(AutomatonBuilder& builder,
                            const NumberRange& range,
                            NodeId from,
                            NodeId to) {
  CUPEL_TRY(const auto low, to_bound(range.low));
  CUPEL_TRY(const auto high, to_bound(range.high));
  const Bound zero;
  if (!high || !high->value.negative) {
    const bool from_zero = !low || low->value.negative;
    MagnitudeWriter(builder, from_zero ? zero : *low, high, range.integer, to).add(from);
  }
  if (!low || low->value.negative) {
    const NodeId sign = builder.add_node();
    builder.add_byte(from, '-', sign);
    // -0 is written 0.
    const Bound least =
        high && high->value.negative ? magnitude(*high) : Bound{.value = {}, .exclusive = true};
    const auto most = low ? std::optional(magnitude(*low)) : std::nullopt;
    MagnitudeWriter(builder, least, most, range.integer, to).add(sign);
  }
  return Ok{};
}

void add_any_number(AutomatonBuilder& builder, bool integer, NodeId from, NodeId to) {
  const NodeId unsigned_part = builder.add_node();
  const NodeId sign = builder.add_node();
  builder.add_byte(from, '-', sign);
  builder.add_nothing(from, unsigned_part);
  const NodeId whole = integer ? to : builder.add_node();
  builder.add_byte(unsigned_part, '0', whole);
  const NodeId first = builder.add_node();
  builder.add_bytes(unsigned_part, '1', '9', first);
  if (integer) {  // -0 is written 0
    builder.add_bytes(sign, '1', '9', first);
  } else {
    builder.add_nothing(sign, unsigned_part);
  }
  builder.add_nothing(first, whole);
  add_digits(builder, first, kMaxDigits - 1, whole);
  if (integer) {
    return;
  }
  const NodeId before_exponent = builder.add_node();
  builder.add_nothing(whole, before_exponent);
  const NodeId point = builder.add_node();
  builder.add_byte(whole, '.', point);
  add_digits(builder, point, kMaxDigits, before_exponent);
  builder.add_nothing(before_exponent, to);
  const NodeId e = builder.add_node();
  builder.add_byte(before_exponent, 'e', e);
  builder.add_byte(before_exponent, 'E', e);
  const NodeId exponent = builder.add_node();
  builder.add_byte(e, '+', exponent);
  builder.add_byte(e, '-', exponent);
  builder.add_nothing(e, exponent);
  constexpr int kExponentDigits = 2;
  add_digits(builder, exponent, kExponentDigits, to);
}

}  // namespace cupel::decode::constraint
