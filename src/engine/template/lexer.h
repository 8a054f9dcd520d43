#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

enum class TokenType {
  kData,           ///< template text between tags
  kVariableBegin,  ///< {{
  kVariableEnd,
  kBlockBegin,  ///< {%
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd,  ///< end of the template
};

struct Token {
  TokenType type = TokenType::kEnd;
  std::string text;  ///< data, name, operator, or the value of a string
  Value number;      ///< of kInteger and kFloat
  int line = 1;

  [[nodiscard]] bool is_name(std::string_view name) const {
    return type == TokenType::kName && text == name;
  }
  [[nodiscard]] bool is_operator(std::string_view symbol) const {
    return type == TokenType::kOperator && text == symbol;
  }
};

/// Splits a template into tokens as jinja2 does with trim_blocks and lstrip_blocks: the first
/// newline after a block tag goes, as does white space between the start of a line and a block tag;
/// `-` strips all white space, `+` switches both off; comments go; one newline at the end of the
/// template goes; \r\n and \r become \n.
///
/// Errors: kCorruptData, "template:LINE: …".
Result<std::vector<Token>> tokenize(std::string_view source);

/// `template:LINE: ` before the message, once.
Error at_line(Error error, int line);

}  // namespace cupel::engine::jinja
