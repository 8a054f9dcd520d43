#include "curate/rule.h"

#include <utility>

#include "base/error.h"

namespace cupel::curate {
namespace {

/// What a checklist asks where nobody has put it into words.
std::string question_of(const Json& program) {
  return "Does the response satisfy the program " + dump_json(program) + "?";
}

Result<judge::ChecklistItem> read_item(const Json& json, size_t number) {
  judge::ChecklistItem item{.id = format("{}", number)};
  if (!json.is_object()) {
    return corrupt_data(
        "item {} of the rule is {}; expected a program such as "
        "{{\"kind\": \"contains\", \"any\": [\"because\"]}}",
        number, json.type_name());
  }
  if (const Json* const program = json.find("program"); program != nullptr) {
    item.program = *program;
    CUPEL_TRY(item.question, get_string_or(json, "question", question_of(*program)));
    return item;
  }
  item.program = json;
  item.question = question_of(json);
  return item;
}

}  // namespace

Result<Rule> Rule::parse(const Json& json) {
  const Json::Array one = {json};
  const Json::Array& list = json.is_array() ? json.as_array() : one;
  std::vector<judge::ChecklistItem> items;
  for (const Json& each : list) {
    CUPEL_TRY(judge::ChecklistItem item, read_item(each, items.size() + 1));
    items.push_back(std::move(item));
  }
  return of_checklist(std::move(items));
}

Result<Rule> Rule::of_checklist(std::vector<judge::ChecklistItem> items) {
  if (items.empty()) {
    return corrupt_data("the rule is empty; expected at least one program");
  }
  Rule rule;
  for (const judge::ChecklistItem& item : items) {
    if (item.program.is_null()) {
      return unsupported("checklist item {} has no program, so only a judge can decide it",
                         item.id);
    }
    auto decider = judge::parse_decider(item.program);
    if (!decider) {
      return in_context(std::move(decider).error(), format("item {} of the rule", item.id));
    }
    rule.deciders_.push_back(std::move(*decider));
  }
  rule.items_ = std::move(items);
  return rule;
}

Grade Rule::grade(std::string_view answer) const {
  Grade grade{.items = std::ssize(items_)};
  for (const auto& decider : deciders_) {
    grade.held += decider->decide(answer) ? 1 : 0;
  }
  return grade;
}

}  // namespace cupel::curate
