#include "base/regex.h"

#include <algorithm>
#include <atomic>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kJitStackBytes = 32 << 10;
constexpr size_t kJitStackMaxBytes = 64 << 20;
constexpr uint32_t kHeapLimitKib = 256 << 10;

template <typename T, void (*free)(T*)>
struct Freed {
  void operator()(T* object) const { free(object); }
};
template <typename T, void (*free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, free>>;

/// What a search needs beside the code: one per thread.
struct Scratch {
  Owned<pcre2_match_data, pcre2_match_data_free> data{pcre2_match_data_create(1, nullptr)};
  Owned<pcre2_match_context, pcre2_match_context_free> context{pcre2_match_context_create(nullptr)};
  Owned<pcre2_jit_stack, pcre2_jit_stack_free> stack{
      pcre2_jit_stack_create(kJitStackBytes, kJitStackMaxBytes, nullptr)};
  uint32_t default_match_limit = 0;
  uint32_t default_depth_limit = 0;
  RegexBudget* budget = nullptr;  // of the caller

  Scratch() {
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
    pcre2_config(PCRE2_CONFIG_MATCHLIMIT, &default_match_limit);
    pcre2_config(PCRE2_CONFIG_DEPTHLIMIT, &default_depth_limit);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

uint32_t compile_options(const RegexOptions& options) {
  return PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (options.unicode_classes ? PCRE2_UCP : 0U) |
         (options.ignore_case ? PCRE2_CASELESS : 0U) |
         (options.multiline ? PCRE2_MULTILINE : PCRE2_DOLLAR_ENDONLY);
}

}  // namespace

struct Regex::Code {
  Owned<pcre2_code, pcre2_code_free> code;
  RegexOptions options;
  mutable std::atomic<bool> gave_up = false;  // some search did
};

RegexBudget::RegexBudget(const Limits& limits)
    : match_limit_(limits.match_limit),
      work_left_(limits.work),
      outer_(std::exchange(scratch().budget, this)) {}

RegexBudget::~RegexBudget() {
  scratch().budget = outer_;
}

Result<Regex> Regex::compile(std::string_view pattern, const RegexOptions& options) {
  int code = 0;
  size_t offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                       compile_options(options), &code, &offset, nullptr);
  if (compiled == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(code, message, sizeof message);
    return invalid_argument("pattern \"{}\": {} at byte {}", printable(pattern, 256),
                            reinterpret_cast<const char*>(message), offset);
  }
  auto owned = std::make_shared<Code>();
  owned->code.reset(compiled);
  owned->options = options;
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without JIT it is slower, not wrong
  return Regex(std::move(owned));
}

Regex::Match Regex::find(std::string_view text, size_t from) const {
  Scratch& own = scratch();
  RegexBudget* const budget = own.budget;
  const auto give_up = [&] {
    if (budget != nullptr) {  // whose owner says so
      budget->exceeded_ = true;
      return Match{.gave_up = true};
    }
    return Match{.gave_up = true, .first_time = !code_->gave_up.exchange(true)};
  };
  if (budget != nullptr && budget->work_left_ == 0) {
    return give_up();
  }
  const RegexOptions& limits = code_->options;
  const uint32_t steps = limits.match_limit > 0 ? limits.match_limit : own.default_match_limit;
  pcre2_set_match_limit(own.context.get(),
                        budget != nullptr ? std::min(steps, budget->match_limit_) : steps);
  pcre2_set_depth_limit(own.context.get(),
                        limits.depth_limit > 0 ? limits.depth_limit : own.default_depth_limit);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const auto search = [&](uint32_t options) {
    return pcre2_match(code_->code.get(), subject, text.size(), from, options | PCRE2_NO_UTF_CHECK,
                       own.data.get(), own.context.get());
  };
  int found = search(0);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = search(PCRE2_NO_JIT);  // the interpreter keeps its stack on the heap
  }
  if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
    return give_up();
  }
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(own.data.get());
  if (budget != nullptr) {
    const uint64_t searched = 1 + (found < 0 ? text.size() : range[1]) - from;
    budget->work_left_ -= std::min<uint64_t>(budget->work_left_, searched * (text.size() + 1));
  }
  if (found < 0) {
    return {};
  }
  return {.begin = range[0], .end = range[1], .found = true};
}

size_t Regex::count(std::string_view text) const {
  size_t count = 0;
  size_t from = 0;
  while (from <= text.size()) {
    const Match match = find(text, from);
    if (!match.found) {
      break;
    }
    ++count;
    // After an empty match go on with the next character.
    const bool at_end = match.end >= text.size();
    from = match.end > match.begin ? match.end
           : at_end                ? text.size() + 1
                                   : match.end + decode_utf8(text, match.end).length;
  }
  return count;
}

}  // namespace cupel
