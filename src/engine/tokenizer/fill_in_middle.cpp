#include "engine/tokenizer/fill_in_middle.h"

namespace cupel::engine {
namespace {

struct FillNames {
  std::string_view prefix;
  std::string_view suffix;
  std::string_view middle;
};

constexpr FillNames kNames[] = {
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
    {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"},
};

// An answer that goes on with one of these has left the gap.
constexpr std::string_view kEnds[] = {"<fim_pad>",   "<|fim_pad|>",   "<fim-pad>",
                                      "<file_sep>",  "<|file_sep|>",  "<|file_separator|>",
                                      "<repo_name>", "<|repo_name|>", "<filename>"};

}  // namespace

std::optional<FillTokens> find_fill_tokens(const Tokenizer& tokenizer) {
  for (const FillNames& names : kNames) {
    FillTokens found = {.prefix = tokenizer.find(names.prefix),
                        .suffix = tokenizer.find(names.suffix),
                        .middle = tokenizer.find(names.middle)};
    if (found.prefix < 0 || found.suffix < 0 || found.middle < 0) {
      continue;
    }
    found.ends = {found.prefix, found.suffix, found.middle};
    for (const std::string_view name : kEnds) {
      if (const TokenId id = tokenizer.find(name); id >= 0) {
        found.ends.push_back(id);
      }
    }
    return found;
  }
  return std::nullopt;
}

std::string fill_token_names() {
  std::string names;
  for (const FillNames& each : kNames) {
    names += (names.empty() ? "" : ", ") + std::string(each.prefix);
  }
  return names;
}

std::vector<TokenId> fill_prompt(const Tokenizer& tokenizer,
                                 const FillTokens& tokens,
                                 std::string_view before,
                                 std::string_view after) {
  std::vector<TokenId> ids;
  const std::vector<TokenId> frame = tokenizer.encode("", {.add_special = true});
  if (tokenizer.bos() >= 0 && !frame.empty() && frame.front() == tokenizer.bos()) {
    ids.push_back(tokenizer.bos());
  }
  const auto add = [&](TokenId mark, std::string_view text) {
    ids.push_back(mark);
    const std::vector<TokenId> part = tokenizer.encode(text, {});
    ids.insert(ids.end(), part.begin(), part.end());
  };
  add(tokens.prefix, before);
  add(tokens.suffix, after);
  ids.push_back(tokens.middle);
  return ids;
}

}  // namespace cupel::engine
