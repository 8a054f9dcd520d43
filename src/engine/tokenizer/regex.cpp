#include "engine/tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "engine/tokenizer/unicode_additions.h"

namespace cupel::engine {
namespace {

// White_Space: categories Z* and the six controls (TAB … CR, NEL).
constexpr std::string_view kWhiteSpace = R"(\x{9}-\x{d}\x{85}\p{Z})";

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

  Scratch() {
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

}  // namespace

struct Regex::Code {
  Owned<pcre2_code, pcre2_code_free> code;
};

std::string expand_classes(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  const auto append = [&](bool negated, std::string_view members) {
    out += in_class ? "" : negated ? "[^" : "[";
    out += members;
    out += in_class ? "" : "]";
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      in_class = in_class ? pattern[i] != ']' : pattern[i] == '[';
      out += pattern[i];
      continue;
    }
    const char escaped = pattern[++i];
    const size_t close = pattern.find('}', i);
    if (escaped == 's' || (escaped == 'S' && !in_class)) {
      append(escaped == 'S', kWhiteSpace);
    } else if (escaped == 'p' && close != std::string_view::npos) {
      const std::string_view property = pattern.substr(i + 2, close - i - 2);  // after "p{"
      append(false, format("\\p{{{}}}{}", property, added_ranges(property)));
      i = close;
    } else {
      out += {'\\', escaped};
    }
  }
  return out;
}

Result<Regex> Regex::compile(std::string_view pattern) {
  const std::string expanded = expand_classes(pattern);
  int code = 0;
  size_t offset = 0;
  pcre2_code* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expanded.data()), expanded.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code,
                    &offset, nullptr);
  if (compiled == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(code, message, sizeof message);
    return invalid_argument("pattern \"{}\", character {}: {}", expanded, offset,
                            std::string_view(reinterpret_cast<const char*>(message)));
  }
  auto owned = std::make_shared<Code>();
  owned->code.reset(compiled);
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without JIT it is slower, not wrong
  return Regex(std::move(owned));
}

Regex::Match Regex::find(std::string_view text, size_t from) const {
  Scratch& own = scratch();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  uint32_t options = PCRE2_NO_UTF_CHECK;
  int found = pcre2_match(code_->code.get(), subject, text.size(), from, options, own.data.get(),
                          own.context.get());
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    options |= PCRE2_NO_JIT;  // the interpreter keeps its stack on the heap
    found = pcre2_match(code_->code.get(), subject, text.size(), from, options, own.data.get(),
                        own.context.get());
  }
  if (found < 0) {
    if (found != PCRE2_ERROR_NOMATCH) {
      log_warning("splitting text into words: the pattern gave up on {} bytes (PCRE2 code {})",
                  text.size() - from, found);
    }
    return {};
  }
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(own.data.get());
  return {.begin = range[0], .end = range[1], .found = true};
}

}  // namespace cupel::engine
