// The global functions that transformers gives to chat templates.

#include "base/error.h"
#include "engine/template/call.h"
#include "engine/template/objects.h"
#include "engine/template/repr.h"
#include "engine/template/text_functions.h"

namespace cupel::engine::jinja {
namespace {

Result<Value> raise_exception(Call& call) {
  CUPEL_TRY(const auto message, str(call.runtime, call[0]));
  return invalid_argument("{}", message.empty() ? "the template refuses these messages" : message);
}

Result<Value> strftime_now(Call& call) {
  CUPEL_TRY(const auto pattern, call.text(0));
  CUPEL_TRY(auto text, format_time(call.runtime.now(), pattern));
  return call.runtime.text(std::move(text));
}

Result<Value> range(Call& call) {
  const bool only_stop = call[1].is_missing();
  CUPEL_TRY(const int64_t start, only_stop ? Result<int64_t>(int64_t{0}) : call.integer(0));
  CUPEL_TRY(const int64_t stop, call.integer(only_stop ? 0 : 1));
  CUPEL_TRY(const int64_t step, call.integer(2, 1));
  constexpr int64_t kLargest = int64_t{1} << 60;  // keeps the arithmetic of Range within 64 bits
  if (step == 0) {
    return invalid_argument("range() arg 3 must not be zero");
  }
  for (const int64_t part : {start, stop, step}) {
    if (part > kLargest || part < -kLargest) {
      return unsupported("a range ends at {}", part);
    }
  }
  auto range = std::make_shared<Range>(start, stop, step);
  if (range->size() > call.runtime.limits().range_items) {
    return exhausted("range too big: templates may count up to {} items",
                     call.runtime.limits().range_items);
  }
  return call.runtime.object(std::move(range));
}

Result<Value> make_namespace(Call& call) {
  auto space = std::make_shared<Namespace>();
  CUPEL_TRY(auto value, call.runtime.object(space));
  call.runtime.retain(space);
  DictFunction dict;
  CUPEL_TRY(const auto initial, dict.call(call.runtime, std::move(call.rest)));
  for (const auto& [key, item] : initial.dict().entries) {
    CUPEL_TRY(const auto name, str(call.runtime, key));
    CUPEL_TRY_VOID(space->set(call.runtime, name, item));
  }
  return value;
}

Result<Value> make_cycler(Call& call) {
  if (call.rest.positional.empty()) {
    return invalid_argument("at least one item has to be provided");
  }
  CUPEL_TRY(const auto items, call.runtime.list(call.rest.positional));
  return call.runtime.object(std::make_shared<Cycler>(items.items()), items.depth());
}

Result<Value> make_joiner(Call& call) {
  const Value separator = call[0].is_missing() ? constant_text(", ") : call[0];
  return call.runtime.object(std::make_shared<Joiner>(separator), separator.depth());
}

Result<Value> lipsum(Call& /*call*/) {
  return unsupported("lipsum() makes random text, which a chat template may not");
}

constexpr Builtin kFunctions[] = {
    {"cycler", "*", make_cycler},
    {"joiner", "sep?", make_joiner},
    {"lipsum", "*", lipsum},
    {"namespace", "*", make_namespace},
    {"raise_exception", "message", raise_exception},
    {"range", "start stop? step?", range},
    {"strftime_now", "format", strftime_now},
};

}  // namespace

Value find_global(std::string_view name) {
  if (name == "dict") {
    return Value(std::shared_ptr<Object>(std::make_shared<DictFunction>()));
  }
  const auto* function = find_builtin(kFunctions, name);
  return function != nullptr ? Value(std::shared_ptr<Object>(std::make_shared<Function>(*function)))
                             : Value();
}

}  // namespace cupel::engine::jinja
