#include "engine/tokenizer/json/token_decoder.h"

#include <algorithm>

#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/json/regex_matches.h"
#include "engine/tokenizer/vocabulary.h"

namespace cupel::engine {
namespace {

using Step = std::unique_ptr<TokenDecoder>;
using Tokens = std::vector<std::string>;

class Sequence final : public TokenDecoder {
 public:
  explicit Sequence(std::vector<Step> steps) : steps_(std::move(steps)) {}
  void apply(Tokens& tokens, TextEnds ends) const override {
    for (const Step& step : steps_) {
      step->apply(tokens, ends);
    }
  }
  [[nodiscard]] bool drops_first_space() const override {
    return std::ranges::any_of(steps_, [](const Step& step) { return step->drops_first_space(); });
  }
  [[nodiscard]] double growth() const override {
    double growth = 1;
    for (const Step& step : steps_) {
      growth *= step->growth();
    }
    return growth;
  }

 private:
  std::vector<Step> steps_;
};

void fuse(Tokens& tokens) {
  std::string all;
  for (const std::string& token : tokens) {
    all += token;
  }
  tokens.assign(1, std::move(all));
}

class Fuse final : public TokenDecoder {
 public:
  void apply(Tokens& tokens, TextEnds /*ends*/) const override { fuse(tokens); }
};

class ByteLevel final : public TokenDecoder {
 public:
  void apply(Tokens& tokens, TextEnds /*ends*/) const override {
    std::string all;
    for (const std::string& token : tokens) {
      if (!append_alphabet_bytes(token, all)) {
        all += token;
      }
    }
    tokens.assign(1, std::move(all));
  }
};

/// "<0x41>" becomes its byte; bytes that follow each other become one text.
class ByteFallback final : public TokenDecoder {
 public:
  void apply(Tokens& tokens, TextEnds /*ends*/) const override {
    Tokens out;
    bool in_bytes = false;
    for (std::string& token : tokens) {
      const int value = byte_token_value(token);
      if (value < 0) {
        out.push_back(std::move(token));
      } else if (in_bytes) {
        out.back().push_back(static_cast<char>(value));
      } else {
        out.emplace_back(1, static_cast<char>(value));
      }
      in_bytes = value >= 0;
    }
    tokens = std::move(out);
  }
};

class Strip final : public TokenDecoder {
 public:
  Strip(uint32_t content, size_t start, size_t stop) : start_(start), stop_(stop) {
    append_utf8(content_, content);
  }
  void apply(Tokens& tokens, TextEnds ends) const override {
    // A token out of the middle of a text keeps what only the text's ends lose.
    for (size_t i = 0; i < tokens.size(); ++i) {
      std::string_view text = tokens[i];
      for (size_t cut = 0; (ends.start || i > 0) && cut < start_ && text.starts_with(content_);
           ++cut) {
        text.remove_prefix(content_.size());
      }
      const bool last = i + 1 == tokens.size();
      for (size_t cut = 0; (ends.end || !last) && cut < stop_ && text.ends_with(content_); ++cut) {
        text.remove_suffix(content_.size());
      }
      tokens[i] = std::string(text);
    }
  }
  [[nodiscard]] bool drops_first_space() const override { return content_ == " " && start_ > 0; }

 private:
  std::string content_;
  size_t start_;
  size_t stop_;
};

class Replace final : public TokenDecoder {
 public:
  Replace(std::optional<Regex> regex, std::string from, std::string to)
      : regex_(std::move(regex)), from_(std::move(from)), to_(std::move(to)) {}
  void apply(Tokens& tokens, TextEnds /*ends*/) const override {
    for (std::string& token : tokens) {
      if (!regex_) {
        token = token.find(from_) == std::string::npos ? std::move(token)
                                                       : replace_all(std::move(token), from_, to_);
      } else if (!token.empty() && is_valid_utf8(token)) {
        token = replaced(token);
      }
    }
  }
  /// An expression may match nothing before each byte.
  [[nodiscard]] double growth() const override {
    const auto to = static_cast<double>(to_.size());
    return regex_ ? 1 + to : std::max(1.0, to / static_cast<double>(from_.size()));
  }

