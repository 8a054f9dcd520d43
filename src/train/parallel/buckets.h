#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace cupel::train {

/// Bytes of a flat buffer that goes over the network at once.
inline constexpr int64_t kBucketBytes = int64_t{25} << 20U;

/// Tensors of one type and device that share a flat buffer; one that is as large as the buffer is
/// alone and goes in slices of it.
struct Bucket {
  std::vector<size_t> indices;
  at::ScalarType type = at::kFloat;
  at::Device device = at::kCPU;
  int64_t elements = 0;
};

/// What `plan_buckets` needs to know of a tensor.
struct BucketItem {
  size_t index = 0;
  int64_t elements = 0;
  at::ScalarType type = at::kFloat;
  at::Device device = at::kCPU;
};

/// Items in order, in as many buckets as are needed: a function of the items alone, so the same on
/// every process.
std::vector<Bucket> plan_buckets(std::span<const BucketItem> items);

/// [bucket.elements] of the bucket's type, for tensors to be copied into and out of.
at::Tensor flat_buffer(const Bucket& bucket);

/// The views of a dense tensor that go at once: [n] each, the whole of it in order.
std::vector<at::Tensor> slices_of(const at::Tensor& tensor);

}  // namespace cupel::train
