#include "train/model/rotary.h"

#include <algorithm>

namespace cupel::train {

Rotation rotation_of(const engine::RopeDescription& rope,
                     const engine::RopeTable& table,
                     std::span<const TokenPlace> places,
                     at::Device device) {
  Rotation rotation{.rotary_dim = rope.rotary_dim, .interleaved = rope.interleaved};
  if (rope.rotary_dim == 0) {
    return rotation;
  }
  const int64_t half = rope.rotary_dim / 2;
  const auto count = static_cast<int64_t>(places.size());
  rotation.cos = at::empty({count, 1, half}, at::kFloat);
  rotation.sin = at::empty({count, 1, half}, at::kFloat);
  auto* cos = rotation.cos.mutable_data_ptr<float>();
  auto* sin = rotation.sin.mutable_data_ptr<float>();
  for (size_t i = 0; i < places.size(); ++i) {
    const engine::RopeArgs row = table.at(places[i].position, places[i].long_factors);
    cos = std::copy(row.cos, row.cos + half, cos);
    sin = std::copy(row.sin, row.sin + half, sin);
  }
  rotation.cos = rotation.cos.to(device);
  rotation.sin = rotation.sin.to(device);
  return rotation;
}

at::Tensor rotate(const at::Tensor& x, const Rotation& rotation) {
  const int64_t dim = rotation.rotary_dim;
  if (dim == 0) {
    return x;
  }
  const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor cos = rotation.cos.to(type);
  const at::Tensor sin = rotation.sin.to(type);
  const at::Tensor turning = x.narrow(-1, 0, dim).to(type);  // [T, N, R]
  const int64_t half = dim / 2;
  at::Tensor first;
  at::Tensor second;
  if (rotation.interleaved) {
    const at::Tensor pairs = turning.unflatten(-1, {half, 2});
    first = pairs.select(-1, 0);
    second = pairs.select(-1, 1);
  } else {
    first = turning.narrow(-1, 0, half);
    second = turning.narrow(-1, half, half);
  }
  const at::Tensor turned_first = first * cos - second * sin;   // [T, N, R/2]
  const at::Tensor turned_second = second * cos + first * sin;  // [T, N, R/2]
  at::Tensor turned = rotation.interleaved
                          ? at::stack({turned_first, turned_second}, -1).flatten(-2)
                          : at::cat({turned_first, turned_second}, -1);
  turned = turned.to(x.scalar_type());
  const int64_t rest = x.size(-1) - dim;
  return rest == 0 ? turned : at::cat({turned, x.narrow(-1, dim, rest)}, -1);
}

}  // namespace cupel::train
