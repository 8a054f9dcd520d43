#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/message.h"
#include "curate/rule.h"
#include "judge/benchmark.h"

namespace cupel::curate {

/// A prompt and what its answers are held to.
struct RulePrompt {
  std::string id;
  std::string group;  ///< prompts of one group are held out together; its id where none is given
  Conversation messages;  ///< ends with a user's message
  std::shared_ptr<const Rule> rule;
  std::string key;  ///< fingerprint of the messages
};

/// Reads lines {"prompt": text or messages, "rule"?, "id"?, "group"?}. A line without a rule has
/// `rule`; an id is the line's number where none is given.
///
/// Errors: "file:line: …" (kCorruptData) - no prompt, a rule that is none, no rule at all, equal
/// ids, equal prompts; kInvalidArgument - no lines.
Result<std::vector<RulePrompt>> read_prompts(const std::string& path,
                                             const std::shared_ptr<const Rule>& rule);

/// The first turns of a benchmark whose checklists programs decide alone, each held to its
/// checklist. Questions of which a judge would have to decide an item are left out and counted.
/// Errors: kFailedPrecondition - none is left.
struct BenchmarkPrompts {
  std::vector<RulePrompt> prompts;
  int64_t left_out = 0;
};
Result<BenchmarkPrompts> prompts_of(const judge::Benchmark& benchmark);

/// Some prompts to build from and others to test on.
struct PromptSplit {
  std::vector<RulePrompt> kept;
  std::vector<RulePrompt> held_out;
};
/// Whole groups, drawn by `seed`, until at least `count` prompts are held out; both parts keep
/// their order. A group's place in the draw depends on (seed, its name) alone: where one is added,
/// it may take the place of those drawn last, and no other one moves.
/// Errors: kInvalidArgument - nothing would be kept.
Result<PromptSplit> hold_out(std::vector<RulePrompt> prompts, int64_t count, uint64_t seed);

/// Whether a benchmark can hold these prompts. Errors: kUnsupported - one that is more than one
/// user message, which a benchmark cannot say.
Result<Ok> check_questions(const std::vector<RulePrompt>& prompts);

/// Writes a benchmark folder (question.jsonl, checklist.jsonl, manifest.json) of these prompts, so
/// that `cupel eval` measures how often answers follow the rules.
///
/// `temperature` and `max_tokens` are those of the answers. Errors: those of check_questions and of
/// writing.
struct BenchmarkFolder {
  std::string folder;
  std::string title;
  double temperature = 1;
  int64_t max_tokens = 128;
};
Result<Ok> write_benchmark(const std::vector<RulePrompt>& prompts, const BenchmarkFolder& to);

/// The prompts as read_prompts reads them.
std::string prompts_to_jsonl(const std::vector<RulePrompt>& prompts);

}  // namespace cupel::curate
