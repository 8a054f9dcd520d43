#include "report/data_page.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/format.h"
#include "base/text.h"
#include "report/figures.h"
#include "report/markup.h"
#include "report/numbers.h"
#include "report/page_parts.h"

namespace cupel::report {
namespace {

constexpr std::string_view kStyle = R"css(
.tokens{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.9;margin:.3rem 0 0;font-size:.9375rem}
.tokens mark,.tokens span{color:inherit;background:none;box-shadow:inset 1px 0 var(--line)}
.tokens .template{color:var(--soft)}
.tokens .completion{border-bottom:1px dotted var(--slate)}
.tokens mark,.tokens mark.completion{background:var(--gold-wash);border-bottom:2px solid var(--gold);padding-block:.1em}
.tokens .control{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.85em;outline:1px solid var(--slate);padding:.1em .2em;margin-inline:1px}
.tokens sub{color:var(--gold-ink);padding-inline:.1em}
td .token{white-space:pre-wrap;font-family:ui-monospace,"DejaVu Sans Mono",monospace;background:var(--paper);overflow-wrap:anywhere}
.row{margin-top:.9rem}.row h3{margin:0}.row h4{margin-top:1rem;font-size:.9375rem}
@media (forced-colors:active){.tokens mark{forced-color-adjust:none;background:Highlight;color:HighlightText}}
)css";

/// What is read of a token where there is no room for it.
std::string token_title(const DataToken& token) {
  std::string title = format("{} {}{}", token.id, token_part_name(token.part),
                             token.control ? ", control token" : "");
  return token.learnt ? title + format(", learnt with weight {}", short_text(token.weight, 4))
                      : title + ", not learnt";
}

/// A line end of its own would be invisible.
std::string shown_text(const DataToken& token) {
  return replace_all(token_text(token), "\n", "\u21b5\n");
}

std::string weight_text(const DataToken& token) {
  return "\u00d7" + short_text(token.weight, 4);
}

void write_token(Markup& html, const DataToken& token) {
  std::string style(token_part_name(token.part));
  if (token.control) {
    style += " control";
  }
  html.element(token.learnt ? "mark" : "span", {{"class", style}, {"title", token_title(token)}},
               shown_text(token));
}

/// Weights that are not 1 stand before the first of the tokens that have them.
void write_tokens(Markup& html, const std::vector<DataToken>& tokens) {
  html.open("p", {{"class", "tokens"}});
  double before = 1;
  for (const DataToken& token : tokens) {
    const double weight = token.learnt ? token.weight : 1;
    if (weight != before && weight != 1) {
      html.element("sub", weight_text(token));
    }
    before = weight;
    write_token(html, token);
  }
  html.close();
}

/// What is read at the pointer, for who has none.
void write_token_table(Markup& html, const DataRow& row, const DataSequence& sequence) {
  open_twin(html,
            format("Tokens of {}{}{}", sequence.name, sequence.name.empty() ? "" : ", ", row.id));
  html.open("thead").open("tr");
  for (const std::string_view head : {"id", "text", "part", "weight"}) {
    html.element("th", {{"scope", "col"}}, head);
  }
  html.close().close().open("tbody");
  for (const DataToken& token : sequence.tokens) {
    html.open("tr").element("td", format("{}", token.id));
    html.open("td").element("span", {{"class", "token"}}, shown_text(token)).close();
    html.element(
        "td", format("{}{}", token_part_name(token.part), token.control ? ", control token" : ""));
    html.element("td", token.learnt ? short_text(token.weight, 4) : "not learnt");
    html.close();
  }
  close_twin(html);
}

bool has_weights(const DataPage& page) {
  for (const DataRow& row : page.rows) {
    for (const DataSequence& sequence : row.sequences) {
      if (std::ranges::any_of(sequence.tokens, [](const DataToken& token) {
            return token.learnt && token.weight != 1;
          })) {
        return true;
      }
    }
  }
  return false;
}

void write_legend(Markup& html, bool weights) {
  html.open("p", {{"class", "tokens"}});
  html.element("mark", {{"class", "completion"}}, "learnt");
  html.text("   ");
  if (weights) {
    html.element("sub", "\u00d70.5");
    html.element("mark", {{"class", "completion"}}, "learnt with half the weight");
    html.text("   ");
  }
  html.element("span", {{"class", "completion"}}, "what the assistant says, not learnt");
  html.text("   ");
  html.element("span", {{"class", "instruction"}}, "instruction");
  html.text("   ");
  html.element("span", {{"class", "template"}}, "template");
  html.text("   ");
  html.element("span", {{"class", "control"}}, "control token");
  html.close();
}

void write_row(Markup& html, const DataRow& row) {
  html.open("article", {{"class", "card row"}});
  html.element("h3", row.id);
  for (const DataSequence& sequence : row.sequences) {
    const auto learnt =
        std::ranges::count_if(sequence.tokens, [](const DataToken& token) { return token.learnt; });
    if (!sequence.name.empty()) {
      html.element("h4", sequence.name);
    }
    html.element("small", format("{}, {} of them learnt",
                                 count_text(static_cast<int64_t>(sequence.tokens.size()), "token"),
                                 count_text(learnt)));
    write_tokens(html, sequence.tokens);
    write_token_table(html, row, sequence);
  }
  html.close();
}

void write_packing(Markup& html, const DataPage::Packing& packing) {
  if (packing.name == "none") {
    write_headline_fact(html, "packing", packing.name, "each row by itself");
    return;
  }
  write_headline_fact(html, "packing", percent_text(packing.fill()) + " full",
                      format("{}: {} of up to {} tokens", packing.name,
                             count_text(packing.bins, "row"), count_text(packing.length)));
}

void write_headline(Markup& html, const DataPage& page) {
  const DataPage::Counts& counts = page.counts;
  html.open("section", {{"class", "headline"}, {"id", "data"}, {"aria-label", "Data"}});
  html.element("p", {{"class", "lede"}}, page.counts_text + ".");
  html.open("dl", {{"class", "facts"}});
  write_headline_fact(html, "tokens", count_text(counts.tokens), "");
  write_headline_fact(html, "learnt", count_text(counts.labels),
                      percent_text(share_of(counts.labels, counts.tokens).value_or(0)));
  write_headline_fact(html, "longest", count_text(page.lengths.longest),
                      format("half up to {}", count_text(page.lengths.median)));
  write_headline_fact(html, "steps an epoch", count_text(page.packing.steps), "");
  write_packing(html, page.packing);
  html.close();
  std::vector<Note> notes;
  if (counts.retokenized > 0) {
    notes.push_back(
        {NoteLevel::kInfo,
         format("{} prompts were tokenised apart from their answers, because they would "
                "merge into one token.",
                count_text(counts.retokenized))});
  }
  for (const std::string& reason : page.reasons) {
    notes.push_back({NoteLevel::kWarning, reason});
  }
  write_notes(html, notes);
  html.close();
}

void write_length_table(Markup& html, const DataPage::Lengths& lengths) {
  open_twin(html, "Tokens of a sequence");
  write_number_heads(html, {"tokens", "sequences"});
  for (size_t i = 0; i < lengths.counts.size(); ++i) {
    const int64_t from = lengths.from + lengths.bin * static_cast<int64_t>(i);
    const int64_t last = from + lengths.bin - 1;
    html.open("tr");
    html.element(
        "th", {{"scope", "row"}},
        last == from ? count_text(from) : format("{} to {}", count_text(from), count_text(last)));
    write_number_cell(html, count_text(lengths.counts[i]));
    html.close();
  }
  close_twin(html);
}

void write_lengths(Markup& html, const DataPage& page) {
  const DataPage::Lengths& lengths = page.lengths;
  open_section(html, "lengths", "Lengths");
  html.open("figure", {{"class", "card narrow"}});
  html.element("figcaption", "Tokens of a sequence");
  html.trusted(
      histogram({.id = "length-bins",
                 .title = "Tokens of a sequence",
                 .low = static_cast<double>(lengths.from),
                 .high = static_cast<double>(
                     lengths.from + lengths.bin * static_cast<int64_t>(lengths.counts.size())),
                 .counts = lengths.counts,
                 .kind = MarkKind::kPlain}));
  write_length_table(html, lengths);
  html.close();
  html.close();
}

}  // namespace

