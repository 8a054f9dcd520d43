#include "base/file_lock.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/system_error.h"

namespace cupel {

Result<FileLock> FileLock::take(const std::string& path, std::string_view busy) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    return system_error(path, "open");
  }
  FileLock lock(fd);
  // Only a lock that someone holds counts: some file systems have none.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return failed_precondition("{}: {}", path, busy);
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

}  // namespace cupel
