#include "train/parallel/gradients.h"

#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/parallel/buckets.h"

namespace cupel::train {
namespace {

at::ScalarType sum_type(const at::Tensor& parameter) {
  return parameter.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/// On how many processes each gradient is defined.
Result<std::vector<double>> count_defined(Collective& collective,
                                          const std::vector<at::Tensor>& gradients,
                                          std::string_view what) {
  std::vector<double> counts;
  counts.reserve(gradients.size());
  for (const at::Tensor& gradient : gradients) {
    counts.push_back(gradient.defined() ? 1 : 0);
  }
  CUPEL_TRY_VOID(collective.sum(counts, what));
  return counts;
}

/// One gradient that fills buckets alone: summed where it lies, without a copy.
Result<Ok> sum_large(Collective& collective,
                     at::Tensor& gradient,
                     const at::Tensor& parameter,
                     std::string_view what) {
  const at::ScalarType type = sum_type(parameter);
  if (!gradient.defined()) {
    gradient = at::zeros(parameter.sizes(), parameter.options().dtype(type));
  }
  gradient = gradient.to(type).contiguous();
  for (const at::Tensor& slice : slices_of(gradient)) {
    CUPEL_TRY_VOID(collective.sum(slice, what));
  }
  return Ok{};
}

Result<Ok> sum_bucket(Collective& collective,
                      const Bucket& bucket,
                      std::vector<at::Tensor>& gradients,
                      std::span<const at::Tensor> parameters,
                      std::string_view what) {
  const at::Tensor flat = flat_buffer(bucket);
  int64_t begin = 0;
  std::vector<at::Tensor> parts;  // views of the buffer, one for each gradient
  for (const size_t index : bucket.indices) {
    const at::Tensor& parameter = parameters[index];
    parts.push_back(flat.narrow(0, begin, parameter.numel()).view(parameter.sizes()));
    begin += parameter.numel();
    if (gradients[index].defined()) {
      parts.back().copy_(gradients[index]);
    } else {
      parts.back().zero_();
    }
  }
  CUPEL_TRY_VOID(collective.sum(flat, what));
  for (size_t i = 0; i < parts.size(); ++i) {
    at::Tensor& gradient = gradients[bucket.indices[i]];
    if (gradient.defined() && gradient.scalar_type() == bucket.type) {
      gradient.copy_(parts[i]);
    } else {
      gradient = parts[i].clone();  // of its own: the buffer would stay for the smallest view of it
    }
  }
  return Ok{};
}

}  // namespace

Result<Ok> sum_gradients(Collective& collective,
                         std::vector<at::Tensor>& gradients,
                         std::span<const at::Tensor> parameters,
                         std::string_view what) {
  CUPEL_CHECK(gradients.size() == parameters.size(), "one gradient for each parameter");
  if (collective.size() == 1) {
    return Ok{};
  }
  return tensor::guard([&]() -> Result<Ok> {
    const tensor::RecordingGuard off(false);
    CUPEL_TRY(const std::vector<double> defined, count_defined(collective, gradients, what));
    std::vector<BucketItem> items;
    for (size_t i = 0; i < parameters.size(); ++i) {
      if (defined[i] > 0) {
        items.push_back({.index = i,
                         .elements = parameters[i].numel(),
                         .type = sum_type(parameters[i]),
                         .device = parameters[i].device()});
      }
    }
    for (const Bucket& bucket : plan_buckets(items)) {
      const size_t first = bucket.indices.front();
      CUPEL_TRY_VOID(bucket.indices.size() == 1
                         ? sum_large(collective, gradients[first], parameters[first], what)
                         : sum_bucket(collective, bucket, gradients, parameters, what));
    }
    return Ok{};
  });
}

}  // namespace cupel::train
