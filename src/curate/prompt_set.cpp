#include "curate/prompt_set.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/rng.h"
#include "base/text.h"

namespace cupel::curate {
namespace {

Result<Conversation> read_messages(const Json& row) {
  const Json* const prompt = row.find("prompt");
  if (prompt == nullptr) {
    return corrupt_data(
        "there is no \"prompt\"; expected a text, or messages of which the last "
        "is the user's");
  }
  if (prompt->is_string()) {
    if (trim(prompt->as_string()).empty()) {
      return corrupt_data("\"prompt\" is empty");
    }
    return Conversation{text_message("user", prompt->as_string())};
  }
  CUPEL_TRY(Conversation messages, conversation_from_json(*prompt));
  if (messages.empty() || messages.back().role != "user") {
    return corrupt_data("the last message of \"prompt\" is not the user's");
  }
  return messages;
}

/// "id" and "group" may be texts or whole numbers.
Result<std::string> read_name(const Json& row, std::string_view key, const std::string& fallback) {
  const Json* const value = row.find(key);
  if (value == nullptr || value->is_null()) {
    return fallback;
  }
  if (value->is_int()) {
    return format("{}", value->as_int());
  }
  if (!value->is_string() || value->as_string().empty()) {
    return corrupt_data("\"{}\" is {}; expected a text that is not empty", key, value->type_name());
  }
  return value->as_string();
}

Result<RulePrompt> read_prompt(const Json& row,
                               size_t line,
                               const std::shared_ptr<const Rule>& rule) {
  RulePrompt prompt;
  CUPEL_TRY(prompt.messages, read_messages(row));
  CUPEL_TRY(prompt.id, read_name(row, "id", format("{}", line)));
  CUPEL_TRY(prompt.group, read_name(row, "group", prompt.id));
  prompt.rule = rule;
  if (const Json* const own = row.find("rule"); own != nullptr && !own->is_null()) {
    CUPEL_TRY(Rule parsed, Rule::parse(*own));
    prompt.rule = std::make_shared<const Rule>(std::move(parsed));
  }
  if (prompt.rule == nullptr) {
    return corrupt_data("the line has no \"rule\"; give it one, or all of them with --rule");
  }
  prompt.key = fingerprint(dump_json(conversation_to_json(prompt.messages)));
  return prompt;
}

/// Each id and each prompt once.
class Unique {
 public:
  Result<Ok> add(const RulePrompt& prompt) {
    if (!ids_.insert(prompt.id).second) {
      return corrupt_data("the id \"{}\" stands in an earlier line too", printable(prompt.id));
    }
    const auto [place, is_new] = keys_.emplace(prompt.key, prompt.id);
    if (!is_new) {
      return corrupt_data("the prompt is that of \"{}\" again; leave one of them out",
                          printable(place->second));
    }
    return Ok{};
  }

