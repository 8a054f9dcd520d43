// In `cupel-train`, where the bodies are.
#include "cli/train_bodies.h"

namespace cupel::cli {

bool has_train() {
  return true;
}

}  // namespace cupel::cli
