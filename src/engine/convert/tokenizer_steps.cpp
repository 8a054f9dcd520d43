#include "engine/convert/tokenizer_steps.h"

#include "base/error.h"
#include "base/text.h"
#include "engine/tokenizer/json/regex_matches.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kBlank = "\u2581";
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

Error not_in_gguf(const JsonAt& step, std::string_view what) {
  return unsupported("{}: GGUF has no word for {}", step.name(), what);
}

/// The steps of "normalizer" or "pre_tokenizer" one after another.
Result<std::vector<JsonAt>> flattened(const std::optional<JsonAt>& step, std::string_view list) {
  std::vector<JsonAt> steps;
  if (!step) {
    return steps;
  }
  CUPEL_TRY(const std::string type, step->text("type"));
  if (type != "Sequence") {
    steps.push_back(*step);
    return steps;
  }
  CUPEL_TRY(const JsonAt items, step->member(list));
  CUPEL_TRY(const std::vector<JsonAt> each, items.items());
  for (const JsonAt& item : each) {
    CUPEL_TRY(const std::vector<JsonAt> inner, flattened(item, list));
    steps.insert(steps.end(), inner.begin(), inner.end());
  }
  return steps;
}

class StepReader {
 public:
  explicit StepReader(const JsonAt& root) : root_(root) {}

  Result<TokenizerSteps> read() {
    CUPEL_TRY_VOID(read_model());
    CUPEL_TRY(const std::vector<JsonAt> splits,
              flattened(root_.find("pre_tokenizer"), "pretokenizers"));
    for (const JsonAt& split : splits) {
      CUPEL_TRY_VOID(read_split(split));
    }
    CUPEL_TRY(const std::vector<JsonAt> normalizers,
              flattened(root_.find("normalizer"), "normalizers"));
    for (const JsonAt& normalizer : normalizers) {
      CUPEL_TRY_VOID(read_normalizer(normalizer));
    }
    if (!steps_.byte_level && !fallback_) {
      return unsupported(
          "model: is BPE without bytes (no ByteLevel pre-tokenizer, byte_fallback is false); GGUF "
          "has a word for byte-level BPE and for BPE with byte fallback");
    }
    if (!steps_.byte_level && !replaces_) {
      return unsupported(
          "normalizer: does not replace blanks by \"{}\", which GGUF's \"llama\" "
          "vocabularies always do",
          kBlank);
    }
    return std::move(steps_);
  }

 private:
  Result<Ok> read_model() {
    CUPEL_TRY(const JsonAt model, root_.member("model"));
    CUPEL_TRY(const std::string type, model.text_or("type", "BPE"));
    if (type != "BPE") {
      return not_in_gguf(model, format("a {} model here; only BPE is converted", printable(type)));
    }
    for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      CUPEL_TRY(const std::string text, model.text_or(key, ""));
      if (!text.empty()) {
        return not_in_gguf(model, format("{} \"{}\"", key, printable(text)));
      }
    }
    CUPEL_TRY(fallback_, model.flag_or("byte_fallback", false));
    CUPEL_TRY(steps_.split.ignore_merges, model.flag_or("ignore_merges", false));
    return Ok{};
  }

  Result<Ok> read_split(const JsonAt& step) {
    CUPEL_TRY(const std::string type, step.text("type"));
    if (steps_.byte_level) {
      return not_in_gguf(step, "a step after ByteLevel");
    }
    if (type == "ByteLevel") {
      return read_byte_level(step);
    }
    if (type == "Split") {
      return read_pattern_split(step);
    }
    if (type == "Metaspace") {
      return read_metaspace(step);
    }
    CUPEL_TRY(const bool single, step.flag_or("individual_digits", false));
    if (type != "Digits" || !single) {
      return not_in_gguf(step, format("the pre-tokenizer {}", printable(type)));
    }
    steps_.split.patterns.emplace_back(R"(\p{N})");
    return Ok{};
  }

  Result<Ok> read_byte_level(const JsonAt& step) {
    CUPEL_TRY(const bool prefix, step.flag_or("add_prefix_space", true));
    CUPEL_TRY(const bool use_regex, step.flag_or("use_regex", true));
    if (prefix) {
      return not_in_gguf(step, "add_prefix_space with byte-level BPE");
    }
    if (use_regex) {
      steps_.split.patterns.emplace_back(kGpt2Pattern);
    }
    steps_.byte_level = true;
    return Ok{};
  }

  Result<Ok> read_pattern_split(const JsonAt& step) {
    CUPEL_TRY(const JsonAt at, step.member("pattern"));
    CUPEL_TRY(const TextPattern pattern, read_pattern(at));
    CUPEL_TRY(const std::string behavior, step.text_or("behavior", ""));
    CUPEL_TRY(const bool invert, step.flag_or("invert", false));
    // Gemma's: words of a model that never merges across blanks; it changes no result.
    if (!pattern.is_regex && pattern.text == " " && behavior == "MergedWithPrevious") {
      return Ok{};
    }
    const bool isolates = (behavior == "Isolated" && !invert) || (behavior == "Removed" && invert);
    if (!pattern.is_regex || !isolates) {
      return not_in_gguf(step, "a Split that does not isolate what its pattern matches");
    }
    steps_.split.patterns.push_back(pattern.text);
    return Ok{};
  }

  Result<Ok> read_metaspace(const JsonAt& step) {
    CUPEL_TRY(const uint32_t mark, step.character("replacement", kBlank));
    CUPEL_TRY(const bool legacy, step.flag_or("add_prefix_space", true));
    CUPEL_TRY(const std::string scheme,
              step.text_or("prepend_scheme", legacy ? "always" : "never"));
    if (mark != 0x2581) {
      return not_in_gguf(step, "another mark of a blank than \"\u2581\"");
    }
    replaces_ = true;
    steps_.add_space = scheme != "never";
    if (scheme == "first") {
      steps_.notes.push_back(format(
          "{}: puts a blank before the text only; GGUF's readers put one after special tokens too",
          step.path()));
    }
    return Ok{};
  }

  Result<Ok> read_normalizer(const JsonAt& step) {
    CUPEL_TRY(const std::string type, step.text("type"));
    if (type == "NFC") {
      steps_.notes.push_back(
          format("{}: NFC is left out; texts that are not composed are encoded "
                 "as they are",
                 step.path()));
      return Ok{};
    }
    if (!steps_.byte_level && type == "Prepend") {
      CUPEL_TRY(const std::string text, step.text("prepend"));
      steps_.add_space = text == kBlank;
      return steps_.add_space ? Result<Ok>(Ok{}) : not_in_gguf(step, "this Prepend");
    }
    if (!steps_.byte_level && type == "Replace") {
      CUPEL_TRY(const JsonAt at, step.member("pattern"));
      CUPEL_TRY(const TextPattern pattern, read_pattern(at));
      CUPEL_TRY(const std::string content, step.text("content"));
      replaces_ = !pattern.is_regex && pattern.text == " " && content == kBlank;
      return replaces_ ? Result<Ok>(Ok{}) : not_in_gguf(step, "this Replace");
    }
    return not_in_gguf(step, format("the normalizer {}", printable(type)));
  }

  const JsonAt& root_;
  TokenizerSteps steps_;
  bool fallback_ = false;
  bool replaces_ = false;
};

}  // namespace

Result<TokenizerSteps> read_tokenizer_steps(const JsonAt& root) {
  return StepReader(root).read();
}

}  // namespace cupel::engine
