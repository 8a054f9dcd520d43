#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace cupel::train {

/// A number of a step, by its name ("train/loss").
struct Scalar {
  std::string tag;
  double value = 0;  ///< written as float32
};

/// TensorBoard's event file: what a run's numbers are plotted from.
///
/// Records of a length, its checksum, bytes and theirs (masked CRC-32C); the bytes are the protocol
/// buffer Event, which we write ourselves. Every `write` is one write(2) of a whole record, so a
/// killed run leaves at most a cut last one, which TensorBoard passes over. A resumed run writes a
/// file of its own into the same folder, and says from which step on it counts.
/// Movable. Checked against: tensorboard 2.21 (tests/train_data/event_file_test.cpp says how).
class EventFile {
 public:
  struct Options {
    std::string folder;      ///< is created
    double wall_time_s = 0;  ///< since 1970; part of the name
    std::string host = "localhost";
    int64_t process_id = 0;
    /// Of a run that goes on: what other files hold from that step on no longer counts.
    std::optional<int64_t> first_step;
  };
  /// Creates events.out.tfevents.TIME.HOST.PROCESS; with a further number when that is there.
  /// Errors: those of system_error.
  static Result<EventFile> create(const Options& options);
  EventFile(EventFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  EventFile& operator=(EventFile&& other) noexcept;
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  ~EventFile();

  /// Errors: kExhausted - the disk is full; kUnavailable.
  Result<Ok> write(int64_t step, double wall_time_s, std::span<const Scalar> scalars);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  EventFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Result<Ok> append(std::string_view event);

  std::string path_;
  int fd_ = -1;
};

/// One record around an event's bytes.
std::string event_record(std::string_view event);

}  // namespace cupel::train
