#include "engine/template/scopes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/error.h"
#include "engine/template/call.h"
#include "engine/template/lexer.h"

namespace cupel::engine::jinja {
namespace {

/// A function at run time: the template, a macro, a recursive loop. Owns slots.
struct FunctionLayout {
  FunctionLayout* parent = nullptr;
  uint32_t slots = 0;
};

struct Reference {
  FunctionLayout* function = nullptr;
  uint32_t index = 0;
};

/// The variables of one scope while it is analysed.
class Symbols {
 public:
  Symbols(Symbols* parent, FunctionLayout* function)
      : parent_(parent), function_(function), places_(std::make_shared<Places>()) {}

  [[nodiscard]] FunctionLayout* function() const { return function_; }

  [[nodiscard]] const Reference* find(const std::string& name) const {
    if (const auto it = references_.find(name); it != references_.end()) {
      return &it->second;
    }
    return parent_ != nullptr ? parent_->find(name) : nullptr;
  }

  uint32_t declare_parameter(const std::string& name) {
    stores_.insert(name);
    const uint32_t place = define(name);
    loads_.erase(place);
    return place;
  }

  void load(const std::string& name) {
    if (find(name) == nullptr) {
      loads_[define(name)] = {
          .source = Load::Source::kContext, .target = 0, .outer = {}, .name = name};
    }
  }

  void store(const std::string& name) {
    stores_.insert(name);
    if (references_.contains(name)) {
      return;
    }
    const Reference* outer = parent_ != nullptr ? parent_->find(name) : nullptr;
    loads_[define(name)] = outer != nullptr ? alias(*outer) : Load{};
  }

  /// A copy for one branch of an if; the same name gets the same place in every copy.
  [[nodiscard]] Symbols branch() const { return *this; }

  /// Merges the branches of an if. What only some of them store keeps its outer value otherwise.
  void merge(const std::vector<Symbols>& branches) {
    std::set<std::string> fresh;
    for (const auto& branch : branches) {
      std::set_difference(branch.stores_.begin(), branch.stores_.end(), stores_.begin(),
                          stores_.end(), std::inserter(fresh, fresh.end()));
    }
    for (const auto& branch : branches) {
      for (const auto& [name, reference] : branch.references_) {
        references_[name] = reference;
      }
      for (const auto& [place, load] : branch.loads_) {
        loads_[place] = load;
      }
      stores_.insert(branch.stores_.begin(), branch.stores_.end());
    }
    for (const auto& name : fresh) {
      const Reference* outer = parent_ != nullptr ? parent_->find(name) : nullptr;
      Load load{.source = Load::Source::kContext, .target = 0, .outer = {}, .name = name};
      loads_[references_.at(name).index] = outer != nullptr ? alias(*outer) : load;
    }
  }

  [[nodiscard]] Scope scope() const {
    Scope scope;
    for (const auto& [place, load] : loads_) {
      scope.loads.push_back(load);
      scope.loads.back().target = place;
    }
    return scope;
  }

  [[nodiscard]] Slot slot(const Reference& reference) const {
    Slot slot{.hops = 0, .index = reference.index};
    for (auto* at = function_; at != reference.function; at = at->parent) {
      ++slot.hops;
    }
    return slot;
  }

 private:
  using Places = std::map<std::string, uint32_t>;

  uint32_t define(const std::string& name) {
    const auto [it, fresh] = places_->try_emplace(name, function_->slots);
    function_->slots += fresh ? 1 : 0;
    references_[name] = {function_, it->second};
    return it->second;
  }

  [[nodiscard]] Load alias(const Reference& outer) const {
    return {.source = Load::Source::kAlias, .target = 0, .outer = slot(outer), .name = {}};
  }

