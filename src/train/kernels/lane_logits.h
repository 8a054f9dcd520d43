#pragma once

#include "train/kernels/lane_heads.h"
#include "train/kernels/lane_softmax.h"

namespace cupel::train::kernels {
namespace {

using engine::kernels::tanh_lanes;

/// Logits of a row of a block from column `i` on, with bias and soft cap.
struct LogitsRow {
  const LogitsBlock& block;
  int64_t first;

  [[nodiscard]] Lanes at(int64_t i, int64_t count, float fill) const {
    Lanes x = load({block.logits.data, block.logits.number}, first + i, count, fill);
    if (block.bias != nullptr) {
      x = Lanes::add(x, load_part(block.bias + block.first + i, count, 0));
    }
    return block.softcap > 0 ? Lanes::mul(capped(x), filled(block.softcap)) : x;
  }
  /// tanh(x / cap).
  [[nodiscard]] Lanes capped(Lanes x) const {
    return tanh_lanes(Lanes::mul(x, filled(1.0F / block.softcap)));
  }
  /// The slope of the soft cap where it gives x: 1 - (x / cap)².
  [[nodiscard]] Lanes steepness(Lanes x) const {
    const Lanes share = Lanes::mul(x, filled(1.0F / block.softcap));
    return Lanes::sub(filled(1), Lanes::mul(share, share));
  }
  /// The label's column in the block, or -1.
  [[nodiscard]] int64_t label(int64_t row) const {
    const int64_t column = block.labels[row] - block.first;
    return column >= 0 && column < block.width ? column : -1;
  }
};

/// What stands behind the last column must not count, a soft cap would lift it.
inline Lanes keep_first(int64_t count, Lanes x) {
  if (count >= 16) {
    return x;
  }
  float values[16];
  Lanes::store(values, x);
  for (int64_t i = count; i < 16; ++i) {
    values[i] = 0;
  }
  return Lanes::load(values);
}

struct BlockSums {
  Lanes sums;
  Lanes totals;
  Lanes products;
  Lanes squares;
};

/// Makes the sums of row `row` relative to `largest`, which is at least what they were relative to.
inline void shift_sums(const LogitSums& sums, int64_t row, float largest) {
  const float before = sums.largest[row];
  sums.largest[row] = largest;
  if (sums.sums[row] == 0) {
    return;
  }
  const double less = static_cast<double>(before) - static_cast<double>(largest);
  const double factor = __builtin_exp(less);
  if (sums.products != nullptr) {
    sums.products[row] = factor * (sums.products[row] + less * sums.sums[row]);
  }
  if (sums.squares != nullptr) {
    sums.squares[row] *= factor * factor;
  }
  sums.sums[row] *= factor;
}

/// The first column of the row with this logit; -1: none, as the logits are no numbers.
inline int64_t first_column(const LogitsRow& logits, float value) {
  float values[16];
  for (int64_t i = 0; i < logits.block.width; i += 16) {
    const int64_t count = i + 16 <= logits.block.width ? 16 : logits.block.width - i;
    Lanes::store(values, logits.at(i, count, kLowest));
    for (int64_t j = 0; j < count; ++j) {
      if (values[j] == value) {
        return i + j;
      }
    }
  }
  return -1;
}

inline void describe_row(const LogitsRow& logits, const LogitSums& sums, int64_t row) {
  const int64_t width = logits.block.width;
  Lanes top = filled(sums.largest[row]);
  for_each_piece(width, [&](int64_t i, int64_t count) {
    const Lanes x = logits.at(i, count, kLowest);
    // A soft cap makes -cap of what stands behind: no logit is less.
    top = Lanes::max(top, x);
  });
  const float before = sums.largest[row];
  shift_sums(sums, row, Lanes::reduce_max(top));
  if (sums.top != nullptr && sums.largest[row] > before) {
    sums.top[row] = logits.block.first + first_column(logits, sums.largest[row]);
  }
  const Lanes largest = filled(sums.largest[row]);
  BlockSums block = {filled(0), filled(0), filled(0), filled(0)};
  for_each_piece(width, [&](int64_t i, int64_t count) {
    const Lanes x = logits.at(i, count, 0);
    const Lanes less = Lanes::sub(x, largest);
    const Lanes e = keep_first(count, exp_lanes(less));
    block.sums = Lanes::add(block.sums, e);
    if (sums.totals != nullptr) {
      block.totals = Lanes::add(block.totals, keep_first(count, x));
    }
    if (sums.products != nullptr) {
      block.products = Lanes::fma(e, less, block.products);
    }
    if (sums.squares != nullptr) {
      block.squares = Lanes::fma(e, e, block.squares);
    }
  });
  sums.sums[row] += static_cast<double>(Lanes::reduce_add(block.sums));
  if (sums.totals != nullptr) {
    sums.totals[row] += static_cast<double>(Lanes::reduce_add(block.totals));
  }
  if (sums.products != nullptr) {
    sums.products[row] += static_cast<double>(Lanes::reduce_add(block.products));
  }
  if (sums.squares != nullptr) {
    sums.squares[row] += static_cast<double>(Lanes::reduce_add(block.squares));
  }
  if (const int64_t label = logits.label(row); label >= 0) {
    sums.label[row] = Lanes::first(logits.at(label, 1, 0));
  }
}

inline void describe_logits(const LogitsBlock& block, const LogitSums& sums) {
  for (int64_t row = block.begin; row < block.end; ++row) {
    describe_row({block, row * block.width}, sums, row);
  }
}

inline void logit_slopes(const LogitsBlock& block, const LogitSlopes& slopes) {
  for (int64_t row = block.begin; row < block.end; ++row) {
    const LogitsRow logits = {block, row * block.width};
    const Lanes log_sum = filled(slopes.log_sums[row]);
    const Lanes of_p = filled(slopes.of_p[row]);
    const Lanes of_all = filled(slopes.of_all == nullptr ? 0 : slopes.of_all[row]);
    const auto slope = [&](Lanes x, Lanes more) {
      const Lanes p = exp_lanes(Lanes::sub(x, log_sum));
      const Lanes g = Lanes::fma(p, of_p, more);
      return block.softcap > 0 ? Lanes::mul(g, logits.steepness(x)) : g;
    };
    const int64_t label = logits.label(row);
    const Lanes at_label = label < 0 ? filled(0) : logits.at(label, 1, 0);
    for_each_piece(block.width, [&](int64_t i, int64_t count) {
      store(block.logits, logits.first + i, count, slope(logits.at(i, count, 0), of_all));
    });
    if (label >= 0) {
      store(block.logits, logits.first + label, 1,
            slope(at_label, Lanes::add(of_all, filled(slopes.of_label[row]))));
    }
  }
}

}  // namespace
}  // namespace cupel::train::kernels
