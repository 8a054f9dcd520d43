#include "engine/tokenizer/json/normalizer.h"

#include <algorithm>

#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/json/char_map.h"
#include "engine/tokenizer/json/regex_matches.h"
#include "engine/tokenizer/json/split_regex.h"

namespace cupel::engine {
namespace {

using Step = std::unique_ptr<Normalizer>;

// Longest decompositions of Unicode: U+1F82 becomes 4 characters, U+FDFA in its compatible form 18.
constexpr double kCanonicalGrowth = 4;
constexpr double kCompatibleGrowth = 18;

class Sequence final : public Normalizer {
 public:
  explicit Sequence(std::vector<Step> steps) : steps_(std::move(steps)) {}
  void apply(CharText& text) const override {
    for (const Step& step : steps_) {
      step->apply(text);
    }
  }
  [[nodiscard]] bool keeps_ascii() const override {
    return std::ranges::all_of(steps_, [](const Step& step) { return step->keeps_ascii(); });
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

class Form final : public Normalizer {
 public:
  explicit Form(UnicodeForm form) : form_(form) {}
  void apply(CharText& text) const override { normalize(text, form_); }
  [[nodiscard]] bool keeps_ascii() const override { return true; }
  [[nodiscard]] double growth() const override {
    return form_ == UnicodeForm::kNfc || form_ == UnicodeForm::kNfd ? kCanonicalGrowth
                                                                    : kCompatibleGrowth;
  }

 private:
  UnicodeForm form_;
};

/// Replaces each character by others, none or itself; keeps count of `at_start`.
template <typename Each>
void transform(CharText& text, Each each) {
  std::vector<uint32_t> out;
  out.reserve(text.chars.size());
  size_t at_start = 0;
  for (size_t i = 0; i < text.chars.size(); ++i) {
    each(text.chars[i], out);
    at_start = i < text.at_start ? out.size() : at_start;
  }
  text.chars = std::move(out);
  text.at_start = at_start;
}

template <typename Keep>
void filter(CharText& text, Keep keep) {
  transform(text, [&](uint32_t c, std::vector<uint32_t>& out) {
    if (keep(c)) {
      out.push_back(c);
    }
  });
}

void lowercase(CharText& text) {
  transform(text, append_lower);
}

class Lowercase final : public Normalizer {
 public:
  void apply(CharText& text) const override { lowercase(text); }
  [[nodiscard]] double growth() const override { return 2; }  // "İ"
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(CharText& text) const override {
    std::vector<uint32_t>& chars = text.chars;
    while (right_ && !chars.empty() && is_white_space(chars.back())) {
      chars.pop_back();
    }
    size_t count = 0;
    while (left_ && count < chars.size() && is_white_space(chars[count])) {
      ++count;
    }
    chars.erase(chars.begin(), chars.begin() + static_cast<ptrdiff_t>(count));
    text.at_start = text.at_start > count ? std::min(text.at_start - count, chars.size()) : 0;
  }

 private:
  bool left_;
  bool right_;
};

class StripAccents final : public Normalizer {
 public:
  void apply(CharText& text) const override {
    filter(text, [](uint32_t c) { return !is_mark(c); });
  }
  [[nodiscard]] bool keeps_ascii() const override { return true; }
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string_view prefix) : prefix_(to_chars(prefix, 0).chars) {}
  void apply(CharText& text) const override {
    if (!text.chars.empty()) {
      text.chars.insert(text.chars.begin(), prefix_.begin(), prefix_.end());
      text.at_start += text.at_start > 0 ? prefix_.size() : 0;
    }
  }
  [[nodiscard]] double growth() const override {  // of a text of one character
    return 1 + static_cast<double>(prefix_.size());
  }

 private:
  std::vector<uint32_t> prefix_;
};

/// Replaces one character by others: the commonest Replace, without a regular expression.
class ReplaceChar final : public Normalizer {
 public:
  ReplaceChar(uint32_t from, std::string_view to) : from_(from), to_(to_chars(to, 0).chars) {}
  void apply(CharText& text) const override {
    if (to_.size() == 1) {
      std::ranges::replace(text.chars, from_, to_.front());
      return;
    }
    transform(text, [&](uint32_t c, std::vector<uint32_t>& out) {
      if (c == from_) {
        out.insert(out.end(), to_.begin(), to_.end());
      } else {
        out.push_back(c);
      }
    });
  }
  [[nodiscard]] double growth() const override {
    return std::max(1.0, static_cast<double>(to_.size()));
  }

 private:
  uint32_t from_;
  std::vector<uint32_t> to_;
};

class Replace final : public Normalizer {
 public:
  Replace(Regex regex, std::string content)
      : regex_(std::move(regex)), content_(std::move(content)) {}