 private:
  [[nodiscard]] std::string replaced(std::string_view token) const {
    std::string out;
    for (const TextMatch& part : all_matches(*regex_, token)) {
      out +=
          part.is_match ? std::string_view(to_) : token.substr(part.begin, part.end - part.begin);
    }
    return out;
  }

  std::optional<Regex> regex_;  // absent: the plain text `from_`, which is not empty
  std::string from_;
  std::string to_;
};

class Metaspace final : public TokenDecoder {
 public:
  Metaspace(uint32_t replacement, bool prepends) : prepends_(prepends) {
    append_utf8(mark_, replacement);
  }
  void apply(Tokens& tokens, TextEnds ends) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      const bool first = i == 0 && ends.start && prepends_;
      tokens[i] = replace_all(std::move(tokens[i]), mark_, first ? "" : " ");
    }
  }
  [[nodiscard]] bool drops_first_space() const override { return prepends_; }

 private:
  std::string mark_;
  bool prepends_;
};

std::string cleaned(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kChanges[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kChanges) {
    text = replace_all(std::move(text), from, to);
  }
  return text;
}

class WordPiece final : public TokenDecoder {
 public:
  WordPiece(std::string prefix, bool cleanup) : prefix_(std::move(prefix)), cleanup_(cleanup) {}
  void apply(Tokens& tokens, TextEnds ends) const override {
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0 || !ends.start) {
        if (tokens[i].starts_with(prefix_)) {
          tokens[i].erase(0, prefix_.size());
        } else {
          tokens[i].insert(0, " ");
        }
      }
      tokens[i] = cleanup_ ? cleaned(std::move(tokens[i])) : std::move(tokens[i]);
    }
  }
  [[nodiscard]] bool drops_first_space() const override { return true; }
  [[nodiscard]] double growth() const override { return 2; }  // a blank before a token of one byte

 private:
  std::string prefix_;
  bool cleanup_;
};

/// Of tokens in a row that are the same one counts; the padding falls out, a delimiter is a blank.
class Ctc final : public TokenDecoder {
 public:
  Ctc(std::string pad, std::string delimiter, bool cleanup)
      : pad_(std::move(pad)), delimiter_(std::move(delimiter)), cleanup_(cleanup) {}
  void apply(Tokens& tokens, TextEnds /*ends*/) const override {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& token : tokens) {
      token = pad_.empty() ? std::move(token) : replace_all(std::move(token), pad_, "");
      if (cleanup_) {
        token = replace_all(cleaned(std::move(token)), delimiter_, " ");
      }
    }
    std::erase_if(tokens, [](const std::string& token) { return token.empty(); });
  }

 private:
  std::string pad_;
  std::string delimiter_;
  bool cleanup_;
};

class Suffix final : public TokenDecoder {
 public:
  explicit Suffix(std::string suffix) : suffix_(std::move(suffix)) {}
  void apply(Tokens& tokens, TextEnds ends) const override {
    for (size_t i = 0; i < tokens.size() && !suffix_.empty(); ++i) {
      const bool last = i + 1 == tokens.size() && ends.end;
      tokens[i] = replace_all(std::move(tokens[i]), suffix_, last ? "" : " ");
    }
  }

 private:
  std::string suffix_;
};

/// Blanks between tokens: what is done without a decoder.
class Spaced final : public TokenDecoder {
 public:
  void apply(Tokens& tokens, TextEnds ends) const override {
    for (size_t i = ends.start ? 1 : 0; i < tokens.size(); ++i) {
      tokens[i].insert(0, " ");
    }
  }
  [[nodiscard]] bool drops_first_space() const override { return true; }
};

Result<Step> make_step(const JsonAt& json);

Result<Step> make_sequence(const JsonAt& json) {
  CUPEL_TRY(const JsonAt list, json.member("decoders"));
  CUPEL_TRY(const std::vector<JsonAt> items, list.items());
  std::vector<Step> steps;
  for (const JsonAt& item : items) {
    CUPEL_TRY(Step step, make_step(item));
    steps.push_back(std::move(step));
  }
  return Step(std::make_unique<Sequence>(std::move(steps)));
}

