#include "engine/tokenizer/json/word_split.h"

#include <algorithm>
#include <functional>

#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/char_class.h"
#include "engine/tokenizer/json/regex_matches.h"
#include "engine/tokenizer/json/unicode_forms.h"
#include "engine/tokenizer/json/unicode_scripts.h"
#include "engine/tokenizer/pre_tokenizer.h"

namespace cupel::engine {
namespace {

using Step = std::unique_ptr<WordSplit>;

/// What becomes of a match and of what lies between matches.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

constexpr std::pair<std::string_view, Behavior> kBehaviors[] = {
    {"Removed", Behavior::kRemoved},
    {"Isolated", Behavior::kIsolated},
    {"MergedWithPrevious", Behavior::kMergedWithPrevious},
    {"MergedWithNext", Behavior::kMergedWithNext},
    {"Contiguous", Behavior::kContiguous}};

Result<Behavior> read_behavior(const JsonAt& json, std::string_view fallback) {
  CUPEL_TRY(const std::string name, json.text_or("behavior", fallback));
  for (const auto& [known, behavior] : kBehaviors) {
    if (known == name) {
      return behavior;
    }
  }
  return json.unknown("behavior", name);
}

void append_part(const TextPiece& piece, size_t begin, size_t end, std::vector<TextPiece>& out) {
  if (begin < end) {
    const size_t at_start = piece.at_start > begin ? std::min(piece.at_start, end) - begin : 0;
    out.push_back({piece.text.substr(begin, end - begin), at_start});
  }
}

/// Joins the stretches as the behavior says.
TextMatches arranged(const TextMatches& parts, Behavior behavior) {
  TextMatches out;
  bool previous = false;  // whether the last stretch was a match
  const auto each = [&](const TextMatch& part, bool join, bool forwards) {
    if (join && !out.empty()) {
      (forwards ? out.back().end : out.back().begin) = forwards ? part.end : part.begin;
    } else {
      out.push_back(part);
    }
    previous = part.is_match;
  };
  if (behavior == Behavior::kMergedWithNext) {
    for (size_t i = parts.size(); i-- > 0;) {
      each(parts[i], parts[i].is_match && !previous, false);
    }
    std::ranges::reverse(out);
    return out;
  }
  for (const TextMatch& part : parts) {
    each(part,
         behavior == Behavior::kContiguous ? part.is_match == previous : part.is_match && !previous,
         true);
  }
  return out;
}

void append_parts(const TextPiece& piece,
                  const TextMatches& parts,
                  Behavior behavior,
                  std::vector<TextPiece>& out) {
  if (behavior == Behavior::kRemoved || behavior == Behavior::kIsolated) {
    for (const TextMatch& part : parts) {
      if (behavior == Behavior::kIsolated || !part.is_match) {
        append_part(piece, part.begin, part.end, out);
      }
    }
    return;
  }
  for (const TextMatch& part : arranged(parts, behavior)) {
    append_part(piece, part.begin, part.end, out);
  }
}

/// Calls `each(piece, out)` for every piece; what it appends takes the piece's place.
template <typename Each>
void split_each(TextPieces& pieces, Each each) {
  std::vector<TextPiece> out;
  out.reserve(pieces.list.size());
  for (const TextPiece& piece : pieces.list) {
    each(piece, out);
  }
  pieces.list = std::move(out);
}

/// Cuts at single characters of a kind.
class CharSplit final : public WordSplit {
 public:
  using IsMatch = std::function<bool(uint32_t)>;
  CharSplit(IsMatch is_match, Behavior behavior)
      : is_match_(std::move(is_match)), behavior_(behavior) {}

  void apply(TextPieces& pieces) const override {
    split_each(pieces, [&](const TextPiece& piece, std::vector<TextPiece>& out) {
      TextMatches parts;
      for (size_t at = 0; at < piece.text.size();) {
        const Char c = char_at(piece.text, at);
        const bool match = is_match_(c.value);
        if (match || parts.empty() || parts.back().is_match) {
          parts.push_back({at, at + c.length, match});
        } else {
          parts.back().end = at + c.length;
        }
        at += c.length;
      }
      append_parts(piece, parts, behavior_, out);
    });
  }

