#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

/// A folder that is written under a name of its own beside the one that it gets when it is
/// complete; removed where that does not come to pass. Movable.
class PartialFolder {
 public:
  /// `path`: what it will be called; an empty folder may stand there.
  /// Errors: kFailedPrecondition - something is there already; kNotFound - the folder around it is
  /// not; kUnavailable.
  static Result<PartialFolder> create(const std::string& path);
  PartialFolder(PartialFolder&& other) noexcept;
  PartialFolder& operator=(PartialFolder&&) = delete;
  ~PartialFolder();

  /// Where it is written.
  [[nodiscard]] const std::string& path() const { return partial_; }
  /// Writes a file of it. Errors: as write_file_atomic.
  [[nodiscard]] Result<Ok> write(std::string_view name, std::string_view content) const;
  /// The same of JSON, with a line feed at its end. `indent`: as JsonStyle.
  [[nodiscard]] Result<Ok> write_json(std::string_view name, const Json& json, int indent) const;
  /// Gives it its name. Errors: kUnavailable.
  Result<Ok> commit();

 private:
  PartialFolder(std::string path, std::string partial);
  std::string path_;
  std::string partial_;
  bool owned_ = false;
};

}  // namespace cupel