Result<Step> make_strip(const JsonAt& json) {
  CUPEL_TRY(const uint32_t content, json.character("content", " "));
  CUPEL_TRY(const int64_t start, json.integer_or("start", 0));
  CUPEL_TRY(const int64_t stop, json.integer_or("stop", 0));
  if (start < 0 || stop < 0) {
    return corrupt_data("{}: start and stop are {} and {}; expected at least 0", json.path(), start,
                        stop);
  }
  return Step(
      std::make_unique<Strip>(content, static_cast<size_t>(start), static_cast<size_t>(stop)));
}

Result<Step> make_replace(const JsonAt& json) {
  CUPEL_TRY(const JsonAt at, json.member("pattern"));
  CUPEL_TRY(const TextPattern pattern, read_pattern(at));
  CUPEL_TRY(std::string content, json.text("content"));
  std::optional<Regex> regex;
  if (pattern.is_regex || pattern.text.empty()) {
    CUPEL_TRY(regex, compile_pattern(at, pattern));
  }
  return Step(std::make_unique<Replace>(std::move(regex), pattern.text, std::move(content)));
}

Result<Step> make_metaspace(const JsonAt& json) {
  CUPEL_TRY(const uint32_t replacement, json.character("replacement", "\u2581"));
  CUPEL_TRY(const bool legacy, json.flag_or("add_prefix_space", true));
  CUPEL_TRY(const std::string scheme, json.text_or("prepend_scheme", legacy ? "always" : "never"));
  return Step(std::make_unique<Metaspace>(replacement, scheme != "never"));
}

Result<Step> make_word_piece(const JsonAt& json) {
  CUPEL_TRY(std::string prefix, json.text_or("prefix", "##"));
  CUPEL_TRY(const bool cleanup, json.flag_or("cleanup", true));
  return Step(std::make_unique<WordPiece>(std::move(prefix), cleanup));
}

Result<Step> make_ctc(const JsonAt& json) {
  CUPEL_TRY(std::string pad, json.text_or("pad_token", "<pad>"));
  CUPEL_TRY(std::string delimiter, json.text_or("word_delimiter_token", "|"));
  CUPEL_TRY(const bool cleanup, json.flag_or("cleanup", true));
  if (cleanup && delimiter.empty()) {
    return corrupt_data("{}: the word_delimiter_token is empty", json.path());
  }
  return Step(std::make_unique<Ctc>(std::move(pad), std::move(delimiter), cleanup));
}

Result<Step> make_suffix(const JsonAt& json) {
  CUPEL_TRY(std::string suffix, json.text_or("suffix", "</w>"));
  return Step(std::make_unique<Suffix>(std::move(suffix)));
}

template <typename Made>
Result<Step> make_plain(const JsonAt& /*json*/) {
  return Step(std::make_unique<Made>());
}

struct Maker {
  std::string_view type;
  Result<Step> (*make)(const JsonAt&);
};
constexpr Maker kMakers[] = {{"Sequence", make_sequence},
                             {"ByteLevel", make_plain<ByteLevel>},
                             {"ByteFallback", make_plain<ByteFallback>},
                             {"Fuse", make_plain<Fuse>},
                             {"Strip", make_strip},
                             {"Replace", make_replace},
                             {"Metaspace", make_metaspace},
                             {"WordPiece", make_word_piece},
                             {"BPEDecoder", make_suffix},
                             {"CTC", make_ctc}};

Result<Step> make_step(const JsonAt& json) {
  CUPEL_TRY(const std::string type, json.text("type"));
  const auto* const maker = std::ranges::find(kMakers, type, &Maker::type);
  if (maker == std::end(kMakers)) {
    return json.unknown("decoder", type);
  }
  return maker->make(json);
}

}  // namespace

Result<std::unique_ptr<TokenDecoder>> make_decoder(const std::optional<JsonAt>& json) {
  return json ? make_step(*json) : Result<Step>(std::make_unique<Spaced>());
}

}  // namespace cupel::engine
