#pragma once

#include "report/evaluation_page.h"

namespace cupel::test {

/// A made-up evaluation of four contenders on 24 two-turn questions in eight categories. Question 1
/// holds the XSS corpus in every place where outside text may stand; the rest reads like a real
/// run.
report::EvaluationPage sample_page();

/// The same with ten contenders of long names, two of them controls: as wide as a page gets.
report::EvaluationPage crowded_page();

/// One contender and one question: no interval, nobody to compare with.
report::EvaluationPage lone_page();

}  // namespace cupel::test
