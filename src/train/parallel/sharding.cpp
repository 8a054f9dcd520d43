#include "train/parallel/sharding.h"

#include <algorithm>
#include <numeric>

#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/parallel/buckets.h"

namespace cupel::train {
namespace {

/// A parameter that fills buckets alone: sent from where it lies to where it goes.
Result<Ok> share_large(Collective& collective,
                       const at::Tensor& parameter,
                       int64_t owner,
                       std::string_view what) {
  const at::Tensor dense = parameter.detach().contiguous();
  for (const at::Tensor& slice : slices_of(dense)) {
    CUPEL_TRY_VOID(collective.broadcast(slice, owner, what));
  }
  tensor::count_write(parameter);  // Gloo writes past libtorch
  if (dense.data_ptr() != parameter.data_ptr()) {
    parameter.detach().copy_(dense);
  }
  return Ok{};
}

Result<Ok> share_bucket(Collective& collective,
                        const Bucket& bucket,
                        std::span<const at::Tensor> parameters,
                        int64_t owner,
                        std::string_view what) {
  const at::Tensor flat = flat_buffer(bucket);
  const bool own = collective.rank() == owner;
  const auto for_each_part = [&](const auto& body) {
    int64_t begin = 0;
    for (const size_t index : bucket.indices) {
      const at::Tensor& parameter = parameters[index];
      body(parameter.detach(), flat.narrow(0, begin, parameter.numel()).view(parameter.sizes()));
      begin += parameter.numel();
    }
  };
  if (own) {
    for_each_part(
        [](const at::Tensor& parameter, const at::Tensor& part) { part.copy_(parameter); });
  }
  CUPEL_TRY_VOID(collective.broadcast(flat, owner, what));
  if (!own) {
    for_each_part(
        [](const at::Tensor& parameter, const at::Tensor& part) { parameter.copy_(part); });
  }
  return Ok{};
}

std::vector<BucketItem> items_of(std::span<const at::Tensor> parameters,
                                 std::span<const int64_t> owners,
                                 int64_t owner) {
  std::vector<BucketItem> items;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (owners[i] == owner) {
      items.push_back({.index = i,
                       .elements = parameters[i].numel(),
                       .type = parameters[i].scalar_type(),
                       .device = parameters[i].device()});
    }
  }
  return items;
}

}  // namespace

std::vector<int64_t> owners(std::span<const int64_t> sizes, int64_t ranks) {
  CUPEL_CHECK(ranks >= 1, "no process");
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::vector<int64_t> loads(static_cast<size_t>(ranks), 0);
  std::vector<int64_t> owner(sizes.size());
  for (const size_t index : order) {
    const auto least = std::ranges::min_element(loads);  // the first of equals
    *least += sizes[index];
    owner[index] = least - loads.begin();
  }
  return owner;
}

Result<Ok> share_parameters(Collective& collective,
                            std::span<const at::Tensor> parameters,
                            std::span<const int64_t> owners,
                            std::string_view what) {
  CUPEL_CHECK(parameters.size() == owners.size(), "one owner for each parameter");
  if (collective.size() == 1) {
    return Ok{};
  }
  return tensor::guard([&]() -> Result<Ok> {
    const tensor::RecordingGuard off(false);
    for (int64_t owner = 0; owner < collective.size(); ++owner) {
      for (const Bucket& bucket : plan_buckets(items_of(parameters, owners, owner))) {
        CUPEL_TRY_VOID(
            bucket.indices.size() == 1
                ? share_large(collective, parameters[bucket.indices.front()], owner, what)
                : share_bucket(collective, bucket, parameters, owner, what));
      }
    }
    return Ok{};
  });
}

}  // namespace cupel::train
