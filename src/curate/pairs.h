#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "curate/rule.h"

namespace cupel::curate {

/// One answer that was sampled.
struct SampledAnswer {
  std::string text;
  int64_t tokens = 0;  ///< that were drawn, the end not counted
  bool whole = false;  ///< it ended by itself; what a limit cut short is in no pair
  std::string error;   ///< why there is none; empty: there is one
  Grade grade;         ///< under the prompt's rule
};

/// Whether a pair may have it: whole and not empty.
bool usable(const SampledAnswer& answer);

struct PairOptions {
  int64_t most = 1;  ///< pairs of one prompt
  double length_ratio =
      1.5;  ///< ≥ 1: the longer answer has at most so many times the tokens of the other
};

/// kInvalidArgument that names the option and its range, or Ok.
Result<Ok> check_pair_options(const PairOptions& options);

/// Indices of two answers to one prompt.
struct AnswerPair {
  size_t chosen = 0;
  size_t rejected = 0;
};

/// Pairs an answer that passes with one that does not, both whole and not empty.
///
/// Of like length first, so that length teaches as little as it can; no text is used twice, whether
/// one sample has it or several. Ties go to the earlier samples. O(n² log n).
std::vector<AnswerPair> choose_pairs(std::span<const SampledAnswer> answers,
                                     const PairOptions& options);

}  // namespace cupel::curate
