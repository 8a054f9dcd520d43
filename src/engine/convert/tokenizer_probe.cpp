#include "engine/convert/tokenizer_probe.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kMostOwnTokens = 20000;
constexpr size_t kTokensInAProbe = 50;

// All composed (NFC): what normalises to it leaves it as it is.
constexpr std::string_view kProbes[] = {
    "Hello, world! It's 2024; isn't that 3.14159 × 10^23?\n\n\tfor (int i = 0; i < 42; ++i) {}\r\n",
    " leading and trailing  double   triple blanks    ",
    "I'll we've THEY'RE don'T 'twas O'Reilly's 'S 'd 12345 678 9 ١٢٣ ½ ²",
    "Größe, naïve façade, Žluťoučký kůň, ελληνικά, Привет мир, שלום, مرحبا, हिन्दी, ไทย",
    "日本語のテキスト、漢字とかな。中文文本,没有空格! 한국어 문장입니다.",
    "emoji 😀👩‍👩‍👧‍👦🇩🇪 math ∑∫√ arrows →⇒ «quotes» "
    "“curly” "
    "— "
    "dashes–…",
    "https://example.org/a_b-c?d=e&f=1#g user@example.org C:\\path\\file.txt __init__ $$$ ###",
    "\u2581marked\u2581text <0x41> \u00a0no-break\u2003em\u200bzero\ufeff",
    "\n",
    " \n",
    "\n\n\n  \n",
    "\t\t x",
    "  ",
    "a",
    " a",
    "\r\n\r\n"};

std::string about(std::string_view text, size_t place) {
  return printable(text.substr(std::min(place, text.size())), 40);
}

Result<Ok> compare(const Tokenizer& original, const Tokenizer& converted, std::string_view text) {
  const EncodeOptions options{.add_special = true, .parse_special = true};
  const std::vector<TokenId> wanted = original.encode(text, options);
  const std::vector<TokenId> got = converted.encode(text, options);
  if (wanted == got) {
    return Ok{};
  }
  const auto end = static_cast<std::ptrdiff_t>(std::min(wanted.size(), got.size()));
  const auto at = std::mismatch(wanted.begin(), wanted.begin() + end, got.begin()).first;
  size_t place = 0;  // roughly: tokens may add or drop blanks
  for (auto it = wanted.begin(); it != at; ++it) {
    place += original.token_bytes(*it, true).size();
  }
  return unsupported(
      "the tokenizer cannot be said in the terms of the other format: near \"{}\" it gives token "
      "{}, "
      "the converted one {}",
      about(text, place), at == wanted.end() ? -1 : *at,
      at - wanted.begin() == std::ssize(got) ? -1 : got[static_cast<size_t>(at - wanted.begin())]);
}

}  // namespace

Result<Ok> expect_same_ids(const Tokenizer& original, const Tokenizer& converted, bool own_tokens) {
  for (const std::string_view probe : kProbes) {
    CUPEL_TRY_VOID(compare(original, converted, probe));
  }
  const size_t size = own_tokens ? original.vocabulary_size() : 0;
  const size_t step = std::max<size_t>(1, size / kMostOwnTokens);
  std::string text;
  size_t count = 0;
  for (size_t id = 0; id < size; id += step) {
    const std::string bytes = original.token_bytes(static_cast<TokenId>(id), true);
    if (bytes.size() > 64 || !is_valid_utf8(bytes)) {
      continue;
    }
    text += bytes;
    if (++count % kTokensInAProbe == 0 || id + step >= size) {
      CUPEL_TRY_VOID(compare(original, converted, text));
      text.clear();
    }
  }
  return Ok{};
}

}  // namespace cupel::engine