  Symbols* parent_;
  FunctionLayout* function_;
  std::shared_ptr<Places> places_;
  std::map<std::string, Reference> references_;
  std::map<uint32_t, Load> loads_;
  std::set<std::string> stores_;
};

// --- Collecting the names of one scope -----------------------------------------------------------

template <typename Visit>
void for_each_child(const Expression& expression, const Visit& visit) {
  const auto visit_pointer = [&](const ExpressionPtr& child) {
    if (child != nullptr) {
      visit(*child);
    }
  };
  for (const auto& operand : expression.operands) {
    visit_pointer(operand);
  }
  if (expression.arguments != nullptr) {
    for (const auto& argument : expression.arguments->positional) {
      visit_pointer(argument);
    }
    for (const auto& named : expression.arguments->named) {
      visit_pointer(named.second);
    }
    visit_pointer(expression.arguments->star);
    visit_pointer(expression.arguments->star_star);
  }
}

void collect_loads(Symbols& symbols, const Expression& expression) {
  if (expression.kind == ExpressionKind::kName) {
    symbols.load(expression.name);
  }
  for_each_child(expression, [&](const Expression& child) { collect_loads(symbols, child); });
}

void collect_loads(Symbols& symbols, const ExpressionPtr& expression) {
  if (expression != nullptr) {
    collect_loads(symbols, *expression);
  }
}

void collect_target(Symbols& symbols, const Expression& target, bool as_parameter) {
  switch (target.kind) {
    case ExpressionKind::kName:
      if (as_parameter) {
        symbols.declare_parameter(target.name);
      } else {
        symbols.store(target.name);
      }
      break;
    case ExpressionKind::kNamespaceTarget:
      symbols.load(target.operands[0]->name);
      break;
    default:
      for (const auto& item : target.operands) {
        collect_target(symbols, *item, as_parameter);
      }
  }
}

void collect(Symbols& symbols, const Block& block);

void collect_if(Symbols& symbols, const Statement& statement) {
  collect_loads(symbols, *statement.branches[0].test);
  std::vector<Symbols> branches;
  branches.push_back(symbols.branch());
  collect(branches.back(), statement.branches[0].body);
  // jinja2 sees the elifs as ifs of their own, one after another in one branch.
  Symbols others = symbols.branch();
  for (size_t i = 1; i < statement.branches.size(); ++i) {
    collect_loads(others, *statement.branches[i].test);
    std::vector<Symbols> inner;
    inner.push_back(others.branch());
    collect(inner.back(), statement.branches[i].body);
    others.merge(inner);
  }
  branches.push_back(std::move(others));
  branches.push_back(symbols.branch());
  collect(branches.back(), statement.otherwise);
  symbols.merge(branches);
}

void collect(Symbols& symbols, const Block& block) {
  for (const auto& statement : block) {
    switch (statement.kind) {
      case StatementKind::kIf:
        collect_if(symbols, statement);
        break;
      case StatementKind::kSet:
        collect_loads(symbols, *statement.expression);
        collect_target(symbols, *statement.target, false);
        break;
      case StatementKind::kSetBlock:
      case StatementKind::kMacro:
        collect_target(symbols, *statement.target, false);
        break;
      case StatementKind::kWith:
        for (const auto& [target, value] : statement.bindings) {
          collect_loads(symbols, *value);
        }
        break;
      default:  // inner scopes are collected when they are entered
        collect_loads(symbols, statement.expression);
    }
  }
}

// --- Does a function body mention caller, varargs or kwargs?
// ---------------------------------------

bool mentions(const ExpressionPtr& expression, std::string_view name);
bool mentions(const Block& block, std::string_view name);

bool mentions(const Expression& expression, std::string_view name) {
  bool found = expression.kind == ExpressionKind::kName && expression.name == name;
  for_each_child(expression,
                 [&](const Expression& child) { found = found || mentions(child, name); });
  return found;
}

bool mentions(const ExpressionPtr& expression, std::string_view name) {
  return expression != nullptr && mentions(*expression, name);
}

bool mentions(const Statement& statement, std::string_view name) {
  bool found = mentions(statement.expression, name) || mentions(statement.condition, name) ||
               mentions(statement.body, name) || mentions(statement.otherwise, name);
  for (const auto& branch : statement.branches) {
    found = found || mentions(branch.test, name) || mentions(branch.body, name);
  }
  for (const auto& [target, value] : statement.bindings) {
    found = found || mentions(value, name);
  }
  if (statement.macro != nullptr) {
    for (const auto& parameter : statement.macro->parameters) {
      found = found || mentions(parameter.fallback, name);
    }
    found = found || mentions(statement.macro->body, name);
  }
  return found;
}

bool mentions(const Block& block, std::string_view name) {
  return std::any_of(block.begin(), block.end(), [&](const Statement& statement) {
    return statement.kind != StatementKind::kBlock && mentions(statement, name);
  });
}

// --- Giving every name its slot
// --------------------------------------------------------------------

class Binder {
 public:
  Result<Ok> bind_template(Template& parsed) {
    FunctionLayout function;
    Symbols symbols(nullptr, &function);
    collect(symbols, parsed.body);
    parsed.scope = symbols.scope();
    top_level_ = true;
    CUPEL_TRY_VOID(bind_block(parsed.body, symbols));
    parsed.slots = function.slots;
    return Ok{};
  }

