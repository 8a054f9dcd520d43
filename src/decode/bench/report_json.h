#pragma once

#include <string_view>

#include "base/json.h"
#include "decode/bench/figures.h"

namespace cupel::decode::bench {

/// The report in the form of docs/bench-json.md ("schema": "cupel.bench/1"), without a time: equal
/// reports give equal texts.
Json report_json(const Report& report, std::string_view version);

}  // namespace cupel::decode::bench
