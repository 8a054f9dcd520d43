#include "base/system_error.h"

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/io.h"

namespace cupel {

Error system_error(const std::string& path, std::string_view what) {
  const int number = errno;
  const char* reason = std::strerror(number);
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return not_found("{}: no such file{}", path, path_hint(path));
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return exhausted("{}: cannot {}: {}; free some space and run the same command again", path,
                       what, reason);
    case EACCES:
    case EPERM:
    case EROFS:
      return unavailable("{}: cannot {}: {}; check the permissions or choose another place", path,
                         what, reason);
    case ENAMETOOLONG:
    case ELOOP:
      return invalid_argument("{}: cannot {}: {}", path, what, reason);
    case ENOMEM:
      return exhausted("{}: cannot {}: {}", path, what, reason);
    default:
      return unavailable("{}: cannot {}: {}", path, what, reason);
  }
}

}  // namespace cupel
