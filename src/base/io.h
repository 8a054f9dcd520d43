#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

/// The whole file. Errors: kNotFound (with a hint at a similarly named neighbour), kInvalidArgument
/// for a folder, kUnavailable for what the system refuses.
Result<std::string> read_file(const std::string& path);
/// A file that is one JSON document. Errors: those of read_file; kCorruptData naming the file.
Result<Json> read_json_file(const std::string& path);

/// Writes to a temporary neighbour, syncs and renames: readers see the old file or the new one,
/// never half.
Result<Ok> write_file_atomic(const std::string& path, std::string_view content);

/// A file written in pieces that appears under its name only when it is complete: pieces go to a
/// file without a name (a temporary neighbour where the file system has none), `commit` syncs it
/// and renames it into place, destruction without it removes it. A symbolic link stays and what it
/// points at is replaced. Movable.
class AtomicFile {
 public:
  /// Errors: kInvalidArgument - a folder, pipe, device or socket stands there; kNotFound - its
  /// folder does not exist; kUnavailable - what the system refuses.
  static Result<AtomicFile> create(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Errors: kExhausted when the disk is full, else kUnavailable; then nothing appears at `path`.
  Result<Ok> append(std::string_view piece);
  Result<Ok> commit();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  AtomicFile(std::string path, std::string target, std::string temporary, int fd, bool nameless)
      : path_(std::move(path)),
        target_(std::move(target)),
        temporary_(std::move(temporary)),
        fd_(fd),
        nameless_(nameless) {}
  std::string path_;    // as given, for messages
  std::string target_;  // `path_`, its links followed
  std::string temporary_;
  int fd_ = -1;            // -1 once committed or moved from
  bool nameless_ = false;  // `temporary_` does not exist yet
};

/// Whether anything, or a folder, stands there; links are followed. Errors: kUnavailable - the
/// system does not let us look.
Result<bool> path_exists(const std::string& path);
Result<bool> is_folder(const std::string& path);

/// The names in a folder, sorted, without "." and "..". Errors: as read_file.
Result<std::vector<std::string>> list_folder(const std::string& path);

/// The path from the root on, without "." and ".."; links stay. Errors: kUnavailable - the working
/// folder is gone.
Result<std::string> absolute_path(const std::string& path);

/// Creates the folder and its parents; fine when it exists. Errors name the folder and the reason.
Result<Ok> make_directories(const std::string& path);

/// A ` (did you mean "x"?)` for a path that does not exist, from the entries of its folder, or of
/// the deepest one of its folders that exists; else empty.
std::string path_hint(const std::string& path);

/// A file mapped read-only. Movable; unmapped on destruction.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] const std::string& path() const { return path_; }

  // Hints about a part of `bytes()`; where the system does not take them, nothing is lost.

  /// It is read next: the disk may begin.
  void expect(std::span<const std::byte> part) const;
  /// It is not read again soon: its whole pages leave the memory of this process (the system keeps
  /// them cached as it sees fit). Reading it again stays valid and costs a page fault.
  void release(std::span<const std::byte> part) const;

 private:
  MappedFile(std::string path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// A growing JSONL journal: one `append` is one write(2) of a whole line, so that kill -9 loses at
/// most the line in flight. Opening cuts off an unfinished last line (what an earlier kill left).
class JsonlAppender {
 public:
  /// Opens or creates; cuts off an unfinished last line. Holds a lock until it is destroyed.
  /// Errors: kFailedPrecondition - another process appends to the file.
  static Result<JsonlAppender> open(const std::string& path);
  JsonlAppender(JsonlAppender&& other) noexcept;
  JsonlAppender& operator=(JsonlAppender&& other) noexcept;
  JsonlAppender(const JsonlAppender&) = delete;
  JsonlAppender& operator=(const JsonlAppender&) = delete;
  ~JsonlAppender();

  /// Errors: kExhausted when the disk is full (nothing of the line stays behind), else
  /// kUnavailable.
  Result<Ok> append(const Json& row);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  JsonlAppender(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_ = -1;
};

/// Calls `row(value, line_number)` for each non-empty line of a JSONL text; lines count from 1.
/// Stops at the first error, which then carries `path:line: `. An unfinished last line is an error
/// too.
Result<Ok> for_each_jsonl(std::string_view text,
                          const std::string& path,
                          const std::function<Result<Ok>(Json&& row, size_t line)>& row);
/// The same from a file; `-` reads standard input.
Result<Ok> for_each_jsonl_file(const std::string& path,
                               const std::function<Result<Ok>(Json&& row, size_t line)>& row);

}  // namespace cupel
