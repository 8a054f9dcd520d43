#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace cupel::train {

/// What a token is of; what a mask is made from, and what `cupel tune inspect` colours.
enum class TokenRole : uint8_t {
  kTemplate,     ///< markers, headers, BOS
  kInstruction,  ///< text of a system, user or tool message; the prompt
  kCompletion,   ///< text of the assistant and the token that ends its turn
};

/// One tokenised sequence.
struct Example {
  std::vector<int32_t> ids;
  /// Per token, its weight as a label: 0 = not trained. The first one counts for nothing: no token
  /// stands before it.
  std::vector<float> weights;
  /// Per token what it is of, where the options of tokenising ask for it; else empty.
  std::vector<TokenRole> roles;
  std::string id;     ///< of its row
  double weight = 1;  ///< of its row; `weights` are multiplied by it already

  /// How many labels are trained.
  [[nodiscard]] int64_t trained_tokens() const {
    int64_t count = 0;
    for (size_t i = 1; i < weights.size(); ++i) {
      count += weights[i] != 0 ? 1 : 0;
    }
    return count;
  }
};

/// Answers to one prompt: two of them (chosen, rejected) or K. All begin with the same
/// `prompt_tokens` ids, of which none is trained.
struct ExampleGroup {
  int64_t prompt_tokens = 0;
  std::vector<Example> answers;
  std::vector<double> scores;                                ///< one per answer, NaN: none
  double margin = std::numeric_limits<double>::quiet_NaN();  ///< NaN: none
  bool tie = false;
  int label = -1;     ///< of one answer alone: 1 wanted, 0 unwanted; −1: no such row
  double weight = 1;  ///< of the row
  std::vector<std::pair<std::string, double>> ratings;  ///< of the row, by name
  std::string id;
};

}  // namespace cupel::train
