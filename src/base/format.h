#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace cupel {

/// One argument of `format`, type-erased so that {fmt} stays inside format.cpp (ecosystem.md, fact
/// 1).
using FormatArg = std::variant<bool, int64_t, uint64_t, double, std::string_view>;

/// Python-style formatting ("{}", "{:.3f}", "{:>8}"). A malformed format string is a bug: it
/// aborts.
std::string format_args(std::string_view pattern, std::initializer_list<FormatArg> args);

namespace internal {
template <typename T>
FormatArg format_arg(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return FormatArg(value);
  } else if constexpr (std::is_same_v<T, char>) {
    return FormatArg(std::string_view(&value, 1));
  } else if constexpr (std::is_enum_v<T>) {
    return FormatArg(static_cast<int64_t>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return FormatArg(static_cast<int64_t>(value));
  } else if constexpr (std::is_integral_v<T>) {
    return FormatArg(static_cast<uint64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    return FormatArg(static_cast<double>(value));
  } else {
    return FormatArg(std::string_view(value));
  }
}
}  // namespace internal

/// `format("{}: {:.2f}", name, value)`; the arguments live until the call returns.
template <typename... Args>
std::string format(std::string_view pattern, const Args&... args) {
  return format_args(pattern, {internal::format_arg(args)...});
}

}  // namespace cupel
