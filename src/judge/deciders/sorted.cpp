// Whether a list is in order.
#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

// Items of the line with most commas, after its last colon, without "and" and a final full stop.
std::vector<std::string> comma_items(std::string_view text) {
  std::string_view best;
  std::ptrdiff_t commas = -1;
  for (const std::string_view line : lines_of(text)) {
    const auto count = std::count(line.begin(), line.end(), ',');
    if (count > commas) {
      best = line;
      commas = count;
    }
  }
  best = trim(best.substr(best.rfind(':') + 1));
  while (best.ends_with('.')) {
    best.remove_suffix(1);
  }
  std::vector<std::string> items;
  for (std::string_view item : split(best, ',')) {
    item = trim(item);
    if (!item.empty()) {
      items.emplace_back(item.starts_with("and ") ? item.substr(4) : item);
    }
  }
  return items;
}

std::vector<std::string> items_of(std::string_view text, size_t of) {
  if (of == 2) {
    return comma_items(text);
  }
  const auto views = of == 0 ? lines_of(text) : list_items_of(text, ListStyle::kAny);
  return {views.begin(), views.end()};
}

// What stands before the first letter or digit does not count.
std::string alphabetical_key(const std::string& item) {
  size_t begin = 0;
  while (begin < item.size() && !alnum_at(item, begin)) {
    ++begin;
  }
  return to_lower_ascii(std::string_view(item).substr(begin));
}

template <typename Key>
bool in_order(const std::vector<Key>& keys, bool descending) {
  for (size_t i = 1; i < keys.size(); ++i) {
    if (descending ? keys[i - 1] < keys[i] : keys[i] < keys[i - 1]) {
      return false;
    }
  }
  return true;
}

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(only_fields(program, {"of", "order", "by", "min_items"}));
  CUPEL_TRY(const size_t of, read_choice(program, "of", {"lines", "list_items", "commas"}));
  CUPEL_TRY(const size_t order, read_choice(program, "order", {"ascending", "descending"}));
  CUPEL_TRY(const size_t by, read_choice(program, "by", {"alphabetical", "numeric"}));
  CUPEL_TRY(const int64_t min_items, get_int_or(program, "min_items", 2));
  return make_decider([=](std::string_view answer) {
    const std::vector<std::string> items = items_of(answer, of);
    if (static_cast<int64_t>(items.size()) < min_items) {
      return false;
    }
    if (by == 0) {
      std::vector<std::string> keys;
      std::transform(items.begin(), items.end(), std::back_inserter(keys), alphabetical_key);
      return in_order(keys, order == 1);
    }
    std::vector<double> keys;
    for (const std::string& item : items) {
      const std::vector<double> numbers = numbers_of(item);
      if (numbers.empty()) {
        return false;
      }
      keys.push_back(numbers.front());
    }
    return in_order(keys, order == 1);
  });
}

}  // namespace

DeciderKind sorted() {
  return {.kind = "sorted", .summary = "a list in order", .parse = &parse};
}

}  // namespace cupel::judge::decider
