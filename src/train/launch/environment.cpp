#include "train/launch/environment.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

namespace cupel::train {
namespace {

constexpr const char* kNeeded[] = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"};
constexpr int64_t kMostProcesses = 1 << 16;

std::optional<std::string> variable(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr || *text == '\0') {
    return std::nullopt;
  }
  return text;
}

/// A whole number from `low` to `high`. Errors: kInvalidArgument.
Result<int64_t> number(const char* name, const std::string& text, int64_t low, int64_t high) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc() || rest != end || value < low || value > high) {
    return invalid_argument("{} is \"{}\"; expected a whole number from {} to {}", name,
                            printable(text), low, high);
  }
  return value;
}

Result<int64_t> number_or(const char* name, int64_t otherwise, int64_t high) {
  const auto text = variable(name);
  return text ? number(name, *text, 0, high) : Result<int64_t>(otherwise);
}

/// Whether any of the four is set. Errors: kInvalidArgument - some are, others are not.
Result<bool> is_set() {
  std::string there;
  std::string missing;
  for (const char* name : kNeeded) {
    std::string& list = variable(name) ? there : missing;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  // Schedulers set MASTER_ADDR and MASTER_PORT for all that they start; these alone ask for
  // nothing.
  if (!variable("RANK") && !variable("WORLD_SIZE")) {
    return false;
  }
  if (!missing.empty()) {
    return invalid_argument(
        "missing beside {}: {}; a run of several processes needs all of RANK, WORLD_SIZE, "
        "MASTER_ADDR and MASTER_PORT, as torchrun sets them (or use --nproc N)",
        there, missing);
  }
  return true;
}

}  // namespace

Result<std::optional<ParallelOptions>> parallel_environment() {
  CUPEL_TRY(const bool set, is_set());
  if (!set) {
    return std::optional<ParallelOptions>();
  }
  ParallelOptions options;
  CUPEL_TRY(options.size, number("WORLD_SIZE", *variable("WORLD_SIZE"), 1, kMostProcesses));
  CUPEL_TRY(options.rank, number("RANK", *variable("RANK"), 0, kMostProcesses - 1));
  if (options.rank >= options.size) {
    return invalid_argument("RANK is {} and WORLD_SIZE is {}; expected a rank from 0 to {}",
                            options.rank, options.size, options.size - 1);
  }
  options.address = *variable("MASTER_ADDR");
  CUPEL_TRY(options.port, number("MASTER_PORT", *variable("MASTER_PORT"), 1, 65535));
  CUPEL_TRY(options.local_rank, number_or("LOCAL_RANK", options.rank, kMostProcesses - 1));
  CUPEL_TRY(options.attempt, number_or("TORCHELASTIC_RESTART_COUNT", 0, INT32_MAX));
  options.store_is_there = variable("TORCHELASTIC_USE_AGENT_STORE") == "True";
  options.interfaces = variable("GLOO_SOCKET_IFNAME").value_or("");
  if (const auto socket = variable(kListeningSocket)) {
    CUPEL_TRY(const int64_t number_of_socket, number(kListeningSocket, *socket, 3, INT32_MAX));
    options.listening_socket = static_cast<int>(number_of_socket);
  }
  return std::optional(std::move(options));
}

}  // namespace cupel::train
