#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"

namespace cupel::fuzz {

/// One reader of bytes from outside. It takes any bytes, looks at all that it was given for them,
/// and aborts (CUPEL_CHECK) where that breaks a promise of the reader.
using Target = void (*)(std::span<const uint8_t> input);

#define CUPEL_FUZZ_TARGET(name) void name(std::span<const uint8_t> input);
#include "fuzz/targets.def"
#undef CUPEL_FUZZ_TARGET

struct NamedTarget {
  std::string_view name;
  Target run;
};
inline constexpr NamedTarget kTargets[] = {
#define CUPEL_FUZZ_TARGET(name) {#name, &name},
#include "fuzz/targets.def"
#undef CUPEL_FUZZ_TARGET
};

inline std::string_view text_of(std::span<const uint8_t> input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}

/// What stands before the first zero byte, and what stands behind it.
inline std::pair<std::string_view, std::string_view> split_at_zero(std::string_view text) {
  const size_t zero = text.find('\0');
  return zero == std::string_view::npos ? std::pair{text, std::string_view()}
                                        : std::pair{text.substr(0, zero), text.substr(zero + 1)};
}

/// Whatever is wrong with bytes from outside is said in one line, and is no bug of ours.
inline void check_error(const Error& error) {
  CUPEL_CHECK(!error.message.empty(), "an error without a message");
  CUPEL_CHECK(error.message.find('\n') == std::string::npos, error.message);
  CUPEL_CHECK(error.code != Code::kInternal, error.message);
}

}  // namespace cupel::fuzz