  void apply(CharText& text) const override {
    if (text.chars.empty()) {
      return;
    }
    const std::string utf8 = to_utf8(text.chars);
    const size_t start_bytes =
        to_utf8(std::span(text.chars).first(std::min(text.at_start, text.chars.size()))).size();
    std::string out;
    size_t at_start = 0;  // in bytes of `out`
    bool begins = true;
    for (const TextMatch& part : all_matches(regex_, utf8)) {
      const std::string_view piece =
          part.is_match ? std::string_view(content_)
                        : std::string_view(utf8).substr(part.begin, part.end - part.begin);
      out += piece;
      // A replacement stands where the last character stood that it replaces.
      const size_t own = part.is_match ? (last_char(utf8, part) < start_bytes ? piece.size() : 0)
                                       : std::clamp(start_bytes, part.begin, part.end) - part.begin;
      at_start += begins ? own : 0;
      begins = begins && own == piece.size();
    }
    text = to_chars(out, 0);
    text.at_start = to_chars(std::string_view(out).substr(0, at_start), 0).chars.size();
  }
  /// An expression may match nothing before each character.
  [[nodiscard]] double growth() const override {
    return 1 + static_cast<double>(to_chars(content_, 0).chars.size());
  }

 private:
  static size_t last_char(std::string_view text, const TextMatch& part) {
    size_t at = part.end > part.begin ? part.end - 1 : part.begin;
    while (at > part.begin && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) {
      --at;
    }
    return at;
  }

  Regex regex_;
  std::string content_;
};

bool is_chinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

class Bert final : public Normalizer {
 public:
  struct Settings {
    bool clean_text = true;
    bool handle_chinese_chars = true;
    bool strip_accents = true;
    bool lowercase = true;
  };
  explicit Bert(const Settings& settings) : settings_(settings) {}

  void apply(CharText& text) const override {
    if (settings_.clean_text) {
      filter(text, [](uint32_t c) {
        const bool white = c == '\t' || c == '\n' || c == '\r';
        return c != 0 && c != 0xFFFD && (white || !is_other(c));
      });
      std::ranges::replace_if(text.chars, is_white_space, uint32_t{' '});
    }
    if (settings_.handle_chinese_chars) {
      transform(text, [](uint32_t c, std::vector<uint32_t>& out) {
        if (is_chinese(c)) {
          out.insert(out.end(), {uint32_t{' '}, c, uint32_t{' '}});
        } else {
          out.push_back(c);
        }
      });
    }
    if (settings_.strip_accents) {
      normalize(text, UnicodeForm::kNfd);
      filter(text, [](uint32_t c) { return !is_nonspacing_mark(c); });
    }
    if (settings_.lowercase) {
      lowercase(text);
    }
  }
  [[nodiscard]] double growth() const override {
    return (settings_.handle_chinese_chars ? 3.0 : 1.0) *
           (settings_.strip_accents ? kCanonicalGrowth : 1.0) * (settings_.lowercase ? 2.0 : 1.0);
  }

