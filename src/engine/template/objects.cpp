#include "engine/template/objects.h"

#include <algorithm>

#include "base/error.h"
#include "engine/template/call.h"
#include "engine/template/compare.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

// A method: the receiver is an object of type T.
Result<std::optional<Value>> method(Runtime& runtime, const Builtin& builtin, Object& self) {
  CUPEL_TRY(auto bound,
            runtime.object(std::make_shared<Function>(builtin, Value(self.shared_from_this())),
                           self.depth));
  return std::optional<Value>(std::move(bound));
}

Result<Value> cycler_next(Call& call) {
  return call[0].object_as<Cycler>()->next();
}

Result<Value> cycler_reset(Call& call) {
  call[0].object_as<Cycler>()->reset();
  return Value::none();
}

Result<Value> loop_cycle(Call& call) {
  const auto& items = call.rest.positional;
  if (items.empty()) {
    return invalid_argument("no items for cycling given");
  }
  const auto index = static_cast<size_t>(call[0].object_as<LoopContext>()->index0());
  return items[index % items.size()];
}

Result<Value> loop_changed(Call& call) {
  CUPEL_TRY(const bool changed,
            call[0].object_as<LoopContext>()->changed(call.runtime, call.rest.positional));
  return Value::boolean(changed);
}

Result<Value> dict_fromkeys(Call& call) {
  CUPEL_TRY(const auto keys, collect(call.runtime, call[1]));
  DictBuilder builder(call.runtime);
  for (const auto& key : keys) {
    CUPEL_TRY_VOID(builder.set(key, call[2].is_missing() ? Value::none() : call[2]));
  }
  return std::move(builder).finish();
}

constexpr Builtin kCyclerNext = {"next", "self", cycler_next};
constexpr Builtin kCyclerReset = {"reset", "self", cycler_reset};
constexpr Builtin kLoopCycle = {"cycle", "self *", loop_cycle};
constexpr Builtin kLoopChanged = {"changed", "self *", loop_changed};
constexpr Builtin kDictFromKeys = {"fromkeys", "self iterable value?", dict_fromkeys};

Result<Ok> add_pair(Runtime& runtime, DictBuilder& builder, const Value& item) {
  CUPEL_TRY(const auto pair, collect(runtime, item));
  if (pair.size() != 2) {
    return invalid_argument("a dict is made of pairs; one item has length {}", pair.size());
  }
  return builder.set(pair[0], pair[1]);
}

}  // namespace

Result<Ok> Namespace::append_repr(Runtime& runtime, std::string& out) {
  const Runtime::Nesting nesting(runtime);  // a namespace may hold itself
  CUPEL_TRY_VOID(nesting.check());
  out += "<Namespace {";
  bool first = true;
  for (const auto& [name, value] : attributes_) {
    CUPEL_TRY_VOID(runtime.step());
    out += first ? "" : ", ";
    first = false;
    out += text_repr(name) + ": ";
    CUPEL_TRY_VOID(jinja::append_repr(runtime, value, out));
  }
  out += "}>";
  return runtime.check_text_size(out.size());
}

Result<std::optional<Value>> Namespace::attribute(Runtime& /*runtime*/, std::string_view name) {
  for (const auto& [known, value] : attributes_) {
    if (known == name) {
      return std::optional<Value>(value);
    }
  }
  return std::optional<Value>();
}

Result<Ok> Namespace::set(Runtime& runtime, std::string_view name, Value value) {
  if (name.starts_with('_')) {
    return invalid_argument(
        "a namespace cannot hold the attribute '{}': it starts with an underscore", name);
  }
  CUPEL_TRY_VOID(runtime.step(1 + attributes_.size() / 8));
  for (auto& [known, held] : attributes_) {
    if (known == name) {
      held = std::move(value);
      return Ok{};
    }
  }
  CUPEL_TRY_VOID(runtime.charge(*this, 96 + name.size()));
  attributes_.emplace_back(std::string(name), std::move(value));
  return Ok{};
}

void Namespace::release() {
  const auto dropped = std::move(attributes_);
  attributes_.clear();
}

Value Cycler::next() {
  Value item = items_[position_];
  position_ = (position_ + 1) % items_.size();
  return item;
}

Result<std::optional<Value>> Cycler::attribute(Runtime& runtime, std::string_view name) {
  if (name == "next") {
    return method(runtime, kCyclerNext, *this);
  }
  if (name == "reset") {
    return method(runtime, kCyclerReset, *this);
  }
  if (name == "current") {
    return std::optional<Value>(items_[position_]);
  }
  return std::optional<Value>();
}

Result<Value> Joiner::call(Runtime& runtime, Arguments /*arguments*/) {
  if (!used_) {
    used_ = true;
    return runtime.text("");
  }
  return separator_;
}

Result<Value> DictFunction::call(Runtime& runtime, Arguments arguments) {
  if (arguments.positional.size() > 1) {
    return invalid_argument("dict expected at most 1 argument, got {}",
                            arguments.positional.size());
  }
  DictBuilder builder(runtime);
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is_dict()) {
      for (const auto& [key, value] : source.dict().entries) {
        CUPEL_TRY_VOID(builder.set(key, value));
      }
    } else {
      CUPEL_TRY(const auto items, collect(runtime, source));
      for (const auto& item : items) {
        CUPEL_TRY_VOID(add_pair(runtime, builder, item));
      }
    }
  }
  for (auto& [name, value] : arguments.named) {
    CUPEL_TRY(auto key, runtime.text(name));
    CUPEL_TRY_VOID(builder.set(std::move(key), std::move(value)));
  }
  return std::move(builder).finish();
}

