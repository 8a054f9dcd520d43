#include "engine/template/parser.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/scopes.h"

namespace cupel::engine::jinja {
namespace {

// jinja2 itself gives up at some 80 nested brackets (Python's recursion limit) and CPython at 100
// nested blocks.
constexpr int kMaxNesting = 300;

std::string describe(const Token& token) {
  switch (token.type) {
    case TokenType::kData:
      return "template text";
    case TokenType::kVariableBegin:
      return "'{{'";
    case TokenType::kVariableEnd:
      return "'}}'";
    case TokenType::kBlockBegin:
      return "'{%'";
    case TokenType::kBlockEnd:
      return "'%}'";
    case TokenType::kString:
      return "a string";
    case TokenType::kInteger:
    case TokenType::kFloat:
      return "a number";
    case TokenType::kEnd:
      return "the end of the template";
    default:
      return format("'{}'", excerpt(token.text, 40));
  }
}

bool among(std::span<const std::string_view> names, const Token& token) {
  return token.type == TokenType::kName &&
         std::find(names.begin(), names.end(), token.text) != names.end();
}

}  // namespace

Result<Ok> Parser::Nesting::check() const {
  if (parser_.nesting_ > kMaxNesting) {
    return parser_.fail("the template is nested too deeply", parser_.current().line);
  }
  return Ok{};
}

const Token& Parser::ahead() const {
  return tokens_[std::min(position_ + 1, tokens_.size() - 1)];
}

void Parser::next() {
  if (position_ + 1 < tokens_.size()) {
    ++position_;
  }
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) {
    return false;
  }
  next();
  return true;
}

bool Parser::skip_operator(std::string_view symbol) {
  if (!current().is_operator(symbol)) {
    return false;
  }
  next();
  return true;
}

Error Parser::fail(std::string_view message, int line) const {
  return at_line(corrupt_data("{}", message), line);
}

Error Parser::unexpected(std::string_view expected) const {
  return fail(format("expected {}, found {}", expected, describe(current())), current().line);
}

Result<Ok> Parser::expect_operator(std::string_view symbol) {
  if (!skip_operator(symbol)) {
    return unexpected(format("'{}'", symbol));
  }
  return Ok{};
}

Result<Ok> Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) {
    return unexpected(format("'{}'", name));
  }
  return Ok{};
}

Result<std::string> Parser::expect_identifier() {
  if (current().type != TokenType::kName) {
    return unexpected("a name");
  }
  std::string name = current().text;
  next();
  return name;
}

Result<Ok> Parser::expect(TokenType type, std::string_view what) {
  if (current().type != type) {
    return unexpected(what);
  }
  next();
  return Ok{};
}

Result<Block> Parser::parse() {
  return parse_until({});
}

// Statements up to (not including) one of the end names, or to the end when there are none.
Result<Block> Parser::parse_until(Names end_names) {
  const Nesting nesting(*this);
  CUPEL_TRY_VOID(nesting.check());
  Block block;
  while (current().type != TokenType::kEnd) {
    const int line = current().line;
    if (current().type == TokenType::kData) {
      auto& data = block.emplace_back();
      data.kind = StatementKind::kData;
      data.line = line;
      data.text = current().text;
      next();
    } else if (current().type == TokenType::kVariableBegin) {
      next();
      CUPEL_TRY(auto value, parse_tuple({}));
      auto& output = block.emplace_back();
      output.kind = StatementKind::kOutput;
      output.line = line;
      output.expression = std::move(value);
      CUPEL_TRY_VOID(expect(TokenType::kVariableEnd, "'}}'"));
    } else {
      next();  // {%
      if (among(end_names, current())) {
        return block;
      }
      if (skip_name("print")) {
        CUPEL_TRY_VOID(parse_print(block));
      } else {
        CUPEL_TRY(auto statement, parse_statement());
        block.push_back(std::move(statement));
      }
      CUPEL_TRY_VOID(expect(TokenType::kBlockEnd, "'%}'"));
    }
  }
  if (!end_names.empty()) {
    return unexpected(format("'{{% {} %}}'", end_names.back()));
  }
  return block;
}

