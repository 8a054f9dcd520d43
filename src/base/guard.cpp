#include "base/guard.h"

#include <new>
#include <stdexcept>
#include <system_error>

#include "base/error.h"

namespace cupel {
namespace {

// Short enough for a string to hold without asking for memory.
constexpr const char* kNoMemory = "out of memory";

Error describe(const std::system_error& error) {
  if (error.code() == std::errc::resource_unavailable_try_again) {
    return exhausted("cannot start a thread: {}; ask for fewer threads, or raise `ulimit -u`",
                     error.code().message());
  }
  return internal_error("internal error: {}", error.what());
}

}  // namespace

Error error_of_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Code::kExhausted, kNoMemory};
  } catch (const std::system_error& error) {
    return describe(error);
  } catch (const std::exception& error) {
    return internal_error("internal error: {}", error.what());
  } catch (...) {
    return internal_error("internal error: an exception of unknown kind");
  }
}

Result<std::thread> start_thread(std::function<void()> body) {
  return guard([&]() -> Result<std::thread> { return std::thread(std::move(body)); });
}

}  // namespace cupel
