#include "base/clock.h"

#include <ctime>

namespace cupel {

std::string utc_timestamp(double seconds) {
  const auto now = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace cupel
