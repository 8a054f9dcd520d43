#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizer/split_pattern.h"
#include "engine/tokenizer/splitters.h"

namespace cupel::engine {

/// Cuts text into the words inside which byte-level BPE merges. Immutable, thread-safe.
class PreTokenizer {
 public:
  enum class Engine {
    kFastest,   ///< a hand-written splitter where there is one
    kPatterns,  ///< the patterns of pre_tokenizers.def: the oracle of the others
  };
  /// Errors: kUnsupported - no entry of that name in pre_tokenizers.def (names the nearest and the
  /// option that overrides the file's name); kFailedPrecondition - the name is empty.
  static Result<PreTokenizer> create(std::string_view name, Engine engine = Engine::kFastest);

  /// Appends the pieces of `text` (valid UTF-8) in order; together they are the text.
  void split(std::string_view text, Pieces& pieces) const;

  /// A word that is a token as a whole is that token, whatever the merges say.
  [[nodiscard]] bool ignore_merges() const { return ignore_merges_; }
  /// BOS is added by default.
  [[nodiscard]] bool adds_bos() const { return adds_bos_; }

 private:
  using Splitter = void (*)(std::string_view, Pieces&);
  PreTokenizer() = default;

  bool ignore_merges_ = false;
  bool adds_bos_ = false;
  Splitter splitter_ = nullptr;
  std::vector<Regex> patterns_;  // when there is no splitter
};

/// Cuts valid UTF-8 into words; see splitters.h.
using WordSplitter = void (*)(std::string_view, Pieces&);
/// The hand-written splitter of a pattern of pre_tokenizers.def, or nullptr.
WordSplitter written_splitter(std::string_view pattern);

/// What an entry of pre_tokenizers.def does, as patterns that Oniguruma (tokenizer.json) reads.
struct SplitRule {
  std::vector<std::string> patterns;  ///< one after another
  bool ignore_merges = false;
};
/// Errors: kUnsupported - no entry of that name.
Result<SplitRule> split_rule(std::string_view name);
/// The name of the entry that does the same; empty when there is none. Of several the one that most
/// models state.
std::string_view pre_tokenizer_of(const SplitRule& rule);

/// Every name of pre_tokenizers.def, sorted.
std::vector<std::string> pre_tokenizer_names();

}  // namespace cupel::engine
