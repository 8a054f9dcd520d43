#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/protocol.h"
#include "judge/run_folder.h"

namespace cupel::judge {

/// Reads the verdicts of one judge and protocol out of a run. What it is given must outlive it.
class VerdictReader {
 public:
  VerdictReader(const Benchmark& benchmark,
                const RunFolder& run,
                std::string judge,
                const Protocol& protocol)
      : benchmark_(benchmark), run_(run), judge_(std::move(judge)), protocol_(protocol) {}

  /// Items that a model takes part in, and those of them that have a verdict.
  struct Tally {
    int64_t total = 0;
    int64_t done = 0;
    [[nodiscard]] bool complete() const { return total > 0 && done == total; }
    [[nodiscard]] double missing_share() const {
      return total > 0 ? static_cast<double>(total - done) / static_cast<double>(total) : 1;
    }
  };
  /// By model, among these models alone.
  [[nodiscard]] std::map<std::string, Tally> tally(const std::vector<std::string>& models) const;
  /// The models of the run that miss no verdict among each other: as long as one is missing, the
  /// model goes that misses the largest share.
  [[nodiscard]] std::vector<std::string> complete_models() const;
  /// What has a verdict among these models, in the protocol's order, with the answers. Errors:
  /// kCorruptData naming the row.
  [[nodiscard]] Result<std::vector<JudgedItem>> read(const std::vector<std::string>& models) const;

 private:
  [[nodiscard]] std::vector<JudgeItem> items(const std::vector<std::string>& models) const;
  [[nodiscard]] const Json* find(const JudgeItem& item) const;

  const Benchmark& benchmark_;
  const RunFolder& run_;
  std::string judge_;
  const Protocol& protocol_;
};

}  // namespace cupel::judge
