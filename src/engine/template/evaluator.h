#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/template/ast.h"
#include "engine/template/call.h"
#include "engine/template/objects.h"
#include "engine/template/runtime.h"

namespace cupel::engine::jinja {

using Variables = std::unordered_map<std::string, Value>;

/// The variables of one running function. Macros keep the activation that they were defined in.
class Activation : public Object {
 public:
  Activation(uint32_t slots, std::shared_ptr<Activation> parent)
      : slots_(slots), parent_(std::move(parent)) {}
  [[nodiscard]] std::string_view type_name() const override { return "activation"; }
  void release() override;
  [[nodiscard]] Value& at(Slot slot);

 private:
  std::vector<Value> slots_;
  std::shared_ptr<Activation> parent_;
};

/// Runs one template once.
class Evaluator {
 public:
  Evaluator(const Template& parsed, Runtime& runtime, Variables variables)
      : template_(parsed), runtime_(runtime), variables_(std::move(variables)) {}

  struct Output {
    std::string text;
    /// Byte ranges that `generation` blocks wrote.
    std::vector<std::pair<size_t, size_t>> generation;
    size_t unplaced_generation = 0;  ///< generation blocks within macros and the like
  };
  /// Errors: "template:LINE: …".
  Result<Output> run();

  /// Calls a macro: binds the arguments and gives what its body writes.
  Result<Value> call_macro(const MacroNode& macro,
                           const std::shared_ptr<Activation>& closure,
                           Arguments arguments);
  /// Whether the inline `if` of a for loop lets an item pass.
  Result<bool> passes_condition(const Statement& loop,
                                const std::shared_ptr<Activation>& activation,
                                const Value& item);

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  /// Where code runs: its variables, and what it writes to.
  struct Frame {
    std::shared_ptr<Activation> activation;
    std::string* out = nullptr;
    const Value* block_text = nullptr;  ///< what the filters of a block apply to
  };

  // Statements (evaluator.cpp).
  Result<Flow> execute(const Block& block, Frame& frame);
  Result<Flow> execute(const Statement& statement, Frame& frame);
  Result<Flow> execute_if(const Statement& statement, Frame& frame);
  Result<Flow> execute_for(const Statement& statement, Frame& frame);
  Result<Flow> execute_set_block(const Statement& statement, Frame& frame);
  Result<Flow> execute_filter_block(const Statement& statement, Frame& frame);
  Result<Flow> execute_with(const Statement& statement, Frame& frame);
  Result<Flow> execute_named_block(const Statement& statement, Frame& frame);
  Result<Flow> execute_call_block(const Statement& statement, Frame& frame);
  Result<Flow> execute_generation(const Statement& statement, Frame& frame);
  Result<Ok> execute_set(const Statement& statement, Frame& frame);
  Result<Ok> define_macro(const Statement& statement, Frame& frame);
  Result<Value> make_macro(const MacroNode& macro, const Frame& frame);
  Result<Flow> run_loop(const Statement& statement,
                        const Value& iterable,
                        Frame& frame,
                        const std::shared_ptr<Activation>& outer,
                        int64_t depth);
  Result<Flow> run_iterations(const Statement& statement,
                              LoopContext& loop,
                              Frame& frame,
                              bool& ran);
  Result<Value> render_recursive_loop(const Statement& statement,
                                      const Value& iterable,
                                      const std::shared_ptr<Activation>& outer,
                                      int64_t depth);
  Result<Ok> bind_parameters(const MacroNode& macro, Frame& frame, Arguments arguments);
  Result<Ok> enter(const Scope& scope, Activation& activation);
  Result<std::shared_ptr<Activation>> activate(uint32_t slots,
                                               const std::shared_ptr<Activation>& parent);
  void leave(const std::shared_ptr<Activation>& activation);
  Result<Ok> assign(const Expression& target, Value value, Frame& frame, bool exported);
  Result<Ok> assign_tuple(const Expression& target,
                          const Value& value,
                          Frame& frame,
                          bool exported);
  Result<Ok> check_namespaces(const Expression& target, Frame& frame);
  Result<Ok> write(const Value& value, Frame& frame);
  Value resolve(const std::string& name);

  // Expressions (evaluator_expressions.cpp).
  Result<Value> evaluate(const Expression& expression, Frame& frame);
  Result<Value> evaluate_node(const Expression& expression, Frame& frame);
  Result<Value> evaluate_name(const Expression& expression, Frame& frame);
  Result<Value> evaluate_items(const Expression& expression, Frame& frame);
  Result<Value> evaluate_dict(const Expression& expression, Frame& frame);
  Result<Value> evaluate_slice(const Expression& expression, Frame& frame);
  Result<Value> evaluate_call(const Expression& expression, Frame& frame, Value caller = {});
  Result<Value> evaluate_filter(const Expression& expression, Frame& frame);
  Result<Value> evaluate_test(const Expression& expression, Frame& frame);
  Result<Value> evaluate_binary(const Expression& expression, Frame& frame);
  Result<Value> evaluate_logic(const Expression& expression, Frame& frame);
  Result<Value> evaluate_concat(const Expression& expression, Frame& frame);
  Result<Value> evaluate_compare(const Expression& expression, Frame& frame);
  Result<Value> evaluate_conditional(const Expression& expression, Frame& frame);
  Result<Arguments> evaluate_arguments(const CallArguments* arguments, Frame& frame);
  Result<Ok> evaluate_star(const CallArguments& written, Arguments& arguments, Frame& frame);
  Result<bool> evaluate_condition(const Expression& expression, Frame& frame);

  const Template& template_;
  Runtime& runtime_;
  Variables variables_;
  Variables exports_;  // variables that the template set at its top level, for its blocks
  Output output_;
  int line_ = 1;
};

}  // namespace cupel::engine::jinja
