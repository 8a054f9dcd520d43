#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/sampling.h"
#include "flow/journal.h"

namespace cupel::curate {

/// What fixes the answers of a folder.
struct SamplerOf {
  std::string model;        ///< its name, for messages
  std::string spec;         ///< as it was given; holds no keys
  std::string fingerprint;  ///< ChatModel::fingerprint
  SamplingOptions sampling;
};

/// The folder of `cupel pairs`: manifest.json (who answered and how), answers.journal.jsonl (every
/// answer that was sampled, append-only), and what is made of them.
class PairFolder {
 public:
  /// Opens or creates. Errors: kFailedPrecondition - the folder holds something else, or answers of
  /// another model or other sampling (names what differs); another process works there.
  /// The journal is locked before anything is written: of two that begin at once one is refused.
  static Result<PairFolder> open(const std::string& path, const SamplerOf& sampler);

  [[nodiscard]] flow::Journal& journal() { return *journal_; }
  [[nodiscard]] std::string file(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }

 private:
  PairFolder(std::string path, std::unique_ptr<flow::Journal> journal)
      : path_(std::move(path)), journal_(std::move(journal)) {}
  std::string path_;
  std::unique_ptr<flow::Journal> journal_;
};

}  // namespace cupel::curate
