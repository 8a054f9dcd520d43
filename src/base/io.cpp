#include "base/io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/system_error.h"
#include "base/text.h"

namespace cupel {
namespace {

namespace fs = std::filesystem;

Result<Ok> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return system_error(path, "write");
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  return Ok{};
}

std::string descriptor_path(int fd) {
  return format("/proc/self/fd/{}", fd);
}

// A file in the folder of `path` that has no name yet, so that a killed process leaves nothing; -1
// where the file system has no such files or they could not be named later.
int open_nameless(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const int fd =
      ::open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd >= 0 && ::access(descriptor_path(fd).c_str(), F_OK) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

// What stands at a path, its links followed; not_found where nothing does.
Result<fs::file_type> type_at(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return fs::file_type::not_found;
    }
    return system_error(path, "look");
  }
  return S_ISREG(info.st_mode)    ? fs::file_type::regular
         : S_ISDIR(info.st_mode)  ? fs::file_type::directory
         : S_ISFIFO(info.st_mode) ? fs::file_type::fifo
         : S_ISSOCK(info.st_mode) ? fs::file_type::socket
                                  : fs::file_type::character;
}

// A new file would be renamed over what stands there: only a file may be replaced.
Result<Ok> check_replaceable(const std::string& path) {
  CUPEL_TRY(const fs::file_type type, type_at(path));
  switch (type) {
    case fs::file_type::not_found:
    case fs::file_type::regular:
      return Ok{};
    case fs::file_type::directory:
      return invalid_argument("{}: is a folder; expected the name of a file", path);
    default:
      return invalid_argument(
          "{}: is a {}, which a file would replace; name a file, and copy it from there", path,
          type == fs::file_type::fifo     ? "pipe"
          : type == fs::file_type::socket ? "socket"
                                          : "device");
  }
}

// Where a file written to `path` belongs: at the end of its symbolic links, dangling ones included.
Result<std::string> follow_links(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel
  fs::path place(path);
  std::error_code ec;
  for (int link = 0; fs::is_symlink(place, ec); ++link) {
    if (link == kMostLinks) {
      return invalid_argument("{}: its symbolic links lead in a circle", path);
    }
    const fs::path next = fs::read_symlink(place, ec);
    if (ec) {
      return unavailable("{}: cannot follow the link: {}", path, ec.message());
    }
    place = place.parent_path() / next;  // an absolute `next` replaces what stands before it
  }
  return place.string();
}

}  // namespace

Result<bool> path_exists(const std::string& path) {
  CUPEL_TRY(const fs::file_type type, type_at(path));
  return type != fs::file_type::not_found;
}

Result<bool> is_folder(const std::string& path) {
  CUPEL_TRY(const fs::file_type type, type_at(path));
  return type == fs::file_type::directory;
}

Result<std::vector<std::string>> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code ec;
  for (fs::directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) {
    names.push_back(it->path().filename().string());
  }
  if (ec) {
    errno = ec.value();
    return system_error(path, "list");
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> absolute_path(const std::string& path) {
  std::error_code ec;
  const fs::path whole = fs::absolute(path, ec);
  if (ec) {
    return unavailable("{}: the working folder cannot be read: {}", path, ec.message());
  }
  return whole.lexically_normal().string();
}

std::string path_hint(const std::string& path) {
  fs::path wanted(path);
  std::error_code ec;
  fs::path rest;  // what follows the first part that does not exist
  while (wanted.has_parent_path() && !fs::exists(wanted.parent_path(), ec)) {
    rest = rest.empty() ? wanted.filename() : wanted.filename() / rest;
    wanted = wanted.parent_path();
  }
  const fs::path folder = wanted.has_parent_path() ? wanted.parent_path() : fs::path(".");
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end && names.size() < 10000;
       it.increment(ec)) {
    const bool fits = rest.empty() ? it->path().filename() != wanted.filename()
                                   : fs::exists(it->path() / rest, ec);
    if (fits) {
      names.push_back(it->path().filename().string());
    }
  }
  const std::string match = nearest_match(wanted.filename().string(), names);
  if (match.empty()) {
    return {};
  }
  const fs::path found = wanted.has_parent_path() ? folder / match : fs::path(match);
  return format(" (did you mean \"{}\"?)", (rest.empty() ? found : found / rest).string());
}

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return system_error(path, "open");
  }
  std::string content;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    content.reserve(static_cast<size_t>(info.st_size));
  }
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      const bool folder = errno == EISDIR;
      Error error = folder ? invalid_argument("{}: is a folder; expected a file", path)
                           : system_error(path, "read");
      ::close(fd);
      return error;
    }
    if (got == 0) {
      ::close(fd);
      return content;
    }
    content.append(buffer, static_cast<size_t>(got));
  }
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  CUPEL_TRY(std::string target, follow_links(path));
  CUPEL_TRY_VOID(check_replaceable(target));
  std::string temporary = format("{}.{}.tmp", target, ::getpid());
  int fd = open_nameless(target);
  const bool nameless = fd >= 0;
  if (!nameless) {
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return not_found("{}: cannot create: its folder does not exist; create the folder first", path);
  }
  if (fd < 0) {
    return system_error(path, "create");
  }
  return AtomicFile(path, std::move(target), std::move(temporary), fd, nameless);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      nameless_(other.nameless_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(target_, other.target_);
  std::swap(temporary_, other.temporary_);
  std::swap(fd_, other.fd_);
  std::swap(nameless_, other.nameless_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    if (!nameless_) {
      ::unlink(temporary_.c_str());
    }
  }
}