 private:
  std::set<std::string> ids_;
  std::map<std::string, std::string> keys_;
};

/// The groups in an order that a seed draws for each of them alone, whichever others there are.
std::vector<std::string> drawn_order(const std::map<std::string, int64_t>& groups, uint64_t seed) {
  std::vector<std::pair<uint64_t, std::string>> drawn;
  for (const auto& [name, size] : groups) {
    const std::string key = fingerprint(name);
    uint64_t stream = 0;  // the first half of the fingerprint, 16 hex digits
    std::from_chars(key.data(), key.data() + 16, stream, 16);
    drawn.emplace_back(random_bits(seed, stream, 0), name);
  }
  std::ranges::sort(drawn);
  std::vector<std::string> names;
  for (auto& [bits, name] : drawn) {
    names.push_back(std::move(name));
  }
  return names;
}

Json rule_to_json(const Rule& rule) {
  Json list = Json::array();
  for (const judge::ChecklistItem& item : rule.items()) {
    list.push_back(Json::object().set("question", item.question).set("program", item.program));
  }
  return list;
}

Json checklist_to_json(const Rule& rule, int64_t question) {
  Json items = Json::array();
  for (size_t i = 0; i < rule.items().size(); ++i) {
    const judge::ChecklistItem& item = rule.items()[i];
    items.push_back(Json::object()
                        .set("id", format("{}.1.{}", question, i + 1))
                        .set("question", item.question)
                        .set("program", item.program));
  }
  return Json::object().set("question_id", question).set("turn", 1).set("items", std::move(items));
}

}  // namespace

Result<std::vector<RulePrompt>> read_prompts(const std::string& path,
                                             const std::shared_ptr<const Rule>& rule) {
  std::vector<RulePrompt> prompts;
  Unique unique;
  const auto add = [&](Json&& row, size_t line) -> Result<Ok> {
    CUPEL_TRY(RulePrompt prompt, read_prompt(row, line, rule));
    CUPEL_TRY_VOID(unique.add(prompt));
    prompts.push_back(std::move(prompt));
    return Ok{};
  };
  CUPEL_TRY_VOID(for_each_jsonl_file(path, add));
  if (prompts.empty()) {
    return invalid_argument("{}: holds no prompts; expected lines {{\"prompt\": …}}", path);
  }
  return prompts;
}

Result<BenchmarkPrompts> prompts_of(const judge::Benchmark& benchmark) {
  BenchmarkPrompts out;
  Unique unique;
  for (const judge::Question& question : benchmark.questions) {
    const auto checklist = benchmark.checklists.find({question.id, 1});
    const bool by_programs =
        checklist != benchmark.checklists.end() && !checklist->second.empty() &&
        std::ranges::none_of(checklist->second,
                             [](const auto& item) { return item.program.is_null(); });
    if (!by_programs) {
      ++out.left_out;
      continue;
    }
    RulePrompt prompt{.id = format("{}", question.id)};
    prompt.group = prompt.id;
    prompt.messages = {text_message("user", question.turns.front())};
    prompt.key = fingerprint(dump_json(conversation_to_json(prompt.messages)));
    CUPEL_TRY(Rule rule, Rule::of_checklist(checklist->second));
    prompt.rule = std::make_shared<const Rule>(std::move(rule));
    CUPEL_TRY_VOID(unique.add(prompt));
    out.prompts.push_back(std::move(prompt));
  }
  if (out.prompts.empty()) {
    return failed_precondition(
        "{}: no question has a first turn whose checklist programs decide alone", benchmark.folder);
  }
  return out;
}

Result<PromptSplit> hold_out(std::vector<RulePrompt> prompts, int64_t count, uint64_t seed) {
  std::map<std::string, int64_t> sizes;
  for (const RulePrompt& prompt : prompts) {
    ++sizes[prompt.group];
  }
  const std::vector<std::string> groups = drawn_order(sizes, seed);
  std::set<std::string> taken;
  int64_t held = 0;
  for (size_t i = 0; i < groups.size() && held < count; ++i) {
    taken.insert(groups[i]);
    held += sizes[groups[i]];
  }
  if (held >= std::ssize(prompts)) {
    return invalid_argument(
        "{} prompts cannot be held out of {} in {} group{}: none would be left to build from",
        count, prompts.size(), groups.size(), groups.size() == 1 ? "" : "s");
  }
  PromptSplit split;
  for (RulePrompt& prompt : prompts) {
    (taken.contains(prompt.group) ? split.held_out : split.kept).push_back(std::move(prompt));
  }
  return split;
}

Result<Ok> check_questions(const std::vector<RulePrompt>& prompts) {
  for (const RulePrompt& prompt : prompts) {
    if (prompt.messages.size() != 1) {
      return unsupported(
          "prompt \"{}\" has {} messages; a benchmark's question is one user message, so it "
          "cannot be held out",
          printable(prompt.id), prompt.messages.size());
    }
  }
  return Ok{};
}

Result<Ok> write_benchmark(const std::vector<RulePrompt>& prompts, const BenchmarkFolder& to) {
  CUPEL_TRY_VOID(check_questions(prompts));
  std::string questions;
  std::string checklists;
  int64_t id = 0;
  for (const RulePrompt& prompt : prompts) {
    ++id;
    questions += dump_json(Json::object()
                               .set("question_id", id)
                               .set("category", "rule")
                               .set("turns", Json::array().push_back(prompt.messages[0].text()))) +
                 "\n";
    checklists += dump_json(checklist_to_json(*prompt.rule, id)) + "\n";
  }
  const Json manifest = Json::object()
                            .set("name", "held_out")
                            .set("version", "1")
                            .set("title", to.title)
                            .set("license", "unknown")
                            .set("questions", "question.jsonl")
                            .set("checklists", "checklist.jsonl")
                            .set("protocol", "checklist")
                            .set("temperatures", Json::object().set("rule", to.temperature))
                            .set("need_reference", Json::array())
                            .set("max_tokens", to.max_tokens)
                            .set("sha256", Json::object()
                                               .set("question.jsonl", sha256(questions))
                                               .set("checklist.jsonl", sha256(checklists)));
  CUPEL_TRY_VOID(make_directories(to.folder));
  CUPEL_TRY_VOID(write_file_atomic(to.folder + "/question.jsonl", questions));
  CUPEL_TRY_VOID(write_file_atomic(to.folder + "/checklist.jsonl", checklists));
  return write_file_atomic(to.folder + "/manifest.json", dump_json(manifest, {.indent = 2}) + "\n");
}

std::string prompts_to_jsonl(const std::vector<RulePrompt>& prompts) {
  std::string text;
  for (const RulePrompt& prompt : prompts) {
    text += dump_json(Json::object()
                          .set("id", prompt.id)
                          .set("group", prompt.group)
                          .set("prompt", conversation_to_json(prompt.messages))
                          .set("rule", rule_to_json(*prompt.rule))) +
            "\n";
  }
  return text;
}

}  // namespace cupel::curate
