#pragma once

#include <string>

namespace cupel::report {

/// One line about the run.
struct RunFact {
  std::string name{};
  std::string value{};
  std::string hash{};  ///< behind the value, cut to its first digits, in full as a tooltip
};

enum class NoteLevel { kInfo, kWarning };
/// Something that readers must know before they believe the numbers.
struct Note {
  NoteLevel level = NoteLevel::kInfo;
  std::string text{};
};

}  // namespace cupel::report
