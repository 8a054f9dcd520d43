#pragma once

#include <stop_token>

namespace cupel::cli {

/// A token that Ctrl-C (and SIGTERM) trips. The second signal ends the process at once.
std::stop_token stop_on_interrupt();

}  // namespace cupel::cli
