#include "engine/template/runtime.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/error.h"
#include "engine/template/unicode.h"

namespace cupel::engine::jinja {
namespace {

std::shared_ptr<Text> make_text(std::string bytes, bool markup) {
  auto text = std::make_shared<Text>();
  text->length = code_point_count(bytes);
  text->bytes = std::move(bytes);
  text->markup = markup;
  return text;
}

}  // namespace

LocalTime local_time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return {.year = parts.tm_year + 1900,
          .month = parts.tm_mon + 1,
          .day = parts.tm_mday,
          .hour = parts.tm_hour,
          .minute = parts.tm_min,
          .second = parts.tm_sec,
          .microsecond = static_cast<int>(micros % 1'000'000)};
}

Value Arguments::take(std::string_view name) {
  const auto it = std::find_if(named.begin(), named.end(),
                               [&](const auto& entry) { return entry.first == name; });
  if (it == named.end()) {
    return {};
  }
  Value value = std::move(it->second);
  named.erase(it);
  return value;
}

Runtime::Runtime(const Limits& limits, std::optional<LocalTime> now)
    : limits_(limits),
      budget_{.live = 0, .limit = limits.memory_bytes},
      now_(now),
      stack_base_(static_cast<const char*>(__builtin_frame_address(0))) {}

Runtime::~Runtime() {
  // First all let go of their contents, which refer to each other only through this list: so no
  // destructor recurses along a chain of closures.
  for (const auto& object : retained_) {
    object->release();
  }
}

Result<Ok> Runtime::step(size_t count) {
  steps_ += static_cast<int64_t>(count);
  if (steps_ > limits_.steps) {
    return exhausted("the template does not end: more than {} steps", limits_.steps);
  }
  return Ok{};
}

Result<Ok> Runtime::check_text_size(size_t bytes) const {
  if (bytes > limits_.text_bytes) {
    return exhausted("the template makes a text of more than {} bytes", limits_.text_bytes);
  }
  return Ok{};
}

Result<Ok> Runtime::check_items(size_t count, size_t size) const {
  const size_t room = budget_.limit / sizeof(Value);
  if (size > 0 && count > room / size) {
    return exhausted("the template makes a list of more than {} items", room);
  }
  return Ok{};
}

Result<Ok> Runtime::charge(Payload& payload, size_t bytes) {
  if (budget_.live + bytes > budget_.limit) {
    return exhausted("the template needs more than {} bytes of memory", budget_.limit);
  }
  payload.budget = &budget_;
  payload.charged += bytes;
  budget_.live += bytes;
  return Ok{};
}

Result<Value> Runtime::text(std::string bytes, bool markup) {
  CUPEL_TRY_VOID(check_text_size(bytes.size()));
  CUPEL_TRY_VOID(step(1 + bytes.size() / 64));
  auto text = make_text(std::move(bytes), markup);
  CUPEL_TRY_VOID(charge(*text, sizeof(Text) + text->bytes.capacity()));
  return Value(std::shared_ptr<const Text>(std::move(text)));
}

Result<Value> Runtime::sequence(std::shared_ptr<Sequence> sequence) {
  CUPEL_TRY_VOID(step(1 + sequence->items.size() / 4));
  int depth = 0;
  for (const auto& item : sequence->items) {
    depth = std::max(depth, item.depth());
  }
  sequence->depth = depth + 1;
  if (sequence->depth > limits_.value_depth) {
    return exhausted("values are nested more than {} deep", limits_.value_depth);
  }
  CUPEL_TRY_VOID(charge(*sequence, sizeof(Sequence) + sequence->items.capacity() * sizeof(Value)));
  return Value(std::shared_ptr<const Sequence>(std::move(sequence)));
}

Result<Value> Runtime::list(std::vector<Value> items) {
  auto list = std::make_shared<Sequence>();
  list->items = std::move(items);
  return sequence(std::move(list));
}

Result<Value> Runtime::tuple(std::vector<Value> items) {
  auto tuple = std::make_shared<Sequence>();
  tuple->items = std::move(items);
  tuple->tuple = true;
  return sequence(std::move(tuple));
}

Result<Value> Runtime::pair(Value first, Value second) {
  std::vector<Value> items;
  items.reserve(2);
  items.push_back(std::move(first));
  items.push_back(std::move(second));
  return tuple(std::move(items));
}

Result<Value> Runtime::dict(std::vector<Dict::Entry> entries,
                            std::unordered_multimap<size_t, uint32_t> index) {
  CUPEL_TRY_VOID(step(1 + entries.size() / 2));
  auto dict = std::make_shared<Dict>();
  int depth = 0;
  for (const auto& [key, value] : entries) {
    depth = std::max({depth, key.depth(), value.depth()});
  }
  dict->depth = depth + 1;
  if (dict->depth > limits_.value_depth) {
    return exhausted("values are nested more than {} deep", limits_.value_depth);
  }
  dict->entries = std::move(entries);
  dict->index = std::move(index);
  CUPEL_TRY_VOID(charge(*dict, sizeof(Dict) + dict->entries.capacity() * sizeof(Dict::Entry) +
                                   dict->index.size() * 48));
  return Value(std::shared_ptr<const Dict>(std::move(dict)));
}

Result<Value> Runtime::object(std::shared_ptr<Object> object, int inner_depth, size_t bytes) {
  object->depth = inner_depth + 1;
  if (object->depth > limits_.value_depth) {
    return exhausted("values are nested more than {} deep", limits_.value_depth);
  }
  CUPEL_TRY_VOID(step());
  CUPEL_TRY_VOID(charge(*object, bytes));
  return Value(std::move(object));
}

Result<Ok> Runtime::Nesting::check() const {
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  const auto used = static_cast<size_t>(std::abs(runtime_.stack_base_ - here));
  if (runtime_.nesting_ > runtime_.limits_.depth || used > runtime_.limits_.stack_bytes) {
    return exhausted("the template calls itself too deeply");
  }
  return Ok{};
}

Value constant_text(std::string bytes, bool markup) {
  return Value(std::shared_ptr<const Text>(make_text(std::move(bytes), markup)));
}

}  // namespace cupel::engine::jinja