 private:
  IsMatch is_match_;
  Behavior behavior_;
};

/// Runs of word characters, and runs of what is neither word character nor white space.
class WordRuns final : public WordSplit {
 public:
  void apply(TextPieces& pieces) const override {
    split_each(pieces, [](const TextPiece& piece, std::vector<TextPiece>& out) {
      enum class Kind { kSpace, kWord, kOther };
      Kind last = Kind::kSpace;
      size_t begin = 0;
      for (size_t at = 0; at < piece.text.size();) {
        const Char c = char_at(piece.text, at);
        const Kind kind = is_word(c.value)          ? Kind::kWord
                          : is_white_space(c.value) ? Kind::kSpace
                                                    : Kind::kOther;
        if (kind != last) {
          append_part(piece, begin, last == Kind::kSpace ? begin : at, out);
          begin = at;
          last = kind;
        }
        at += c.length;
      }
      append_part(piece, begin, last == Kind::kSpace ? begin : piece.text.size(), out);
    });
  }
};

/// Cuts where the script changes. What comes before the first character that has one falls out, as
/// in the original.
class ScriptSplit final : public WordSplit {
 public:
  void apply(TextPieces& pieces) const override {
    split_each(pieces, [](const TextPiece& piece, std::vector<TextPiece>& out) {
      int last = 0;
      size_t begin = 0;
      for (size_t at = 0; at < piece.text.size();) {
        const Char c = char_at(piece.text, at);
        const int script = script_of(c.value);
        if (script != 0 && script != last) {
          append_part(piece, begin, last == 0 ? begin : at, out);
          begin = at;
          last = script;
        }
        at += c.length;
      }
      append_part(piece, begin, last == 0 ? begin : piece.text.size(), out);
    });
  }
};

/// Pieces of so many characters; the last may be shorter.
class LengthSplit final : public WordSplit {
 public:
  explicit LengthSplit(int64_t length) : length_(length) {}

  void apply(TextPieces& pieces) const override {
    split_each(pieces, [this](const TextPiece& piece, std::vector<TextPiece>& out) {
      size_t begin = 0;
      int64_t taken = 0;
      for (size_t at = 0; at < piece.text.size(); at += char_at(piece.text, at).length) {
        if (taken == length_) {
          append_part(piece, begin, at, out);
          begin = at;
          taken = 0;
        }
        ++taken;
      }
      append_part(piece, begin, piece.text.size(), out);
    });
  }

 private:
  int64_t length_;
};

class PatternSplit final : public WordSplit {
 public:
  PatternSplit(Regex regex, Behavior behavior, bool invert)
      : regex_(std::move(regex)), behavior_(behavior), invert_(invert) {}

  void apply(TextPieces& pieces) const override {
    split_each(pieces, [&](const TextPiece& piece, std::vector<TextPiece>& out) {
      TextMatches parts = all_matches(regex_, piece.text);
      for (TextMatch& part : parts) {
        part.is_match = part.is_match != invert_;
      }
      append_parts(piece, parts, behavior_, out);
    });
  }

 private:
  Regex regex_;
  Behavior behavior_;
  bool invert_;
};

/// A pattern that is written out by hand, its matches isolated.
class WrittenSplit final : public WordSplit {
 public:
  explicit WrittenSplit(WordSplitter split) : split_(split) {}

  void apply(TextPieces& pieces) const override {
    Pieces words;
    split_each(pieces, [&](const TextPiece& piece, std::vector<TextPiece>& out) {
      words.clear();
      split_(piece.text, words);
      size_t at = 0;
      for (const std::string_view word : words) {
        append_part(piece, at, at + word.size(), out);
        at += word.size();
      }
    });
  }

 private:
  WordSplitter split_;
};

std::string in_alphabet(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 2);
  for (const char byte : text) {
    append_utf8(out, byte_to_char(static_cast<uint8_t>(byte)));
  }
  return out;
}

class PrefixSpace final : public WordSplit {
 public:
  void apply(TextPieces& pieces) const override {
    for (TextPiece& piece : pieces.list) {
      if (!piece.text.starts_with(' ')) {
        piece.text = pieces.keep(" " + std::string(piece.text));
        piece.at_start += piece.at_start > 0 ? 1 : 0;
      }
    }
  }
  [[nodiscard]] double growth() const override { return 2; }  // of a piece of one byte
};

class ByteAlphabet final : public WordSplit {
 public:
  void apply(TextPieces& pieces) const override {
    for (TextPiece& piece : pieces.list) {
      piece.at_start = in_alphabet(piece.text.substr(0, piece.at_start)).size();
      piece.text = pieces.keep(in_alphabet(piece.text));
    }
  }
  [[nodiscard]] double growth() const override { return 2; }
};

class Metaspace final : public WordSplit {
 public:
  enum class Prepend { kAlways, kFirst, kNever };
  Metaspace(uint32_t replacement, Prepend prepend, bool split)
      : replacement_(replacement), prepend_(prepend), split_(split) {
    append_utf8(mark_, replacement);
  }

