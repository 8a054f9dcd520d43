#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "engine/kernels/large_memory.h"
#include "engine/kernels/operators.h"
#include "engine/runtime/experts.h"

namespace cupel::engine {

/// 64-byte aligned array that only grows; contents are undefined after growth.
template <typename T>
class Scratch {
 public:
  T* get(size_t count) {
    if (count > capacity_) {
      data_.reset();
      capacity_ = 0;
      data_.reset(static_cast<T*>(allocate_large(count * sizeof(T))));
      if (data_ == nullptr) {
        throw std::bad_alloc();
      }
      capacity_ = count;
    }
    return data_.get();
  }

  [[nodiscard]] T* data() { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { free_large(p); }
  };
  std::unique_ptr<T, Free> data_;
  size_t capacity_ = 0;
};

/// What stands beside the f32 values of activation rows, as the weights' types ask for.
struct ActivationTwins {
  bool int8 = false;  ///< quantised weights
  bool bf16 = false;  ///< weights in BF16

  [[nodiscard]] bool any() const { return int8 || bf16; }
};

/// Activation rows with their twins.
class ActivationScratch {
 public:
  ActivationBuffer get(int64_t rows, int64_t cols, ActivationTwins twins) {
    ActivationBuffer buffer{.rows = rows, .cols = cols};
    buffer.values = values_.get(static_cast<size_t>(rows * cols));
    if (twins.bf16) {
      buffer.bf16 = bf16_.get(static_cast<size_t>(rows * cols));
    }
    if (twins.int8) {
      buffer.quants = quants_.get(static_cast<size_t>(rows * cols));
      buffer.scales = scales_.get(static_cast<size_t>(rows * (cols / 32)));
      buffer.sums16 = sums_.get(static_cast<size_t>(rows * (cols / 16)));
      buffer.totals = totals_.get(static_cast<size_t>(rows * (cols / 32)));
      const auto outliers = static_cast<size_t>(rows * most_outliers(cols));
      buffer.outliers = outliers_.get(outliers);
      buffer.outlier_counts = outlier_counts_.get(static_cast<size_t>(rows));
      buffer.by_column = {.columns = columns_.get(static_cast<size_t>(cols)),
                          .entries = column_entries_.get(outliers),
                          .count = &column_count_};
    }
    return buffer;
  }

 private:
  Scratch<float> values_;
  Scratch<uint16_t> bf16_;
  Scratch<int8_t> quants_;
  Scratch<float> scales_;
  Scratch<int16_t> sums_;
  Scratch<float> totals_;
  Scratch<Outlier> outliers_;
  Scratch<int32_t> outlier_counts_;
  Scratch<OutlierColumn> columns_;
  Scratch<Outlier> column_entries_;
  int32_t column_count_ = 0;
};

inline ActivationRows activation_rows(const ActivationBuffer& b) {
  return {.rows = b.rows,
          .cols = b.cols,
          .values = b.values,
          .quants = b.quants,
          .scales = b.scales,
          .sums16 = b.sums16,
          .totals = b.totals,
          .outliers = b.outliers,
          .outlier_counts = b.outlier_counts,
          .by_column = b.by_column,
          .bf16 = b.bf16};
}

/// Buffers for n rows that go through a layer together, used by one thread at a time. What is in
/// them is lost between the halves of a layer, where other rows may use them.
struct StripBuffers {
  Scratch<float> k;              // [n, G·H]
  Scratch<float> v;              // [n, G·H]
  Scratch<float> partials;       // [G, parts, n, N/G, sums]: attention of few rows in parts
  Scratch<float> block;          // [n, D]: a block's output before its post norm
  Scratch<float> router_logits;  // [n, experts]
  Scratch<float> expert_output;  // [rows of one expert, D]
  ActivationScratch expert_input;
  std::vector<ExpertChoice> choices;  // [n, experts used]
  ExpertRows expert_rows;
  ActivationScratch normed;    // [n, D]
  ActivationScratch attended;  // [n, N·H]
  ActivationScratch gated;     // [n, F]
  std::vector<AttentionQuery> queries;
};

/// Buffers of the batch step. They only grow: a step allocates where it has more rows than any
/// before, and nothing else where its sequences have room (Transformer::make_room).
struct Workspace {
  Scratch<float> hidden;                // [n, D]
  Scratch<float> q;                     // [n, N·H]
  Scratch<float> q_older;               // [n, N·H]; dual chunk attention
  Scratch<float> q_recent;              // [n, N·H]
  std::vector<StripBuffers> of_thread;  // [threads]
  Scratch<float> logits;                // [rows of one head chunk, V]
  ActivationScratch head;               // [rows of one head chunk, D]
  std::vector<int64_t> positions;
  std::vector<int64_t> slots;  // where a row's keys and values go: position, but for tree rows
  // Tree row i: the slots of its ancestors and itself are path_slots[path_begins[i]] and those
  // after it, by ascending position from the sequence's length on.
  std::vector<int32_t> path_slots;
  std::vector<size_t> path_begins;
  std::vector<int64_t> depths;  // of the rows of one tree
};

}  // namespace cupel::engine
