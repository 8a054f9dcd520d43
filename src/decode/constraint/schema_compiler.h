#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "decode/constraint/automaton.h"
#include "decode/constraint/json_parts.h"

namespace cupel::decode::constraint {

/// Adds what schemas describe to an automaton. A schema that is referred to, or that describes
/// several items, becomes a rule of its own; everything else stands where it is used. What is
/// behind compile_parsed_schema.
class SchemaCompiler {
 public:
  /// `root` must outlive the object.
  SchemaCompiler(const Json& root, size_t max_nodes)
      : root_(root), builder_(max_nodes), parts_(builder_) {}
  Result<Automaton> compile();

 private:
  struct Open {
    const Json* schema = nullptr;
    std::string place;
    RuleId rule = 0;
    int depth = 0;
  };
  struct Items {
    const Json* schema = nullptr;
    std::string place;
    RuleId rule = -1;  // where it is used more than once
  };
  struct Property {
    std::string name;
    const Json* schema = nullptr;
    bool required = false;
    std::string place;
  };
  /// Where an object goes on: nodes at which its first property begins, and those behind a comma.
  struct ObjectWays {
    NodeId first = -1;
    NodeId comma = -1;
    NodeId end = 0;  ///< behind the closing brace
  };

  // schema_compiler.cpp. All return the node behind what they added behind `from`.
  Result<NodeId> add(const Json& schema, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_kind(const Json& schema, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_reference(const Json& schema,
                               const std::string& place,
                               NodeId from,
                               int depth);
  Result<NodeId> add_alternatives(
      const Json& schema, const char* key, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_constants(const Json& schema, const std::string& place, NodeId from);
  RuleId rule_of(const Json& schema, const std::string& place, int depth);
  Result<Ok> enter(const Json& schema, const std::string& place, int depth);
  [[nodiscard]] Result<Ok> check_room(const std::string& place) const;
  Result<Json> merged(const Json& a, const Json& b, const std::string& place);
  Result<Json> merge_all(const Json& schema, const std::string& place);
  Result<Json> without_references(Json schema, const std::string& place);
  [[nodiscard]] Result<Ok> check_disjoint(const Json::Array& list, const std::string& place) const;
  NodeId call(NodeId from, RuleId rule);

  // schema_types.cpp
  Result<NodeId> add_types(const Json& schema, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_string(const Json& schema, const std::string& place, NodeId from);
  Result<NodeId> add_pattern(std::string_view pattern,
                             const Json& schema,
                             const std::string& place,
                             NodeId from);
  Result<NodeId> add_number(const Json& schema,
                            const std::string& place,
                            NodeId from,
                            bool integer);
  Result<NodeId> add_array(const Json& schema, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_item(const Items& items, NodeId from, int depth);
  Result<Ok> add_more_items(const Items& items, NodeId from, NodeId to, int depth);
  Result<NodeId> add_object(const Json& schema, const std::string& place, NodeId from, int depth);
  Result<NodeId> add_property(const Property& property, ObjectWays& ways, int depth);
  Result<Ok> add_other_properties(const std::vector<Property>& known,
                                  const Property& others,
                                  const ObjectWays& ways,
                                  int depth);

  const Json& root_;
  AutomatonBuilder builder_;
  JsonParts parts_;
  std::map<const Json*, RuleId> rules_;
  std::deque<Open> open_;
  std::deque<Json> owned_;  // schemas that do not stand in the document; addresses stay
  int64_t schemas_ = 0;
  int64_t merged_values_ = 0;
};

}  // namespace cupel::decode::constraint
