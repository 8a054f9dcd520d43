#include <cstring>

#include "engine/kernels/lanes_avx512.h"
// store_all_outputs is written over the Lanes included above.
#include "engine/kernels/flush_denormals.h"
#include "engine/kernels/weight_layout.h"

namespace cupel::engine::kernels {
namespace {

// The two chains of lane_bf16.h with vdpbf16ps, which adds the products of a pair, its upper member
// first, to one sum: pairs of neighbours of one chain, (column 2, column 0), (6, 4), … and
// (3, 1), (7, 5), …, are two multiply-adds of that chain at once. Activations are paired so once
// for all weights, weights once for all rows, some blocks at a time.

constexpr int kTokens = 4;
constexpr int kGroups = 2;
constexpr int kOneTokenGroups = 4;
constexpr int kPairs = static_cast<int>(kBlockCols) / 2;  // of a block
// 256 columns of two row groups: 16 KiB, a third to half of a first-level cache.
constexpr int64_t kChunkBlocks = 8;

/// Paired words of one block: [chain][step][16 rows].
struct alignas(64) PairedBlock {
  uint32_t words[2][kPairs / 2][kGroupRows];
};

struct PairProduct {
  const LinearTask& task;
  const uint32_t* x;  // [n][cols / 2]: of each block [chain][step]
  float* sums;        // [n][groups][16]
  PairedBlock* paired;
  int64_t group_words;  // 32-bit words of a packed row group
};

/// Words (even column, odd column) of neighbours → one of the even, one of the odd columns.
constexpr uint32_t join_lower(uint32_t first, uint32_t second) {
  return first << 16U | (second & 0xFFFFU);
}
constexpr uint32_t join_upper(uint32_t first, uint32_t second) {
  return (first & 0xFFFF0000U) | second >> 16U;
}

/// The packed words of a block, paired as they are read: for a single row, which reads them once.
struct PackedBlocks {
  const uint32_t* words;
  int64_t group_words;

  [[nodiscard]] __m512bh pair(int group, int64_t block, int chain, int step) const {
    const uint32_t* at = words + group * group_words + (block * kPairs + 2 * step) * kGroupRows;
    const __m512i first = _mm512_loadu_si512(at);
    const __m512i second = _mm512_loadu_si512(at + kGroupRows);
    constexpr __mmask32 kLower = 0x55555555;
    const __m512i joined =
        chain == 0 ? _mm512_mask_blend_epi16(kLower, _mm512_slli_epi32(first, 16), second)
                   : _mm512_mask_blend_epi16(kLower, first, _mm512_srli_epi32(second, 16));
    return reinterpret_cast<__m512bh>(joined);
  }
};

struct PairedBlocks {
  const PairedBlock* blocks;  // [groups][kChunkBlocks]

  [[nodiscard]] __m512bh pair(int group, int64_t block, int chain, int step) const {
    return reinterpret_cast<__m512bh>(
        _mm512_load_si512(blocks[group * kChunkBlocks + block].words[chain][step]));
  }
};

inline __m512bh broadcast_pair(const uint32_t* x) {
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int32_t>(*x)));
}

