#pragma once

#include <string>

#include "base/result.h"

namespace cupel {

/// Removes a file or a whole folder, if it is there. Killed meanwhile, it is whole or gone; what is
/// left of it then is called PATH.partial. Errors: kUnavailable - the system refuses.
Result<Ok> remove_path(const std::string& path);

}  // namespace cupel
