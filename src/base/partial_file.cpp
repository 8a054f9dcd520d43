#include "base/partial_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/system_error.h"

namespace cupel {

Result<PartialFile> PartialFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) {
    return system_error(path, "open");
  }
  PartialFile file(path, fd);
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return system_error(path, "look");
  }
  file.size_ = info.st_size;
  // Without its tag nobody knows what the bytes are of; the reader decides what that means.
  if (auto tag = read_file(file.tag_path()); tag) {
    file.tag_ = std::move(*tag);
  }
  return file;
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      tag_(std::move(other.tag_)),
      size_(other.size_),
      fd_(std::exchange(other.fd_, -1)) {}

PartialFile& PartialFile::operator=(PartialFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(tag_, other.tag_);
  std::swap(size_, other.size_);
  std::swap(fd_, other.fd_);
  return *this;
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<size_t> PartialFile::read_at(int64_t at, std::string& buffer) const {
  while (true) {
    const ssize_t got = ::pread(fd_, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return system_error(path_, "read");
    }
    if (got == 0) {
      return unavailable("{}: became shorter while it was read; is another program at work here?",
                         path_);
    }
    return static_cast<size_t>(got);
  }
}

Result<Ok> PartialFile::append(std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t written = ::write(fd_, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return system_error(path_, "write");
    }
    size_ += written;
    piece.remove_prefix(static_cast<size_t>(written));
  }
  return Ok{};
}

Result<Ok> PartialFile::restart(std::string_view tag) {
  if (::ftruncate(fd_, 0) != 0) {
    return system_error(path_, "empty");
  }
  size_ = 0;
  CUPEL_TRY_VOID(write_file_atomic(tag_path(), tag));
  tag_ = std::string(tag);
  return Ok{};
}

Result<Ok> PartialFile::publish(const std::string& path) {
  if (::fsync(fd_) != 0 && errno != EINVAL) {
    return system_error(path_, "sync");
  }
  if (::rename(path_.c_str(), path.c_str()) != 0) {
    return system_error(path, "rename into place");
  }
  ::unlink(tag_path().c_str());
  ::close(std::exchange(fd_, -1));
  return Ok{};
}

void PartialFile::discard() {
  ::unlink(path_.c_str());
  ::unlink(tag_path().c_str());
  ::close(std::exchange(fd_, -1));
}

}  // namespace cupel
