#include "engine/tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

enum Flags : unsigned { kPlain = 0, kIgnoreMerges = 1, kAddBos = 2 };

struct SplitKind {
  std::string_view name;
  unsigned flags = kPlain;
  std::vector<std::string_view> patterns;
};

#define CUPEL_SPLIT_KIND(kind, flags, ...) \
  SplitKind make_##kind() {                \
    return {#kind, flags, {__VA_ARGS__}};  \
  }
#define CUPEL_WRITTEN_SPLITTER(kind, function)
#define CUPEL_PRE_TOKENIZER(name, kind)
#include "engine/tokenizer/pre_tokenizers.def"
#undef CUPEL_SPLIT_KIND
#undef CUPEL_WRITTEN_SPLITTER
#undef CUPEL_PRE_TOKENIZER

struct NamedKind {
  std::string_view name;
  SplitKind (*make)();
};
constexpr NamedKind kPreTokenizers[] = {
#define CUPEL_SPLIT_KIND(kind, flags, ...)
#define CUPEL_WRITTEN_SPLITTER(kind, function)
#define CUPEL_PRE_TOKENIZER(name, kind) {name, make_##kind},
#include "engine/tokenizer/pre_tokenizers.def"
#undef CUPEL_SPLIT_KIND
#undef CUPEL_WRITTEN_SPLITTER
#undef CUPEL_PRE_TOKENIZER
};

struct WrittenSplitter {
  std::string_view kind;
  void (*split)(std::string_view, Pieces&);
};
constexpr WrittenSplitter kWrittenSplitters[] = {
#define CUPEL_SPLIT_KIND(kind, flags, ...)
#define CUPEL_WRITTEN_SPLITTER(kind, function) {#kind, function},
#define CUPEL_PRE_TOKENIZER(name, kind)
#include "engine/tokenizer/pre_tokenizers.def"
#undef CUPEL_SPLIT_KIND
#undef CUPEL_WRITTEN_SPLITTER
#undef CUPEL_PRE_TOKENIZER
};

/// A pattern with its characters written out ("\x{e9}" and "\u00e9" become "é") and scripts without
/// "sc:": what the table (PCRE) and a tokenizer.json (Oniguruma) have in common.
std::string plain_pattern(std::string_view pattern) {
  std::string out;
  for (size_t at = 0; at < pattern.size();) {
    const std::string_view rest = pattern.substr(at);
    const size_t close = rest.find('}');
    const bool braced = rest.starts_with("\\x{") && close != std::string_view::npos;
    const size_t first = braced ? 3 : 2;
    const size_t last = braced ? close : std::min<size_t>(6, rest.size());
    uint32_t value = 0;
    const bool hex = (braced || rest.starts_with("\\u")) &&
                     std::from_chars(rest.data() + first, rest.data() + last, value, 16).ptr ==
                         rest.data() + last;
    if (hex && value > 0x7F) {  // a character that means nothing to a pattern
      append_utf8(out, value);
      at += braced ? close + 1 : 6;
    } else if (rest.starts_with("sc:")) {
      at += 3;
    } else {
      const size_t length = rest.front() == '\\' ? std::min<size_t>(2, rest.size()) : 1;
      out += rest.substr(0, length);
      at += length;
    }
  }
  return out;
}

SplitRule rule_of(const SplitKind& kind) {
  SplitRule rule{.patterns = {}, .ignore_merges = (kind.flags & kIgnoreMerges) != 0};
  for (const std::string_view pattern : kind.patterns) {
    rule.patterns.push_back(plain_pattern(pattern));
  }
  return rule;
}

/// Of the names that mean the same, those that come first where a name is looked for.
constexpr std::string_view kCommonest[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o"};

/// Appends what the pattern finds in `text` and what lies between.
void split_at_matches(const Regex& pattern, std::string_view text, Pieces& pieces) {
  size_t done = 0;
  while (done < text.size()) {
    const Regex::Match match = pattern.find(text, done);
    if (match.first_time) {
      log_warning("splitting text into words: the pattern gave up on {} bytes (said once)",
                  text.size() - done);
    }
    if (!match.found || match.end == match.begin) {  // no pattern of the table matches ""
      break;
    }
    if (match.begin > done) {
      pieces.push_back(text.substr(done, match.begin - done));
    }
    pieces.push_back(text.substr(match.begin, match.end - match.begin));
    done = match.end;
  }
  if (done < text.size()) {
    pieces.push_back(text.substr(done));
  }
}

}  // namespace

