// tokenizer.json files of any size, made here: what a large one costs, and what a hostile one may
// not. The unit tests take 2 MB, the slow ones 50 MB.
#pragma once

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "base/format.h"
#include "base/rng.h"
#include "engine/tokenizer/from_json.h"
#include "support/process_memory.h"

namespace cupel::test {

constexpr double kMostLoadSeconds = 20;  // measured: 2 s for 50 MB; a sanitizer takes tenfold

#ifdef __SANITIZE_ADDRESS__
constexpr size_t kMostTimesTheFile = 80;  // red zones, and freed memory that is kept to be watched
#else
constexpr size_t kMostTimesTheFile = 20;
#endif

/// What reading a file cost, and what came of it.
struct LargeReading {
  Result<std::unique_ptr<Tokenizer>> tokenizer;
  double seconds = 0;     ///< of the processor: others may be busy beside
  size_t peak_bytes = 0;  ///< above what was there before; 0 where the system does not say
};

inline LargeReading read_large(const std::string& json) {
  malloc_trim(0);  // what the heap keeps of earlier files would hide what this one takes
  const bool measured = reset_memory_peak();
  const size_t before = memory_status("VmRSS").value_or(0);
  const std::clock_t begin = std::clock();
  auto tokenizer = engine::tokenizer_from_json(json);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const size_t peak = measured ? memory_status("VmHWM").value_or(0) : 0;
  return {std::move(tokenizer), seconds, peak > before ? peak - before : 0};
}

/// Time, and memory of at most 20 times the file (added tokens take 19) and 64 MB beside it.
inline void expect_cheap(const LargeReading& reading, size_t file_bytes, const std::string& what) {
  EXPECT_LT(reading.seconds, kMostLoadSeconds) << what;
  EXPECT_LT(reading.peak_bytes, kMostTimesTheFile * file_bytes + (size_t{64} << 20U)) << what;
  std::printf("%-48s %4.0f MB in %6.2f s, peak %5.0f MB\n", what.c_str(),
              static_cast<double>(file_bytes) / 1e6, reading.seconds,
              static_cast<double>(reading.peak_bytes) / 1e6);
  std::fflush(stdout);
}

/// A BPE of random merges in the indented form that `tokenizers` writes.
class LargeBpe {
 public:
  static constexpr size_t kLetters = 26;  // the first tokens; then what merge i makes

  explicit LargeBpe(size_t bytes) {
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      add(std::string(1, letter));
    }
    Rng rng(7);
    while (vocab_.size() + list_.size() < bytes) {
      const size_t left = short_[rng.below(short_.size())];
      const size_t right = short_[rng.below(short_.size())];
      const std::string whole = texts_[left] + texts_[right];
      if (known_.contains(whole)) {
        continue;
      }
      list_ += format("{}      [\n        \"{}\",\n        \"{}\"\n      ]",
                      ranks_.empty() ? "" : ",\n", texts_[left], texts_[right]);
      ranks_.emplace(key(left, right), texts_.size() - kLetters);
      add(whole);
    }
  }
  [[nodiscard]] std::string json() const {
    return format(
        "{{\n  \"version\": \"1.0\",\n  \"added_tokens\": [],\n  \"decoder\": {{\n    \"type\": "
        "\"Fuse\"\n  }},\n  \"model\": {{\n    \"type\": \"BPE\",\n    \"vocab\": {{\n{}\n    }},\n"
        "    \"merges\": [\n{}\n    ]\n  }}\n}}\n",
        vocab_, list_);
  }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

  /// The ids of a word by the definition of BPE: of all neighbours that merge the pair of the
  /// lowest rank, the leftmost of equals, again and again.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view word) const {
    std::vector<TokenId> ids;
    for (const char letter : word) {
      ids.push_back(letter - 'a');
    }
    while (true) {
      size_t best = SIZE_MAX;
      size_t at = 0;
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto found =
            ranks_.find(key(static_cast<size_t>(ids[i]), static_cast<size_t>(ids[i + 1])));
        if (found != ranks_.end() && found->second < best) {
          best = found->second;
          at = i;
        }
      }
      if (best == SIZE_MAX) {
        return ids;
      }
      ids[at] = static_cast<TokenId>(kLetters + best);
      ids.erase(ids.begin() + static_cast<ptrdiff_t>(at) + 1);
    }
  }

 private:
  void add(const std::string& text) {
    vocab_ += format("{}      \"{}\": {}", texts_.empty() ? "" : ",\n", text, texts_.size());
    known_.insert(text);
    if (text.size() <= 8) {
      short_.push_back(texts_.size());
    }
    texts_.push_back(text);
  }
  static uint64_t key(size_t left, size_t right) { return (uint64_t{left} << 32U) | right; }

  std::string vocab_;
  std::string list_;
  std::vector<std::string> texts_;
  std::vector<size_t> short_;  // tokens of up to 8 letters, which may be merged
  std::unordered_set<std::string> known_;
  std::unordered_map<uint64_t, size_t> ranks_;  // of pairs
};

