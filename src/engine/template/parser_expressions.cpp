#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/parser.h"
#include "engine/template/runtime.h"

namespace cupel::engine::jinja {
namespace {

// CPython refuses more than 200 nested parentheses in the code that jinja2 makes of an expression.
constexpr int kMaxHeight = 200;

template <typename... Parts>
std::vector<ExpressionPtr> operands_of(Parts... parts) {
  std::vector<ExpressionPtr> operands;
  operands.reserve(sizeof...(parts));
  (operands.push_back(std::move(parts)), ...);
  return operands;
}

int height_below(const Expression& expression) {
  int height = 0;
  const auto visit = [&](const ExpressionPtr& child) {
    if (child != nullptr) {
      height = std::max(height, child->height);
    }
  };
  for (const auto& operand : expression.operands) {
    visit(operand);
  }
  if (expression.arguments != nullptr) {
    for (const auto& argument : expression.arguments->positional) {
      visit(argument);
    }
    for (const auto& [name, argument] : expression.arguments->named) {
      visit(argument);
    }
    visit(expression.arguments->star);
    visit(expression.arguments->star_star);
  }
  return height;
}

struct OperatorName {
  std::string_view symbol;
  Operation operation;
};
constexpr std::array<OperatorName, 2> kSums = {
    {{"+", Operation::kAdd}, {"-", Operation::kSubtract}}};
constexpr std::array<OperatorName, 4> kProducts = {{{"*", Operation::kMultiply},
                                                    {"/", Operation::kDivide},
                                                    {"//", Operation::kFloorDivide},
                                                    {"%", Operation::kModulo}}};

const OperatorName* find_operator(std::span<const OperatorName> names, const Token& token) {
  for (const auto& entry : names) {
    if (token.is_operator(entry.symbol)) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace

Result<ExpressionPtr> Parser::finish(ExpressionPtr expression) const {
  expression->height = height_below(*expression) + 1;
  if (expression->height > kMaxHeight) {
    return fail("the expression is nested too deeply", expression->line);
  }
  return expression;
}

Result<ExpressionPtr> Parser::make(ExpressionKind kind,
                                   int line,
                                   std::vector<ExpressionPtr> operands) const {
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  expression->line = line;
  expression->operands = std::move(operands);
  return finish(std::move(expression));
}

bool Parser::at_tuple_end() const {
  const Token& token = current();
  return token.type == TokenType::kVariableEnd || token.type == TokenType::kBlockEnd ||
         token.is_operator(")");
}

Result<ExpressionPtr> Parser::parse_tuple(const TupleRules& rules) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    if (at_tuple_end()) {
      break;
    }
    CUPEL_TRY(auto item, parse_expression(rules.conditional));
    items.push_back(std::move(item));
    if (!current().is_operator(",")) {
      break;
    }
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) {
      return std::move(items.front());
    }
    if (!rules.explicit_brackets) {
      return unexpected("an expression");
    }
  }
  return make(ExpressionKind::kTuple, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_expression(bool conditional) {
  const Nesting nesting(*this);
  CUPEL_TRY_VOID(nesting.check());
  return conditional ? parse_conditional() : parse_or();
}

Result<ExpressionPtr> Parser::parse_conditional() {
  const Nesting nesting(*this);
  CUPEL_TRY_VOID(nesting.check());
  const int line = current().line;
  CUPEL_TRY(auto value, parse_or());
  while (skip_name("if")) {
    CUPEL_TRY(auto test, parse_or());
    ExpressionPtr otherwise;
    if (skip_name("else")) {
      CUPEL_TRY(otherwise, parse_conditional());
    }
    CUPEL_TRY(value, make(ExpressionKind::kConditional, line,
                          operands_of(std::move(test), std::move(value), std::move(otherwise))));
  }
  return value;
}

Result<ExpressionPtr> Parser::parse_or() {
  const int line = current().line;
  CUPEL_TRY(auto left, parse_and());
  while (skip_name("or")) {
    CUPEL_TRY(auto right, parse_and());
    CUPEL_TRY(left,
              make(ExpressionKind::kOr, line, operands_of(std::move(left), std::move(right))));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_and() {
  const int line = current().line;
  CUPEL_TRY(auto left, parse_not());
  while (skip_name("and")) {
    CUPEL_TRY(auto right, parse_not());
    CUPEL_TRY(left,
              make(ExpressionKind::kAnd, line, operands_of(std::move(left), std::move(right))));
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_not() {
  const int line = current().line;
  if (!skip_name("not")) {
    return parse_compare();
  }
  const Nesting nesting(*this);
  CUPEL_TRY_VOID(nesting.check());
  CUPEL_TRY(auto value, parse_not());
  return make(ExpressionKind::kNot, line, operands_of(std::move(value)));
}

Result<ExpressionPtr> Parser::parse_compare() {
  constexpr std::array<std::pair<std::string_view, Comparison>, 6> kOperators = {
      {{"==", Comparison::kEqual},
       {"!=", Comparison::kNotEqual},
       {"<", Comparison::kLess},
       {"<=", Comparison::kLessEqual},
       {">", Comparison::kGreater},
       {">=", Comparison::kGreaterEqual}}};
  const int line = current().line;
  CUPEL_TRY(auto first, parse_sum());
  std::vector<ExpressionPtr> operands = operands_of(std::move(first));
  std::vector<Comparison> comparisons;
  while (true) {
    const auto* const known =
        std::find_if(kOperators.begin(), kOperators.end(),
                     [&](const auto& entry) { return current().is_operator(entry.first); });
    if (known != kOperators.end()) {
      next();
      comparisons.push_back(known->second);
    } else if (skip_name("in")) {
      comparisons.push_back(Comparison::kIn);
    } else if (current().is_name("not") && ahead().is_name("in")) {
      next();
      next();
      comparisons.push_back(Comparison::kNotIn);
    } else {
      break;
    }
    CUPEL_TRY(auto operand, parse_sum());
    operands.push_back(std::move(operand));
  }
  if (comparisons.empty()) {
    return std::move(operands.front());
  }
  CUPEL_TRY(auto compare, make(ExpressionKind::kCompare, line, std::move(operands)));
  compare->comparisons = std::move(comparisons);
  return compare;
}

Result<ExpressionPtr> Parser::parse_sum() {
  const int line = current().line;
  CUPEL_TRY(auto left, parse_concat());
  while (const auto* symbol = find_operator(kSums, current())) {
    next();
    CUPEL_TRY(auto right, parse_concat());
    CUPEL_TRY(left,
              make(ExpressionKind::kBinary, line, operands_of(std::move(left), std::move(right))));
    left->operation = symbol->operation;
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_concat() {
  const int line = current().line;
  CUPEL_TRY(auto first, parse_product());
  std::vector<ExpressionPtr> operands = operands_of(std::move(first));
  while (skip_operator("~")) {
    CUPEL_TRY(auto operand, parse_product());
    operands.push_back(std::move(operand));
  }
  if (operands.size() == 1) {
    return std::move(operands.front());
  }
  return make(ExpressionKind::kConcat, line, std::move(operands));
}

Result<ExpressionPtr> Parser::parse_product() {
  const int line = current().line;
  CUPEL_TRY(auto left, parse_power());
  while (const auto* symbol = find_operator(kProducts, current())) {
    next();
    CUPEL_TRY(auto right, parse_power());
    CUPEL_TRY(left,
              make(ExpressionKind::kBinary, line, operands_of(std::move(left), std::move(right))));
    left->operation = symbol->operation;
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_power() {
  const int line = current().line;
  CUPEL_TRY(auto left, parse_unary());
  while (skip_operator("**")) {
    CUPEL_TRY(auto right, parse_unary());
    CUPEL_TRY(left,
              make(ExpressionKind::kBinary, line, operands_of(std::move(left), std::move(right))));
    left->operation = Operation::kPower;
  }
  return left;
}

Result<ExpressionPtr> Parser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  CUPEL_TRY_VOID(nesting.check());
  const int line = current().line;
  ExpressionPtr value;
  if (current().is_operator("-") || current().is_operator("+")) {
    const bool negates = current().is_operator("-");
    next();
    CUPEL_TRY(auto operand, parse_unary(false));
    CUPEL_TRY(value, make(ExpressionKind::kUnary, line, operands_of(std::move(operand))));
    value->operation = negates ? Operation::kNegate : Operation::kPlus;
  } else {
    CUPEL_TRY(value, parse_primary());
  }
  CUPEL_TRY(value, parse_postfix(std::move(value)));
  return with_filters ? parse_filters(std::move(value)) : Result<ExpressionPtr>(std::move(value));
}

Result<ExpressionPtr> Parser::parse_primary() {
  const Token& token = current();
  switch (token.type) {
    case TokenType::kName:
      return parse_name();
    case TokenType::kString:
      return parse_string();
    case TokenType::kInteger:
    case TokenType::kFloat: {
      CUPEL_TRY(auto constant, make(ExpressionKind::kConstant, token.line, {}));
      constant->constant = token.number;
      next();
      return constant;
    }
    default:
      break;
  }
  if (skip_operator("(")) {
    CUPEL_TRY(auto value, parse_tuple({.conditional = true, .explicit_brackets = true}));
    CUPEL_TRY_VOID(expect_operator(")"));
    return value;
  }
  if (token.is_operator("[")) {
    return parse_list();
  }
  if (token.is_operator("{")) {
    return parse_dict();
  }
  return unexpected("an expression");
}

Result<ExpressionPtr> Parser::parse_name() {
  const Token& token = current();
  const std::string& name = token.text;
  const bool is_true = name == "true" || name == "True";
  const bool is_false = name == "false" || name == "False";
  const bool is_none = name == "none" || name == "None";
  const bool constant = is_true || is_false || is_none;
  CUPEL_TRY(auto value,
            make(constant ? ExpressionKind::kConstant : ExpressionKind::kName, token.line, {}));
  if (is_none) {
    value->constant = Value::none();
  } else if (constant) {
    value->constant = Value::boolean(is_true);
  } else {
    value->name = name;
  }
  next();
  return value;
}

Result<ExpressionPtr> Parser::parse_string() {
  const int line = current().line;
  std::string text;
  while (current().type == TokenType::kString) {  // adjacent strings are one
    text += current().text;
    next();
  }
  CUPEL_TRY(auto value, make(ExpressionKind::kConstant, line, {}));
  value->constant = constant_text(to_valid_utf8(text));
  return value;
}

Result<ExpressionPtr> Parser::parse_list() {
  const int line = current().line;
  next();
  std::vector<ExpressionPtr> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    if (current().is_operator("]")) {
      break;
    }
    CUPEL_TRY(auto item, parse_expression());
    items.push_back(std::move(item));
  }
  next();
  return make(ExpressionKind::kList, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_dict() {
  const int line = current().line;
  next();
  std::vector<ExpressionPtr> items;
  while (!current().is_operator("}")) {
    if (!items.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    if (current().is_operator("}")) {
      break;
    }
    CUPEL_TRY(auto key, parse_expression());
    CUPEL_TRY_VOID(expect_operator(":"));
    CUPEL_TRY(auto value, parse_expression());
    items.push_back(std::move(key));
    items.push_back(std::move(value));
  }
  next();
  return make(ExpressionKind::kDict, line, std::move(items));
}

Result<ExpressionPtr> Parser::parse_postfix(ExpressionPtr value) {
  while (true) {
    if (current().is_operator(".")) {
      CUPEL_TRY(value, parse_attribute(std::move(value)));
    } else if (current().is_operator("[")) {
      CUPEL_TRY(value, parse_subscript(std::move(value)));
    } else if (current().is_operator("(")) {
      CUPEL_TRY(value, parse_call(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> Parser::parse_filters(ExpressionPtr value) {
  while (true) {
    if (skip_operator("|")) {
      CUPEL_TRY(value, parse_filter(std::move(value)));
    } else if (current().is_name("is")) {
      CUPEL_TRY(value, parse_test(std::move(value)));
    } else if (current().is_operator("(")) {
      CUPEL_TRY(value, parse_call(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> Parser::parse_attribute(ExpressionPtr value) {
  const int line = current().line;
  next();
  if (current().type == TokenType::kName) {
    CUPEL_TRY(auto attribute,
              make(ExpressionKind::kAttribute, line, operands_of(std::move(value))));
    attribute->name = current().text;
    next();
    return attribute;
  }
  if (current().type != TokenType::kInteger) {
    return unexpected("a name or a number");
  }
  CUPEL_TRY(auto key, make(ExpressionKind::kConstant, line, {}));
  key->constant = current().number;
  next();
  return make(ExpressionKind::kItem, line, operands_of(std::move(value), std::move(key)));
}

Result<ExpressionPtr> Parser::parse_subscript(ExpressionPtr value) {
  const int line = current().line;
  next();
  if (current().is_operator(":")) {
    return parse_slice(std::move(value), nullptr, line);
  }
  std::vector<ExpressionPtr> keys;
  while (!current().is_operator("]")) {
    if (!keys.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    CUPEL_TRY(auto key, parse_expression());
    if (current().is_operator(":") && keys.empty()) {
      return parse_slice(std::move(value), std::move(key), line);
    }
    keys.push_back(std::move(key));
  }
  next();
  if (keys.size() == 1) {
    return make(ExpressionKind::kItem, line,
                operands_of(std::move(value), std::move(keys.front())));
  }
  CUPEL_TRY(auto key, make(ExpressionKind::kTuple, line, std::move(keys)));
  return make(ExpressionKind::kItem, line, operands_of(std::move(value), std::move(key)));
}

Result<ExpressionPtr> Parser::parse_slice(ExpressionPtr value, ExpressionPtr start, int line) {
  next();  // the first colon
  ExpressionPtr stop;
  ExpressionPtr step;
  if (!current().is_operator(":") && !current().is_operator("]")) {
    CUPEL_TRY(stop, parse_expression());
  }
  if (skip_operator(":") && !current().is_operator("]")) {
    CUPEL_TRY(step, parse_expression());
  }
  CUPEL_TRY_VOID(expect_operator("]"));
  return make(ExpressionKind::kSlice, line,
              operands_of(std::move(value), std::move(start), std::move(stop), std::move(step)));
}

Result<ExpressionPtr> Parser::parse_call(ExpressionPtr callee) {
  const int line = current().line;
  auto call = std::make_unique<Expression>();
  call->kind = ExpressionKind::kCall;
  call->line = line;
  call->operands = operands_of(std::move(callee));
  CUPEL_TRY(call->arguments, parse_arguments());
  return finish(std::move(call));
}

Result<std::string> Parser::parse_dotted_name() {
  CUPEL_TRY(std::string name, expect_identifier());
  while (skip_operator(".")) {
    CUPEL_TRY(const std::string part, expect_identifier());
    name += "." + part;
  }
  return name;
}

Result<ExpressionPtr> Parser::parse_filter(ExpressionPtr value) {
  auto filter = std::make_unique<Expression>();
  filter->kind = ExpressionKind::kFilter;
  filter->line = current().line;
  filter->operands = operands_of(std::move(value));
  CUPEL_TRY(filter->name, parse_dotted_name());
  if (current().is_operator("(")) {
    CUPEL_TRY(filter->arguments, parse_arguments());
  }
  return finish(std::move(filter));
}

Result<ExpressionPtr> Parser::parse_test(ExpressionPtr value) {
  const int line = current().line;
  next();  // is
  const bool negated = skip_name("not");
  auto test = std::make_unique<Expression>();
  test->kind = ExpressionKind::kTest;
  test->line = line;
  test->operands = operands_of(std::move(value));
  CUPEL_TRY(test->name, parse_dotted_name());
  const Token& token = current();
  const bool starts_value = token.type == TokenType::kName || token.type == TokenType::kString ||
                            token.type == TokenType::kInteger || token.type == TokenType::kFloat ||
                            token.is_operator("[") || token.is_operator("{");
  if (token.is_operator("(")) {
    CUPEL_TRY(test->arguments, parse_arguments());
  } else if (starts_value && !token.is_name("else") && !token.is_name("or") &&
             !token.is_name("and")) {
    if (token.is_name("is")) {
      return fail("tests cannot be chained with is", token.line);
    }
    CUPEL_TRY(auto argument, parse_primary());
    CUPEL_TRY(argument, parse_postfix(std::move(argument)));
    test->arguments = std::make_unique<CallArguments>();
    test->arguments->positional.push_back(std::move(argument));
  }
  CUPEL_TRY(auto finished, finish(std::move(test)));
  return negated ? make(ExpressionKind::kNot, line, operands_of(std::move(finished)))
                 : Result<ExpressionPtr>(std::move(finished));
}

Result<std::unique_ptr<CallArguments>> Parser::parse_arguments() {
  CUPEL_TRY_VOID(expect_operator("("));
  auto arguments = std::make_unique<CallArguments>();
  bool first = true;
  while (!current().is_operator(")")) {
    if (!first) {
      CUPEL_TRY_VOID(expect_operator(","));
      if (current().is_operator(")")) {
        break;
      }
    }
    first = false;
    CUPEL_TRY_VOID(parse_argument(*arguments));
  }
  next();
  return arguments;
}

Result<Ok> Parser::parse_argument(CallArguments& arguments) {
  const int line = current().line;
  const bool starred = arguments.star != nullptr || arguments.star_star != nullptr;
  const auto misplaced = [&] { return fail("this argument may not stand here", line); };
  if (skip_operator("*")) {
    CUPEL_TRY(arguments.star, starred ? Result<ExpressionPtr>(misplaced()) : parse_expression());
    return Ok{};
  }
  if (skip_operator("**")) {
    CUPEL_TRY(arguments.star_star, arguments.star_star != nullptr
                                       ? Result<ExpressionPtr>(misplaced())
                                       : parse_expression());
    return Ok{};
  }
  if (current().type == TokenType::kName && ahead().is_operator("=")) {
    if (arguments.star_star != nullptr) {
      return misplaced();
    }
    std::string name = current().text;
    for (const auto& [given, value] : arguments.named) {
      if (given == name) {
        return fail(format("keyword argument repeated: {}", name), line);
      }
    }
    next();
    next();
    CUPEL_TRY(auto value, parse_expression());
    arguments.named.emplace_back(std::move(name), std::move(value));
    return Ok{};
  }
  if (starred || !arguments.named.empty()) {
    return misplaced();
  }
  CUPEL_TRY(auto value, parse_expression());
  arguments.positional.push_back(std::move(value));
  return Ok{};
}

}  // namespace cupel::engine::jinja
