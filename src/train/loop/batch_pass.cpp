#include "train/loop/batch_pass.h"

#include <algorithm>
#include <utility>

namespace cupel::train {
namespace {

template <typename To, typename From>
at::Tensor tensor_of(std::span<const From> values, at::ScalarType type) {
  at::Tensor result = at::empty({static_cast<int64_t>(values.size())}, type);
  std::ranges::copy(values, result.mutable_data_ptr<To>());
  return result;
}

}  // namespace

at::Tensor index_tensor(std::span<const int32_t> values) {
  return tensor_of<int64_t>(values, at::kLong);
}

at::Tensor index_tensor(std::span<const int64_t> values) {
  return tensor_of<int64_t>(values, at::kLong);
}

at::Tensor float_tensor(std::span<const float> values) {
  return tensor_of<float>(values, at::kFloat);
}

at::Tensor double_tensor(std::span<const double> values) {
  return tensor_of<double>(values, at::kDouble);
}

Result<PackedLayout> layout_of(const PackedBatch& batch) {
  std::vector<DocumentSpan> documents;
  for (const PackedDocument& document : batch.documents) {
    documents.push_back({.begin = document.begin,
                         .length = document.end - document.begin,
                         .parent = static_cast<int32_t>(document.parent)});
  }
  return PackedLayout::create(std::move(documents));
}

Result<at::Tensor> batch_hidden(Twin& twin,
                                const PackedBatch& batch,
                                const ForwardOptions& options) {
  CUPEL_TRY(const PackedLayout layout, layout_of(batch));
  CUPEL_TRY(const std::shared_ptr<const BatchPlan> plan, twin.plan(layout));
  const at::Device device = twin.head().weight.device();
  return twin.hidden(index_tensor(batch.ids).to(device), plan, options);
}

Result<HeadLogps> batch_logps(Twin& twin,
                              const PackedBatch& batch,
                              std::span<const int32_t> labels,
                              const ForwardOptions& options,
                              HeadLogpsOptions head) {
  CUPEL_TRY(const at::Tensor hidden, batch_hidden(twin, batch, options));
  head.compute = twin.options().compute;
  return head_logps(hidden, twin.head(), index_tensor(labels).to(hidden.device()), head);
}

}  // namespace cupel::train
