#include "tensor/guard.h"

#include <c10/util/Exception.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/text.h"

namespace cupel::tensor {
namespace {

// Of a message of libtorch the first line says what is wrong; what follows is for its developers.
constexpr size_t kMessageBytes = 400;

}  // namespace

Error error_of_exception() noexcept {
  try {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    return exhausted("libtorch has no memory: {}",
                     printable(error.what_without_backtrace(), kMessageBytes));
  } catch (const c10::Error& error) {
    const std::string_view text = error.what_without_backtrace();
    // The allocator of the CPU reports through the general class.
    if (text.find("t allocate memory") != std::string_view::npos) {
      return exhausted("libtorch has no memory: {}", printable(text, kMessageBytes));
    }
    return internal_error("libtorch: {}", printable(text, kMessageBytes));
  } catch (...) {
    return cupel::error_of_exception();
  }
}

}  // namespace cupel::tensor
