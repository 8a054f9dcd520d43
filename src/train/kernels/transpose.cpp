#include "train/kernels/transpose.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cupel::train::kernels {
namespace {

// 8 KiB in and 8 KiB out: both stay in the first-level cache, and lines are written whole.
constexpr int64_t kTile = 64;

struct Matrix {
  const uint16_t* from;
  int64_t rows;
  int64_t cols;
  uint16_t* to;
};

void transpose_one_by_one(
    const Matrix& m, int64_t row, int64_t row_end, int64_t col, int64_t col_end) {
  for (int64_t c = col; c < col_end; ++c) {
    for (int64_t r = row; r < row_end; ++r) {
      m.to[c * m.rows + r] = m.from[r * m.cols + c];
    }
  }
}

#if defined(__SSE2__)

/// Eight rows of eight: numbers of two rows alternate, then pairs, then fours.
void transpose_eight(const Matrix& m, int64_t row, int64_t col) {
  __m128i a[8];
  __m128i b[8];
  for (int i = 0; i < 8; ++i) {
    a[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(m.from + (row + i) * m.cols + col));
  }
  for (int i = 0; i < 4; ++i) {
    b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
    b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
  }
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]);
    a[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
  }
  for (int i = 0; i < 4; ++i) {
    b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
    b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
  }
  for (int i = 0; i < 8; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(m.to + (col + i) * m.rows + row), b[i]);
  }
}

void transpose_tile(const Matrix& m, int64_t row, int64_t row_end, int64_t col, int64_t col_end) {
  int64_t c = col;
  for (; c + 8 <= col_end; c += 8) {
    int64_t r = row;
    for (; r + 8 <= row_end; r += 8) {
      transpose_eight(m, r, c);
    }
    transpose_one_by_one(m, r, row_end, c, c + 8);
  }
  transpose_one_by_one(m, row, row_end, c, col_end);
}

#else

void transpose_tile(const Matrix& m, int64_t row, int64_t row_end, int64_t col, int64_t col_end) {
  transpose_one_by_one(m, row, row_end, col, col_end);
}

#endif

int64_t lesser(int64_t a, int64_t b) {
  return a < b ? a : b;
}

}  // namespace

void transpose16(
    const uint16_t* from, int64_t rows, int64_t cols, int64_t begin, int64_t end, uint16_t* to) {
  const Matrix m = {from, rows, cols, to};
  for (int64_t row = 0; row < rows; row += kTile) {
    for (int64_t col = begin; col < end; col += kTile) {
      transpose_tile(m, row, lesser(row + kTile, rows), col, lesser(col + kTile, end));
    }
  }
}

}  // namespace cupel::train::kernels
