#include "support/process_memory.h"

#include <fstream>
#include <string>

namespace cupel::test {

std::optional<size_t> memory_status(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(std::string(name) + ":")) {
      return std::stoull(line.substr(name.size() + 1)) * 1024;  // the number is followed by " kB"
    }
  }
  return std::nullopt;
}

bool reset_memory_peak() {
#ifdef __SANITIZE_THREAD__
  return false;
#endif
  std::ofstream control("/proc/self/clear_refs");
  control << "5" << std::flush;
  return control.good();
}

}  // namespace cupel::test
