#include "cli/handover.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "base/io.h"

namespace cupel::cli {
namespace {

constexpr const char* kProgram = "CUPEL_TRAIN";  // set by the user: what to run
constexpr const char* kHandedOver =
    "CUPEL_HANDED_OVER_BY";  // set by us: the version that handed over

std::string own_folder() {
  std::error_code ec;
  return std::filesystem::read_symlink("/proc/self/exe", ec).parent_path().string();
}

bool is_program(const std::string& path) {
  const auto folder = is_folder(path);
  return folder.has_value() && !*folder && access(path.c_str(), X_OK) == 0;
}

/// Errors: kFailedPrecondition - CUPEL_TRAIN names no program, or there is none to be found.
Result<std::string> find_program() {
  if (const char* named = std::getenv(kProgram); named != nullptr && *named != '\0') {
    if (!is_program(named)) {
      return failed_precondition("{} is {}, which is no program; expected the path of cupel-train",
                                 kProgram, named);
    }
    return std::string(named);
  }
  const std::string here = own_folder();
  for (const std::string& path : {here + "/cupel-train", here + "/../train/cupel-train"}) {
    if (is_program(path)) {
      return path;
    }
  }
  return failed_precondition(
      "this needs cupel-train, the part with libtorch, which is not here; `make train` builds it "
      "(or name it: {}=FILE)",
      kProgram);
}

}  // namespace

Error hand_over(const std::vector<std::string>& words) {
  if (std::getenv(kHandedOver) != nullptr) {
    return failed_precondition("{} names a program without libtorch; expected cupel-train",
                               kProgram);
  }
  auto program = find_program();
  if (!program) {
    return std::move(program).error();
  }
  std::vector<std::string> arguments = {*program};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  setenv(kHandedOver, CUPEL_VERSION, 1);
  execv(program->c_str(), pointers.data());
  const int reason = errno;
  unsetenv(kHandedOver);
  return failed_precondition("{} does not start: {}", *program, std::strerror(reason));
}

Result<Ok> check_handover() {
  const char* by = std::getenv(kHandedOver);
  if (by == nullptr || std::strcmp(by, CUPEL_VERSION) == 0) {
    return Ok{};
  }
  return failed_precondition(
      "cupel-train is version {} and cupel is {}; `make train` builds it anew", CUPEL_VERSION, by);
}

}  // namespace cupel::cli
