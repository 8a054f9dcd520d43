#pragma once

#include "base/result.h"

// What commands do with libtorch. A command that needs it says so (`Command::needs_train`): `cupel`
// hands such a call over to `cupel-train`, the same program with these bodies linked in, each in a
// file train_<id>.cpp.

namespace cupel::cli {

#define CUPEL_TRAIN_BODY(id, Flags) \
  struct Flags;                     \
  Result<int> run_##id(const Flags& flags);
#include "cli/train_bodies.def"
#undef CUPEL_TRAIN_BODY

/// Whether the bodies are in this program.
bool has_train();

}  // namespace cupel::cli
