#pragma once

#include "report/data_page.h"

namespace cupel::test {

/// Made-up rows of training data: a dialogue, a pair, and rows, file names and reasons that carry
/// the XSS corpus.
report::DataPage sample_data_page();

}  // namespace cupel::test
