#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace cupel {

/// A file that arrives in pieces over several runs of the program: it grows under a name of its own
/// and survives a kill; `publish` moves it, complete, to the name under which it is used. Beside it
/// lies a short tag that says which version of the source the bytes are of. Movable; one process at
/// a time (take a FileLock).
class PartialFile {
 public:
  /// Opens what an earlier run left, or creates an empty file; its folder must exist.
  /// Errors: those of system_error.
  static Result<PartialFile> open(const std::string& path);
  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&& other) noexcept;
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  [[nodiscard]] int64_t size() const { return size_; }
  [[nodiscard]] const std::string& tag() const { return tag_; }

  /// Reads what is there, piece by piece: `take` sees every byte once, in order.
  template <typename Take>
  Result<Ok> read(Take&& take) const {
    std::string buffer(kReadBytes, '\0');
    for (int64_t at = 0; at < size_;) {
      CUPEL_TRY(const size_t got, read_at(at, buffer));
      take(std::string_view(buffer).substr(0, got));
      at += static_cast<int64_t>(got);
    }
    return Ok{};
  }

  /// Errors: kExhausted when the disk is full; what was written before stays.
  Result<Ok> append(std::string_view piece);
  /// Drops all bytes and says what the next ones are of.
  Result<Ok> restart(std::string_view tag);
  /// Syncs, moves the file to `path` (a file there is replaced) and removes the tag; then the
  /// object is spent.
  Result<Ok> publish(const std::string& path);
  /// Removes file and tag; then the object is spent.
  void discard();

 private:
  static constexpr size_t kReadBytes = 1U << 20U;

  PartialFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Result<size_t> read_at(int64_t at, std::string& buffer) const;
  [[nodiscard]] std::string tag_path() const { return path_ + ".tag"; }

  std::string path_;
  std::string tag_;
  int64_t size_ = 0;
  int fd_ = -1;
};

}  // namespace cupel
