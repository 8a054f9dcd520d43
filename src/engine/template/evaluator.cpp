#include "engine/template/evaluator.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/iterate.h"
#include "engine/template/lexer.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {
namespace {

/// A macro as a value; also the `caller` of a call block.
class Macro : public Object {
 public:
  Macro(Evaluator& evaluator, const MacroNode& node, std::shared_ptr<Activation> closure)
      : evaluator_(evaluator), node_(node), closure_(std::move(closure)) {}
  [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
  Result<Ok> append_repr(Runtime& /*runtime*/, std::string& out) override {
    out += node_.name.empty() ? "<Macro anonymous>" : format("<Macro {}>", text_repr(node_.name));
    return Ok{};
  }
  [[nodiscard]] bool callable() const override { return true; }
  Result<Value> call(Runtime& /*runtime*/, Arguments arguments) override {
    return evaluator_.call_macro(node_, closure_, std::move(arguments));
  }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;

 private:
  Evaluator& evaluator_;
  const MacroNode& node_;
  std::shared_ptr<Activation> closure_;
};

Result<std::optional<Value>> Macro::attribute(Runtime& runtime, std::string_view name) {
  if (name == "name") {
    return std::optional<Value>(node_.name.empty() ? Value::none() : constant_text(node_.name));
  }
  if (name == "arguments") {
    std::vector<Value> names;
    for (const auto& parameter : node_.parameters) {
      names.push_back(constant_text(parameter.name));
    }
    CUPEL_TRY(auto tuple, runtime.tuple(std::move(names)));
    return std::optional<Value>(std::move(tuple));
  }
  if (name == "caller" || name == "catch_kwargs" || name == "catch_varargs") {
    const uint32_t slot = name == "caller"         ? node_.caller_slot
                          : name == "catch_kwargs" ? node_.kwargs_slot
                                                   : node_.varargs_slot;
    return std::optional<Value>(Value::boolean(slot != MacroNode::kNone));
  }
  return std::optional<Value>();
}

/// The items of a for loop that pass its inline `if`, found as they are asked for.
class ConditionIterator : public Iterator {
 public:
  ConditionIterator(Evaluator& evaluator,
                    const Statement& loop,
                    std::shared_ptr<Activation> activation,
                    std::shared_ptr<Iterator> source)
      : evaluator_(evaluator),
        loop_(loop),
        activation_(std::move(activation)),
        source_(std::move(source)) {}
  Result<std::optional<Value>> next(Runtime& runtime) override {
    while (true) {
      CUPEL_TRY_VOID(runtime.step());
      CUPEL_TRY(auto item, source_->next(runtime));
      if (!item) {
        return item;
      }
      CUPEL_TRY(const bool passes, evaluator_.passes_condition(loop_, activation_, *item));
      if (passes) {
        return item;
      }
    }
  }

