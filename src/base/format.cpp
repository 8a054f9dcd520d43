#include "base/format.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include "base/check.h"

namespace cupel {

std::string format_args(std::string_view pattern, std::initializer_list<FormatArg> args) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (const FormatArg& arg : args) {
    std::visit([&store](const auto& value) { store.push_back(value); }, arg);
  }
  try {
    return fmt::vformat(fmt::string_view(pattern.data(), pattern.size()), store);
  } catch (const std::exception& e) {  // a bad pattern is our bug, never the user's
    CUPEL_CHECK(false, e.what());
  }
}

}  // namespace cupel
