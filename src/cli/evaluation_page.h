#pragma once

#include "base/result.h"
#include "judge/benchmark.h"
#include "judge/run_folder.h"
#include "judge/summary.h"
#include "report/evaluation_page.h"

namespace cupel::cli {

/// The page of a run, in the report's terms.
Result<report::EvaluationPage> evaluation_page(const judge::Benchmark& benchmark,
                                               const judge::RunFolder& run,
                                               const judge::RunSummary& summary);

/// Writes report.html, report.json and FastChat's files into the run.
Result<Ok> write_reports(const judge::Benchmark& benchmark,
                         const judge::RunFolder& run,
                         const judge::RunSummary& summary);

}  // namespace cupel::cli
