#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "decode/bench/figures.h"
#include "decode/local_model.h"
#include "engine/runtime/transformer.h"

namespace cupel::decode::bench {

/// A model file that is measured: as LocalModel opens it, but driven by the caller's thread.
class Subject {
 public:
  /// Errors: as LocalModel::open; kUnsupported - no token of the vocabulary is ordinary.
  static Result<std::unique_ptr<Subject>> open(const LocalModelOptions& options);

  [[nodiscard]] engine::Transformer& model() { return *transformer_; }
  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  [[nodiscard]] const std::string& path() const { return file_->path(); }
  [[nodiscard]] ModelFacts facts(const std::string& name) const;
  [[nodiscard]] double cache_bytes_per_position() const;

  /// Pseudo-random ids that a text could have, a function of `stream` and position alone: no
  /// control tokens, none that ends an answer, none without bytes.
  [[nodiscard]] std::vector<TokenId> prompt(int64_t tokens, uint64_t stream) const;

 private:
  Subject() = default;
  [[nodiscard]] bool ordinary(TokenId id) const;

  std::unique_ptr<engine::Checkpoint> file_;  // weights may be used where they are mapped
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<engine::Transformer> transformer_;
  TokenId some_ordinary_ = 0;
};

/// A tokenizer of which no token ends an answer, so that every stream writes as many tokens as it
/// was asked for. The other one must outlive it.
class EndlessTokenizer : public Tokenizer {
 public:
  explicit EndlessTokenizer(const Tokenizer& tokenizer) : of_(tokenizer) {}

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text,
                                            const EncodeOptions& options) const override {
    return of_.encode(text, options);
  }
  [[nodiscard]] std::string token_bytes(TokenId id, bool render_special) const override {
    return of_.token_bytes(id, render_special);
  }
  [[nodiscard]] std::string decode(std::span<const TokenId> ids,
                                   bool render_special) const override {
    return of_.decode(ids, render_special);
  }
  [[nodiscard]] std::vector<size_t> control_places(std::string_view text) const override {
    return of_.control_places(text);
  }
  [[nodiscard]] bool drops_space_after(TokenId previous) const override {
    return of_.drops_space_after(previous);
  }
  [[nodiscard]] size_t vocabulary_size() const override { return of_.vocabulary_size(); }
  [[nodiscard]] TokenId bos() const override { return of_.bos(); }
  [[nodiscard]] TokenId eos() const override { return of_.eos(); }
  [[nodiscard]] bool ends_generation(TokenId /*id*/) const override { return false; }
  [[nodiscard]] bool is_control(TokenId id) const override { return of_.is_control(id); }
  [[nodiscard]] TokenId find(std::string_view piece) const override { return of_.find(piece); }

 private:
  const Tokenizer& of_;
};

}  // namespace cupel::decode::bench