  void apply(TextPieces& pieces) const override {
    for (TextPiece& piece : pieces.list) {
      rewrite(piece, pieces);
    }
    if (split_) {
      CharSplit([this](uint32_t c) { return c == replacement_; }, Behavior::kMergedWithNext)
          .apply(pieces);
    }
  }
  /// A piece of one byte has a mark put before it, or a blank becomes one.
  [[nodiscard]] double growth() const override { return 1 + static_cast<double>(mark_.size()); }

 private:
  void rewrite(TextPiece& piece, TextPieces& pieces) const {
    const bool begins =
        prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && piece.at_start > 0);
    std::string text;
    text.reserve(piece.text.size() + piece.text.size() / 2 + mark_.size());
    append_marked(piece.text.substr(0, piece.at_start), text);
    const size_t before = text.size();
    append_marked(piece.text.substr(piece.at_start), text);
    piece.at_start = piece.at_start > 0 ? before : 0;
    if (begins && !text.starts_with(mark_)) {
      text.insert(0, mark_);
      piece.at_start += piece.at_start > 0 ? mark_.size() : 0;
    }
    piece.text = pieces.keep(std::move(text));
  }
  void append_marked(std::string_view text, std::string& out) const {
    size_t at = 0;
    for (size_t next = text.find(' '); next != std::string_view::npos; next = text.find(' ', at)) {
      out.append(text.substr(at, next - at)).append(mark_);
      at = next + 1;
    }
    out += text.substr(at);
  }

  uint32_t replacement_;
  Prepend prepend_;
  bool split_;
  std::string mark_;
};

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Result<Ok> add_byte_level(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const bool prefix, json.flag_or("add_prefix_space", true));
  CUPEL_TRY(const bool use_regex, json.flag_or("use_regex", true));
  if (prefix) {
    steps.push_back(std::make_unique<PrefixSpace>());
  }
  if (use_regex) {
    steps.push_back(std::make_unique<WrittenSplit>(written_splitter(kGpt2Pattern)));
  }
  steps.push_back(std::make_unique<ByteAlphabet>());
  return Ok{};
}

Result<Ok> add_pattern(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const JsonAt at, json.member("pattern"));
  CUPEL_TRY(const TextPattern pattern, read_pattern(at));
  CUPEL_TRY(const Behavior behavior, read_behavior(json, ""));
  CUPEL_TRY(const bool invert, json.flag_or("invert", false));
  const WordSplitter written = pattern.is_regex ? written_splitter(pattern.text) : nullptr;
  // These patterns match every character: isolating the matches, or what is not outside them, is
  // the same.
  const bool all =
      (behavior == Behavior::kIsolated && !invert) || (behavior == Behavior::kRemoved && invert);
  if (written != nullptr && all) {
    steps.push_back(std::make_unique<WrittenSplit>(written));
    return Ok{};
  }
  CUPEL_TRY(Regex regex, compile_pattern(at, pattern));
  steps.push_back(std::make_unique<PatternSplit>(std::move(regex), behavior, invert));
  return Ok{};
}

Result<Ok> add_metaspace(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const uint32_t replacement, json.character("replacement", "\u2581"));
  CUPEL_TRY(const bool split, json.flag_or("split", true));
  // Before there was a scheme: a flag.
  CUPEL_TRY(const bool legacy, json.flag_or("add_prefix_space", true));
  CUPEL_TRY(const std::string scheme, json.text_or("prepend_scheme", legacy ? "always" : "never"));
  if (scheme != "always" && scheme != "first" && scheme != "never") {
    return json.unknown("prepend_scheme", scheme);
  }
  const auto prepend = scheme == "always"  ? Metaspace::Prepend::kAlways
                       : scheme == "first" ? Metaspace::Prepend::kFirst
                                           : Metaspace::Prepend::kNever;
  steps.push_back(std::make_unique<Metaspace>(replacement, prepend, split));
  return Ok{};
}

