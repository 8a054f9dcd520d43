#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::judge {

/// A program that decides a checklist item: true when the answer passes. Pure, bounded in time.
class Decider {
 public:
  virtual ~Decider() = default;
  [[nodiscard]] virtual bool decide(std::string_view answer) const = 0;
};

/// One kind of decider ("number", "contains", …): one file in deciders/, one line in deciders.def.
struct DeciderKind {
  std::string_view kind;
  std::string_view summary;
  /// Errors: kCorruptData naming the field.
  Result<std::unique_ptr<Decider>> (*parse)(const Json& program);
};
const std::vector<DeciderKind>& decider_kinds();

/// Builds the decider of a checklist's `program` object. Errors: kCorruptData naming the kind or
/// field (with a nearest-match hint), also for nesting deeper than 16.
Result<std::unique_ptr<Decider>> parse_decider(const Json& program);

}  // namespace cupel::judge
