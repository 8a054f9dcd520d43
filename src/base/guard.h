#pragma once

#include <functional>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace cupel {

/// The exception being handled, as an Error: no memory and no thread to be had are kExhausted, all
/// else is kInternal. Call it in a catch block only. Needs no memory to report that there is none.
Error error_of_exception() noexcept;

/// Calls `body`, which returns a Result, and turns what it throws into an Error. It stands where
/// nobody above could catch: on every thread of ours, and in `main`.
template <typename Body>
std::invoke_result_t<Body> guard(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return error_of_exception();
  }
}

/// A thread that runs `body`, which must not throw. Errors: kExhausted - the system starts no more.
Result<std::thread> start_thread(std::function<void()> body);

}  // namespace cupel