Result<Block> Parser::parse_body(Names end_names) {
  skip_operator(":");
  CUPEL_TRY_VOID(expect(TokenType::kBlockEnd, "'%}'"));
  return parse_until(end_names);
}

Result<Block> Parser::parse_closed_body(std::string_view end_name) {
  CUPEL_TRY(auto body, parse_body(Names(&end_name, 1)));
  next();
  return body;
}

Result<Block> Parser::parse_function_body(std::string_view end_name) {
  const int loops = std::exchange(loops_, 0);
  auto body = parse_closed_body(end_name);
  loops_ = loops;
  return body;
}

Result<Statement> Parser::parse_statement() {
  Statement statement;
  statement.line = current().line;
  CUPEL_TRY(const std::string tag, expect_identifier());
  return parse_known_statement(tag, std::move(statement));
}

Result<Statement> Parser::parse_known_statement(const std::string& tag, Statement statement) {
  if (tag == "if") {
    return parse_if(std::move(statement));
  }
  if (tag == "for") {
    return parse_for(std::move(statement));
  }
  if (tag == "set") {
    return parse_set(std::move(statement));
  }
  if (tag == "with") {
    return parse_with(std::move(statement));
  }
  if (tag == "macro") {
    return parse_macro(std::move(statement));
  }
  if (tag == "call") {
    return parse_call_block(std::move(statement));
  }
  if (tag == "filter") {
    return parse_filter_block(std::move(statement));
  }
  if (tag == "block") {
    return parse_block(std::move(statement));
  }
  if (tag == "autoescape") {
    return parse_autoescape(std::move(statement));
  }
  if (tag == "generation") {
    return parse_generation(std::move(statement));
  }
  if (tag == "break" || tag == "continue") {
    return parse_loop_control(std::move(statement), tag == "break");
  }
  if (tag == "include" || tag == "import" || tag == "from" || tag == "extends") {
    return parse_unavailable(std::move(statement), tag);
  }
  return fail(format("unknown tag '{}'", excerpt(tag, 40)), statement.line);
}

Result<Ok> Parser::parse_print(Block& block) {
  bool first = true;
  while (current().type != TokenType::kBlockEnd) {
    if (!first) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    first = false;
    Statement output;
    output.kind = StatementKind::kOutput;
    output.line = current().line;
    CUPEL_TRY(output.expression, parse_expression());
    block.push_back(std::move(output));
  }
  return Ok{};
}

Result<Statement> Parser::parse_if(Statement statement) {
  constexpr std::array<std::string_view, 3> kEnds = {"elif", "else", "endif"};
  statement.kind = StatementKind::kIf;
  while (true) {
    Branch branch;
    CUPEL_TRY(branch.test, parse_tuple({.conditional = false}));
    CUPEL_TRY(branch.body, parse_body(kEnds));
    statement.branches.push_back(std::move(branch));
    if (skip_name("elif")) {
      continue;
    }
    if (skip_name("else")) {
      CUPEL_TRY(statement.otherwise, parse_closed_body("endif"));
    } else {
      next();  // endif
    }
    return statement;
  }
}

Result<Statement> Parser::parse_for(Statement statement) {
  constexpr std::array<std::string_view, 2> kEnds = {"endfor", "else"};
  statement.kind = StatementKind::kFor;
  statement.loop = std::make_unique<LoopNode>();
  ++for_parts_;
  const size_t target_at = position_;
  CUPEL_TRY(statement.target, parse_target(false));
  const size_t target_end = position_;
  position_ = target_at;
  CUPEL_TRY(statement.loop->condition_target, parse_target(false));
  position_ = target_end;
  CUPEL_TRY_VOID(expect_name("in"));
  CUPEL_TRY(statement.expression, parse_tuple({.conditional = false}));
  if (skip_name("if")) {
    CUPEL_TRY(statement.condition, parse_expression());
  }
  statement.recursive = skip_name("recursive");
  ++loops_;
  auto body = parse_body(kEnds);
  --loops_;
  CUPEL_TRY(statement.body, std::move(body));
  // The else part of a recursive loop lies in the loop's function, outside of the loop itself.
  if (skip_name("else")) {
    CUPEL_TRY(statement.otherwise,
              statement.recursive ? parse_function_body("endfor") : parse_closed_body("endfor"));
  } else {
    next();  // endfor
  }
  --for_parts_;
  return statement;
}

