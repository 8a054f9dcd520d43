#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "report/progress.h"

namespace cupel::cli {

/// On a terminal a bar over the bytes of a file that is read, converted and written; elsewhere
/// nothing. Goes off the screen with the object.
class WriteBar {
 public:
  explicit WriteBar(std::string name) : name_(std::move(name)) {}

  /// What engine functions call with bytes done and in all.
  std::function<void(uint64_t, uint64_t)> observer() {
    return [this](uint64_t done, uint64_t total) { show(done, total); };
  }

 private:
  void show(uint64_t done, uint64_t total);

  std::string name_;
  std::optional<report::Progress> progress_;
  report::Progress::BarId bar_ = 0;
  int64_t shown_ = 0;
};

}  // namespace cupel::cli
