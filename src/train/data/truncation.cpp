#include "train/data/truncation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/named_values.h"

namespace cupel::train {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"keep_start", "keep_end", "drop", "split"};

int64_t size_of(const Example& example) {
  return static_cast<int64_t>(example.ids.size());
}

Example part_of(const Example& example, int64_t begin, int64_t end) {
  Example part;
  part.ids.assign(example.ids.begin() + begin, example.ids.begin() + end);
  part.weights.assign(example.weights.begin() + begin, example.weights.begin() + end);
  if (!example.roles.empty()) {
    part.roles.assign(example.roles.begin() + begin, example.roles.begin() + end);
  }
  part.id = example.id;
  part.weight = example.weight;
  return part;
}

Fit add_if_trained(Example example, std::vector<Example>& out) {
  if (example.trained_tokens() == 0) {
    return Fit::kUntrained;
  }
  out.push_back(std::move(example));
  return Fit::kKept;
}

void erase_tokens(Example& example, int64_t begin, int64_t end) {
  example.ids.erase(example.ids.begin() + begin, example.ids.begin() + end);
  example.weights.erase(example.weights.begin() + begin, example.weights.begin() + end);
  if (!example.roles.empty()) {
    example.roles.erase(example.roles.begin() + begin, example.roles.begin() + end);
  }
}

int64_t longest_answer(const ExampleGroup& group) {
  int64_t longest = 0;
  for (const Example& answer : group.answers) {
    longest = std::max(longest, size_of(answer));
  }
  return longest;
}

Fit cut_prompt(ExampleGroup& group, int64_t excess, int64_t fixed_start) {
  const int64_t kept = std::min(fixed_start, group.prompt_tokens - 1);
  if (kept < 0 || group.prompt_tokens - kept - 1 < excess) {
    return Fit::kTooLong;
  }
  for (Example& answer : group.answers) {
    erase_tokens(answer, kept, kept + excess);
  }
  group.prompt_tokens -= excess;
  return Fit::kKept;
}

Fit cut_answers(ExampleGroup& group, int64_t max_length) {
  if (group.prompt_tokens >= max_length) {
    return Fit::kTooLong;
  }
  for (Example& answer : group.answers) {
    erase_tokens(answer, std::min(max_length, size_of(answer)), size_of(answer));
  }
  return Fit::kKept;
}

}  // namespace

std::span<const std::string_view> truncation_names() {
  return kNames;
}

Result<Truncation> parse_truncation(std::string_view name) {
  return parse_enum<Truncation>(name, kNames, "truncation");
}

Fit truncate(Example example, int64_t max_length, Truncation how, std::vector<Example>& out) {
  CUPEL_CHECK(max_length >= 2, "a label needs a token before it");
  const int64_t size = size_of(example);
  if (size <= max_length) {
    return add_if_trained(std::move(example), out);
  }
  switch (how) {
    case Truncation::kKeepStart:
      return add_if_trained(part_of(example, 0, max_length), out);
    case Truncation::kKeepEnd:
      return add_if_trained(part_of(example, size - max_length, size), out);
    case Truncation::kDrop:
      return Fit::kTooLong;
    case Truncation::kSplit:
      break;
  }
  Fit fit = Fit::kUntrained;
  for (int64_t begin = 0; begin < size; begin += max_length) {
    const int64_t end = std::min(size, begin + max_length);
    if (add_if_trained(part_of(example, begin, end), out) == Fit::kKept) {
      fit = Fit::kKept;
    }
  }
  return fit;
}

Fit truncate_group(ExampleGroup& group, int64_t max_length, Truncation how, int64_t fixed_start) {
  CUPEL_CHECK(max_length >= 2 && how != Truncation::kSplit, "answers to a prompt cannot be split");
  const int64_t excess = longest_answer(group) - max_length;
  if (excess > 0) {
    Fit fit = Fit::kTooLong;
    if (how == Truncation::kKeepStart) {
      fit = cut_answers(group, max_length);
    } else if (how == Truncation::kKeepEnd) {
      fit = cut_prompt(group, excess, fixed_start);
    }
    if (fit != Fit::kKept) {
      return fit;
    }
  }
  const bool all_trained = std::ranges::all_of(
      group.answers, [](const Example& answer) { return answer.trained_tokens() > 0; });
  return all_trained ? Fit::kKept : Fit::kUntrained;
}

}  // namespace cupel::train
