#include "judge/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"
#include "base/text.h"

namespace cupel::judge {
namespace {

constexpr uint32_t kMatchLimit = 200'000;
constexpr uint32_t kDepthLimit = 2'000;

}  // namespace

struct Pattern::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;

  ~Code() {
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }
};

Result<Pattern> Pattern::compile(std::string_view pattern, bool case_sensitive) {
  auto compiled = std::make_shared<Code>();
  int number = 0;
  PCRE2_SIZE place = 0;
  const uint32_t options =
      PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | (case_sensitive ? 0 : PCRE2_CASELESS);
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                 options, &number, &place, nullptr);
  if (compiled->code == nullptr) {
    PCRE2_UCHAR reason[120];
    pcre2_get_error_message(number, reason, sizeof reason);
    return corrupt_data("pattern \"{}\": {} at byte {}", printable(pattern),
                        reinterpret_cast<const char*>(reason), place);
  }
  compiled->limits = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(compiled->limits, kMatchLimit);
  pcre2_set_depth_limit(compiled->limits, kDepthLimit);
  return Pattern(std::move(compiled));
}

size_t Pattern::count(std::string_view text) const {
  pcre2_match_data* match = pcre2_match_data_create_from_pattern(code_->code, nullptr);
  size_t count = 0;
  size_t from = 0;
  uint32_t options = 0;
  while (from <= text.size()) {
    const int found = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()),
                                  text.size(), from, options, match, code_->limits);
    if (found < 0) {
      break;
    }
    ++count;
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match);
    // After an empty match go on with the next character.
    from = span[1] > span[0]       ? span[1]
           : span[1] < text.size() ? span[1] + decode_utf8(text, span[1]).length
                                   : text.size() + 1;
  }
  pcre2_match_data_free(match);
  return count;
}

}  // namespace cupel::judge
