#include <cstring>

#include "engine/kernels/lanes_avx512.h"
// store_outputs is written over the Lanes included above.
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// BF16 weights × bf16 activations with vdpbf16ps: two columns of 16 rows at once. lane_bf16.h has
// the same arithmetic for machines that lack the instruction.

constexpr int64_t kTokens = 8;
constexpr int64_t kGroups = 2;
constexpr int64_t kOneTokenGroups = 4;
// 256 columns of two row groups: 16 KiB, half of a first-level cache.
constexpr int64_t kChunkPairs = 128;

struct PairProduct {
  const LinearTask& task;
  float* sums;          // [n][groups][16]
  int64_t group_words;  // 32-bit words of a packed row group
};

__m512bh weight_pairs(const uint32_t* words) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(words));
}

__m512bh broadcast_pair(const uint16_t* x) {
  int32_t pair = 0;
  memcpy(&pair, x, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// sums[token][group] over `pairs` pairs of columns; x is the first token's first of them.
template <int groups, int tokens>
inline void multiply_tile(const PairProduct& product,
                          const uint32_t* weights,
                          const uint16_t* x,
                          int64_t pairs,
                          float* sums) {
  const int64_t stride = product.task.input.cols;
  __m512 acc[tokens][groups];
#pragma GCC unroll 16
  for (int i = 0; i < tokens * groups; ++i) {
    acc[i / groups][i % groups] = _mm512_loadu_ps(sums + 16 * i);
  }
#pragma GCC unroll 2
  for (int64_t p = 0; p < pairs; ++p) {
    __m512bh weight[groups];
#pragma GCC unroll 4
    for (int g = 0; g < groups; ++g) {
      weight[g] = weight_pairs(weights + g * product.group_words + p * kGroupRows);
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const __m512bh value = broadcast_pair(x + t * stride + 2 * p);
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) {
        acc[t][g] = _mm512_dpbf16_ps(acc[t][g], weight[g], value);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < tokens * groups; ++i) {
    _mm512_storeu_ps(sums + 16 * i, acc[i / groups][i % groups]);
  }
}

/// Tokens from `token` on in tiles of at most `tokens`.
template <int groups, int tokens>
inline void multiply_tokens(const PairProduct& product,
                            const uint32_t* weights,
                            const uint16_t* x,
                            int64_t token,
                            int64_t pairs) {
  const ActivationRows& in = product.task.input;
  for (; token + tokens <= in.rows; token += tokens) {
    multiply_tile<groups, tokens>(product, weights, x + token * in.cols, pairs,
                                  product.sums + 16 * groups * token);
  }
  if constexpr (tokens > 1) {
    multiply_tokens<groups, tokens / 2>(product, weights, x, token, pairs);
  }
}

template <int groups>
inline void multiply_groups(const PairProduct& product, int64_t row) {
  const LinearTask& task = product.task;
  const ActivationRows& in = task.input;
  const auto* weights =
      reinterpret_cast<const uint32_t*>(task.data) + row / kGroupRows * product.group_words;
  memset(product.sums, 0, static_cast<size_t>(in.rows) * groups * kGroupRows * 4);
  for (int64_t pair = 0; pair < in.cols / 2; pair += kChunkPairs) {
    const int64_t count = in.cols / 2 - pair < kChunkPairs ? in.cols / 2 - pair : kChunkPairs;
    multiply_tokens<groups, kTokens>(product, weights + pair * kGroupRows, in.bf16 + 2 * pair, 0,
                                     count);
  }
  for (int64_t t = 0; t < in.rows; ++t) {
    for (int g = 0; g < groups; ++g) {
      store_outputs(task, row + g * kGroupRows, t,
                    Lanes::load(product.sums + 16 * (t * groups + g)));
    }
  }
}

/// Row groups from `row` on, as many at a time as `groups` says.
template <int groups>
inline void multiply_rows(const PairProduct& product, int64_t row) {
  for (; row + (groups - 1) * kGroupRows < product.task.end; row += groups * kGroupRows) {
    multiply_groups<groups>(product, row);
  }
  if constexpr (groups > 1) {
    multiply_rows<groups / 2>(product, row);
  }
}

void linear_bf16_instruction(const LinearTask& task) {
  const int64_t rows = task.input.rows;
  const PairProduct product = {.task = task,
                               .sums = static_cast<float*>(thread_scratch(
                                   kScratchSums, rows * kOneTokenGroups * kGroupRows * 4)),
                               .group_words = task.input.cols / 2 * kGroupRows};
  if (rows == 1) {
    multiply_rows<kOneTokenGroups>(product, task.begin);
  } else {
    multiply_rows<kGroups>(product, task.begin);
  }
}

}  // namespace

const KernelTable& avx512_bf16_kernels() {
  static const KernelTable table = [] {
    KernelTable t = avx512_kernels();
    t.linear_bf16 = &linear_bf16_instruction;
    return t;
  }();
  return table;
}

}  // namespace cupel::engine::kernels