inline void check_large_bpe(size_t bytes) {
  const LargeBpe bpe(bytes);
  const std::string json = bpe.json();
  const LargeReading reading = read_large(json);
  ASSERT_TRUE(reading.tokenizer.has_value()) << reading.tokenizer.error().message;
  expect_cheap(reading, json.size(), format("BPE of {} tokens", bpe.texts().size()));
  const Tokenizer& tokenizer = **reading.tokenizer;
  EXPECT_EQ(tokenizer.vocabulary_size(), bpe.texts().size());
  Rng rng(8);
  for (int i = 0; i < 2000; ++i) {
    const std::string word =
        bpe.texts()[rng.below(bpe.texts().size())] + bpe.texts()[rng.below(bpe.texts().size())];
    const std::vector<TokenId> ids = tokenizer.encode(word, {});
    ASSERT_EQ(ids, bpe.encode(word)) << word;
    ASSERT_EQ(tokenizer.decode(ids), word);
  }
}

/// `unit` again and again, each "%" in it counting up from 1, until the text has so many bytes.
inline std::string repeated(std::string_view unit, size_t bytes) {
  std::string text;
  for (size_t i = 1; text.size() < bytes; ++i) {
    text += i > 1 ? "," : "";
    for (const char c : unit) {
      if (c == '%') {
        text += std::to_string(i);
      } else {
        text += c;
      }
    }
  }
  return text;
}

/// Other vocabularies that load.
inline void check_large_lists(size_t bytes) {
  const std::string unigram = R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],)" +
                              repeated(R"(["word%",-9.512345678901234])", bytes) + "]}}";
  const std::string pieces = R"({"model":{"type":"WordPiece","vocab":{"[UNK]":0,)" +
                             repeated(R"("word%":%)", bytes) + "}}}";
  const std::string added = R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},)"
                            R"("normalizer":{"type":"NFC"},"added_tokens":[)" +
                            repeated(R"({"id":%,"content":"word%"})", bytes) + "]}";
  for (const auto& [what, json] : {std::pair("Unigram", &unigram), std::pair("WordPiece", &pieces),
                                   std::pair("added tokens", &added)}) {
    const LargeReading reading = read_large(*json);
    ASSERT_TRUE(reading.tokenizer.has_value()) << what << ": " << reading.tokenizer.error().message;
    expect_cheap(reading, json->size(), what);
    const std::vector<TokenId> ids = (*reading.tokenizer)->encode("word7", {});
    ASSERT_EQ(ids.size(), 1U) << what;
    EXPECT_EQ((*reading.tokenizer)->decode(ids), "word7") << what;
  }
}

/// A hostile file of so many bytes, and what is said of it; nothing where it may load.
struct HostileFile {
  std::string what;
  std::function<std::string(size_t)> make;
  std::vector<std::string> refusals;  ///< one of these; none: it loads
};

/// A file with a tiny model and these members.
inline std::string tiny_with(const std::string& members) {
  return R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},)" + members + "}";
}

/// A part of so many steps.
inline HostileFile many_steps(const std::string& part,
                              const std::string& list,
                              const std::string& step,
                              const std::string& others = "") {
  return {"steps of the " + part,
          [=](size_t bytes) {
            return tiny_with(
                format(R"("{}":{{"type":"Sequence","{}":[{}]}})", part, list,
                       repeated(step, others.empty() ? bytes : bytes / 2)) +
                (others.empty()
                     ? ""
                     : "," + others + repeated(R"({"id":%,"content":"ab%"})", bytes / 2) + "]"));
          },
          {part + " has"}};
}

