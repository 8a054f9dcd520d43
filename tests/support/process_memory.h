#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace cupel::test {

/// A line of /proc/self/status in bytes ("VmRSS", "RssFile", "VmHWM"); nothing where the system has
/// no such line.
std::optional<size_t> memory_status(std::string_view name);
/// Starts the peak (VmHWM) anew from what is resident now. False where the system does not let
/// us, and under the thread sanitizer, whose own memory is a multiple of what is tested.
bool reset_memory_peak();

}  // namespace cupel::test
