#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace cupel {
namespace {

LogLevel level_from_environment() {
  const char* text = std::getenv("CUPEL_LOG");
  const std::string_view name = text == nullptr ? "" : text;
  return name == "debug"   ? LogLevel::kDebug
         : name == "info"  ? LogLevel::kInfo
         : name == "error" ? LogLevel::kError
                           : LogLevel::kWarning;
}

std::atomic<LogLevel>& threshold() {
  static std::atomic<LogLevel> level = level_from_environment();
  return level;
}

constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};

}  // namespace

void set_log_level(LogLevel level) {
  threshold() = level;
}

void log_line(LogLevel level, std::string_view text) {
  if (level < threshold().load()) {
    return;
  }
  std::string line = "cupel: ";
  line += kNames[static_cast<size_t>(level)];
  line += ": ";
  line += text;
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);  // one write: lines of threads do not mix
}

}  // namespace cupel
