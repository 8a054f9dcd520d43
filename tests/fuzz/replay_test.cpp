// Every file of the corpus through its target, as the fuzzer would do it, and small changes of it:
// what was found once stays mended, with any compiler. `make fuzz` looks for more.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/format.h"
#include "base/io.h"
#include "base/rng.h"
#include "fuzz/fuzz_targets.h"
#include "support/process_memory.h"

namespace cupel::fuzz {

/// The name alone: an address would give the test another name in each run.
inline void PrintTo(const NamedTarget& target, std::ostream* out) {
  *out << target.name;
}

namespace {

constexpr double kMostSeconds = 20;                  // of one input; a sanitizer takes tenfold
constexpr size_t kMostMemory = size_t{1536} << 20U;  // of the process, sanitizer included

/// Changes of each file: 40, or as many as CUPEL_FUZZ_CHANGES says, for a long run without clang.
uint64_t changes() {
  const char* const given = std::getenv("CUPEL_FUZZ_CHANGES");
  return given == nullptr ? 40 : std::strtoull(given, nullptr, 10);
}

std::string folder_of(std::string_view target) {
  return format("{}/corpus/{}", CUPEL_FUZZ_FOLDER, target);
}

void run(const NamedTarget& target, const std::string& bytes, const std::string& what) {
  // In memory of its own, so that a sanitizer sees every step beyond it.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  const Stopwatch watch;
  target.run(exact);
  EXPECT_LT(watch.seconds(), kMostSeconds) << what;
}

/// A byte, a stretch or a number of another kind; cut, repeated or taken from elsewhere.
std::string changed(std::string bytes, Rng& rng) {
  for (uint64_t n = 1 + rng.below(3); n > 0 && !bytes.empty(); --n) {
    const size_t at = rng.below(bytes.size());
    const size_t length = 1 + rng.below(std::min<size_t>(bytes.size() - at, 16));
    switch (rng.below(5)) {
      case 0:
        bytes[at] = static_cast<char>(rng.below(256));
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(rng.below(bytes.size()), bytes.substr(at, length));
        break;
      case 3:
        bytes.replace(at, length, length, static_cast<char>(rng.below(2) * 255));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

class FuzzCorpus : public testing::TestWithParam<NamedTarget> {
 protected:
  /// Name and bytes of each file.
  static std::vector<std::pair<std::string, std::string>> files() {
    std::vector<std::pair<std::string, std::string>> all;
    const std::string folder = folder_of(GetParam().name);
    const auto names = list_folder(folder);
    EXPECT_TRUE(names.has_value()) << (names ? "" : names.error().message);
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      const auto bytes = read_file(folder + "/" + name);
      EXPECT_TRUE(bytes.has_value()) << (bytes ? "" : bytes.error().message);
      all.emplace_back(name, bytes ? *bytes : "");
    }
    return all;
  }
  static void expect_little_memory() {
    if (const auto peak = test::memory_status("VmHWM")) {
      EXPECT_LT(*peak, kMostMemory);
    }
  }
};

TEST_P(FuzzCorpus, EveryFileEndsCleanly) {
  const auto all = files();
  EXPECT_GE(all.size(), 5U) << folder_of(GetParam().name);
  for (const auto& [name, bytes] : all) {
    run(GetParam(), bytes, name);
  }
  run(GetParam(), "", "nothing at all");
  expect_little_memory();
}

TEST_P(FuzzCorpus, ChangedFilesEndCleanly) {
  for (const auto& [name, bytes] : files()) {
    Rng rng(mix64(bytes.size()));
    for (uint64_t i = 0; i < changes(); ++i) {
      run(GetParam(), changed(bytes, rng), format("{}, change {}", name, i));
    }
  }
  expect_little_memory();
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, testing::ValuesIn(kTargets), [](const auto& target) {
  return std::string(target.param.name);
});

}  // namespace
}  // namespace cupel::fuzz
