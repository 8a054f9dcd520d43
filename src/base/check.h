#pragma once

#include <string_view>

namespace cupel {

/// Prints `file:line: check failed: expression` with the message and aborts. Bugs only, never user
/// input.
[[noreturn]] void check_failed(const char* file,
                               int line,
                               const char* expression,
                               std::string_view message);

}  // namespace cupel

/// Aborts on a bug, in every build. The optional message is a plain string.
#define CUPEL_CHECK(condition, ...)                                                         \
  do {                                                                                      \
    if (!(condition)) [[unlikely]] {                                                        \
      ::cupel::check_failed(__FILE__, __LINE__, #condition, std::string_view{__VA_ARGS__}); \
    }                                                                                       \
  } while (false)

/// As CUPEL_CHECK, but only in builds with checks on: for hot loops.
#ifdef NDEBUG
#define CUPEL_DCHECK(condition, ...) \
  do {                               \
    (void)sizeof(condition);         \
  } while (false)
#else
#define CUPEL_DCHECK(condition, ...) CUPEL_CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
