#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// What `errno` says of a system call on a path, in the kind that decides exit code and mend:
/// kNotFound with a hint at a similarly named neighbour, kExhausted for a full disk or no memory,
/// kInvalidArgument for a name that no system takes, else kUnavailable. Read errno first: call it
/// right after the system call. `what` completes "cannot …".
Error system_error(const std::string& path, std::string_view what);

}  // namespace cupel
