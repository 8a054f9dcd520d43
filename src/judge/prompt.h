#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/message.h"
#include "judge/benchmark.h"

namespace cupel::judge {

/// Values of a prompt's placeholders.
using PromptFields = std::vector<std::pair<std::string_view, std::string_view>>;

/// Fills `{name}` placeholders in one pass ("{{" and "}}" stand for braces, as in Python's format),
/// so that text put in is never read as a template again. Errors: kCorruptData for an unknown
/// placeholder or a lone brace, naming the prompt.
Result<std::string> fill_prompt(const JudgePrompt& prompt, const PromptFields& fields);

/// The judge's conversation: the system prompt (if any) and the filled user prompt.
Conversation judge_conversation(const JudgePrompt& prompt, std::string user_text);

/// Errors: kNotFound naming the prompt and the benchmark.
Result<const JudgePrompt*> find_prompt(const Benchmark& benchmark, const std::string& name);

}  // namespace cupel::judge