 private:
  Evaluator& evaluator_;
  const Statement& loop_;
  std::shared_ptr<Activation> activation_;
  std::shared_ptr<Iterator> source_;
};

}  // namespace

void Activation::release() {
  const auto dropped = std::move(slots_);
  slots_.clear();
  parent_.reset();
}

Value& Activation::at(Slot slot) {
  Activation* activation = this;
  for (uint32_t i = 0; i < slot.hops; ++i) {
    activation = activation->parent_.get();
  }
  return activation->slots_[slot.index];
}

Result<Evaluator::Output> Evaluator::run() {
  const auto body = [&]() -> Result<Ok> {
    CUPEL_TRY(auto activation, activate(template_.slots, nullptr));
    runtime_.retain(activation);
    CUPEL_TRY_VOID(enter(template_.scope, *activation));
    Frame frame{.activation = std::move(activation), .out = &output_.text};
    CUPEL_TRY_VOID(execute(template_.body, frame));
    return Ok{};
  };
  auto done = body();
  if (!done) {
    return at_line(std::move(done).error(), line_);
  }
  return std::move(output_);
}

Value Evaluator::resolve(const std::string& name) {
  if (const auto it = exports_.find(name); it != exports_.end()) {
    return it->second;
  }
  const auto it = variables_.find(name);
  return it != variables_.end() ? it->second : find_global(name);
}

Result<Ok> Evaluator::enter(const Scope& scope, Activation& activation) {
  for (const auto& load : scope.loads) {
    Value& slot = activation.at({.hops = 0, .index = load.target});
    switch (load.source) {
      case Load::Source::kMissing:
        slot = Value();
        break;
      case Load::Source::kContext:
        slot = resolve(load.name);
        break;
      case Load::Source::kAlias:
        slot = Value(activation.at(load.outer));
        break;
    }
  }
  return runtime_.step(1 + scope.loads.size() / 4);
}

Result<std::shared_ptr<Activation>> Evaluator::activate(uint32_t slots,
                                                        const std::shared_ptr<Activation>& parent) {
  auto activation = std::make_shared<Activation>(slots, parent);
  CUPEL_TRY_VOID(runtime_.object(activation, 0, 64 + slots * sizeof(Value)));
  return activation;
}

// An activation that somebody still holds when its function ends may hold itself.
void Evaluator::leave(const std::shared_ptr<Activation>& activation) {
  if (activation.use_count() > 1) {
    runtime_.retain(activation);
  }
}

Result<Evaluator::Flow> Evaluator::execute(const Block& block, Frame& frame) {
  const Runtime::Nesting nesting(runtime_);
  CUPEL_TRY_VOID(nesting.check());
  for (const auto& statement : block) {
    line_ = statement.line;
    CUPEL_TRY_VOID(runtime_.step());
    CUPEL_TRY(const Flow flow, execute(statement, frame));
    if (flow != Flow::kNormal) {
      return flow;
    }
  }
  return Flow::kNormal;
}

Result<Evaluator::Flow> Evaluator::execute(const Statement& statement, Frame& frame) {
  switch (statement.kind) {
    case StatementKind::kData:
      *frame.out += statement.text;
      CUPEL_TRY_VOID(runtime_.step(statement.text.size() / 64));
      CUPEL_TRY_VOID(runtime_.check_text_size(frame.out->size()));
      return Flow::kNormal;
    case StatementKind::kOutput: {
      CUPEL_TRY(const auto value, evaluate(*statement.expression, frame));
      CUPEL_TRY_VOID(write(value, frame));
      return Flow::kNormal;
    }
    case StatementKind::kIf:
      return execute_if(statement, frame);
    case StatementKind::kFor:
      return execute_for(statement, frame);
    case StatementKind::kSet:
      CUPEL_TRY_VOID(execute_set(statement, frame));
      return Flow::kNormal;
    case StatementKind::kSetBlock:
      return execute_set_block(statement, frame);
    case StatementKind::kMacro:
      CUPEL_TRY_VOID(define_macro(statement, frame));
      return Flow::kNormal;
    case StatementKind::kCallBlock:
      return execute_call_block(statement, frame);
    case StatementKind::kFilterBlock:
      return execute_filter_block(statement, frame);
    case StatementKind::kWith:
      return execute_with(statement, frame);
    case StatementKind::kScope:
      CUPEL_TRY_VOID(enter(statement.scope, *frame.activation));
      return execute(statement.body, frame);
    case StatementKind::kBlock:
      return execute_named_block(statement, frame);
    case StatementKind::kGeneration:
      return execute_generation(statement, frame);
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
    case StatementKind::kUnavailable:
      return unsupported("'{}' needs other templates, and the template of a model stands alone",
                         statement.text);
  }
  return Flow::kNormal;
}

Result<Ok> Evaluator::write(const Value& value, Frame& frame) {
  const size_t before = frame.out->size();
  CUPEL_TRY_VOID(append_str(runtime_, value, *frame.out));
  return runtime_.step((frame.out->size() - before) / 64);
}

Result<Evaluator::Flow> Evaluator::execute_if(const Statement& statement, Frame& frame) {
  for (const auto& branch : statement.branches) {
    CUPEL_TRY(const bool holds, evaluate_condition(*branch.test, frame));
    if (holds) {
      return execute(branch.body, frame);
    }
  }
  return execute(statement.otherwise, frame);
}

Result<Evaluator::Flow> Evaluator::execute_for(const Statement& statement, Frame& frame) {
  CUPEL_TRY(const auto iterable, evaluate(*statement.expression, frame));
  line_ = statement.line;
  if (!statement.recursive) {
    return run_loop(statement, iterable, frame, frame.activation, 0);
  }
  CUPEL_TRY(const auto text, render_recursive_loop(statement, iterable, frame.activation, 0));
  CUPEL_TRY_VOID(write(text, frame));
  return Flow::kNormal;
}

Result<Value> Evaluator::render_recursive_loop(const Statement& statement,
                                               const Value& iterable,
                                               const std::shared_ptr<Activation>& outer,
                                               int64_t depth) {
  CUPEL_TRY(auto activation, activate(statement.loop->slots, outer));
  std::string out;
  Frame frame{.activation = std::move(activation), .out = &out};
  auto done = run_loop(statement, iterable, frame, outer, depth);
  leave(frame.activation);
  CUPEL_TRY_VOID(std::move(done));
  return runtime_.text(std::move(out));
}

Result<Evaluator::Flow> Evaluator::run_loop(const Statement& statement,
                                            const Value& iterable,
                                            Frame& frame,
                                            const std::shared_ptr<Activation>& outer,
                                            int64_t depth) {
  CUPEL_TRY(auto iterator, iterate(runtime_, iterable));
  Value source = iterable;
  if (statement.condition != nullptr) {
    CUPEL_TRY(auto inner, activate(statement.loop->condition_slots, outer));
    CUPEL_TRY_VOID(enter(statement.loop->condition_scope, *inner));
    iterator = std::make_shared<ConditionIterator>(*this, statement, inner, iterator);
    CUPEL_TRY(source, runtime_.object(iterator, iterable.depth()));
  }
  LoopRecursion recursion;
  if (statement.recursive) {
    recursion = [this, &statement, outer](const Value& items, int64_t at) -> Result<Value> {
      const Runtime::Nesting nesting(runtime_);
      CUPEL_TRY_VOID(nesting.check());
      return render_recursive_loop(statement, items, outer, at);
    };
  }
  const auto loop = std::make_shared<LoopContext>(source, iterator, depth, std::move(recursion));
  CUPEL_TRY(frame.activation->at({.hops = 0, .index = statement.loop->loop_slot}),
            runtime_.object(loop, source.depth()));
  bool ran = false;
  CUPEL_TRY_VOID(run_iterations(statement, *loop, frame, ran));
  if (ran || statement.otherwise.empty()) {
    return Flow::kNormal;
  }
  CUPEL_TRY_VOID(enter(statement.loop->otherwise_scope, *frame.activation));
  return execute(statement.otherwise, frame);
}

// `ran` becomes true when an iteration ran to its end: as in jinja2, one that was left by break or
// continue does not keep the else part away.
Result<Evaluator::Flow> Evaluator::run_iterations(const Statement& statement,
                                                  LoopContext& loop,
                                                  Frame& frame,
                                                  bool& ran) {
  const Slot loop_slot{.hops = 0, .index = statement.loop->loop_slot};
  const Value loop_value = frame.activation->at(loop_slot);
  while (true) {
    CUPEL_TRY(auto item, loop.advance(runtime_));
    if (!item) {
      return Flow::kNormal;
    }
    CUPEL_TRY_VOID(assign(*statement.target, std::move(*item), frame, false));
    frame.activation->at(loop_slot) = loop_value;
    CUPEL_TRY_VOID(enter(statement.loop->scope, *frame.activation));
    CUPEL_TRY(const Flow flow, execute(statement.body, frame));
    line_ = statement.line;
    if (flow == Flow::kBreak) {
      return Flow::kNormal;
    }
    ran = ran || flow == Flow::kNormal;
  }
}

Result<bool> Evaluator::passes_condition(const Statement& loop,
                                         const std::shared_ptr<Activation>& activation,
                                         const Value& item) {
  const Runtime::Nesting nesting(runtime_);
  CUPEL_TRY_VOID(nesting.check());
  Frame frame{.activation = activation};
  CUPEL_TRY_VOID(assign(*loop.loop->condition_target, item, frame, false));
  return evaluate_condition(*loop.condition, frame);
}

Result<Ok> Evaluator::check_namespaces(const Expression& target, Frame& frame) {
  if (target.kind == ExpressionKind::kNamespaceTarget) {
    CUPEL_TRY(const auto owner, evaluate(*target.operands[0], frame));
    if (owner.object_as<Namespace>() == nullptr) {
      return invalid_argument("cannot assign attribute on non-namespace object");
    }
    return Ok{};
  }
  for (const auto& item : target.operands) {
    CUPEL_TRY_VOID(check_namespaces(*item, frame));
  }
  return Ok{};
}

Result<Ok> Evaluator::execute_set(const Statement& statement, Frame& frame) {
  CUPEL_TRY_VOID(check_namespaces(*statement.target, frame));
  CUPEL_TRY(auto value, evaluate(*statement.expression, frame));
  line_ = statement.line;
  return assign(*statement.target, std::move(value), frame, statement.exported);
}

Result<Ok> Evaluator::assign(const Expression& target, Value value, Frame& frame, bool exported) {
  switch (target.kind) {
    case ExpressionKind::kName:
      if (exported) {
        exports_[target.name] = value;
      }
      frame.activation->at(target.slot) = std::move(value);
      return Ok{};
    case ExpressionKind::kNamespaceTarget: {
      CUPEL_TRY(const auto owner, evaluate(*target.operands[0], frame));
      auto* space = owner.object_as<Namespace>();
      if (space == nullptr) {
        return invalid_argument("cannot assign attribute on non-namespace object");
      }
      return space->set(runtime_, target.name, std::move(value));
    }
    default:
      return assign_tuple(target, value, frame, exported);
  }
}

Result<Ok> Evaluator::assign_tuple(const Expression& target,
                                   const Value& value,
                                   Frame& frame,
                                   bool exported) {
  auto iterator = iterate(runtime_, value);
  if (!iterator) {
    return invalid_argument("cannot unpack non-iterable {} object", type_name(value));
  }
  std::vector<Value> items;
  const size_t wanted = target.operands.size();
  while (items.size() <= wanted) {
    CUPEL_TRY(auto item, (*iterator)->next(runtime_));
    if (!item) {
      break;
    }
    items.push_back(std::move(*item));
  }
  if (items.size() > wanted) {
    return invalid_argument("too many values to unpack (expected {})", wanted);
  }
  if (items.size() < wanted) {
    return invalid_argument("not enough values to unpack (expected {}, got {})", wanted,
                            items.size());
  }
  for (size_t i = 0; i < wanted; ++i) {
    CUPEL_TRY_VOID(assign(*target.operands[i], std::move(items[i]), frame, exported));
  }
  return Ok{};
}

Result<Evaluator::Flow> Evaluator::execute_set_block(const Statement& statement, Frame& frame) {
  CUPEL_TRY_VOID(enter(statement.scope, *frame.activation));
  std::string out;
  Frame inner{.activation = frame.activation, .out = &out};
  CUPEL_TRY(const Flow flow, execute(statement.body, inner));
  if (flow != Flow::kNormal) {
    return flow;
  }
  line_ = statement.line;
  CUPEL_TRY(Value value, runtime_.text(std::move(out)));
  if (statement.expression != nullptr) {
    const Value text = std::move(value);
    inner.block_text = &text;
    CUPEL_TRY(value, evaluate(*statement.expression, inner));
  }
  CUPEL_TRY_VOID(assign(*statement.target, std::move(value), frame, statement.exported));
  return Flow::kNormal;
}

Result<Evaluator::Flow> Evaluator::execute_filter_block(const Statement& statement, Frame& frame) {
  CUPEL_TRY_VOID(enter(statement.scope, *frame.activation));
  std::string out;
  Frame inner{.activation = frame.activation, .out = &out};
  CUPEL_TRY(const Flow flow, execute(statement.body, inner));
  if (flow != Flow::kNormal) {
    return flow;
  }
  line_ = statement.line;
  CUPEL_TRY(const Value text, runtime_.text(std::move(out)));
  inner.block_text = &text;
  CUPEL_TRY(const auto value, evaluate(*statement.expression, inner));
  CUPEL_TRY_VOID(write(value, frame));
  return Flow::kNormal;
}

Result<Evaluator::Flow> Evaluator::execute_with(const Statement& statement, Frame& frame) {
  CUPEL_TRY_VOID(enter(statement.scope, *frame.activation));
  for (const auto& [target, value] : statement.bindings) {
    CUPEL_TRY(auto bound, evaluate(*value, frame));
    CUPEL_TRY_VOID(assign(*target, std::move(bound), frame, false));
  }
  return execute(statement.body, frame);
}

Result<Evaluator::Flow> Evaluator::execute_named_block(const Statement& statement, Frame& frame) {
  CUPEL_TRY(auto activation, activate(statement.slots, nullptr));
  CUPEL_TRY_VOID(enter(statement.scope, *activation));
  Frame inner{.activation = std::move(activation), .out = frame.out};
  auto done = execute(statement.body, inner);
  leave(inner.activation);
  CUPEL_TRY_VOID(std::move(done));
  return Flow::kNormal;
}

Result<Value> Evaluator::make_macro(const MacroNode& macro, const Frame& frame) {
  return runtime_.object(std::make_shared<Macro>(*this, macro, frame.activation));
}

Result<Ok> Evaluator::define_macro(const Statement& statement, Frame& frame) {
  CUPEL_TRY(auto macro, make_macro(*statement.macro, frame));
  return assign(*statement.target, std::move(macro), frame, statement.exported);
}

Result<Evaluator::Flow> Evaluator::execute_call_block(const Statement& statement, Frame& frame) {
  CUPEL_TRY(auto caller, make_macro(*statement.macro, frame));
  CUPEL_TRY(const auto text, evaluate_call(*statement.expression, frame, std::move(caller)));
  CUPEL_TRY_VOID(write(text, frame));
  return Flow::kNormal;
}

Result<Evaluator::Flow> Evaluator::execute_generation(const Statement& statement, Frame& frame) {
  const size_t begin = frame.out->size();
  CUPEL_TRY(const auto text, call_macro(*statement.macro, frame.activation, {}));
  CUPEL_TRY_VOID(write(text, frame));
  if (frame.out == &output_.text) {
    output_.generation.emplace_back(begin, frame.out->size());
  } else {
    ++output_.unplaced_generation;
  }
  return Flow::kNormal;
}

Result<Value> Evaluator::call_macro(const MacroNode& macro,
                                    const std::shared_ptr<Activation>& closure,
                                    Arguments arguments) {
  const Runtime::Nesting nesting(runtime_);
  CUPEL_TRY_VOID(nesting.check());
  CUPEL_TRY(auto activation, activate(macro.slots, closure));
  std::string out;
  Frame frame{.activation = std::move(activation), .out = &out};
  const int line = line_;
  const auto body = [&]() -> Result<Ok> {
    CUPEL_TRY_VOID(bind_parameters(macro, frame, std::move(arguments)));
    CUPEL_TRY_VOID(execute(macro.body, frame));
    return Ok{};
  };
  auto done = body();
  leave(frame.activation);
  CUPEL_TRY_VOID(std::move(done));
  line_ = line;
  return runtime_.text(std::move(out));
}

Result<Ok> Evaluator::bind_parameters(const MacroNode& macro, Frame& frame, Arguments arguments) {
  const auto slot = [&](uint32_t index) -> Value& {
    return frame.activation->at({.hops = 0, .index = index});
  };
  const size_t count = macro.parameters.size();
  auto& positional = arguments.positional;
  for (size_t i = 0; i < count; ++i) {
    const auto& parameter = macro.parameters[i];
    slot(parameter.slot) =
        i < positional.size() ? std::move(positional[i]) : arguments.take(parameter.name);
  }
  if (macro.caller_slot != MacroNode::kNone) {
    Value caller = arguments.take("caller");
    slot(macro.caller_slot) =
        caller.is_missing() || caller.is_none() ? make_undefined("no caller defined") : caller;
  }
  if (macro.kwargs_slot != MacroNode::kNone) {
    DictFunction dict;
    CUPEL_TRY(slot(macro.kwargs_slot),
              dict.call(runtime_, {.positional = {}, .named = std::move(arguments.named)}));
  } else if (!arguments.named.empty()) {
    return invalid_argument("macro '{}' takes no keyword argument '{}'", macro.name,
                            excerpt(arguments.named.front().first, 60));
  }
  const auto given = static_cast<std::ptrdiff_t>(std::min(count, positional.size()));
  if (macro.varargs_slot != MacroNode::kNone) {
    CUPEL_TRY(slot(macro.varargs_slot),
              runtime_.tuple({positional.begin() + given, positional.end()}));
  } else if (positional.size() > count) {
    return invalid_argument("macro '{}' takes not more than {} argument(s)", macro.name, count);
  }
  CUPEL_TRY_VOID(enter(macro.scope, *frame.activation));
  for (const auto& parameter : macro.parameters) {
    if (!slot(parameter.slot).is_missing()) {
      continue;
    }
    if (parameter.fallback != nullptr) {
      CUPEL_TRY(slot(parameter.slot), evaluate(*parameter.fallback, frame));
    } else {
      slot(parameter.slot) =
          make_undefined(format("parameter '{}' was not provided", parameter.name));
    }
  }
  return Ok{};
}

}  // namespace cupel::engine::jinja
