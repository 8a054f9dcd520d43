// In place of the bodies, in `cupel`: main hands over before any of them is called.
#include "base/check.h"
#include "cli/train_bodies.h"

namespace cupel::cli {

bool has_train() {
  return false;
}

#define CUPEL_TRAIN_BODY(id, Flags)                                                     \
  Result<int> run_##id(const Flags& /*flags*/) {                                        \
    check_failed(__FILE__, __LINE__, "handed over", "cupel ran a part of cupel-train"); \
  }
#include "cli/train_bodies.def"
#undef CUPEL_TRAIN_BODY

}  // namespace cupel::cli