 private:
  Result<Ok> bind(Expression& expression, const Symbols& symbols) {
    const bool is_filter = expression.kind == ExpressionKind::kFilter;
    if ((is_filter || expression.kind == ExpressionKind::kTest) && !soft_) {
      const auto* known = is_filter ? find_filter(expression.name) : find_test(expression.name);
      if (known == nullptr) {
        return at_line(
            corrupt_data("no {} named '{}'", is_filter ? "filter" : "test", expression.name),
            expression.line);
      }
    }
    if (expression.kind == ExpressionKind::kName) {
      expression.slot = symbols.slot(*symbols.find(expression.name));
    }
    const bool soft =
        std::exchange(soft_, soft_ || expression.kind == ExpressionKind::kConditional);
    std::optional<Error> failure;
    for_each_child(expression, [&](Expression& child) {
      if (!failure) {
        auto bound = bind(child, symbols);
        if (!bound) {
          failure = std::move(bound).error();
        }
      }
    });
    soft_ = soft;
    if (failure) {
      return std::move(*failure);
    }
    return Ok{};
  }

  Result<Ok> bind(const ExpressionPtr& expression, const Symbols& symbols) {
    return expression != nullptr ? bind(*expression, symbols) : Result<Ok>(Ok{});
  }

  Result<Ok> bind_block(Block& block, Symbols& symbols) {
    for (auto& statement : block) {
      CUPEL_TRY_VOID(bind_statement(statement, symbols));
    }
    return Ok{};
  }

  // A block with a scope of its own: not part of the template's top level, filters checked again.
  Result<Ok> bind_inner(Block& block, Symbols& symbols) {
    const bool soft = std::exchange(soft_, false);
    const bool top_level = std::exchange(top_level_, false);
    auto bound = bind_block(block, symbols);
    soft_ = soft;
    top_level_ = top_level;
    return bound;
  }

  Result<Ok> bind_statement(Statement& statement, Symbols& symbols) {
    switch (statement.kind) {
      case StatementKind::kIf:
        return bind_if(statement, symbols);
      case StatementKind::kFor:
        return bind_for(statement, symbols);
      case StatementKind::kSet:
        statement.exported = top_level_;
        CUPEL_TRY_VOID(bind(statement.target, symbols));
        return bind(statement.expression, symbols);
      case StatementKind::kMacro:
        statement.exported = top_level_;
        CUPEL_TRY_VOID(bind(statement.target, symbols));
        return bind_macro(*statement.macro, statement.line, symbols);
      case StatementKind::kCallBlock:
      case StatementKind::kGeneration:
        CUPEL_TRY_VOID(bind(statement.expression, symbols));
        return bind_macro(*statement.macro, statement.line, symbols);
      case StatementKind::kSetBlock:
        statement.exported = top_level_;
        CUPEL_TRY_VOID(bind(statement.target, symbols));
        return bind_scope(statement, symbols);
      case StatementKind::kFilterBlock:
      case StatementKind::kScope:
        return bind_scope(statement, symbols);
      case StatementKind::kWith:
        return bind_with(statement, symbols);
      case StatementKind::kBlock:
        return bind_named_block(statement);
      default:
        return bind(statement.expression, symbols);
    }
  }

  Result<Ok> bind_if(Statement& statement, Symbols& symbols) {
    const bool soft = std::exchange(soft_, true);
    for (auto& branch : statement.branches) {
      CUPEL_TRY_VOID(bind(branch.test, symbols));
      CUPEL_TRY_VOID(bind_block(branch.body, symbols));
    }
    CUPEL_TRY_VOID(bind_block(statement.otherwise, symbols));
    soft_ = soft;
    return Ok{};
  }

  Result<Ok> bind_scope(Statement& statement, Symbols& symbols) {
    Symbols inner(&symbols, symbols.function());
    collect_loads(inner, statement.expression);
    collect(inner, statement.body);
    statement.scope = inner.scope();
    CUPEL_TRY_VOID(bind(statement.expression, inner));
    return bind_inner(statement.body, inner);
  }

  Result<Ok> bind_with(Statement& statement, Symbols& symbols) {
    Symbols inner(&symbols, symbols.function());
    for (const auto& [target, value] : statement.bindings) {
      collect_target(inner, *target, true);
    }
    collect(inner, statement.body);
    statement.scope = inner.scope();
    for (const auto& [target, value] : statement.bindings) {
      CUPEL_TRY_VOID(bind(target, inner));
      CUPEL_TRY_VOID(bind(value, symbols));
    }
    return bind_inner(statement.body, inner);
  }

