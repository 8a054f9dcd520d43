#include "train/metrics/event_file.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/io.h"
#include "base/system_error.h"

namespace cupel::train {
namespace {

// Fields of tensorflow's event.proto and summary.proto, with their wire types.
constexpr char kWallTime = 0x09;      // Event 1, fixed64
constexpr char kStep = 0x10;          // Event 2, varint
constexpr char kFileVersion = 0x1A;   // Event 3, bytes
constexpr char kSummary = 0x2A;       // Event 5, bytes
constexpr char kSessionLog = 0x3A;    // Event 7, bytes
constexpr char kSummaryValue = 0x0A;  // Summary 1, bytes
constexpr char kTag = 0x0A;           // Summary.Value 1, bytes
constexpr char kSimpleValue = 0x15;   // Summary.Value 2, fixed32
constexpr char kStatus = 0x08;        // SessionLog 1, varint
constexpr char kStart = 1;            // SessionLog.START

void append_little_endian(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) {
    out += static_cast<char>((value >> (8 * i)) & 0xFFU);
  }
}

void append_varint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  out += static_cast<char>(value);
}

void append_bytes(char field, std::string_view bytes, std::string& out) {
  out += field;
  append_varint(bytes.size(), out);
  out += bytes;
}

std::string event_head(double wall_time_s, int64_t step) {
  std::string event(1, kWallTime);
  append_little_endian(std::bit_cast<uint64_t>(wall_time_s), 8, event);
  if (step != 0) {  // proto3 leaves defaults out
    event += kStep;
    append_varint(static_cast<uint64_t>(step), event);
  }
  return event;
}

uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

}  // namespace

std::string event_record(std::string_view event) {
  std::string record;
  append_little_endian(event.size(), 8, record);
  append_little_endian(masked_crc(record), 4, record);
  record += event;
  append_little_endian(masked_crc(event), 4, record);
  return record;
}

Result<EventFile> EventFile::create(const Options& options) {
  CUPEL_TRY_VOID(make_directories(options.folder));
  const std::string base =
      format("{}/events.out.tfevents.{:010}.{}.{}", options.folder,
             static_cast<int64_t>(options.wall_time_s), options.host, options.process_id);
  std::string path = base;
  int fd = -1;
  for (int64_t number = 0; fd < 0; ++number) {
    path = number == 0 ? base : format("{}.{}", base, number);
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) {
      return system_error(path, "create");
    }
  }
  EventFile file(std::move(path), fd);
  std::string version = event_head(options.wall_time_s, 0);
  append_bytes(kFileVersion, "brain.Event:2", version);
  CUPEL_TRY_VOID(file.append(version));
  if (options.first_step) {
    std::string start = event_head(options.wall_time_s, *options.first_step);
    append_bytes(kSessionLog, std::string{kStatus, kStart}, start);
    CUPEL_TRY_VOID(file.append(start));
  }
  return file;
}

EventFile& EventFile::operator=(EventFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

EventFile::~EventFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<Ok> EventFile::write(int64_t step, double wall_time_s, std::span<const Scalar> scalars) {
  std::string summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    append_bytes(kTag, scalar.tag, value);
    value += kSimpleValue;
    append_little_endian(std::bit_cast<uint32_t>(static_cast<float>(scalar.value)), 4, value);
    append_bytes(kSummaryValue, value, summary);
  }
  std::string event = event_head(wall_time_s, step);
  append_bytes(kSummary, summary, event);
  return append(event);
}

Result<Ok> EventFile::append(std::string_view event) {
  const std::string record = event_record(event);
  std::string_view left = record;
  while (!left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return system_error(path_, "write to");
    }
    left.remove_prefix(static_cast<size_t>(written));
  }
  return Ok{};
}

}  // namespace cupel::train
