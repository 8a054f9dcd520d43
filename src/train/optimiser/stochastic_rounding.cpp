#include "train/optimiser/stochastic_rounding.h"

#include <algorithm>

namespace cupel::train {
namespace {

// Numbers at once: the draws take 8 bytes each.
constexpr int64_t kChunk = int64_t{1} << 20U;
constexpr int64_t kCutBits = 0xFFFF;

// libtorch has no unsigned 64-bit shift: an arithmetic one, and the copies of the sign cut off.
at::Tensor shifted_right(const at::Tensor& x, int64_t bits) {
  return x.__rshift__(bits).bitwise_and_((int64_t{1} << (64 - bits)) - 1);
}

// SplitMix64's finaliser, as mix64 of base/rng.h; products wrap.
at::Tensor mixed(at::Tensor x) {
  x.add_(static_cast<int64_t>(0x9E3779B97F4A7C15ULL));
  x.bitwise_xor_(shifted_right(x, 30)).mul_(static_cast<int64_t>(0xBF58476D1CE4E5B9ULL));
  x.bitwise_xor_(shifted_right(x, 27)).mul_(static_cast<int64_t>(0x94D049BB133111EBULL));
  return x.bitwise_xor_(shifted_right(x, 31));
}

}  // namespace

void round_stochastically(const at::Tensor& values, at::Tensor& rounded, uint64_t key) {
  const at::Tensor from = values.reshape(-1);
  at::Tensor to = rounded.view(-1);
  for (int64_t begin = 0; begin < from.size(0); begin += kChunk) {
    const int64_t count = std::min(kChunk, from.size(0) - begin);
    const at::Tensor draws = mixed(at::arange(begin, begin + count, from.options().dtype(at::kLong))
                                       .mul_(static_cast<int64_t>(0xD1342543DE82EF95ULL))
                                       .add_(static_cast<int64_t>(key)))
                                 .bitwise_and_(kCutBits)
                                 .to(at::kInt);
    // A bf16 number is the upper half of an f32 one; what the lower half and the draw carry over
    // rounds away from 0.
    at::Tensor bits = from.narrow(0, begin, count).clone().view(at::kInt);
    bits.add_(draws).bitwise_and_(static_cast<int32_t>(~kCutBits));
    to.narrow(0, begin, count).copy_(bits.view(at::kFloat));
  }
}

}  // namespace cupel::train
