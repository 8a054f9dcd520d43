// Rows of training data for a terminal, a pipe and programs.
#include <algorithm>

#include "base/format.h"
#include "base/text.h"
#include "cli/tune_inspect.h"
#include "report/numbers.h"
#include "report/text_width.h"

namespace cupel::cli {
namespace {

using report::DataPage;
using report::DataRow;
using report::DataSequence;
using report::DataToken;
using report::Style;
using report::Terminal;
using report::TokenPart;

constexpr size_t kBarWidth = 40;
constexpr size_t kNumberWidth = 7;

Style style_of(const DataToken& token) {
  if (token.learnt) {
    return Style::kGood;
  }
  switch (token.part) {
    case TokenPart::kTemplate:
      return Style::kDim;
    case TokenPart::kCompletion:
      return Style::kAccent;
    case TokenPart::kInstruction:
      break;
  }
  return Style::kPlain;
}

/// Tokens that are shown alike, as one text; each of its lines is styled by itself.
std::string run_text(const DataToken& like, const std::string& bytes, const Terminal& terminal) {
  const std::string weight = like.learnt && like.weight != 1
                                 ? format("\u00d7{} ", report::short_text(like.weight, 4))
                                 : "";
  std::string text = !terminal.colour && like.learnt ? "[[" + weight : std::string();
  bool first = true;
  for (const std::string_view line : split(bytes, '\n')) {
    const std::string lead = first && terminal.colour ? weight : std::string();
    text += (first ? "" : "\n") +
            report::styled(lead + report::terminal_text(line), style_of(like), terminal);
    first = false;
  }
  return !terminal.colour && like.learnt ? text + "]]" : text;
}

std::string marked_text(const std::vector<DataToken>& tokens, const Terminal& terminal) {
  std::string text;
  for (size_t begin = 0; begin < tokens.size();) {
    std::string bytes;
    size_t end = begin;
    while (end < tokens.size() && style_of(tokens[end]) == style_of(tokens[begin]) &&
           tokens[end].weight == tokens[begin].weight) {
      bytes += tokens[end++].bytes;
    }
    text += run_text(tokens[begin], bytes, terminal);
    begin = end;
  }
  return text;
}

std::string indented(std::string_view text, std::string_view by) {
  std::string out;
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  for (const std::string_view line : split(text, '\n')) {
    out += (line.empty() ? std::string() : std::string(by) + std::string(line)) + "\n";
  }
  return out;
}

std::string row_text(const DataRow& row, const Terminal& terminal) {
  std::string text =
      "\n" + report::styled(report::terminal_text(row.id), Style::kBold, terminal) + "\n";
  for (const DataSequence& sequence : row.sequences) {
    const auto learnt =
        std::ranges::count_if(sequence.tokens, [](const DataToken& token) { return token.learnt; });
    text += format("  {}{}{}, {} learnt\n", sequence.name, sequence.name.empty() ? "" : ": ",
                   report::count_text(static_cast<int64_t>(sequence.tokens.size()), "token"),
                   report::count_text(learnt));
    text += indented(marked_text(sequence.tokens, terminal), "    ");
  }
  return text;
}

std::string lengths_text(const DataPage::Lengths& lengths, const Terminal& terminal) {
  std::string text = format(
      "lengths  {} to {} tokens, half of them up to {}\n", report::count_text(lengths.shortest),
      report::count_text(lengths.longest), report::count_text(lengths.median));
  const int64_t most =
      lengths.counts.empty() ? 1 : *std::max_element(lengths.counts.begin(), lengths.counts.end());
  for (size_t i = 0; i < lengths.counts.size(); ++i) {
    const int64_t count = lengths.counts[i];
    // What is there is never shown as nothing.
    const auto width = static_cast<size_t>((count * static_cast<int64_t>(kBarWidth) + most - 1) /
                                           std::max<int64_t>(1, most));
    std::string bar;
    for (size_t k = 0; k < width; ++k) {
      bar += terminal.unicode ? "\u2588" : "#";
    }
    const auto from = report::count_text(lengths.from + static_cast<int64_t>(i) * lengths.bin);
    text += format("  {} {}{}\n",
                   report::pad_to_width("from " + from, kNumberWidth + 5, report::Align::kRight),
                   bar.empty() ? "" : bar + " ", report::count_text(count));
  }
  return text;
}

std::string packing_text(const DataPage::Packing& packing) {
  return format("packing  {}: {} of up to {} tokens, {} full; {} an epoch\n", packing.name,
                report::count_text(packing.bins, "row"), report::count_text(packing.length),
                report::percent_text(packing.fill()), report::count_text(packing.steps, "step"));
}

std::string legend_text(const Terminal& terminal) {
  if (!terminal.colour) {
    return "marks    [[what is learnt]]\n";
  }
  return format("colours  {}  {}  {}  {}\n", report::styled("learnt", Style::kGood, terminal),
                report::styled("the assistant's, not learnt", Style::kAccent, terminal),
                "instruction", report::styled("template", Style::kDim, terminal));
}

Json row_json(const DataRow& row) {
  Json sequences = Json::array();
  for (const DataSequence& sequence : row.sequences) {
    Json tokens = Json::array();
    for (const DataToken& token : sequence.tokens) {
      tokens.push_back(Json::object()
                           .set("id", token.id)
                           .set("text", report::token_text(token))
                           .set("part", report::token_part_name(token.part))
                           .set("control", token.control)
                           .set("learnt", token.learnt)
                           .set("weight", token.weight));
    }
    sequences.push_back(Json::object().set("name", sequence.name).set("tokens", std::move(tokens)));
  }
  return Json::object().set("id", row.id).set("sequences", std::move(sequences));
}

}  // namespace

std::string data_text(const DataPage& page, const Terminal& terminal) {
  const DataPage::Counts& counts = page.counts;
  std::string text =
      format("data     {}\n         {} tokens, {} of them learnt ({})\n", page.counts_text,
             report::count_text(counts.tokens), report::count_text(counts.labels),
             report::percent_text(report::share_of(counts.labels, counts.tokens).value_or(0)));
  if (counts.retokenized > 0) {
    text += format("         {} tokenised apart from the answers\n",
                   report::count_text(counts.retokenized, "prompt"));
  }
  for (const std::string& reason : page.reasons) {
    text +=
        "         " + report::styled(report::terminal_text(reason), Style::kBad, terminal) + "\n";
  }
  text += packing_text(page.packing);
  text += lengths_text(page.lengths, terminal);
  text += legend_text(terminal);
  for (const DataRow& row : page.rows) {
    text += row_text(row, terminal);
  }
  return text;
}

Json data_json(const DataPage& page) {
  const DataPage::Counts& counts = page.counts;
  Json reasons = Json::array();
  for (const std::string& reason : page.reasons) {
    reasons.push_back(reason);
  }
  Json bins = Json::array();
  for (const int64_t count : page.lengths.counts) {
    bins.push_back(count);
  }
  Json rows = Json::array();
  for (const DataRow& row : page.rows) {
    rows.push_back(row_json(row));
  }
  return Json::object()
      .set("method", page.method)
      .set("loss_on", page.loss_on)
      .set("counts", Json::object()
                         .set("rows", counts.rows)
                         .set("kept", counts.kept)
                         .set("bad", counts.bad)
                         .set("empty", counts.empty)
                         .set("too_long", counts.too_long)
                         .set("untrained", counts.untrained)
                         .set("retokenized", counts.retokenized)
                         .set("tokens", counts.tokens)
                         .set("labels", counts.labels))
      .set("reasons", std::move(reasons))
      .set("lengths", Json::object()
                          .set("shortest", page.lengths.shortest)
                          .set("median", page.lengths.median)
                          .set("longest", page.lengths.longest)
                          .set("bin", page.lengths.bin)
                          .set("counts", std::move(bins)))
      .set("packing", Json::object()
                          .set("name", page.packing.name)
                          .set("steps", page.packing.steps)
                          .set("bins", page.packing.bins)
                          .set("length", page.packing.length)
                          .set("tokens", page.packing.tokens)
                          .set("fill", page.packing.fill()))
      .set("rows", std::move(rows));
}

}  // namespace cupel::cli
