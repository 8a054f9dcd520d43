#include "base/result.h"

namespace cupel {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kNotFound:
      return "not found";
    case Code::kCorruptData:
      return "corrupt data";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kFailedPrecondition:
      return "failed precondition";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kDeadline:
      return "deadline passed";
    case Code::kCancelled:
      return "cancelled";
    case Code::kExhausted:
      return "exhausted";
    case Code::kInternal:
      return "internal error";
  }
  return "unknown";
}

int exit_code(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kFailedPrecondition:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kCorruptData:
    case Code::kUnsupported:
      return 4;
    case Code::kUnavailable:
    case Code::kDeadline:
      return 5;
    case Code::kExhausted:
      return 6;
    case Code::kCancelled:
      return 130;
    case Code::kInternal:
      return 1;
  }
  return 1;
}

Error in_context(Error error, std::string_view where) {
  error.message = std::string(where) + ": " + error.message;
  return error;
}

Error in_file(Error error, std::string_view path, size_t line) {
  std::string where(path);
  if (line > 0) {
    where += ":" + std::to_string(line);
  }
  return in_context(std::move(error), where);
}

}  // namespace cupel
