#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rank/length_controlled.h"
#include "rank/win_rate.h"

namespace cupel::rank {

/// Reads one model's AlpacaEval verdicts from CSV text with the columns `index, preference, len_1,
/// len_2` in any order; others are ignored.
///
/// preference: AlpacaEval's scale, 1 (the baseline is better) to 2 (the model is); 0 is an old
///             sign for a draw; empty, nan and None are no verdict.
/// Errors: kCorruptData `path:line: …` - broken CSV, a value out of range, an instruction twice;
///         kInvalidArgument - a missing column (the present ones are named), no rows.
Result<std::vector<PreferenceItem>> parse_alpaca_annotations(std::string_view text,
                                                             const std::string& path);
Result<std::vector<PreferenceItem>> read_alpaca_annotations(const std::string& path);

/// Reads γ of each instruction from CSV text: a column `index` (or without a name), and a column
/// `difficulty` or `instruction_difficulty`. Errors as above.
Result<InstructionDifficulties> parse_instruction_difficulties(std::string_view text,
                                                               const std::string& path);
Result<InstructionDifficulties> read_instruction_difficulties(const std::string& path);

/// Reads the fitted weights of many models by name, in the layout of alpaca_eval's own files: a
/// column without a name, then `np.tanh(std_delta_len)` (φ), `instruction_difficulty` (ψ) and
/// `not_gamed_baseline.astype(float)` (θ). Errors as above.
Result<std::map<std::string, LengthControlledWeights>> parse_length_controlled_weights(
    std::string_view text, const std::string& path);
Result<std::map<std::string, LengthControlledWeights>> read_length_controlled_weights(
    const std::string& path);

}  // namespace cupel::rank