Result<std::optional<Value>> DictFunction::attribute(Runtime& runtime, std::string_view name) {
  if (name == "fromkeys") {
    return method(runtime, kDictFromKeys, *this);
  }
  return std::optional<Value>();
}

Result<Ok> LoopContext::append_repr(Runtime& runtime, std::string& out) {
  CUPEL_TRY(const int64_t size, count(runtime));
  out += format("<LoopContext {}/{}>", index0_ + 1, size);
  return Ok{};
}

Result<std::optional<Value>> LoopContext::advance(Runtime& runtime) {
  CUPEL_TRY_VOID(runtime.step());
  CUPEL_TRY(auto item, peek(runtime));
  if (!item) {
    return item;
  }
  after_ = Value();
  ++index0_;
  before_ = std::move(current_);
  current_ = *item;
  return item;
}

Result<std::optional<Value>> LoopContext::peek(Runtime& runtime) {
  if (!after_.is_missing()) {
    return std::optional<Value>(after_);
  }
  if (at_end_) {
    return std::optional<Value>();
  }
  CUPEL_TRY(auto item, iterator_->next(runtime));
  if (item) {
    after_ = *item;
  } else {
    at_end_ = true;
  }
  return item;
}

Result<int64_t> LoopContext::count(Runtime& runtime) {
  if (length_) {
    return *length_;
  }
  auto known = jinja::length(runtime, iterable_);
  if (known) {
    length_ = *known;
    return *length_;
  }
  // A generator: read all of it.
  std::vector<Value> rest;
  while (!at_end_) {
    CUPEL_TRY_VOID(runtime.step());
    CUPEL_TRY(auto item, iterator_->next(runtime));
    if (!item) {
      break;
    }
    rest.push_back(std::move(*item));
  }
  length_ = static_cast<int64_t>(rest.size()) + index0_ + 1 + (after_.is_missing() ? 0 : 1);
  CUPEL_TRY(const auto list, runtime.list(std::move(rest)));
  CUPEL_TRY(iterator_, jinja::iterate(runtime, list));
  at_end_ = false;
  return *length_;
}

Result<std::optional<Value>> LoopContext::neighbour(Runtime& runtime, bool forward) {
  if (forward) {
    CUPEL_TRY(auto item, peek(runtime));
    return item ? std::move(item) : std::optional<Value>(make_undefined("there is no next item"));
  }
  return std::optional<Value>(index0_ == 0 ? make_undefined("there is no previous item") : before_);
}

Result<std::optional<Value>> LoopContext::attribute(Runtime& runtime, std::string_view name) {
  const auto integer = [](int64_t value) { return std::optional<Value>(Value::integer(value)); };
  if (name == "index") {
    return integer(index0_ + 1);
  }
  if (name == "index0") {
    return integer(index0_);
  }
  if (name == "first") {
    return std::optional<Value>(Value::boolean(index0_ == 0));
  }
  if (name == "last") {
    CUPEL_TRY(const auto item, peek(runtime));
    return std::optional<Value>(Value::boolean(!item));
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    CUPEL_TRY(const int64_t size, count(runtime));
    return integer(name == "length" ? size : size - index0_ - (name == "revindex" ? 0 : 1));
  }
  if (name == "depth" || name == "depth0") {
    return integer(depth0_ + (name == "depth" ? 1 : 0));
  }
  if (name == "previtem" || name == "nextitem") {
    return neighbour(runtime, name == "nextitem");
  }
  if (name == "cycle") {
    return method(runtime, kLoopCycle, *this);
  }
  if (name == "changed") {
    return method(runtime, kLoopChanged, *this);
  }
  return std::optional<Value>();
}

Result<std::optional<int64_t>> LoopContext::length(Runtime& runtime) {
  CUPEL_TRY(const int64_t size, count(runtime));
  return std::optional<int64_t>(size);
}

Result<bool> LoopContext::changed(Runtime& runtime, std::vector<Value> values) {
  CUPEL_TRY(auto tuple, runtime.tuple(std::move(values)));
  if (last_changed_.is_missing()) {
    runtime.retain(shared_from_this());  // the values may hold this very loop
  } else {
    CUPEL_TRY(const bool same, equals(runtime, last_changed_, tuple));
    if (same) {
      return false;
    }
  }
  last_changed_ = std::move(tuple);
  return true;
}

void LoopContext::release() {
  const Value dropped = std::move(last_changed_);
  last_changed_ = Value();
}

Result<Value> LoopContext::call(Runtime& runtime, Arguments arguments) {
  if (!recursion_) {
    return invalid_argument("the loop must have the 'recursive' marker to be called recursively");
  }
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    return invalid_argument("loop() takes exactly one argument, what to iterate over");
  }
  CUPEL_TRY_VOID(runtime.step());
  return recursion_(arguments.positional[0], depth0_ + 1);
}

}  // namespace cupel::engine::jinja
