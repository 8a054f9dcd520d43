#include "judge/decider.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge {

namespace decider {
#define CUPEL_DECIDER(id) DeciderKind id();
#include "judge/deciders.def"
#undef CUPEL_DECIDER
}  // namespace decider

namespace {

constexpr int kMaxNesting = 16;

class FunctionDecider : public Decider {
 public:
  explicit FunctionDecider(std::function<bool(std::string_view)> decide)
      : decide_(std::move(decide)) {}
  [[nodiscard]] bool decide(std::string_view answer) const override { return decide_(answer); }

 private:
  std::function<bool(std::string_view)> decide_;
};

// The outermost decider: all kinds see the cleaned answer.
class CleaningDecider : public Decider {
 public:
  explicit CleaningDecider(std::unique_ptr<Decider> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] bool decide(std::string_view answer) const override {
    return inner_->decide(clean_answer(to_valid_utf8(answer)));
  }

 private:
  std::unique_ptr<Decider> inner_;
};

Result<Ok> check_nesting(const Json& program, int depth) {
  if (depth > kMaxNesting) {
    return corrupt_data("program is nested deeper than {} levels", kMaxNesting);
  }
  if (const Json* of = program.find("of"); of != nullptr) {
    if (of->is_object()) {
      return check_nesting(*of, depth + 1);
    }
    if (of->is_array()) {
      for (const Json& part : of->as_array()) {
        CUPEL_TRY_VOID(check_nesting(part, depth + 1));
      }
    }
  }
  return Ok{};
}

}  // namespace

const std::vector<DeciderKind>& decider_kinds() {
  static const std::vector<DeciderKind> all = {
#define CUPEL_DECIDER(id) decider::id(),
#include "judge/deciders.def"
#undef CUPEL_DECIDER
  };
  return all;
}

Result<std::unique_ptr<Decider>> parse_decider_part(const Json& program) {
  CUPEL_TRY(const std::string kind, get_string(program, "kind"));
  std::vector<std::string> known;
  for (const DeciderKind& candidate : decider_kinds()) {
    if (candidate.kind == kind) {
      auto parsed = candidate.parse(program);
      if (!parsed) {
        return in_context(std::move(parsed).error(), kind);
      }
      return parsed;
    }
    known.emplace_back(candidate.kind);
  }
  return corrupt_data("unknown program kind \"{}\"{}; known: {}", printable(kind),
                      did_you_mean(kind, known), join(known, ", "));
}

Result<std::unique_ptr<Decider>> parse_decider(const Json& program) {
  CUPEL_TRY_VOID(check_nesting(program, 1));
  CUPEL_TRY(std::unique_ptr<Decider> inner, parse_decider_part(program));
  return std::unique_ptr<Decider>(std::make_unique<CleaningDecider>(std::move(inner)));
}

Result<std::unique_ptr<Decider>> make_decider(std::function<bool(std::string_view)> decide) {
  return std::unique_ptr<Decider>(std::make_unique<FunctionDecider>(std::move(decide)));
}

Result<Bounds> read_bounds(const Json& program,
                           std::string_view min_key,
                           std::string_view max_key) {
  Bounds bounds;
  CUPEL_TRY(bounds.min, get_int_or(program, min_key, bounds.min));
  CUPEL_TRY(bounds.max, get_int_or(program, max_key, bounds.max));
  if (bounds.min > bounds.max) {
    return corrupt_data("\"{}\" {} is above \"{}\" {}", min_key, bounds.min, max_key, bounds.max);
  }
  return bounds;
}

Result<std::vector<std::string>> read_strings(const Json& program, std::string_view key) {
  std::vector<std::string> texts;
  if (!program.contains(key)) {
    return texts;
  }
  CUPEL_TRY(const Json* list, get_array(program, key));
  for (const Json& item : list->as_array()) {
    if (!item.is_string() || item.as_string().empty()) {
      return corrupt_data("\"{}\" must hold strings that are not empty", key);
    }
    texts.push_back(item.as_string());
  }
  return texts;
}

Result<size_t> read_choice(const Json& program,
                           std::string_view key,
                           const std::vector<std::string>& choices) {
  CUPEL_TRY(const std::string value, get_string_or(program, key, choices.front()));
  const auto found = std::find(choices.begin(), choices.end(), value);
  if (found == choices.end()) {
    return corrupt_data("\"{}\" is \"{}\"{}; expected one of {}", key, printable(value),
                        did_you_mean(value, choices), join(choices, ", "));
  }
  return static_cast<size_t>(found - choices.begin());
}

Result<Ok> only_fields(const Json& program, const std::vector<std::string>& known) {
  for (const auto& [key, value] : program.as_object()) {
    if (key != "kind" && std::find(known.begin(), known.end(), key) == known.end()) {
      return corrupt_data("unknown field \"{}\"{}", printable(key), did_you_mean(key, known));
    }
  }
  return Ok{};
}

}  // namespace cupel::judge
