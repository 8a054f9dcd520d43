#pragma once

#include "base/format.h"
#include "base/result.h"

namespace cupel {

// Short makers of errors: `return corrupt_data("{}: magic is {}", path, magic);`
// Messages: what, where, why, what next; lower case, no full stop, no secrets.
#define CUPEL_ERROR_MAKER(name, code)                                       \
  template <typename... Args>                                               \
  [[nodiscard]] Error name(std::string_view pattern, const Args&... args) { \
    return Error{Code::code, format(pattern, args...)};                     \
  }
CUPEL_ERROR_MAKER(invalid_argument, kInvalidArgument)
CUPEL_ERROR_MAKER(not_found, kNotFound)
CUPEL_ERROR_MAKER(corrupt_data, kCorruptData)
CUPEL_ERROR_MAKER(unsupported, kUnsupported)
CUPEL_ERROR_MAKER(failed_precondition, kFailedPrecondition)
CUPEL_ERROR_MAKER(unavailable, kUnavailable)
CUPEL_ERROR_MAKER(deadline_passed, kDeadline)
CUPEL_ERROR_MAKER(cancelled, kCancelled)
CUPEL_ERROR_MAKER(exhausted, kExhausted)
CUPEL_ERROR_MAKER(internal_error, kInternal)
#undef CUPEL_ERROR_MAKER

}  // namespace cupel