Result<Ok> AtomicFile::append(std::string_view piece) {
  return write_all(fd_, piece, path_);
}

Result<Ok> AtomicFile::commit() {
  if (::fsync(fd_) != 0 && errno != EINVAL) {
    return system_error(path_, "sync");
  }
  if (nameless_) {
    ::unlink(temporary_.c_str());  // should a process of the same number have been killed here
    if (::linkat(AT_FDCWD, descriptor_path(fd_).c_str(), AT_FDCWD, temporary_.c_str(),
                 AT_SYMLINK_FOLLOW) != 0) {
      return system_error(path_, "name");
    }
    nameless_ = false;
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    return system_error(path_, "rename into place");
  }
  ::close(std::exchange(fd_, -1));
  return Ok{};
}

Result<Ok> write_file_atomic(const std::string& path, std::string_view content) {
  CUPEL_TRY(AtomicFile file, AtomicFile::create(path));
  CUPEL_TRY_VOID(file.append(content));
  return file.commit();
}

Result<Ok> make_directories(const std::string& path) {
  std::error_code ec;
  if (fs::exists(path, ec) && !fs::is_directory(path, ec)) {
    return invalid_argument("{}: exists and is no folder; choose another place", path);
  }
  fs::create_directories(path, ec);
  if (ec) {
    return unavailable("{}: cannot create the folder: {}; choose another place", path,
                       ec.message());
  }
  return Ok{};
}

namespace {

enum class PageEdges { kInwards, kOutwards };

// What becomes of an advice is the system's business: the errors mean that it was not taken.
void advise(std::span<const std::byte> part, PageEdges edges, int advice) {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto data = reinterpret_cast<uintptr_t>(part.data());
  const uintptr_t slack = edges == PageEdges::kInwards ? page - 1 : 0;
  const uintptr_t begin = (data + slack) / page * page;
  const uintptr_t end = (data + part.size() + page - 1 - slack) / page * page;
  if (begin < end) {
    ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);  // NOLINT: an address again
  }
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Opening a pipe otherwise waits for somebody to write into it.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    return system_error(path, "open");
  }
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return S_ISDIR(info.st_mode) ? invalid_argument("{}: is a folder; expected a file", path)
                                 : invalid_argument("{}: is no regular file", path);
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) {
    ::close(fd);
    return MappedFile(path, nullptr, 0);
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (data == MAP_FAILED) {
    return system_error(path, "map");
  }
  return MappedFile(path, static_cast<const std::byte*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::expect(std::span<const std::byte> part) const {
  advise(part, PageEdges::kOutwards, MADV_WILLNEED);
}

void MappedFile::release(std::span<const std::byte> part) const {
  advise(part, PageEdges::kInwards, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<std::byte*>(data_), size_);
  }
}

Result<Json> read_json_file(const std::string& path) {
  CUPEL_TRY(const std::string text, read_file(path));
  auto json = parse_json(text);
  if (!json) {
    return in_file(std::move(json).error(), path);
  }
  return json;
}

Result<JsonlAppender> JsonlAppender::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) {
    return system_error(path, "open for appending");
  }
  JsonlAppender appender(path, fd);
  // Only a lock that someone holds counts: some file systems have none.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return failed_precondition("{}: another process is writing here; wait for it, or stop it",
                               path);
  }
  // An unfinished last line is what a kill left of the row in flight: cut it off.
  off_t end = ::lseek(fd, 0, SEEK_END);
  off_t keep = end;
  char c = '\n';
  while (keep > 0 && ::pread(fd, &c, 1, keep - 1) == 1 && c != '\n') {
    --keep;
  }
  if (keep != end && ::ftruncate(fd, keep) != 0) {
    return system_error(path, "cut off an unfinished last line of");
  }
  return appender;
}

JsonlAppender::JsonlAppender(JsonlAppender&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

JsonlAppender& JsonlAppender::operator=(JsonlAppender&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

JsonlAppender::~JsonlAppender() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<Ok> JsonlAppender::append(const Json& row) {
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  auto written = write_all(fd_, dump_json(row) + "\n", path_);
  if (!written && ::ftruncate(fd_, before) != 0) {
    return in_context(std::move(written).error(), "the last line may be incomplete");
  }
  return written;
}

Result<Ok> for_each_jsonl(std::string_view text,
                          const std::string& path,
                          const std::function<Result<Ok>(Json&&, size_t)>& row) {
  size_t line = 0;
  while (!text.empty()) {
    ++line;
    const size_t end = text.find('\n');
    const std::string_view content = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (content.empty()) {
      continue;
    }
    auto parsed = parse_json(content);
    if (!parsed) {
      return in_file(std::move(parsed).error(), path, line);
    }
    if (auto done = row(std::move(*parsed), line); !done) {
      return in_file(std::move(done).error(), path, line);
    }
  }
  return Ok{};
}

Result<Ok> for_each_jsonl_file(const std::string& path,
                               const std::function<Result<Ok>(Json&&, size_t)>& row) {
  if (path == "-") {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), {});
    return for_each_jsonl(text, "standard input", row);
  }
  CUPEL_TRY(const std::string text, read_file(path));
  return for_each_jsonl(text, path, row);
}

}  // namespace cupel
