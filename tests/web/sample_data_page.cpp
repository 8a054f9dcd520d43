#include "web/sample_data_page.h"

#include <string_view>

#include "web/xss_corpus.h"

namespace cupel::test {
namespace {

using report::DataPage;
using report::DataToken;
using report::TokenPart;

/// The text in tokens of up to five bytes.
void add_text(std::vector<DataToken>& tokens, std::string_view text, TokenPart part, bool learnt) {
  for (size_t begin = 0; begin < text.size(); begin += 5) {
    tokens.push_back({.id = static_cast<int32_t>(100 + tokens.size()),
                      .bytes = std::string(text.substr(begin, 5)),
                      .part = part,
                      .weight = learnt ? 1.0 : 0.0,
                      .learnt = learnt});
  }
}

void add_control(std::vector<DataToken>& tokens, std::string_view text, bool learnt) {
  tokens.push_back({.id = 2,
                    .bytes = std::string(text),
                    .part = learnt ? TokenPart::kCompletion : TokenPart::kTemplate,
                    .weight = learnt ? 1.0 : 0.0,
                    .learnt = learnt,
                    .control = true});
}

std::vector<DataToken> prompt_of(std::string_view asked) {
  std::vector<DataToken> tokens;
  add_control(tokens, "<|im_start|>", false);
  add_text(tokens, "user\n", TokenPart::kTemplate, false);
  add_text(tokens, asked, TokenPart::kInstruction, false);
  add_control(tokens, "<|im_end|>", false);
  add_text(tokens, "\n", TokenPart::kTemplate, false);
  add_control(tokens, "<|im_start|>", false);
  add_text(tokens, "assistant\n", TokenPart::kTemplate, false);
  return tokens;
}

std::vector<DataToken> answer_of(std::string_view text) {
  std::vector<DataToken> tokens;
  add_text(tokens, text, TokenPart::kCompletion, true);
  add_control(tokens, "<|im_end|>", true);
  return tokens;
}

}  // namespace

report::DataPage sample_data_page() {
  DataPage page;
  page.files = {"rows/harbours.jsonl", std::string(kXssCorpus[0]), std::string(kXssCorpus[6])};
  page.model = std::string("models/") + std::string(kXssCorpus[2]);
  page.method = "dpo";
  page.loss_on = "assistant_all";
  page.counts = {.rows = 1240,
                 .kept = 1232,
                 .bad = 1,
                 .empty = 4,
                 .too_long = 3,
                 .retokenized = 2,
                 .tokens = 190'712,
                 .labels = 81'004};
  page.counts_text =
      "1240 rows, 8 of them left out (1 malformed, 4 with an empty answer, 3 too long)";
  page.reasons = {"rows/harbours.jsonl:17: \"chosen\" is missing " + std::string(kXssCorpus[1])};
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 1232; ++i) {
    lengths.push_back(20 + (i * i) % 97 + (i % 7) * 40);
  }
  page.lengths = report::length_bins(lengths);
  page.packing = {.name = "bfd", .steps = 24, .bins = 96, .length = 2048, .tokens = 190'712};
  page.rows.push_back({.id = "rows/harbours.jsonl:1",
                       .sequences = {{.name = "prompt", .tokens = prompt_of("Name a harbour.")},
                                     {.name = "chosen (score 1)",
                                      .tokens = answer_of("Trieste lies under the Karst.\nIt is "
                                                          "deep, even at low tide.")},
                                     {.name = "rejected (score 0)",
                                      .tokens = answer_of("There are many harbours.")}}});
  for (const std::string_view attack : kXssCorpus) {
    report::DataRow row{.id = std::string(attack)};
    row.sequences.push_back({.name = std::string(attack), .tokens = prompt_of(attack)});
    DataToken whole{.id = 9,
                    .bytes = std::string(attack),
                    .part = TokenPart::kCompletion,
                    .weight = 0.5,
                    .learnt = true};
    row.sequences.back().tokens.push_back(whole);
    page.rows.push_back(std::move(row));
  }
  return page;
}

}  // namespace cupel::test