/// sums[token][group] += one block; x is the first token's first word of it.
template <int groups, int tokens, class Blocks>
inline void multiply_block(
    const Blocks& blocks, int64_t block, const uint32_t* x, int64_t stride, float* sums) {
  __m512 chains[2][tokens][groups];
#pragma GCC unroll 32
  for (int i = 0; i < 2 * tokens * groups; ++i) {
    chains[i % 2][i / 2 / groups][i / 2 % groups] = _mm512_setzero_ps();
  }
#pragma GCC unroll 8
  for (int step = 0; step < kPairs / 2; ++step) {
#pragma GCC unroll 2
    for (int chain = 0; chain < 2; ++chain) {
      __m512bh weight[groups];
#pragma GCC unroll 4
      for (int g = 0; g < groups; ++g) {
        weight[g] = blocks.pair(g, block, chain, step);
      }
#pragma GCC unroll 4
      for (int t = 0; t < tokens; ++t) {
        const __m512bh value = broadcast_pair(x + t * stride + chain * kPairs / 2 + step);
#pragma GCC unroll 4
        for (int g = 0; g < groups; ++g) {
          chains[chain][t][g] = _mm512_dpbf16_ps(chains[chain][t][g], weight[g], value);
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < tokens * groups; ++i) {
    const __m512 both =
        _mm512_add_ps(chains[0][i / groups][i % groups], chains[1][i / groups][i % groups]);
    _mm512_storeu_ps(sums + 16 * i, _mm512_add_ps(_mm512_loadu_ps(sums + 16 * i), both));
  }
}

/// Tokens from `token` on in tiles of at most `tokens`, over `count` blocks.
template <int groups, int tokens, class Blocks>
inline void multiply_tokens(const PairProduct& product,
                            const Blocks& blocks,
                            const uint32_t* x,
                            int64_t token,
                            int64_t count) {
  const ActivationRows& in = product.task.input;
  const int64_t stride = in.cols / 2;
  for (; token + tokens <= in.rows; token += tokens) {
    for (int64_t block = 0; block < count; ++block) {
      multiply_block<groups, tokens>(blocks, block, x + token * stride + block * kPairs, stride,
                                     product.sums + 16 * groups * token);
    }
  }
  if constexpr (tokens > 1) {
    multiply_tokens<groups, tokens / 2>(product, blocks, x, token, count);
  }
}

void pair_blocks(const PackedBlocks& packed, int group, int64_t count, PairedBlock* out) {
  for (int64_t block = 0; block < count; ++block) {
    for (int chain = 0; chain < 2; ++chain) {
      for (int step = 0; step < kPairs / 2; ++step) {
        _mm512_store_si512(out[block].words[chain][step],
                           reinterpret_cast<__m512i>(packed.pair(group, block, chain, step)));
      }
    }
  }
}

/// The sums of all tokens. Not inlined: no arithmetic may leave the mode that the caller sets.
template <int groups>
[[gnu::noinline]] void sum_groups(const PairProduct& product, int64_t row) {
  const ActivationRows& in = product.task.input;
  const auto* weights =
      reinterpret_cast<const uint32_t*>(product.task.data) + row / kGroupRows * product.group_words;
  memset(product.sums, 0, static_cast<size_t>(in.rows) * groups * kGroupRows * 4);
  const int64_t blocks = in.cols / kBlockCols;
  for (int64_t first = 0; first < blocks; first += kChunkBlocks) {
    const int64_t count = blocks - first < kChunkBlocks ? blocks - first : kChunkBlocks;
    const PackedBlocks packed = {weights + first * kPairs * kGroupRows, product.group_words};
    const uint32_t* x = product.x + first * kPairs;
    if (in.rows == 1) {
      multiply_tokens<groups, 1>(product, packed, x, 0, count);
      continue;
    }
    for (int g = 0; g < groups; ++g) {
      pair_blocks(packed, g, count, product.paired + g * kChunkBlocks);
    }
    multiply_tokens<groups, kTokens>(product, PairedBlocks{product.paired}, x, 0, count);
  }
}

/// Row groups from `row` on, as many at a time as `groups` says.
template <int groups>
inline void multiply_rows(const PairProduct& product, int64_t row) {
  for (; row + (groups - 1) * kGroupRows < product.task.end; row += groups * kGroupRows) {
    {
      const FlushDenormals mode;
      sum_groups<groups>(product, row);
    }
    store_all_outputs<Lanes, groups>(product.task, row, product.sums);
  }
  if constexpr (groups > 1) {
    multiply_rows<groups / 2>(product, row);
  }
}

const uint32_t* paired_twin(const ActivationRows& in) {
  const int64_t count = in.rows * in.cols / 2;
  auto* x = static_cast<uint32_t*>(thread_scratch(kScratchActivations, count * 4));
  for (int64_t at = 0; at < count; at += kPairs) {
    uint32_t words[kPairs];
    memcpy(words, in.bf16 + 2 * at, sizeof words);
    for (int step = 0; step < kPairs / 2; ++step) {
      x[at + step] = join_lower(words[2 * step], words[2 * step + 1]);
      x[at + kPairs / 2 + step] = join_upper(words[2 * step], words[2 * step + 1]);
    }
  }
  return x;
}

void linear_bf16_instruction(const LinearTask& task) {
  const ActivationRows& in = task.input;
  const PairProduct product = {
      .task = task,
      .x = paired_twin(in),
      .sums = static_cast<float*>(
          thread_scratch(kScratchSums, in.rows * kOneTokenGroups * kGroupRows * 4)),
      .paired = static_cast<PairedBlock*>(thread_scratch(
          kScratchWeights, kGroups * kChunkBlocks * static_cast<int64_t>(sizeof(PairedBlock)))),
      .group_words = in.cols / 2 * kGroupRows};
  if (in.rows == 1) {
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