inline std::vector<HostileFile> hostile_json_files() {
  const auto filled = [](const std::string& before, char c, const std::string& after) {
    return [=](size_t bytes) { return before + std::string(bytes, c) + after; };
  };
  const auto list = [](const std::string& before, const std::string& unit,
                       const std::string& after) {
    return [=](size_t bytes) { return before + repeated(unit, bytes) + after; };
  };
  const std::string vocab = R"({"model":{"type":"BPE","merges":[],"vocab":{")";
  return {
      {"one token", filled(vocab, 'a', R"(":0}}})"), {}},
      {"a long text without an id", filled(vocab, 'a', R"(":-1}}})"), {"is -1; expected an id"}},
      {"blanks", filled("", ' ', ""), {"json error at line 1"}},
      {"brackets", filled("", '[', ""), {"nested deeper"}},
      {"a text that does not end", filled(R"({"model":")", 'x', ""), {"json error at line 1"}},
      {"zeros", list("[", "0", "]"), {"the file is array", "holds more than"}},
      {"empty lists", list("[", "[]", "]"), {"the file is array", "holds more than"}},
      {"keys of the root", list("{", "\"k%\":0", "}"), {"model is absent", "holds more than"}},
      {"one key again and again", list("{", "\"k\":0", "}"), {"twice", "holds more than"}},
      {"a pattern",
       filled(
           R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":")",
           'x', "\"}}}"),
       {"a pattern has"}},
      many_steps("normalizer", "normalizers", R"({"type":"StripAccents"})", "\"added_tokens\":["),
      many_steps("pre_tokenizer", "pretokenizers", R"({"type":"Digits"})"),
      many_steps("decoder", "decoders", R"({"type":"Fuse"})"),
      {"a prefix of every added token",
       [](size_t bytes) {
         return tiny_with(R"("normalizer":{"type":"Prepend","prepend":")" +
                          std::string(bytes / 2, 'x') + R"("},"added_tokens":[)" +
                          repeated(R"({"id":%,"content":"ab%"})", bytes / 2) + "]");
       },
       {"normalizer: its steps may make a text"}},
      {"added tokens that are blown up",
       [](size_t bytes) {
         return tiny_with(R"("normalizer":{"type":"Prepend","prepend":")" + std::string(4000, 'x') +
                          R"("},"added_tokens":[)" +
                          repeated(R"({"id":%,"content":"ab%"})", bytes) + "]");
       },
       {"bytes that are normalised may become", "once they are normalised"}},
      {"a pattern that explodes on every token",
       [](size_t bytes) {
         return R"({"decoder":{"type":"Replace","pattern":{"Regex":"(a+)+[cd]"},"content":""},)"
                R"("model":{"type":"BPE","merges":[],"vocab":{"a":0,)" +
                repeated(R"("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%":%)", bytes) + "}}}";
       },
       {"decoder: a pattern of its steps takes too long"}},
      {"a slow pattern over all tokens",
       [](size_t bytes) {
         return R"_({"decoder":{"type":"Replace","pattern":{"Regex":"(?=(a*a*)[cd])"},"content":""},)_"
                R"("model":{"type":"BPE","merges":[],"vocab":{"a":0,)" +
                repeated("\"" + std::string(90, 'a') + "%\":%", bytes) + "}}}";
       },
       {"decoder: a pattern of its steps takes too long", "holds more than"}},
      {"a pattern that explodes on every added token",
       [](size_t bytes) {
         return tiny_with(
             R"("normalizer":{"type":"Replace","pattern":{"Regex":"(a+)+[cd]"},"content":""},)"
             R"("added_tokens":[)" +
             repeated(R"({"id":%,"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%"})", bytes) + "]");
       },
       {"normalizer: a pattern of its steps takes too long"}},
      {"a prefix of every character",
       filled(R"({"model":{"type":"BPE","merges":[],"vocab":{"a":0},"continuing_subword_prefix":")",
              'x', "\"}}"),
       {"continuing_subword_prefix has"}},
      {"a template of as many parts as tokens",
       [](size_t bytes) {
         return tiny_with(R"("post_processor":{"type":"TemplateProcessing","single":[)" +
                          repeated(R"({"SpecialToken":{"id":"z"}})", bytes / 2) +
                          R"(],"special_tokens":{)" + repeated(R"("s%":{"ids":[]})", bytes / 2) +
                          R"(,"z":{"ids":[]}}})");
       },
       {"expected at most 4096"}}};
}

inline void check_hostile_files(size_t bytes) {
  for (const HostileFile& file : hostile_json_files()) {
    const std::string json = file.make(bytes);
    const LargeReading reading = read_large(json);
    expect_cheap(reading, json.size(), file.what);
    EXPECT_EQ(reading.tokenizer.has_value(), file.refusals.empty()) << file.what;
    if (reading.tokenizer) {
      continue;
    }
    const std::string& said = reading.tokenizer.error().message;
    EXPECT_TRUE(std::ranges::any_of(
        file.refusals,
        [&](const std::string& words) { return said.find(words) != std::string::npos; }))
        << file.what << ": " << said;
    EXPECT_LT(said.size(), 400U) << file.what;
    EXPECT_EQ(said.find('\n'), std::string::npos) << file.what;
  }
}

}  // namespace cupel::test
