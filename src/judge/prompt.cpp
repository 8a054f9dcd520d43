#include "judge/prompt.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::judge {

Result<std::string> fill_prompt(const JudgePrompt& prompt, const PromptFields& fields) {
  const std::string_view text = prompt.prompt_template;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      out += c;
      ++i;
    } else if (c == '}') {
      return corrupt_data("judge prompt \"{}\": a lone \"}}\"; write \"}}}}\" for a brace",
                          prompt.name);
    } else if (c == '{') {
      const size_t end = text.find('}', i);
      const std::string_view name =
          text.substr(i + 1, end == std::string_view::npos ? end : end - i - 1);
      const auto field = std::find_if(fields.begin(), fields.end(),
                                      [&](const auto& f) { return f.first == name; });
      if (field == fields.end()) {
        return corrupt_data("judge prompt \"{}\": unknown placeholder \"{{{}}}\"", prompt.name,
                            printable(name));
      }
      out += field->second;
      i = end;
    } else {
      out += c;
    }
  }
  return out;
}

Conversation judge_conversation(const JudgePrompt& prompt, std::string user_text) {
  Conversation conversation;
  if (!prompt.system_prompt.empty()) {
    conversation.push_back(text_message("system", prompt.system_prompt));
  }
  conversation.push_back(text_message("user", user_text));
  return conversation;
}

Result<const JudgePrompt*> find_prompt(const Benchmark& benchmark, const std::string& name) {
  const auto found = benchmark.prompts.find(name);
  if (found == benchmark.prompts.end()) {
    const bool own = benchmark.options.judge_prompts.empty();
    return not_found(
        "{}: has no judge prompt \"{}\"; {}",
        own ? benchmark.folder : benchmark.options.judge_prompts, name,
        own ? "name a judge_prompts.jsonl that has it with --judge-prompts" : "add it there");
  }
  return &found->second;
}

}  // namespace cupel::judge
