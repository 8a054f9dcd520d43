// A number in the answer: exact, or within a tolerance.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"value", "tolerance", "position"}));
  CUPEL_TRY(const double value, get_double(program, "value"));
  CUPEL_TRY(const double tolerance, get_double_or(program, "tolerance", 0));
  CUPEL_TRY(const size_t position, read_choice(program, "position", {"any", "first", "last"}));
  return make_decider([=](std::string_view answer) {
    const std::vector<double> numbers = numbers_of(answer);
    const auto matches = [&](double x) { return std::abs(x - value) <= tolerance + 1e-9; };
    if (numbers.empty() || position == 0) {
      return std::any_of(numbers.begin(), numbers.end(), matches);
    }
    return matches(position == 1 ? numbers.front() : numbers.back());
  });
}

}  // namespace

DeciderKind number() {
  return {.kind = "number", .summary = "a number, exact or within a tolerance", .parse = &parse};
}

}  // namespace cupel::judge::decider
