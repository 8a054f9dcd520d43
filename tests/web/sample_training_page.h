#pragma once

#include <cstddef>

#include "report/training_page.h"

namespace cupel::test {

/// A made-up run of preferences of that many steps, with every kind of chart: smoothed and exact
/// lines, held-out values, skipped steps, both scales. Texts of the data carry the XSS corpus.
report::TrainingPage sample_training_page(size_t steps);

/// A run of one step, without evaluation or samples.
report::TrainingPage lone_training_page();

}  // namespace cupel::test
