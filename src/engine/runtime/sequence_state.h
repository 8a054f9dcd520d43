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
  /// A row of the last step that was a tree: its parent among them (-1: the sequence), its token.
  struct TreeRow {
    int32_t parent = -1;
    TokenId token = 0;
  };
  /// In place of a token: the row was a given embedding.
  static constexpr TokenId kEmbedded = -1;

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
  /// state is then as before. Where there is no memory (std::bad_alloc) it may keep a part of the
  /// room, and is whole.
  Result<Ok> reserve(int64_t rows);
  /// Positions that could hold rows without more pages.
  [[nodiscard]] int64_t reserved() const { return static_cast<int64_t>(pages_.size()) * kPageRows; }
  /// Counts `rows` reserved positions as seen. Forgets the tree.
  void extend(int64_t rows) {
    length_ += rows;
    tree_.clear();
  }
  /// The rows that were written after the end and not counted, by slot: what can be committed.
  [[nodiscard]] std::span<const TreeRow> tree() const { return tree_; }
  void forget_tree() { tree_.clear(); }
  void add_tree_row(TreeRow row) { tree_.push_back(row); }
  /// Models whose rotary factors depend on the sequence's length need its tokens, one for each
  /// position, to compute it anew.
  void remember(TokenId token) { tokens_.push_back(token); }
  [[nodiscard]] std::span<const TokenId> tokens() const { return tokens_; }
  /// Whether its rows were computed with the long factors.
  [[nodiscard]] bool long_rope() const { return long_rope_; }
  void use_long_rope(bool value) { long_rope_ = value; }
  /// Pages of one layer by position / kPageRows; valid until the next reserve, fork or truncate.
  [[nodiscard]] std::span<const KvPage> pages(size_t layer) const { return layer_pages_[layer]; }

 private:
  void clear();
  void drop_last_page();
  void reserve_lists(size_t pages);
  void push_page(int32_t page) noexcept;

  KvPool* pool_;
  int64_t length_ = 0;
  bool long_rope_ = false;
  std::vector<TokenId> tokens_;  // of models with long factors only
  std::vector<TreeRow> tree_;
  std::vector<int32_t> pages_;
  std::vector<std::vector<KvPage>> layer_pages_;  // [layer][page]: what attention reads
};

}  // namespace cupel::engine
