#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::judge {

/// One question of a benchmark, in MT-Bench's record form.
struct Question {
  int64_t id = 0;
  std::string category;
  std::vector<std::string> turns;
  std::optional<double> required_temperature;  ///< overrides the category's
};

/// One yes/no question about an answer. `program` decides it when it is set (decider.h), else a
/// judge.
struct ChecklistItem {
  std::string id;
  std::string question;
  Json program;
};

/// One judge prompt, as in FastChat's judge_prompts.jsonl. The prompts are data: the user's own
/// file works unchanged.
struct JudgePrompt {
  std::string name;
  std::string type;  ///< "single", "pairwise" or "checklist"
  std::string system_prompt;
  std::string prompt_template;
  std::string output_format;
};

/// What is chosen beside a benchmark's files.
struct BenchmarkOptions {
  std::string judge_prompts;        ///< a file that stands for the folder's judge_prompts.jsonl
  bool without_references = false;  ///< judge every category without a reference
  bool constrain_verdicts = false;  ///< a judge that wrote none is asked for one in its form
};

/// A folder of questions and what is needed to judge answers to them. With a manifest.json it says
/// itself what is where; without one the layout of FastChat's mt_bench is expected (question.jsonl,
/// reference_answer/*.jsonl, judge_prompts.jsonl) with MT-Bench's temperatures.
struct Benchmark {
  std::string name;
  std::string title;
  std::string license;
  std::string folder;
  BenchmarkOptions options;
  std::string fingerprint;                     ///< of all files that were read, and of the options
  std::string default_protocol;                ///< "checklist" or "single"
  int64_t max_tokens = 1024;                   ///< per turn
  std::map<std::string, double> temperatures;  ///< by category; others get kOtherTemperature
  std::set<std::string> need_reference;        ///< categories judged with a reference

  std::vector<Question> questions;                         ///< in file order
  std::map<int64_t, std::vector<std::string>> references;  ///< by question: one text a turn
  std::map<std::pair<int64_t, int>, std::vector<ChecklistItem>>
      checklists;                              ///< by question, turn (1 …)
  std::map<std::string, JudgePrompt> prompts;  ///< by name

  [[nodiscard]] double temperature(const Question& question) const;
  /// Categories in order of first appearance.
  [[nodiscard]] std::vector<std::string> categories() const;
  /// Reference text of a turn, or nullptr.
  [[nodiscard]] const std::string* reference(int64_t question, int turn) const;
};

/// Temperature of a category that a benchmark does not list (FastChat's).
constexpr double kOtherTemperature = 0.7;

/// Errors: kNotFound - no such folder or no question.jsonl; kCorruptData with file and line - bad
/// records, equal ids, a manifest whose checksums do not match its files.
Result<Benchmark> load_benchmark(const std::string& folder, const BenchmarkOptions& options = {});

/// Finds a benchmark by folder, or by name below the installed and the source tree's `benchmarks/`.
/// Errors: kNotFound with the nearest name.
Result<std::string> find_benchmark(const std::string& name_or_folder);

}  // namespace cupel::judge
