#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/template/compare.h"
#include "engine/template/value.h"

namespace cupel::engine::jinja {

/// Where a variable lives: `hops` functions up (macros are closures), then its place there.
struct Slot {
  uint32_t hops = 0;
  uint32_t index = 0;
};

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;
struct Statement;
using Block = std::vector<Statement>;

enum class ExpressionKind {
  kConstant,         ///< constant
  kName,             ///< name, slot
  kNamespaceTarget,  ///< set ns.name: operands {the namespace's name}
  kList,             ///< operands
  kTuple,            ///< operands
  kDict,             ///< operands: key, value, key, value …
  kAttribute,        ///< operands {object}, name
  kItem,             ///< operands {object, key}
  kSlice,            ///< operands {object, start, stop, step}; the last three may be null
  kCall,             ///< operands {callee}, arguments
  kFilter,           ///< operands {value}, name, arguments; a null value is the text of a block
  kTest,             ///< operands {value}, name, arguments
  kUnary,            ///< operands {value}, operation
  kBinary,           ///< operands {left, right}, operation
  kAnd,              ///< operands {left, right}
  kOr,               ///< operands {left, right}
  kNot,              ///< operands {value}
  kConcat,           ///< operands, joined as text
  kCompare,          ///< operands {first, second, …}, comparisons between neighbours
  kConditional,      ///< operands {test, then, else}; else may be null
};

enum class Operation {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kNegate,
  kPlus
};

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr star;       ///< *args, or null
  ExpressionPtr star_star;  ///< **kwargs, or null
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  int line = 1;
  int height = 1;  ///< of the tree below, bounded by the parser
  Operation operation = Operation::kAdd;
  Slot slot;
  Value constant;
  std::string name;
  std::vector<ExpressionPtr> operands;
  std::vector<Comparison> comparisons;
  std::unique_ptr<CallArguments> arguments;
};

/// What happens to the variables of a scope when it is entered. As in jinja2, the set of a scope's
/// variables is known before it runs: a variable that is set later in the scope hides an outer one
/// of the same name from the start.
struct Load {
  enum class Source { kMissing, kContext, kAlias };
  Source source = Source::kMissing;
  uint32_t target = 0;
  Slot outer;        ///< of kAlias
  std::string name;  ///< of kContext
};
struct Scope {
  std::vector<Load> loads;
};

struct Parameter {
  std::string name;
  uint32_t slot = 0;
  ExpressionPtr fallback;  ///< null when the parameter has none
};

/// The function behind a macro, a call block or a generation block.
struct MacroNode {
  static constexpr uint32_t kNone = UINT32_MAX;
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
  Scope scope;
  uint32_t slots = 0;
  uint32_t caller_slot = kNone;
  uint32_t varargs_slot = kNone;
  uint32_t kwargs_slot = kNone;
};

enum class StatementKind {
  kData,         ///< text
  kOutput,       ///< expression
  kIf,           ///< branches, otherwise
  kFor,          ///< target, expression, condition, body, otherwise, recursive, loop
  kSet,          ///< target, expression, exported
  kSetBlock,     ///< target, expression (filters or null), body, scope, exported
  kMacro,        ///< macro, target, exported
  kCallBlock,    ///< macro (the caller), expression (the call)
  kFilterBlock,  ///< expression (the filters), body, scope
  kWith,         ///< bindings, body, scope
  kScope,        ///< body, scope
  kBlock,        ///< text (its name), body, scope, slots: rendered in place
  kGeneration,   ///< macro (without parameters)
  kBreak,
  kContinue,
  kUnavailable,  ///< text: a tag that needs other templates; fails when it is reached
};

struct Branch {
  ExpressionPtr test;
  Block body;
};

/// What a for loop needs beside its parts.
struct LoopNode {
  uint32_t loop_slot = 0;  ///< of the variable `loop`
  Scope scope;             ///< of the body, entered for each item
  Scope otherwise_scope;   ///< of the else part
  Scope condition_scope;   ///< of the inline if, a function of its own
  uint32_t condition_slots = 0;
  ExpressionPtr condition_target;  ///< the target once more, as the condition sees it
  uint32_t slots = 0;              ///< of a recursive loop, which is a function of its own
};

struct Statement {
  StatementKind kind = StatementKind::kData;
  int line = 1;
  bool recursive = false;
  bool exported = false;  ///< sets a variable of the template itself, which blocks see
  std::string text;
  ExpressionPtr target;
  ExpressionPtr expression;
  ExpressionPtr condition;
  std::vector<Branch> branches;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> bindings;  ///< target, value
  Block body;
  Block otherwise;
  Scope scope;
  uint32_t slots = 0;
  std::unique_ptr<LoopNode> loop;
  std::unique_ptr<MacroNode> macro;
};

/// A parsed template, ready to run. Immutable and shared by threads.
struct Template {
  Block body;
  Scope scope;
  uint32_t slots = 0;
};

}  // namespace cupel::engine::jinja
