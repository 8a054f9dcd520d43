#pragma once

#include <csignal>

#include "train/launch/child_process.h"

namespace cupel::train {

/// SIGINT and SIGTERM as something to read, as long as the object lives; the thread's mask is as
/// before afterwards.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Readable when one came; none when the system has no descriptor left.
  [[nodiscard]] const Descriptor& descriptor() const { return descriptor_; }
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }
  /// The next one that came; 0: none.
  [[nodiscard]] int next() const;

 private:
  sigset_t before_{};
  struct sigaction child_before_ {};
  Descriptor descriptor_;
};

}  // namespace cupel::train
