#include "engine/runtime/sequence_state.h"

#include <algorithm>
#include <utility>

namespace cupel::engine {
namespace {

int64_t pages_for(int64_t rows) {
  return (rows + kPageRows - 1) / kPageRows;
}

}  // namespace

SequenceState::SequenceState(SequenceState&& other) noexcept
    : pool_(other.pool_),
      length_(std::exchange(other.length_, 0)),
      long_rope_(std::exchange(other.long_rope_, false)),
      tokens_(std::exchange(other.tokens_, {})),
      tree_(std::exchange(other.tree_, {})),
      pages_(std::move(other.pages_)),
      layer_pages_(std::move(other.layer_pages_)) {
  other.pages_.clear();
}

SequenceState& SequenceState::operator=(SequenceState&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(length_, other.length_);
  std::swap(long_rope_, other.long_rope_);
  std::swap(tokens_, other.tokens_);
  std::swap(tree_, other.tree_);
  std::swap(pages_, other.pages_);
  std::swap(layer_pages_, other.layer_pages_);
  return *this;
}

SequenceState SequenceState::fork(int64_t length) const {
  CUPEL_CHECK(length >= 0 && length <= length_);
  SequenceState copy(*pool_);
  copy.length_ = length;
  copy.long_rope_ = long_rope_;
  copy.tokens_.assign(tokens_.begin(), tokens_.begin() + std::min(length, std::ssize(tokens_)));
  copy.reserve_lists(static_cast<size_t>(pages_for(length)));
  for (int64_t i = 0; i < pages_for(length); ++i) {
    pool_->retain(pages_[static_cast<size_t>(i)]);
    copy.push_page(pages_[static_cast<size_t>(i)]);
  }
  return copy;
}

void SequenceState::truncate(int64_t length) {
  CUPEL_CHECK(length >= 0 && length <= length_);
  length_ = length;
  tree_.clear();
  tokens_.resize(std::min(tokens_.size(), static_cast<size_t>(length)));
  while (static_cast<int64_t>(pages_.size()) > pages_for(length)) {
    drop_last_page();
  }
}

Result<Ok> SequenceState::reserve(int64_t rows) {
  const size_t before = pages_.size();
  const bool writes_into_last = length_ % kPageRows > 0 && rows > 0;
  // A shared page that is only partly filled would be written by both sides: take a copy first.
  if (const size_t last = static_cast<size_t>(length_ / kPageRows);
      writes_into_last && pool_->shared(pages_[last])) {
    CUPEL_TRY(const int32_t own, pool_->allocate());
    pool_->copy(pages_[last], own);
    pool_->release(pages_[last]);
    pages_[last] = own;
    for (size_t layer = 0; layer < layer_pages_.size(); ++layer) {
      layer_pages_[layer][last] = pool_->layer(own, layer);
    }
  }
  reserve_lists(static_cast<size_t>(pages_for(length_ + rows)));
  while (static_cast<int64_t>(pages_.size()) < pages_for(length_ + rows)) {
    auto page = pool_->allocate();
    if (!page) {
      while (pages_.size() > before) {
        drop_last_page();
      }
      return std::move(page).error();
    }
    push_page(*page);
  }
  return Ok{};
}

void SequenceState::clear() {
  while (!pages_.empty()) {
    drop_last_page();
  }
  length_ = 0;
}

void SequenceState::drop_last_page() {
  pool_->release(pages_.back());
  pages_.pop_back();
  for (auto& pages : layer_pages_) {
    pages.pop_back();
  }
}

// All lists at once, before any of them grows: layers never differ in length, and no page is lost.
void SequenceState::reserve_lists(size_t pages) {
  if (pages <= pages_.capacity()) {
    return;
  }
  const size_t room = std::max(pages, 2 * pages_.size());
  layer_pages_.resize(pool_->layers());  // what was moved from has none
  tokens_.reserve(room * kPageRows);
  for (auto& layer : layer_pages_) {
    layer.reserve(room);
  }
  pages_.reserve(room);  // last: it says what all have
}

void SequenceState::push_page(int32_t page) noexcept {
  pages_.push_back(page);
  for (size_t layer = 0; layer < layer_pages_.size(); ++layer) {
    layer_pages_[layer].push_back(pool_->layer(page, layer));
  }
}

}  // namespace cupel::engine
