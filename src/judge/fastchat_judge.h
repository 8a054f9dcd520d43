#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "judge/prompt.h"
#include "judge/protocol.h"

namespace cupel::judge {

// What the protocols of FastChat's MT-Bench share: a prompt by category and turn, its fields, and
// how the judge is called.

/// Names of a protocol's prompts; those of second turns end in "-multi-turn".
struct TurnPrompts {
  std::string_view plain;
  std::string_view with_reference;  ///< categories of Benchmark::need_reference
};

/// Errors: kNotFound - the benchmark lacks it.
Result<const JudgePrompt*> find_turn_prompt(const Benchmark& benchmark,
                                            const Question& question,
                                            int turn,
                                            const TurnPrompts& prompts);

/// Checks that every question has its prompts and references and at most two turns; `check_prompt`
/// checks more of each prompt. Errors: kNotFound, kFailedPrecondition, kUnsupported naming the
/// question, and those of `check_prompt`.
Result<Ok> check_turn_prompts(
    const Benchmark& benchmark,
    const TurnPrompts& prompts,
    const std::function<Result<Ok>(const JudgePrompt& prompt)>& check_prompt = {});

/// {question}, {question_1}, {question_2}, {ref_answer_1}, {ref_answer_2}: empty where there is
/// none. Views of the item.
PromptFields turn_fields(const JudgeItem& item);

/// The answer of a side to a turn, or "".
std::string_view answer_to(const Side& side, size_t turn);

/// Most tokens of a verdict that is asked for alone.
constexpr int64_t kMarkTokens = 32;

/// The step of a protocol that asks for words with a verdict in them (temperature 0, up to 2048
/// tokens): the call, or, once it is answered, what `read` makes of the answer. Where the benchmark
/// constrains verdicts, words without one are followed by a second call, whose answer is held to
/// [[…]]; `mark` is a regular expression of what may stand between the brackets.
ProtocolStep ask_for_verdict(const Benchmark& benchmark,
                             const JudgePrompt& prompt,
                             std::string_view mark,
                             std::string user_text,
                             std::span<const JudgeResponse> responses,
                             const std::function<Outcome(const ChatResponse& response)>& read);

}  // namespace cupel::judge
