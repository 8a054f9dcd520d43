#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace cupel {

/// Kinds of failure. Only kUnavailable and kDeadline are ever retried.
enum class Code {
  kInvalidArgument,     ///< the caller asked for something that makes no sense
  kNotFound,            ///< a file, model or key that was named is absent
  kCorruptData,         ///< bytes from outside break their own format
  kUnsupported,         ///< well-formed, but of a kind that Cupel does not handle
  kFailedPrecondition,  ///< right in itself, but not in this state
  kUnavailable,         ///< an endpoint, disk or database does not answer as it should
  kDeadline,            ///< a time limit passed
  kCancelled,           ///< somebody asked to stop
  kExhausted,           ///< memory, disk, budget or a limit ran out
  kInternal,            ///< a bug or an unexplained library failure
};

/// The code in words, e.g. "not found".
std::string_view code_name(Code code);

/// Process exit code of a failure (style guide: 2 usage, 3 missing, 4 corrupt, 5 endpoint, 6
/// memory).
int exit_code(Code code);

/// A failure: its kind and one line that says what, where, why and what to do next.
struct Error {
  Code code = Code::kInternal;
  std::string message;
};

/// The empty success value: `Result<Ok>`.
struct Ok {};

/// A value or an Error. Members are named as in `std::expected`, to become an alias of it one day.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] const T& value() const& {
    CUPEL_CHECK(has_value(), error_message());
    return std::get<0>(state_);
  }
  [[nodiscard]] T& value() & {
    CUPEL_CHECK(has_value(), error_message());
    return std::get<0>(state_);
  }
  [[nodiscard]] T&& value() && {
    CUPEL_CHECK(has_value(), error_message());
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] const Error& error() const& {
    CUPEL_CHECK(!has_value(), "error() of a Result that holds a value");
    return std::get<1>(state_);
  }
  [[nodiscard]] Error&& error() && {
    CUPEL_CHECK(!has_value(), "error() of a Result that holds a value");
    return std::get<1>(std::move(state_));
  }
  template <typename U>
  [[nodiscard]] T value_or(U&& fallback) const& {
    return has_value() ? std::get<0>(state_) : static_cast<T>(std::forward<U>(fallback));
  }

  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  [[nodiscard]] std::string_view error_message() const {
    return has_value() ? std::string_view{} : std::string_view{std::get<1>(state_).message};
  }
  std::variant<T, Error> state_;
};

/// Puts `where: ` before the message; each layer adds its own place once.
Error in_context(Error error, std::string_view where);
/// `path:line: message`; line 0 stands for the whole file.
Error in_file(Error error, std::string_view path, size_t line = 0);

}  // namespace cupel

#define CUPEL_CONCAT_(a, b) a##b
#define CUPEL_CONCAT(a, b) CUPEL_CONCAT_(a, b)
#define CUPEL_TRY_(name, declaration, ...) \
  auto&& name = (__VA_ARGS__);             \
  if (!name.has_value()) [[unlikely]] {    \
    return std::move(name).error();        \
  }                                        \
  declaration = std::move(name).value()

/// `CUPEL_TRY(const auto x, load(path));` declares x or returns the error. Several statements:
/// brace it.
#define CUPEL_TRY(declaration, ...) \
  CUPEL_TRY_(CUPEL_CONCAT(cupel_try_, __COUNTER__), declaration, __VA_ARGS__)

/// Returns the error of an expression whose value is of no interest.
#define CUPEL_TRY_VOID(...)                                                                  \
  do {                                                                                       \
    if (auto cupel_try_result = (__VA_ARGS__); !cupel_try_result.has_value()) [[unlikely]] { \
      return std::move(cupel_try_result).error();                                            \
    }                                                                                        \
  } while (false)
