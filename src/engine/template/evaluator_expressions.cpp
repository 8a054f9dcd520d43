#include "base/error.h"
#include "engine/template/access.h"
#include "engine/template/arithmetic.h"
#include "engine/template/evaluator.h"
#include "engine/template/iterate.h"
#include "engine/template/repr.h"

namespace cupel::engine::jinja {

Result<Value> Evaluator::evaluate(const Expression& expression, Frame& frame) {
  switch (expression.kind) {
    case ExpressionKind::kConstant:
      return expression.constant;
    case ExpressionKind::kName:
      return evaluate_name(expression, frame);
    default:
      break;
  }
  const Runtime::Nesting nesting(runtime_);
  CUPEL_TRY_VOID(nesting.check());
  CUPEL_TRY_VOID(runtime_.step());
  return evaluate_node(expression, frame);
}

Result<Value> Evaluator::evaluate_node(const Expression& expression, Frame& frame) {
  switch (expression.kind) {
    case ExpressionKind::kList:
    case ExpressionKind::kTuple:
      return evaluate_items(expression, frame);
    case ExpressionKind::kDict:
      return evaluate_dict(expression, frame);
    case ExpressionKind::kAttribute: {
      CUPEL_TRY(const auto object, evaluate(*expression.operands[0], frame));
      line_ = expression.line;
      return get_attribute(runtime_, object, expression.name);
    }
    case ExpressionKind::kItem: {
      CUPEL_TRY(const auto object, evaluate(*expression.operands[0], frame));
      CUPEL_TRY(const auto key, evaluate(*expression.operands[1], frame));
      line_ = expression.line;
      return get_item(runtime_, object, key);
    }
    case ExpressionKind::kSlice:
      return evaluate_slice(expression, frame);
    case ExpressionKind::kCall:
      return evaluate_call(expression, frame);
    case ExpressionKind::kFilter:
      return evaluate_filter(expression, frame);
    case ExpressionKind::kTest:
      return evaluate_test(expression, frame);
    case ExpressionKind::kUnary:
    case ExpressionKind::kBinary:
      return evaluate_binary(expression, frame);
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
    case ExpressionKind::kNot:
      return evaluate_logic(expression, frame);
    case ExpressionKind::kConcat:
      return evaluate_concat(expression, frame);
    case ExpressionKind::kCompare:
      return evaluate_compare(expression, frame);
    case ExpressionKind::kConditional:
      return evaluate_conditional(expression, frame);
    default:
      return internal_error("an expression of no known kind");
  }
}

Result<Value> Evaluator::evaluate_name(const Expression& expression, Frame& frame) {
  const Value& value = frame.activation->at(expression.slot);
  if (value.is_missing()) {
    return make_undefined(format("'{}' is undefined", expression.name));
  }
  return value;
}

Result<Value> Evaluator::evaluate_items(const Expression& expression, Frame& frame) {
  std::vector<Value> items;
  items.reserve(expression.operands.size());
  for (const auto& operand : expression.operands) {
    CUPEL_TRY(auto item, evaluate(*operand, frame));
    items.push_back(std::move(item));
  }
  return expression.kind == ExpressionKind::kTuple ? runtime_.tuple(std::move(items))
                                                   : runtime_.list(std::move(items));
}

Result<Value> Evaluator::evaluate_dict(const Expression& expression, Frame& frame) {
  DictBuilder builder(runtime_);
  for (size_t i = 0; i + 1 < expression.operands.size(); i += 2) {
    CUPEL_TRY(auto key, evaluate(*expression.operands[i], frame));
    CUPEL_TRY(auto value, evaluate(*expression.operands[i + 1], frame));
    line_ = expression.line;
    CUPEL_TRY_VOID(builder.set(std::move(key), std::move(value)));
  }
  return std::move(builder).finish();
}

Result<Value> Evaluator::evaluate_slice(const Expression& expression, Frame& frame) {
  CUPEL_TRY(const auto object, evaluate(*expression.operands[0], frame));
  SliceBounds bounds;
  Value* const parts[] = {&bounds.start, &bounds.stop, &bounds.step};
  for (size_t i = 0; i < 3; ++i) {
    if (const auto& part = expression.operands[i + 1]) {
      CUPEL_TRY(*parts[i], evaluate(*part, frame));
    }
  }
  line_ = expression.line;
  return get_slice(runtime_, object, bounds);
}

Result<Ok> Evaluator::evaluate_star(const CallArguments& written,
                                    Arguments& arguments,
                                    Frame& frame) {
  if (written.star != nullptr) {
    CUPEL_TRY(const auto more, evaluate(*written.star, frame));
    CUPEL_TRY(const auto items, collect(runtime_, more));
    arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
  }
  if (written.star_star == nullptr) {
    return Ok{};
  }
  CUPEL_TRY(const auto more, evaluate(*written.star_star, frame));
  if (!more.is_dict()) {
    return invalid_argument("argument after ** must be a mapping, not {}", type_name(more));
  }
  for (const auto& [key, value] : more.dict().entries) {
    if (!key.is_text()) {
      return invalid_argument("keywords must be strings");
    }
    for (const auto& [name, given] : arguments.named) {
      if (name == key.bytes()) {
        return invalid_argument("got multiple values for keyword argument '{}'", name);
      }
    }
    arguments.named.emplace_back(key.bytes(), value);
  }
  return Ok{};
}

Result<Arguments> Evaluator::evaluate_arguments(const CallArguments* arguments, Frame& frame) {
  Arguments evaluated;
  if (arguments == nullptr) {
    return evaluated;
  }
  for (const auto& argument : arguments->positional) {
    CUPEL_TRY(auto value, evaluate(*argument, frame));
    evaluated.positional.push_back(std::move(value));
  }
  for (const auto& [name, argument] : arguments->named) {
    CUPEL_TRY(auto value, evaluate(*argument, frame));
    evaluated.named.emplace_back(name, std::move(value));
  }
  CUPEL_TRY_VOID(evaluate_star(*arguments, evaluated, frame));
  return evaluated;
}

Result<Value> Evaluator::evaluate_call(const Expression& expression, Frame& frame, Value caller) {
  CUPEL_TRY(const auto callee, evaluate(*expression.operands[0], frame));
  CUPEL_TRY(auto arguments, evaluate_arguments(expression.arguments.get(), frame));
  if (!caller.is_missing()) {
    arguments.named.emplace_back("caller", std::move(caller));
  }
  line_ = expression.line;
  return call_value(runtime_, callee, std::move(arguments));
}

Result<Value> Evaluator::evaluate_filter(const Expression& expression, Frame& frame) {
  Value input;
  if (const auto& operand = expression.operands[0]) {
    CUPEL_TRY(input, evaluate(*operand, frame));
  } else {
    input = *frame.block_text;
  }
  CUPEL_TRY(auto arguments, evaluate_arguments(expression.arguments.get(), frame));
  arguments.positional.insert(arguments.positional.begin(), std::move(input));
  line_ = expression.line;
  return call_filter(runtime_, expression.name, std::move(arguments));
}

Result<Value> Evaluator::evaluate_test(const Expression& expression, Frame& frame) {
  CUPEL_TRY(auto input, evaluate(*expression.operands[0], frame));
  CUPEL_TRY(auto arguments, evaluate_arguments(expression.arguments.get(), frame));
  arguments.positional.insert(arguments.positional.begin(), std::move(input));
  line_ = expression.line;
  CUPEL_TRY(const bool verdict, call_test(runtime_, expression.name, std::move(arguments)));
  return Value::boolean(verdict);
}

Result<Value> Evaluator::evaluate_binary(const Expression& expression, Frame& frame) {
  CUPEL_TRY(const auto left, evaluate(*expression.operands[0], frame));
  if (expression.kind == ExpressionKind::kUnary) {
    line_ = expression.line;
    return apply(runtime_, expression.operation, left);
  }
  CUPEL_TRY(const auto right, evaluate(*expression.operands[1], frame));
  line_ = expression.line;
  return apply(runtime_, expression.operation, left, right);
}

Result<bool> Evaluator::evaluate_condition(const Expression& expression, Frame& frame) {
  CUPEL_TRY(const auto value, evaluate(expression, frame));
  return truthy(runtime_, value);
}

Result<Value> Evaluator::evaluate_logic(const Expression& expression, Frame& frame) {
  CUPEL_TRY(auto left, evaluate(*expression.operands[0], frame));
  CUPEL_TRY(const bool holds, truthy(runtime_, left));
  if (expression.kind == ExpressionKind::kNot) {
    return Value::boolean(!holds);
  }
  const bool decided = holds == (expression.kind == ExpressionKind::kOr);
  return decided ? std::move(left) : evaluate(*expression.operands[1], frame);
}

Result<Value> Evaluator::evaluate_concat(const Expression& expression, Frame& frame) {
  std::string text;
  for (const auto& operand : expression.operands) {
    CUPEL_TRY(const auto part, evaluate(*operand, frame));
    line_ = expression.line;
    CUPEL_TRY_VOID(append_str(runtime_, part, text));
  }
  return runtime_.text(std::move(text));
}

Result<Value> Evaluator::evaluate_compare(const Expression& expression, Frame& frame) {
  CUPEL_TRY(auto left, evaluate(*expression.operands[0], frame));
  for (size_t i = 0; i < expression.comparisons.size(); ++i) {
    CUPEL_TRY(auto right, evaluate(*expression.operands[i + 1], frame));
    line_ = expression.line;
    CUPEL_TRY(const bool holds, compare(runtime_, expression.comparisons[i], left, right));
    if (!holds) {
      return Value::boolean(false);
    }
    left = std::move(right);
  }
  return Value::boolean(true);
}

Result<Value> Evaluator::evaluate_conditional(const Expression& expression, Frame& frame) {
  CUPEL_TRY(const bool holds, evaluate_condition(*expression.operands[0], frame));
  if (holds) {
    return evaluate(*expression.operands[1], frame);
  }
  if (const auto& otherwise = expression.operands[2]) {
    return evaluate(*otherwise, frame);
  }
  return make_undefined(format(
      "the inline if-expression on line {} evaluated to false and no else section was defined",
      expression.line));
}

}  // namespace cupel::engine::jinja
