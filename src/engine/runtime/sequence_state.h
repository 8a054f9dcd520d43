#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/runtime/kv_pool.h"

namespace cupel::engine {

/// What one sequence has seen: rows of the key-value cache by position. Forks share pages and copy
/// the last, partly filled one when either side writes to it.
///
/// Move-only; belongs to the thread of its pool, which must outlive it.
class SequenceState {
 public:
  explicit SequenceState(KvPool& pool) : pool_(&pool), layer_pages_(pool.layers()) {}
  SequenceState(SequenceState&& other) noexcept;
  SequenceState& operator=(SequenceState&& other) noexcept;
  SequenceState(const SequenceState&) = delete;
  SequenceState& operator=(const SequenceState&) = delete;
  ~SequenceState() { clear(); }

  /// Positions that hold rows.
  [[nodiscard]] int64_t length() const { return length_; }
  /// A second state that has seen the same first `length` (≤ length()) positions. Cheap.
  [[nodiscard]] SequenceState fork(int64_t length) const;
  [[nodiscard]] SequenceState fork() const { return fork(length_); }
  /// Forgets the rows from `length` on. `truncate(checkpoint)` is the roll-back.
  void truncate(int64_t length);

  /// Makes room for `rows` more positions, so that they can be written. Errors: kExhausted; the
  /// state is then as before.
  Result<Ok> reserve(int64_t rows);
  /// Positions that could hold rows without more pages.
  [[nodiscard]] int64_t reserved() const { return static_cast<int64_t>(pages_.size()) * kPageRows; }
  /// Counts `rows` reserved positions as seen.
  void extend(int64_t rows) { length_ += rows; }
  /// What stood in a row that was given as an embedding.
  static constexpr TokenId kNoToken = -1;
  /// Models whose rotary factors depend on the sequence's length need its tokens to compute it
  /// anew: one per row, kNoToken where there is none.
  void remember(TokenId token) { tokens_.push_back(token); }
  [[nodiscard]] std::span<const TokenId> tokens() const { return tokens_; }
  /// The tokens of the last step's tree, of which `commit` remembers those that stay.
  void draft(TokenId token) { drafts_.push_back(token); }
  void forget_drafts() { drafts_.clear(); }
  [[nodiscard]] std::span<const TokenId> drafts() const { return drafts_; }
  /// Whether its rows were computed with the long factors.
  [[nodiscard]] bool long_rope() const { return long_rope_; }
  void use_long_rope(bool value) { long_rope_ = value; }
  /// Pages of one layer by position / kPageRows; valid until the next reserve, fork or truncate.
  [[nodiscard]] std::span<const KvPage> pages(size_t layer) const { return layer_pages_[layer]; }

 private:
  void clear();
  void drop_last_page();
  void push_page(int32_t page);

  KvPool* pool_;
  int64_t length_ = 0;
  bool long_rope_ = false;
  std::vector<TokenId> tokens_;  // these two of models with long factors only
  std::vector<TokenId> drafts_;
  std::vector<int32_t> pages_;
  std::vector<std::vector<KvPage>> layer_pages_;  // [layer][page]: what attention reads
};

}  // namespace cupel::engine
