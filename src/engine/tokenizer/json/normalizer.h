#pragma once

#include <memory>

#include "base/result.h"
#include "engine/tokenizer/json/json_at.h"
#include "engine/tokenizer/json/unicode_forms.h"

namespace cupel::engine {

/// One step that changes text before it is cut into words. Immutable.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(CharText& text) const = 0;
  /// True when ASCII text stays as it is: such text skips the step.
  [[nodiscard]] virtual bool keeps_ascii() const { return false; }
  /// Most characters that one becomes.
  [[nodiscard]] virtual double growth() const { return 1; }
};

/// The "normalizer" of a tokenizer.json.
///
/// Known: Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend,
/// BertNormalizer, Nmt, Precompiled, ByteLevel. Errors: kUnsupported - another one (named by its
/// path), or a pattern that compile_oniguruma refuses; kCorruptData - a member is absent or
/// mistyped, or a character map is damaged.
Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonAt& json);

}  // namespace cupel::engine
