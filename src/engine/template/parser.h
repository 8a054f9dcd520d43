#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "engine/template/ast.h"
#include "engine/template/lexer.h"

namespace cupel::engine::jinja {

/// Parses Jinja's grammar (that of jinja2 3.1 with the loopcontrols extension and the tag
/// `generation`). Nesting is bounded, so no template can overflow the stack.
///
/// Errors: kCorruptData for bad syntax, kUnsupported for what Cupel does not have, both as
/// "template:LINE: …".
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}
  Result<Block> parse();

 private:
  using Names = std::span<const std::string_view>;

  // Tokens.
  [[nodiscard]] const Token& current() const { return tokens_[position_]; }
  [[nodiscard]] const Token& ahead() const;
  void next();
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view symbol);
  Result<Ok> expect_operator(std::string_view symbol);
  Result<Ok> expect_name(std::string_view name);
  Result<std::string> expect_identifier();
  Result<Ok> expect(TokenType type, std::string_view what);
  [[nodiscard]] Error unexpected(std::string_view expected) const;
  [[nodiscard]] Error fail(std::string_view message, int line) const;

  // Statements (parser.cpp).
  Result<Block> parse_until(Names end_names);
  Result<Block> parse_body(Names end_names);
  Result<Block> parse_closed_body(std::string_view end_name);
  Result<Statement> parse_statement();
  Result<Statement> parse_known_statement(const std::string& tag, Statement statement);
  Result<Ok> parse_print(Block& block);
  Result<Statement> parse_if(Statement statement);
  Result<Statement> parse_for(Statement statement);
  Result<Statement> parse_set(Statement statement);
  Result<Statement> parse_with(Statement statement);
  Result<Statement> parse_macro(Statement statement);
  Result<Statement> parse_call_block(Statement statement);
  Result<Statement> parse_filter_block(Statement statement);
  Result<Statement> parse_block(Statement statement);
  Result<Statement> parse_autoescape(Statement statement);
  Result<Statement> parse_generation(Statement statement);
  Result<Statement> parse_loop_control(Statement statement, bool stops);
  Result<Statement> parse_unavailable(Statement statement, const std::string& tag);
  Result<Ok> parse_signature(MacroNode& macro);
  Result<Block> parse_function_body(std::string_view end_name);
  Result<ExpressionPtr> parse_target(bool with_namespace);
  Result<Ok> check_target(const Expression& target) const;

  // Expressions (parser_expressions.cpp).
  struct TupleRules {
    bool conditional = true;         ///< `x if y` belongs to it
    bool explicit_brackets = false;  ///< (): an empty tuple is fine
  };
  Result<ExpressionPtr> parse_tuple(const TupleRules& rules);
  Result<ExpressionPtr> parse_expression(bool conditional = true);
  Result<ExpressionPtr> parse_conditional();
  Result<ExpressionPtr> parse_or();
  Result<ExpressionPtr> parse_and();
  Result<ExpressionPtr> parse_not();
  Result<ExpressionPtr> parse_compare();
  Result<ExpressionPtr> parse_sum();
  Result<ExpressionPtr> parse_concat();
  Result<ExpressionPtr> parse_product();
  Result<ExpressionPtr> parse_power();
  Result<ExpressionPtr> parse_unary(bool with_filters = true);
  Result<ExpressionPtr> parse_primary();
  Result<ExpressionPtr> parse_name();
  Result<ExpressionPtr> parse_string();
  Result<ExpressionPtr> parse_list();
  Result<ExpressionPtr> parse_dict();
  Result<ExpressionPtr> parse_postfix(ExpressionPtr value);
  Result<ExpressionPtr> parse_filters(ExpressionPtr value);
  Result<ExpressionPtr> parse_attribute(ExpressionPtr value);
  Result<ExpressionPtr> parse_subscript(ExpressionPtr value);
  Result<ExpressionPtr> parse_slice(ExpressionPtr value, ExpressionPtr start, int line);
  Result<ExpressionPtr> parse_call(ExpressionPtr callee);
  Result<ExpressionPtr> parse_filter(ExpressionPtr value);
  Result<ExpressionPtr> parse_test(ExpressionPtr value);
  Result<std::string> parse_dotted_name();
  Result<std::unique_ptr<CallArguments>> parse_arguments();
  Result<Ok> parse_argument(CallArguments& arguments);
  [[nodiscard]] bool at_tuple_end() const;
  Result<ExpressionPtr> finish(ExpressionPtr expression) const;
  Result<ExpressionPtr> make(ExpressionKind kind,
                             int line,
                             std::vector<ExpressionPtr> operands) const;

  /// Bounds the recursion.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) { ++parser_.nesting_; }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    [[nodiscard]] Result<Ok> check() const;

   private:
    Parser& parser_;
  };

  std::vector<Token> tokens_;
  size_t position_ = 0;
  int nesting_ = 0;
  int loops_ = 0;      // for bodies around this place, within the same function
  int for_parts_ = 0;  // for statements around this place, in whatever function
  std::unordered_set<std::string> block_names_;
};

/// Source text to runnable template: lexer, parser, scopes.
Result<Template> parse_template(std::string_view source);

}  // namespace cupel::engine::jinja
