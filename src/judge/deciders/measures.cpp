// Sizes of the answer: words, sentences, lines, paragraphs, characters, list items, distinct words.
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

template <size_t (*Measure)(std::string_view)>
Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"min", "max"}));
  CUPEL_TRY(const Bounds bounds, read_bounds(program));
  return make_decider([bounds](std::string_view answer) { return bounds.hold(Measure(answer)); });
}

size_t count_words(std::string_view text) {
  return words_of(text).size();
}
size_t count_lines(std::string_view text) {
  return lines_of(text).size();
}

Result<std::unique_ptr<Decider>> parse_list_items(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"min", "max", "style"}));
  CUPEL_TRY(const Bounds bounds, read_bounds(program));
  CUPEL_TRY(const size_t style, read_choice(program, "style", {"any", "bullet", "numbered"}));
  constexpr ListStyle kStyles[] = {ListStyle::kAny, ListStyle::kBullet, ListStyle::kNumbered};
  const ListStyle wanted = kStyles[style];
  return make_decider(
      [=](std::string_view answer) { return bounds.hold(list_items_of(answer, wanted).size()); });
}

Result<std::unique_ptr<Decider>> parse_distinct_words(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"min_ratio", "min_words"}));
  CUPEL_TRY(const double min_ratio, get_double_or(program, "min_ratio", 0.4));
  CUPEL_TRY(const int64_t min_words, get_int_or(program, "min_words", 10));
  return make_decider([=](std::string_view answer) {
    const std::string folded = to_lower_ascii(answer);
    std::set<std::string_view> distinct;
    const auto words = words_of(folded);
    for (const std::string_view word : words) {
      distinct.insert(bare_word(word));
    }
    return static_cast<int64_t>(words.size()) >= min_words &&
           static_cast<double>(distinct.size()) >= min_ratio * static_cast<double>(words.size());
  });
}

}  // namespace

DeciderKind characters() {
  return {
      .kind = "characters", .summary = "number of characters", .parse = &parse<&count_code_points>};
}

DeciderKind distinct_words() {
  return {.kind = "distinct_words",
          .summary = "share of distinct words: catches loops",
          .parse = &parse_distinct_words};
}

DeciderKind lines() {
  return {.kind = "lines",
          .summary = "number of lines that are not empty",
          .parse = &parse<&count_lines>};
}

DeciderKind list_items() {
  return {.kind = "list_items", .summary = "number of list items", .parse = &parse_list_items};
}

DeciderKind paragraphs() {
  return {
      .kind = "paragraphs", .summary = "number of paragraphs", .parse = &parse<&count_paragraphs>};
}

DeciderKind sentences() {
  return {.kind = "sentences", .summary = "number of sentences", .parse = &parse<&count_sentences>};
}

DeciderKind words() {
  return {.kind = "words", .summary = "number of words", .parse = &parse<&count_words>};
}

}  // namespace cupel::judge::decider