Result<Statement> Parser::parse_set(Statement statement) {
  CUPEL_TRY(statement.target, parse_target(true));
  if (skip_operator("=")) {
    statement.kind = StatementKind::kSet;
    CUPEL_TRY(statement.expression, parse_tuple({}));
    return statement;
  }
  statement.kind = StatementKind::kSetBlock;
  while (skip_operator("|")) {
    CUPEL_TRY(statement.expression, parse_filter(std::move(statement.expression)));
  }
  CUPEL_TRY(statement.body, parse_closed_body("endset"));
  return statement;
}

Result<Statement> Parser::parse_with(Statement statement) {
  statement.kind = StatementKind::kWith;
  while (current().type != TokenType::kBlockEnd) {
    if (!statement.bindings.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    CUPEL_TRY(auto target, parse_target(false));
    CUPEL_TRY_VOID(expect_operator("="));
    CUPEL_TRY(auto value, parse_expression());
    statement.bindings.emplace_back(std::move(target), std::move(value));
  }
  CUPEL_TRY(statement.body, parse_closed_body("endwith"));
  return statement;
}

Result<Ok> Parser::parse_signature(MacroNode& macro) {
  CUPEL_TRY_VOID(expect_operator("("));
  while (!current().is_operator(")")) {
    if (!macro.parameters.empty()) {
      CUPEL_TRY_VOID(expect_operator(","));
    }
    const int line = current().line;
    CUPEL_TRY(auto target, parse_primary());
    CUPEL_TRY_VOID(check_target(*target));
    if (target->kind != ExpressionKind::kName) {
      return fail("a parameter must be a name", line);
    }
    const bool repeated =
        std::any_of(macro.parameters.begin(), macro.parameters.end(),
                    [&](const Parameter& given) { return given.name == target->name; });
    if (repeated) {
      return fail(format("parameter '{}' is given twice", target->name), line);
    }
    const bool after_fallback = !macro.parameters.empty() && macro.parameters.back().fallback;
    auto& parameter = macro.parameters.emplace_back();
    parameter.name = target->name;
    if (skip_operator("=")) {
      CUPEL_TRY(parameter.fallback, parse_expression());
    } else if (after_fallback) {
      return fail("a parameter without default follows one with a default", line);
    }
  }
  next();
  return Ok{};
}

Result<Statement> Parser::parse_macro(Statement statement) {
  statement.kind = StatementKind::kMacro;
  statement.macro = std::make_unique<MacroNode>();
  CUPEL_TRY(statement.target, parse_primary());
  CUPEL_TRY_VOID(check_target(*statement.target));
  if (statement.target->kind != ExpressionKind::kName) {
    return fail("a macro needs a name", statement.line);
  }
  statement.macro->name = statement.target->name;
  CUPEL_TRY_VOID(parse_signature(*statement.macro));
  CUPEL_TRY(statement.macro->body, parse_function_body("endmacro"));
  return statement;
}

Result<Statement> Parser::parse_call_block(Statement statement) {
  statement.kind = StatementKind::kCallBlock;
  statement.macro = std::make_unique<MacroNode>();
  if (current().is_operator("(")) {
    CUPEL_TRY_VOID(parse_signature(*statement.macro));
  }
  CUPEL_TRY(statement.expression, parse_expression());
  if (statement.expression->kind != ExpressionKind::kCall) {
    return fail("a call block needs a call", statement.line);
  }
  CUPEL_TRY(statement.macro->body, parse_function_body("endcall"));
  return statement;
}

Result<Statement> Parser::parse_filter_block(Statement statement) {
  statement.kind = StatementKind::kFilterBlock;
  CUPEL_TRY(statement.expression, parse_filter(nullptr));
  while (skip_operator("|")) {
    CUPEL_TRY(statement.expression, parse_filter(std::move(statement.expression)));
  }
  CUPEL_TRY(statement.body, parse_closed_body("endfilter"));
  return statement;
}

Result<Statement> Parser::parse_block(Statement statement) {
  statement.kind = StatementKind::kBlock;
  CUPEL_TRY(statement.text, expect_identifier());
  if (!block_names_.insert(statement.text).second) {
    return fail(format("block '{}' is defined twice", statement.text), statement.line);
  }
  skip_name("scoped");
  if (current().is_name("required")) {
    return fail(
        "a required block needs another template to fill it; templates of models stand alone",
        statement.line);
  }
  CUPEL_TRY(statement.body, parse_function_body("endblock"));
  skip_name(statement.text);
  return statement;
}

Result<Statement> Parser::parse_autoescape(Statement statement) {
  statement.kind = StatementKind::kScope;
  CUPEL_TRY(const auto value, parse_expression());
  const bool off = value->kind == ExpressionKind::kConstant && value->constant.is(Kind::kBool) &&
                   !value->constant.as_bool();
  if (!off) {
    return at_line(unsupported("autoescape can only be false: chat templates write plain text"),
                   statement.line);
  }
  CUPEL_TRY(statement.body, parse_closed_body("endautoescape"));
  return statement;
}

Result<Statement> Parser::parse_generation(Statement statement) {
  statement.kind = StatementKind::kGeneration;
  statement.macro = std::make_unique<MacroNode>();
  CUPEL_TRY(statement.macro->body, parse_function_body("endgeneration"));
  return statement;
}

Result<Statement> Parser::parse_loop_control(Statement statement, bool stops) {
  if (loops_ == 0) {
    return fail(stops ? "'break' outside a loop" : "'continue' outside a loop", statement.line);
  }
  statement.kind = stops ? StatementKind::kBreak : StatementKind::kContinue;
  return statement;
}

// The reference parses these tags and fails when it reaches them: there are no other templates.
Result<Statement> Parser::parse_unavailable(Statement statement, const std::string& tag) {
  statement.kind = StatementKind::kUnavailable;
  statement.text = tag;
  CUPEL_TRY(statement.expression, parse_expression());
  while (current().type == TokenType::kName || current().is_operator(",")) {
    next();  // as x, import a, b as c, ignore missing, with context
  }
  return statement;
}

Result<ExpressionPtr> Parser::parse_target(bool with_namespace) {
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
    CUPEL_TRY(auto item, parse_primary());
    if (with_namespace && item->kind == ExpressionKind::kName && skip_operator(".")) {
      CUPEL_TRY(std::string attribute, expect_identifier());
      std::vector<ExpressionPtr> owner;
      owner.push_back(std::move(item));
      CUPEL_TRY(item, make(ExpressionKind::kNamespaceTarget, line, std::move(owner)));
      item->name = std::move(attribute);
    }
    CUPEL_TRY_VOID(check_target(*item));
    items.push_back(std::move(item));
    if (!current().is_operator(",")) {
      break;
    }
    is_tuple = true;
  }
  if (!is_tuple) {
    return items.empty() ? Result<ExpressionPtr>(unexpected("a name to assign to"))
                         : Result<ExpressionPtr>(std::move(items.front()));
  }
  return make(ExpressionKind::kTuple, line, std::move(items));
}

Result<Ok> Parser::check_target(const Expression& target) const {
  switch (target.kind) {
    case ExpressionKind::kName:
      if (target.name == "loop" && for_parts_ > 0) {
        return fail("'loop' cannot be assigned to inside a loop", target.line);
      }
      return Ok{};
    case ExpressionKind::kNamespaceTarget:
      return Ok{};
    case ExpressionKind::kTuple:
      for (const auto& item : target.operands) {
        CUPEL_TRY_VOID(check_target(*item));
      }
      return Ok{};
    default:
      return fail("cannot assign to this expression", target.line);
  }
}

Result<Template> parse_template(std::string_view source) {
  CUPEL_TRY(auto tokens, tokenize(to_valid_utf8(source)));
  Template parsed;
  CUPEL_TRY(parsed.body, Parser(std::move(tokens)).parse());
  CUPEL_TRY_VOID(resolve_scopes(parsed));
  return parsed;
}

}  // namespace cupel::engine::jinja