Result<Ok> add_digits(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const bool individual, json.flag_or("individual_digits", false));
  steps.push_back(std::make_unique<CharSplit>(
      is_number, individual ? Behavior::kIsolated : Behavior::kContiguous));
  return Ok{};
}

Result<Ok> add_punctuation(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const Behavior behavior, read_behavior(json, "Isolated"));
  steps.push_back(std::make_unique<CharSplit>(is_punctuation, behavior));
  return Ok{};
}

Result<Ok> add_delimiter(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const uint32_t delimiter, json.character("delimiter", ""));
  steps.push_back(std::make_unique<CharSplit>([delimiter](uint32_t c) { return c == delimiter; },
                                              Behavior::kRemoved));
  return Ok{};
}

Result<Ok> add_white_space(const JsonAt& /*json*/, std::vector<Step>& steps) {
  steps.push_back(std::make_unique<CharSplit>(is_white_space, Behavior::kRemoved));
  return Ok{};
}

Result<Ok> add_bert(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY_VOID(add_white_space(json, steps));
  steps.push_back(std::make_unique<CharSplit>(is_punctuation, Behavior::kIsolated));
  return Ok{};
}

Result<Ok> add_scripts(const JsonAt& /*json*/, std::vector<Step>& steps) {
  steps.push_back(std::make_unique<ScriptSplit>());
  return Ok{};
}

Result<Ok> add_length(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const int64_t length, json.integer_or("length", 5));
  if (length < 1) {
    return corrupt_data("{}: length is {}; expected at least 1", json.path(), length);
  }
  steps.push_back(std::make_unique<LengthSplit>(length));
  return Ok{};
}

Result<Ok> add_word_runs(const JsonAt& /*json*/, std::vector<Step>& steps) {
  steps.push_back(std::make_unique<WordRuns>());
  return Ok{};
}

Result<Ok> add_steps(const JsonAt& json, std::vector<Step>& steps);

Result<Ok> add_sequence(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const JsonAt list, json.member("pretokenizers"));
  CUPEL_TRY(const std::vector<JsonAt> items, list.items());
  for (const JsonAt& item : items) {
    CUPEL_TRY_VOID(add_steps(item, steps));
  }
  return Ok{};
}

struct Maker {
  std::string_view type;
  Result<Ok> (*add)(const JsonAt&, std::vector<Step>&);
};
constexpr Maker kMakers[] = {{"Sequence", add_sequence},
                             {"ByteLevel", add_byte_level},
                             {"Split", add_pattern},
                             {"Whitespace", add_word_runs},
                             {"WhitespaceSplit", add_white_space},
                             {"Punctuation", add_punctuation},
                             {"Digits", add_digits},
                             {"Metaspace", add_metaspace},
                             {"BertPreTokenizer", add_bert},
                             {"CharDelimiterSplit", add_delimiter},
                             {"UnicodeScripts", add_scripts},
                             {"FixedLength", add_length}};

Result<Ok> add_steps(const JsonAt& json, std::vector<Step>& steps) {
  CUPEL_TRY(const std::string type, json.text("type"));
  const auto* const maker = std::ranges::find(kMakers, type, &Maker::type);
  if (maker == std::end(kMakers)) {
    return json.unknown("pre-tokenizer", type);
  }
  return maker->add(json, steps);
}

}  // namespace

double WordSplits::growth() const {
  double growth = 1;
  for (const Step& step : steps) {
    growth *= step->growth();
  }
  return growth;
}

Result<WordSplits> make_word_splits(const JsonAt& json, bool take_bytes) {
  WordSplits splits;
  CUPEL_TRY_VOID(add_steps(json, splits.steps));
  const bool bytes = !splits.steps.empty() &&
                     dynamic_cast<const ByteAlphabet*>(splits.steps.back().get()) != nullptr;
  if (bytes && take_bytes) {
    splits.steps.pop_back();
    splits.ends_in_bytes = true;
  }
  return splits;
}

}  // namespace cupel::engine
