#pragma once

#include <string>

#include "decode/bench/figures.h"
#include "report/terminal.h"

namespace cupel::cli {

/// A benchmark for people: the machine, a table for each run, a table of all runs side by side
/// where there are several, and what follows from the figures.
std::string bench_text(const decode::bench::Report& report, const report::Terminal& terminal);

}  // namespace cupel::cli
