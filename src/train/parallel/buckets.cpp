#include "train/parallel/buckets.h"

#include <algorithm>

namespace cupel::train {
namespace {

int64_t room(at::ScalarType type) {
  return kBucketBytes / static_cast<int64_t>(c10::elementSize(type));
}

bool has_room(const Bucket& bucket, const BucketItem& item) {
  return bucket.type == item.type && bucket.device == item.device &&
         bucket.elements + item.elements <= room(item.type);
}

}  // namespace

std::vector<Bucket> plan_buckets(std::span<const BucketItem> items) {
  std::vector<Bucket> buckets;
  for (const BucketItem& item : items) {
    if (item.elements == 0) {
      continue;
    }
    if (buckets.empty() || !has_room(buckets.back(), item)) {
      buckets.push_back({.indices = {}, .type = item.type, .device = item.device, .elements = 0});
    }
    buckets.back().indices.push_back(item.index);
    buckets.back().elements += item.elements;
  }
  return buckets;
}

at::Tensor flat_buffer(const Bucket& bucket) {
  return at::empty({bucket.elements}, at::TensorOptions(bucket.type).device(bucket.device));
}

std::vector<at::Tensor> slices_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.view({-1});  // [n]
  const int64_t most = room(tensor.scalar_type());
  std::vector<at::Tensor> slices;
  for (int64_t begin = 0; begin < flat.numel(); begin += most) {
    slices.push_back(flat.narrow(0, begin, std::min(most, flat.numel() - begin)));
  }
  return slices;
}

}  // namespace cupel::train