 private:
  Settings settings_;
};

class Nmt final : public Normalizer {
 public:
  void apply(CharText& text) const override {
    filter(text, [](uint32_t c) {
      return !((c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F ||
               c == 0x8F || c == 0x9F);
    });
    const auto blank = [](uint32_t c) {
      return c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
             (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
             c == 0xFEFF || c == 0xFFFD;
    };
    std::ranges::replace_if(text.chars, blank, uint32_t{' '});
  }
};

class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(CharMap map) : map_(std::move(map)) {}

  void apply(CharText& text) const override {
    std::vector<uint32_t> out;
    out.reserve(text.chars.size());
    size_t at_start = 0;
    for (size_t at = 0; at < text.chars.size();) {
      const size_t end = grapheme_end(text.chars, at);
      append_cluster(std::span(text.chars).subspan(at, end - at), out);
      at_start = at < text.at_start ? out.size() : at_start;
      at = end;
    }
    text.chars = std::move(out);
    text.at_start = at_start;
  }
  [[nodiscard]] double growth() const override { return static_cast<double>(map_.longest_text()); }

 private:
  // Clusters of up to five bytes are looked up whole, then every character alone.
  void append_cluster(std::span<const uint32_t> cluster, std::vector<uint32_t>& out) const {
    constexpr size_t kLongestWhole = 5;
    const std::string whole = cluster.size() <= kLongestWhole ? to_utf8(cluster) : "";
    if (!whole.empty() && whole.size() <= kLongestWhole && append_mapped(whole, out)) {
      return;
    }
    for (const uint32_t c : cluster) {
      if (!append_mapped(to_utf8(std::span(&c, 1)), out)) {
        out.push_back(c);
      }
    }
  }
  bool append_mapped(std::string_view text, std::vector<uint32_t>& out) const {
    const auto mapped = map_.find(text);
    if (mapped) {
      const CharText chars = to_chars(*mapped, 0);
      out.insert(out.end(), chars.chars.begin(), chars.chars.end());
    }
    return mapped.has_value();
  }

  CharMap map_;
};

/// Writes every byte as a character of the byte-level alphabet.
class ByteLevel final : public Normalizer {
 public:
  void apply(CharText& text) const override {
    transform(text, [](uint32_t c, std::vector<uint32_t>& out) {
      for (const char byte : to_utf8(std::span(&c, 1))) {
        out.push_back(byte_to_char(static_cast<uint8_t>(byte)));
      }
    });
  }
  [[nodiscard]] double growth() const override { return 4; }
};

Result<Step> make_sequence(const JsonAt& json) {
  CUPEL_TRY(const JsonAt list, json.member("normalizers"));
  CUPEL_TRY(const std::vector<JsonAt> items, list.items());
  std::vector<Step> steps;
  for (const JsonAt& item : items) {
    CUPEL_TRY(Step step, make_normalizer(item));
    steps.push_back(std::move(step));
  }
  return Step(std::make_unique<Sequence>(std::move(steps)));
}

Result<Step> make_replace(const JsonAt& json) {
  CUPEL_TRY(const JsonAt at, json.member("pattern"));
  CUPEL_TRY(const TextPattern pattern, read_pattern(at));
  CUPEL_TRY(std::string content, json.text("content"));
  const CodePoint c = pattern.text.empty() ? CodePoint{} : decode_utf8(pattern.text, 0);
  if (!pattern.is_regex && !pattern.text.empty() && c.length == pattern.text.size()) {
    return Step(std::make_unique<ReplaceChar>(c.value, content));
  }
  CUPEL_TRY(Regex regex, compile_pattern(at, pattern));
  return Step(std::make_unique<Replace>(std::move(regex), std::move(content)));
}

Result<Step> make_bert(const JsonAt& json) {
  Bert::Settings settings;
  CUPEL_TRY(settings.clean_text, json.flag_or("clean_text", true));
  CUPEL_TRY(settings.handle_chinese_chars, json.flag_or("handle_chinese_chars", true));
  CUPEL_TRY(settings.lowercase, json.flag_or("lowercase", true));
  CUPEL_TRY(settings.strip_accents, json.flag_or("strip_accents", settings.lowercase));
  return Step(std::make_unique<Bert>(settings));
}

Result<Step> make_strip(const JsonAt& json) {
  CUPEL_TRY(const bool left, json.flag_or("strip_left", true));
  CUPEL_TRY(const bool right, json.flag_or("strip_right", true));
  return Step(std::make_unique<Strip>(left, right));
}

Result<Step> make_precompiled(const JsonAt& json) {
  const auto found = json.find("precompiled_charsmap");
  if (!found || (found->value().is_string() && found->value().as_string().empty())) {
    return Step(std::make_unique<Sequence>(std::vector<Step>{}));  // no map: nothing changes
  }
  CUPEL_TRY(const std::string base64, found->text());
  auto map = CharMap::decode(base64);
  if (!map) {
    return in_context(std::move(map).error(), found->path());
  }
  return Step(std::make_unique<Precompiled>(std::move(*map)));
}

template <typename Made, auto... kArguments>
Result<Step> make_plain(const JsonAt& /*json*/) {
  return Step(std::make_unique<Made>(kArguments...));
}

struct Maker {
  std::string_view type;
  Result<Step> (*make)(const JsonAt&);
};
constexpr Maker kMakers[] = {
    {"Sequence", make_sequence},
    {"NFC", make_plain<Form, UnicodeForm::kNfc>},
    {"NFD", make_plain<Form, UnicodeForm::kNfd>},
    {"NFKC", make_plain<Form, UnicodeForm::kNfkc>},
    {"NFKD", make_plain<Form, UnicodeForm::kNfkd>},
    {"Lowercase", make_plain<Lowercase>},
    {"Strip", make_strip},
    {"StripAccents", make_plain<StripAccents>},
    {"Replace", make_replace},
    {"Prepend",
     [](const JsonAt& json) -> Result<Step> {
       CUPEL_TRY(const std::string prefix, json.text("prepend"));
       return Step(std::make_unique<Prepend>(prefix));
     }},
    {"BertNormalizer", make_bert},
    {"Nmt", make_plain<Nmt>},
    {"Precompiled", make_precompiled},
    {"ByteLevel", make_plain<ByteLevel>},
};

}  // namespace

Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonAt& json) {
  CUPEL_TRY(const std::string type, json.text("type"));
  const auto* const maker = std::ranges::find(kMakers, type, &Maker::type);
  if (maker == std::end(kMakers)) {
    return json.unknown("normalizer", type);
  }
  return maker->make(json);
}

}  // namespace cupel::engine
