#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace cupel::cli {

/// Becomes `cupel-train` with the same words: the program that CUPEL_TRAIN names, else the one
/// beside this program, else the one that `make train` builds in the same tree. Returns only when
/// that fails. Errors: kFailedPrecondition - there is none (says how to get it), it does not start,
/// or CUPEL_TRAIN names a program that hands over in turn.
Error hand_over(const std::vector<std::string>& words);

/// In cupel-train: whether it was built from the same version as the `cupel` that handed over.
Result<Ok> check_handover();

}  // namespace cupel::cli
