#pragma once

#include <type_traits>
#include <utility>

#include "base/result.h"

namespace cupel::tensor {

/// The exception being handled, as an Error: libtorch out of memory is kExhausted, its other errors
/// are kInternal with one line and no stack; all else as `error_of_exception` of base/guard.h. Call
/// it in a catch block only.
Error error_of_exception() noexcept;

/// Calls `body`, which returns a Result, and turns what libtorch throws into an Error. It stands at
/// the public entry points of `tensor`, `train` and `align`; nothing inside a forward or backward
/// pass is wrapped.
template <typename Body>
std::invoke_result_t<Body> guard(Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return error_of_exception();
  }
}

}  // namespace cupel::tensor
