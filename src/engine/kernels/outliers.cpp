#include "engine/kernels/outliers.h"

#include <algorithm>

namespace cupel::engine {
namespace {

void sort_one_row(const ActivationBuffer& buffer) {
  const int32_t count = buffer.outlier_counts[0];
  for (int32_t i = 0; i < count; ++i) {
    buffer.by_column.columns[i] = {buffer.outliers[i].place, i + 1};
    buffer.by_column.entries[i] = {0, buffer.outliers[i].value};
  }
  *buffer.by_column.count = count;
}

template <typename F>
void for_each_outlier(const ActivationBuffer& buffer, F&& visit) {
  for (int64_t row = 0; row < buffer.rows; ++row) {
    const Outlier* outliers = buffer.outliers + row * most_outliers(buffer.cols);
    for (int32_t i = 0; i < buffer.outlier_counts[row]; ++i) {
      visit(static_cast<int32_t>(row), outliers[i]);
    }
  }
}

}  // namespace

// Counting sort: rows come in order, so that those of a column stay in order.
void sort_outliers(const ActivationBuffer& buffer) {
  if (buffer.rows == 1) {
    sort_one_row(buffer);
    return;
  }
  OutlierColumn* columns = buffer.by_column.columns;
  const auto cols = static_cast<int32_t>(buffer.cols);
  for (int32_t c = 0; c < cols; ++c) {
    columns[c] = {c, 0};
  }
  for_each_outlier(buffer, [&](int32_t, const Outlier& outlier) { ++columns[outlier.place].end; });
  int32_t begin = 0;
  for (int32_t c = 0; c < cols; ++c) {
    const int32_t count = columns[c].end;
    columns[c].end = begin;  // where the column's next entry goes: its end, once all are there
    begin += count;
  }
  for_each_outlier(buffer, [&](int32_t row, const Outlier& outlier) {
    buffer.by_column.entries[columns[outlier.place].end++] = {row, outlier.value};
  });
  int32_t used = 0;
  int32_t end = 0;
  for (int32_t c = 0; c < cols; ++c) {
    if (columns[c].end > end) {
      end = columns[c].end;
      columns[used++] = columns[c];
    }
  }
  *buffer.by_column.count = used;
}

}  // namespace cupel::engine