  // Blocks see the template's variables by name only, not its scopes.
  Result<Ok> bind_named_block(Statement& statement) {
    FunctionLayout function;
    Symbols symbols(nullptr, &function);
    collect(symbols, statement.body);
    statement.scope = symbols.scope();
    CUPEL_TRY_VOID(bind_inner(statement.body, symbols));
    statement.slots = function.slots;
    return Ok{};
  }

  Result<Ok> bind_condition(Statement& statement, Symbols& symbols) {
    FunctionLayout function{.parent = symbols.function(), .slots = 0};
    Symbols inner(&symbols, &function);
    collect_target(inner, *statement.loop->condition_target, true);
    collect_loads(inner, statement.condition);
    statement.loop->condition_scope = inner.scope();
    CUPEL_TRY_VOID(bind(statement.loop->condition_target, inner));
    CUPEL_TRY_VOID(bind(statement.condition, inner));
    statement.loop->condition_slots = function.slots;
    return Ok{};
  }

  Result<Ok> bind_for(Statement& statement, Symbols& symbols) {
    LoopNode& loop = *statement.loop;
    FunctionLayout own{.parent = symbols.function(), .slots = 0};
    FunctionLayout* function = statement.recursive ? &own : symbols.function();
    Symbols inner(&symbols, function);
    loop.loop_slot = inner.declare_parameter("loop");
    collect_target(inner, *statement.target, true);
    collect(inner, statement.body);
    loop.scope = inner.scope();
    Symbols otherwise(&symbols, function);
    collect(otherwise, statement.otherwise);
    loop.otherwise_scope = otherwise.scope();

    CUPEL_TRY_VOID(bind(statement.expression, symbols));
    if (statement.condition != nullptr) {
      CUPEL_TRY_VOID(bind_condition(statement, symbols));
    }
    CUPEL_TRY_VOID(bind(statement.target, inner));
    CUPEL_TRY_VOID(bind_inner(statement.body, inner));
    CUPEL_TRY_VOID(bind_inner(statement.otherwise, otherwise));
    loop.slots = own.slots;
    return Ok{};
  }

  Result<Ok> bind_macro(MacroNode& macro, int line, Symbols& symbols) {
    FunctionLayout function{.parent = symbols.function(), .slots = 0};
    Symbols inner(&symbols, &function);
    for (auto& parameter : macro.parameters) {
      parameter.slot = inner.declare_parameter(parameter.name);
    }
    CUPEL_TRY_VOID(declare_special(macro, line, inner));
    for (auto& parameter : macro.parameters) {
      collect_loads(inner, parameter.fallback);
    }
    collect(inner, macro.body);
    macro.scope = inner.scope();
    const bool soft = std::exchange(soft_, false);
    for (auto& parameter : macro.parameters) {
      CUPEL_TRY_VOID(bind(parameter.fallback, inner));
    }
    soft_ = soft;
    CUPEL_TRY_VOID(bind_inner(macro.body, inner));
    macro.slots = function.slots;
    return Ok{};
  }

  static Result<Ok> declare_special(MacroNode& macro, int line, Symbols& symbols) {
    const auto parameter = [&](std::string_view name) {
      const auto it = std::find_if(macro.parameters.begin(), macro.parameters.end(),
                                   [&](const Parameter& given) { return given.name == name; });
      return it != macro.parameters.end() ? &*it : nullptr;
    };
    if (mentions(macro.body, "caller")) {
      const auto* given = parameter("caller");
      if (given == nullptr) {
        macro.caller_slot = symbols.declare_parameter("caller");
      } else if (given->fallback == nullptr) {
        return at_line(corrupt_data("the parameter 'caller' of a macro needs a default"), line);
      }
    }
    if (mentions(macro.body, "kwargs") && parameter("kwargs") == nullptr) {
      macro.kwargs_slot = symbols.declare_parameter("kwargs");
    }
    if (mentions(macro.body, "varargs") && parameter("varargs") == nullptr) {
      macro.varargs_slot = symbols.declare_parameter("varargs");
    }
    return Ok{};
  }

  bool soft_ = false;
  bool top_level_ = false;
};

}  // namespace

Result<Ok> resolve_scopes(Template& parsed) {
  return Binder().bind_template(parsed);
}

}  // namespace cupel::engine::jinja
