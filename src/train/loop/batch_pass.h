#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "tensor/tensor.h"
#include "train/data/packed_batch.h"
#include "train/model/head_logps.h"
#include "train/model/twin.h"

namespace cupel::train {

/// [n] int64 of numbers.
at::Tensor index_tensor(std::span<const int32_t> values);
at::Tensor index_tensor(std::span<const int64_t> values);
/// [n] f32.
at::Tensor float_tensor(std::span<const float> values);
/// [n] f64.
at::Tensor double_tensor(std::span<const double> values);

/// The layout of a batch's documents. Errors: those of PackedLayout::create.
Result<PackedLayout> layout_of(const PackedBatch& batch);

/// The final hidden states [T, D] of a batch. Errors: those of Twin::plan.
Result<at::Tensor> batch_hidden(Twin& twin,
                                const PackedBatch& batch,
                                const ForwardOptions& options = {});

/// Log-probs of the labels [T] of a batch; `labels` instead of the batch's own where given.
/// Products of the head are of the type that the twin computes in.
Result<HeadLogps> batch_logps(Twin& twin,
                              const PackedBatch& batch,
                              std::span<const int32_t> labels,
                              const ForwardOptions& options = {},
                              HeadLogpsOptions head = {});

}  // namespace cupel::train
