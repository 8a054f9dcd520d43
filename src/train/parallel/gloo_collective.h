#pragma once

#include <memory>

#include "base/result.h"
#include "train/launch/environment.h"
#include "train/parallel/collective.h"

namespace cupel::train {

/// Joins the processes of a run over torch c10d: tensors of the CPU go over Gloo, those of a GPU
/// over NCCL. Waits until all are there. A run of one process needs nobody.
///
/// After an operation that failed the group is closed, so that the others fail as well instead of
/// waiting; every later one fails at once. Not thread-safe. Notes of libtorch for its developers
/// are not shown from then on, unless TORCH_CPP_LOG_LEVEL is set.
///
/// Errors: kInvalidArgument - an interface that is not there, an address of no host; kDeadline,
/// kUnavailable - as Rendezvous::meet; kUnsupported, of operations - a tensor of a GPU in a build
/// without NCCL.
Result<std::unique_ptr<Collective>> connect(const ParallelOptions& options);

}  // namespace cupel::train