Result<SplitRule> split_rule(std::string_view name) {
  const auto* const found = std::ranges::find(kPreTokenizers, name, &NamedKind::name);
  if (found == std::end(kPreTokenizers)) {
    return unsupported("pre-tokenizer \"{}\" is unknown", printable(name));
  }
  return rule_of(found->make());
}

std::string_view pre_tokenizer_of(const SplitRule& rule) {
  std::vector<std::string> wanted;
  for (const std::string& pattern : rule.patterns) {
    wanted.push_back(plain_pattern(pattern));
  }
  std::string_view name;
  for (const NamedKind& entry : kPreTokenizers) {
    const SplitRule known = rule_of(entry.make());
    const bool first =
        std::ranges::find(kCommonest, entry.name) != std::end(kCommonest) || name.empty();
    if (first && known.patterns == wanted && known.ignore_merges == rule.ignore_merges) {
      name = entry.name;
    }
  }
  return name;
}

std::vector<std::string> pre_tokenizer_names() {
  std::vector<std::string> names;
  for (const NamedKind& entry : kPreTokenizers) {
    names.emplace_back(entry.name);
  }
  return names;
}

WordSplitter written_splitter(std::string_view pattern) {
  for (const NamedKind& entry : kPreTokenizers) {
    const SplitKind kind = entry.make();
    const auto* const written =
        std::ranges::find(kWrittenSplitters, kind.name, &WrittenSplitter::kind);
    if (written != std::end(kWrittenSplitters) && kind.patterns.size() == 1 &&
        kind.patterns.front() == pattern) {
      return written->split;
    }
  }
  return nullptr;
}

Result<PreTokenizer> PreTokenizer::create(std::string_view name, Engine engine) {
  if (name.empty()) {
    return failed_precondition(
        "tokenizer.ggml.pre is absent, so it is unknown how this vocabulary cuts text into words; "
        "name its pre-tokenizer with --tokenizer-pre (for example gpt-2, llama-bpe or qwen2)");
  }
  const auto* const found = std::ranges::find(kPreTokenizers, name, &NamedKind::name);
  if (found == std::end(kPreTokenizers)) {
    return unsupported(
        "pre-tokenizer \"{}\" (tokenizer.ggml.pre) is unknown{}; if it works as a known one, name "
        "that with --tokenizer-pre (known: {})",
        printable(name), did_you_mean(name, pre_tokenizer_names()),
        join(pre_tokenizer_names(), ", "));
  }
  const SplitKind kind = found->make();
  PreTokenizer result;
  result.ignore_merges_ = (kind.flags & kIgnoreMerges) != 0;
  result.adds_bos_ = (kind.flags & kAddBos) != 0;
  const auto* const written =
      std::ranges::find(kWrittenSplitters, kind.name, &WrittenSplitter::kind);
  if (engine == Engine::kFastest && written != std::end(kWrittenSplitters)) {
    result.splitter_ = written->split;
    return result;
  }
  for (const std::string_view pattern : kind.patterns) {
    CUPEL_TRY(Regex regex, compile_split_pattern(pattern));
    result.patterns_.push_back(std::move(regex));
  }
  return result;
}

void PreTokenizer::split(std::string_view text, Pieces& pieces) const {
  if (splitter_ != nullptr) {
    splitter_(text, pieces);
    return;
  }
  Pieces current{text};
  Pieces next;
  for (const Regex& pattern : patterns_) {
    next.clear();
    for (const std::string_view piece : current) {
      split_at_matches(pattern, piece, next);
    }
    current.swap(next);
  }
  pieces.insert(pieces.end(), current.begin(), current.end());
}

}  // namespace cupel::engine
