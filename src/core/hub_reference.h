#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// A model on a hub, or a file of it: `ORG/NAME[@REVISION][:FILE]`.
struct HubReference {
  std::string owner;
  std::string name;
  std::string revision;  ///< a branch, tag or commit; empty where none is named
  std::string file;      ///< a path in the repository or a pattern with `*` and `?`; may be empty

  [[nodiscard]] std::string repository() const { return owner + "/" + name; }
  /// As it is written, which `parse_hub_reference` reads back.
  [[nodiscard]] std::string text() const;
};

/// Organisation and name hold letters, digits, '.', '_' and '-', begin with a letter or digit or
/// '_', are at most 96 bytes long and never "..", so that they can name folders. A revision holds
/// '/' as well. Errors: kInvalidArgument naming the text and a right example.
Result<HubReference> parse_hub_reference(std::string_view text);

/// Whether a path may name a file below a folder of ours: relative, of at most 16 parts of 1 to 200
/// bytes, valid UTF-8 without control characters and '\', no part "." or "..". Errors: kCorruptData
/// saying what is wrong with it.
Result<Ok> check_repository_path(std::string_view path);

}  // namespace cupel
