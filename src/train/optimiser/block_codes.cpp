#include "train/optimiser/block_codes.h"

#include <algorithm>
#include <cmath>

namespace cupel::train {
namespace {

at::Tensor tensor_of(const std::vector<float>& values, at::Device device) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor.to(device);
}

}  // namespace

std::vector<float> dynamic_map(bool has_sign) {
  constexpr int kDecades = 7;
  std::vector<double> values = {0, 1};
  for (int i = 0; i < kDecades; ++i) {
    const int parts = has_sign ? 1 << i : 1 << (i + 1);
    const double scale = std::pow(10.0, i - (kDecades - 1));
    for (int part = 0; part < parts; ++part) {
      const double value = scale * (0.1 + 0.9 * (part + 0.5) / parts);
      values.push_back(value);
      if (has_sign) {
        values.push_back(-value);
      }
    }
  }
  std::sort(values.begin(), values.end());
  return {values.begin(), values.end()};
}

BlockCodes::BlockCodes(int64_t elements, bool has_sign, const at::Tensor& like) {
  const int64_t count = (elements + kBlock - 1) / kBlock;
  const std::vector<float> map = dynamic_map(has_sign);
  std::vector<float> borders;
  for (size_t i = 0; i + 1 < map.size(); ++i) {
    borders.push_back((map[i] + map[i + 1]) / 2);
  }
  const auto zero = std::find(map.begin(), map.end(), 0.0F) - map.begin();
  map_ = tensor_of(map, like.device());
  borders_ = tensor_of(borders, like.device());
  codes = at::full({count * kBlock}, zero, like.options().dtype(at::kByte));
  scales = at::zeros({count}, like.options().dtype(at::kFloat));
}

at::Tensor BlockCodes::decode(int64_t first, int64_t count) const {
  const at::Tensor part = codes.narrow(0, first * kBlock, count * kBlock);
  const at::Tensor values = at::index_select(map_, 0, part.to(at::kInt));
  return values.view({count, kBlock}).mul_(scales.narrow(0, first, count).unsqueeze(1)).view(-1);
}

void BlockCodes::encode_(at::Tensor values, int64_t first) {
  const int64_t count = values.size(0) / kBlock;
  at::Tensor rows = values.view({count, kBlock});
  const at::Tensor largest = rows.abs().amax(1);  // [count]
  scales.narrow(0, first, count).copy_(largest);
  // A block of zeros has the scale 0, by which nothing is divided.
  rows.div_(at::where(largest > 0, largest, at::ones_like(largest)).unsqueeze(1));
  codes.narrow(0, first * kBlock, count * kBlock)
      .copy_(at::bucketize(values, borders_, /*out_int32=*/true));
}

}  // namespace cupel::train
