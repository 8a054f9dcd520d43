#include "base/byte_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decompress.h"
#include "base/error.h"
#include "base/system_error.h"

namespace cupel {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(int fd, std::string name, bool owned)
      : fd_(fd), name_(std::move(name)), owned_(owned) {}
  ~FileSource() override {
    if (owned_) {
      ::close(fd_);
    }
  }
  Result<size_t> read(std::span<char> out) override {
    size_t filled = 0;
    while (filled < out.size()) {
      const ssize_t got = ::read(fd_, out.data() + filled, out.size() - filled);
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        return errno == EISDIR ? invalid_argument("{}: is a folder; expected a file", name_)
                               : system_error(name_, "read");
      }
      if (got == 0) {
        break;
      }
      filled += static_cast<size_t>(got);
    }
    return filled;
  }

 private:
  int fd_;
  std::string name_;
  bool owned_;
};

class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  Result<size_t> read(std::span<char> out) override {
    const size_t count = std::min(out.size(), bytes_.size());
    std::copy_n(bytes_.data(), count, out.data());
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

/// Bytes that were read to look at them, and then the rest.
class LookedAtSource : public ByteSource {
 public:
  LookedAtSource(std::string head, std::unique_ptr<ByteSource> rest)
      : head_(std::move(head)), rest_(std::move(rest)) {}
  Result<size_t> read(std::span<char> out) override {
    const size_t count = std::min(out.size(), head_.size() - used_);
    std::copy_n(head_.data() + used_, count, out.data());
    used_ += count;
    if (count == out.size()) {
      return count;
    }
    CUPEL_TRY(const size_t more, rest_->read(out.subspan(count)));
    return count + more;
  }

 private:
  std::string head_;
  size_t used_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

/// What a file begins with, and how to get at what is inside.
struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view kind;
  std::string_view command;  // empty: it is read here
};
using namespace std::string_view_literals;
constexpr std::array kMagics = {
    Magic{0, "\x1F\x8B"sv, "gzip", ""},          Magic{0, "\x28\xB5\x2F\xFD"sv, "zstd", ""},
    Magic{1, "7zXZ"sv, "xz", "xz -dc"},          Magic{4, "1AY&"sv, "bzip2", "bzip2 -dc"},
    Magic{0, "PK\x03\x04"sv, "zip", "unzip -p"}, Magic{0, "\x04\x22\x4D\x18"sv, "lz4", "lz4 -dc"}};

/// The first frame of a zstd file may be a skippable one: sixteen magics, 0x184D2A50 and on.
bool is_skippable_zstd(std::string_view head) {
  return head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xF0U) == 0x50U &&
         head.substr(1, 3) == "\x2A\x4D\x18"sv;
}

Result<OpenSource> unpacked(std::unique_ptr<ByteSource> bytes, const std::string& name) {
  std::string head(8, '\0');
  CUPEL_TRY(const size_t got, bytes->read(head));
  head.resize(got);
  auto whole = std::make_unique<LookedAtSource>(head, std::move(bytes));
  if (is_skippable_zstd(head)) {
    CUPEL_TRY(auto plain, unzstd(std::move(whole), name));
    return OpenSource{name, std::move(plain), true};
  }
  for (const Magic& magic : kMagics) {
    if (head.size() < magic.offset ||
        !std::string_view(head).substr(magic.offset).starts_with(magic.bytes)) {
      continue;
    }
    if (!magic.command.empty()) {
      return unsupported("{}: is compressed with {}; gzip and zstd are read here: `{} {} | gzip`",
                         name, magic.kind, magic.command, name);
    }
    CUPEL_TRY(auto plain, magic.kind == "gzip" ? gunzip(std::move(whole), name)
                                               : unzstd(std::move(whole), name));
    return OpenSource{name, std::move(plain), true};
  }
  return OpenSource{name, std::move(whole), false};
}

}  // namespace

Result<OpenSource> open_source(const std::string& path) {
  if (path == "-") {
    const std::string name = "standard input";
    return unpacked(std::make_unique<FileSource>(STDIN_FILENO, name, false), name);
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return system_error(path, "open");
  }
  // A hint to read ahead; where the system does not take it, nothing is lost.
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return unpacked(std::make_unique<FileSource>(fd, path, true), path);
}

Result<OpenSource> source_of_bytes(std::string_view bytes, const std::string& name) {
  return unpacked(std::make_unique<MemorySource>(bytes), name);
}

}  // namespace cupel