std::string_view token_part_name(TokenPart part) {
  switch (part) {
    case TokenPart::kInstruction:
      return "instruction";
    case TokenPart::kCompletion:
      return "completion";
    case TokenPart::kTemplate:
      break;
  }
  return "template";
}

std::string token_text(const DataToken& token) {
  if (is_valid_utf8(token.bytes)) {
    return token.bytes;
  }
  std::string text;
  for (const char c : token.bytes) {
    text += format("\\x{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return text;
}

DataPage::Lengths length_bins(std::vector<int64_t> lengths, int64_t bins) {
  CUPEL_CHECK(bins > 0, "no bins to count lengths in");
  DataPage::Lengths out;
  if (lengths.empty()) {
    return out;
  }
  std::ranges::sort(lengths);
  out.shortest = lengths.front();
  out.median = lengths[(lengths.size() - 1) / 2];
  out.longest = lengths.back();
  const auto bins_needed = [&out] { return out.longest / out.bin - out.shortest / out.bin + 1; };
  for (int64_t unit = 1; bins_needed() > bins; unit *= 10) {
    for (const int64_t step : {1, 2, 5}) {
      if (bins_needed() > bins) {
        out.bin = unit * step;
      }
    }
  }
  out.from = out.shortest / out.bin * out.bin;
  out.counts.assign(static_cast<size_t>(bins_needed()), 0);
  for (const int64_t length : lengths) {
    ++out.counts[static_cast<size_t>((length - out.from) / out.bin)];
  }
  return out;
}

std::string render_data_page(const DataPage& page) {
  const std::string css = page_base_css() + std::string(kStyle);
  const std::string title = join(page.files, ", ");
  const std::string subtitle =
      format("{} of {}, loss on {}", page.method, page.model, page.loss_on);
  const PageFrame frame{.title = title,
                        .subtitle = subtitle,
                        .kind = "training data",
                        .skip = "Skip to the data",
                        .css = css,
                        .links = {{"#data", "Data"}, {"#lengths", "Lengths"}, {"#rows", "Rows"}}};
  Markup html;
  open_page(html, frame);
  write_headline(html, page);
  write_lengths(html, page);
  open_section(html, "rows", "Rows");
  write_hint(html,
             "A line stands before every token; point at one for its id and weight, or open the "
             "table below the text.");
  write_legend(html, has_weights(page));
  for (const DataRow& row : page.rows) {
    write_row(html, row);
  }
  html.close();
  close_page(html, frame);
  return std::move(html).take() + "\n";
}

}  // namespace cupel::report
