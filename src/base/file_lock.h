#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace cupel {

/// A lock between processes: an empty file that one of them holds until the object is destroyed or
/// the process ends, however it ends. The file stays. Movable.
class FileLock {
 public:
  /// Creates the file where it is missing; its folder must exist. Does not wait.
  /// Errors: kFailedPrecondition - another process (or another object here) holds it: `busy` is
  /// what the message says after the path; those of system_error.
  static Result<FileLock> take(const std::string& path, std::string_view busy);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace cupel
