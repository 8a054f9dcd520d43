#pragma once

#include <string>
#include <vector>

#include "decode/bench/figures.h"

namespace cupel::decode::bench {

/// What the figures say about how to run a model here, one sentence each: what limits its decoding,
/// what a larger batch brings, and which of the measured numbers of threads is the fastest.
/// Sentences without the figures they need are left out.
std::vector<std::string> advice(const Report& report);

}  // namespace cupel::decode::bench
