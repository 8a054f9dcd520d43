#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "flow/journal.h"
#include "judge/benchmark.h"
#include "judge/judge_item.h"
#include "store/cost_ledger.h"

namespace cupel::judge {

/// What fixes the results of a run. A run can be added to (models, judges), but these stay.
struct RunSettings {
  uint64_t seed = 0;
  int64_t limit = 0;       ///< first N questions; 0 = all
  int64_t max_tokens = 0;  ///< per answer turn
};

/// A model or judge as the run knows it.
struct RunMember {
  std::string name;
  std::string fingerprint;
  std::string spec;  ///< as it was given; never holds keys
  bool is_control = false;
};

/// One evaluation on disk: manifest.json (inputs by hash, settings, members, prices), results.jsonl
/// (one row per answer and verdict, append-only) and calls.sqlite (answers of model calls, so that
/// a call whose row was not written yet when the process was killed is not made again).
class RunFolder {
 public:
  /// Opens or creates a run. Errors: kFailedPrecondition - the folder holds a run of another
  /// benchmark or other settings (names what differs and how to mend it).
  static Result<RunFolder> open(const std::string& path,
                                const Benchmark& benchmark,
                                const RunSettings& settings);
  /// Opens an existing run and the benchmark it was made with, to read only: also while an
  /// evaluation works on it.
  /// Errors: kNotFound - no run there; kFailedPrecondition - the benchmark has changed since.
  static Result<RunFolder> open_existing(const std::string& path, Benchmark& benchmark);

  /// Adds or confirms a member and writes the manifest. Errors: kFailedPrecondition - the name is
  /// taken by something with another fingerprint.
  Result<Ok> add_model(const RunMember& model);
  /// Also remembers how it judges: see last_protocol, last_baseline.
  Result<Ok> add_judge(const RunMember& judge,
                       const std::string& protocol,
                       const std::string& baseline);
  /// Sets prices of models and judges by name, which then hold for all their rows, and writes the
  /// manifest. Other prices stay.
  Result<Ok> set_prices(const std::map<std::string, store::Price>& prices);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const RunSettings& settings() const { return settings_; }
  [[nodiscard]] const std::vector<RunMember>& models() const { return models_; }
  [[nodiscard]] const std::vector<RunMember>& judges() const { return judges_; }
  [[nodiscard]] const std::map<std::string, store::Price>& prices() const { return prices_; }
  [[nodiscard]] std::string call_cache_path() const { return path_ + "/calls.sqlite"; }
  /// Name of the judge, protocol and baseline that were used last.
  [[nodiscard]] const std::string& last_judge() const { return last_judge_; }
  [[nodiscard]] const std::string& last_protocol() const { return last_protocol_; }
  [[nodiscard]] const std::string& last_baseline() const { return last_baseline_; }
  [[nodiscard]] flow::Journal& journal() { return *journal_; }
  [[nodiscard]] const flow::Journal& journal() const { return *journal_; }

 private:
  RunFolder() = default;
  Result<Ok> read_manifest(const Benchmark* benchmark);
  Result<Ok> write_manifest() const;

  std::string path_;
  std::string benchmark_name_;
  std::string benchmark_folder_;
  BenchmarkOptions benchmark_options_;
  std::string benchmark_fingerprint_;
  RunSettings settings_;
  std::vector<RunMember> models_;
  std::vector<RunMember> judges_;
  std::map<std::string, store::Price> prices_;
  std::string last_judge_;
  std::string last_protocol_;
  std::string last_baseline_;
  std::unique_ptr<flow::Journal> journal_;
};

/// {NAME: {"prompt", "completion"}}, each of a million tokens.
Json prices_to_json(const std::map<std::string, store::Price>& prices);

/// Keys of a run's rows.
std::string answer_key(const std::string& model, int64_t question, int turn);
/// Judge, protocol, the models of the item in the order in which they are judged, question, turn.
std::string verdict_key(const std::string& judge, std::string_view protocol, const JudgeItem& item);
/// Keys of the answers that an item is judged by: each side's, turn by turn.
std::vector<std::string> answer_keys(const JudgeItem& item);

/// The questions of a run: the benchmark's first `limit`.
std::vector<const Question*> run_questions(const Benchmark& benchmark, int64_t limit);
/// The questions and models of a run, and the baseline that was used last.
JudgeScope judge_scope(const Benchmark& benchmark, const RunFolder& run);

}  // namespace cupel::judge
