#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cupel::report {

/// What of a row a token is.
enum class TokenPart { kTemplate, kInstruction, kCompletion };
/// "template", "instruction", "completion".
std::string_view token_part_name(TokenPart part);

/// A token as it is shown.
struct DataToken {
  int32_t id = 0;
  std::string bytes{};  ///< control tokens spelt out; may be part of a character
  TokenPart part = TokenPart::kTemplate;
  double weight = 0;  ///< of it as a label
  bool learnt = false;
  bool control = false;
};
/// Its text, or its bytes as "\xE2\x82" where they are no whole characters.
std::string token_text(const DataToken& token);

struct DataSequence {
  std::string name{};  ///< "chosen", "answer 3 (score 0.5)"; empty: the only one
  std::vector<DataToken> tokens{};
};
struct DataRow {
  std::string id{};
  std::vector<DataSequence> sequences{};  ///< of answers: the prompt that they share comes first
};

/// Rows of training data as the trainer sees them. Texts are data: they are escaped.
struct DataPage {
  std::vector<std::string> files{};
  std::string model{};
  std::string method{};
  std::string loss_on{};

  struct Counts {
    int64_t rows = 0;
    int64_t kept = 0;  ///< sequences or groups of answers, of the rows that were not left out
    int64_t bad = 0;
    int64_t empty = 0;
    int64_t too_long = 0;
    int64_t untrained = 0;
    int64_t retokenized = 0;
    int64_t tokens = 0;
    int64_t labels = 0;
  } counts;
  std::string counts_text{};           ///< the rows in words
  std::vector<std::string> reasons{};  ///< why rows are bad, the first of them

  /// Tokens of what is kept.
  struct Lengths {
    int64_t shortest = 0;
    int64_t median = 0;
    int64_t longest = 0;
    int64_t from = 0;               ///< where the first bin begins
    int64_t bin = 1;                ///< width of a bin
    std::vector<int64_t> counts{};  ///< a length on a border belongs to the bin above it
  } lengths;

  /// Of the first epoch.
  struct Packing {
    std::string name{};
    int64_t steps = 0;
    int64_t bins = 0;    ///< rows of tokens that are computed
    int64_t length = 0;  ///< most tokens of one
    int64_t tokens = 0;  ///< in all of them
    [[nodiscard]] double fill() const {
      return bins == 0 ? 0 : static_cast<double>(tokens) / static_cast<double>(bins * length);
    }
  } packing;

  std::vector<DataRow> rows{};
};

/// Fills `lengths` from the lengths themselves, in about `bins` bins of round width.
DataPage::Lengths length_bins(std::vector<int64_t> lengths, int64_t bins = 12);

/// The page as one self-contained HTML file without scripts.
std::string render_data_page(const DataPage& page);

}  // namespace cupel::report
