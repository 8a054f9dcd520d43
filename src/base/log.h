#pragma once

#include <string_view>

#include "base/format.h"

namespace cupel {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Writes one line to standard error when `level` is at least the threshold. Never secrets.
void log_line(LogLevel level, std::string_view text);
/// Default kWarning; `CUPEL_LOG=debug|info|warning|error` overrides, `--verbose` lowers it.
void set_log_level(LogLevel threshold);

template <typename... Args>
void log_info(std::string_view pattern, const Args&... args) {
  log_line(LogLevel::kInfo, format(pattern, args...));
}
template <typename... Args>
void log_warning(std::string_view pattern, const Args&... args) {
  log_line(LogLevel::kWarning, format(pattern, args...));
}

}  // namespace cupel
