#pragma once

#include <chrono>
#include <string>

namespace cupel {

/// Seconds since an arbitrary start, steady.
inline double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
/// Seconds since 1970 (UTC).
inline double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Seconds since construction.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const { return now_seconds() - start_; }

 private:
  double start_ = now_seconds();
};

/// "2026-11-25T04:30:00Z" of seconds since 1970.
std::string utc_timestamp(double seconds);

}  // namespace cupel
