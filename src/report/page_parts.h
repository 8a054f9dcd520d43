#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/markup.h"
#include "report/page_notes.h"

namespace cupel::report {

// What all pages are made of. Texts of the caller's data are escaped; ids and classes are literals
// of the page's own.

/// A link of the page's navigation.
struct PageLink {
  std::string_view target;  ///< "#id" of a section
  std::string_view name;
};

/// The frame around the sections of a page.
struct PageFrame {
  std::string_view title;     ///< the `h1`, and the beginning of the document's title
  std::string_view subtitle;  ///< may be empty
  std::string_view kind;      ///< what the page is, e.g. "evaluation report"
  std::string_view skip;      ///< the skip link's text
  std::string_view css;
  std::string_view script;        ///< an own script, let in by its hash; empty: the page runs none
  std::vector<PageLink> links{};  ///< in the order of the page
};

/// Everything up to and with `<main>`: a page that loads and sends nothing and runs nothing but
/// `script`. close_page() ends it.
void open_page(Markup& html, const PageFrame& frame);
void close_page(Markup& html, const PageFrame& frame);

/// `<section id aria-labelledby>` with its `<h2>`; close() ends it.
void open_section(Markup& html, std::string_view id, std::string_view heading);
/// A box that scrolls by itself when its table is too wide: focusable and named; close() ends it.
/// `more` are further classes, e.g. " tall" for a table of hundreds of rows, which scrolls upright.
void open_scroll_box(Markup& html, std::string_view label, std::string_view more = {});
/// The folded table beside a figure: `<details>`, a scroll box and `<table>`; the caller writes the
/// head and opens the body, close_twin() ends all four.
void open_twin(Markup& html, std::string_view label, std::string_view table_class = {});
void close_twin(Markup& html);
/// A row of column heads and the beginning of the table's body. The first head is of the row's
/// name, the others of numbers.
void write_number_heads(Markup& html, const std::vector<std::string_view>& names);
void write_number_cell(Markup& html, std::string_view text);

/// The text with places to break the line after slashes and commas, as paths and specs need.
void write_breakable(Markup& html, std::string_view text);
/// A paragraph of explanation in the quieter tone.
void write_hint(Markup& html, std::string_view text);
/// Notes and warnings, a paragraph each.
void write_notes(Markup& html, const std::vector<Note>& notes);
/// One number of the head of the page, with a few words below it; `<dl class="facts">` is open.
void write_headline_fact(Markup& html,
                         std::string_view name,
                         std::string_view value,
                         std::string_view more);
/// The facts of a run as a list of two columns; nothing where there are none.
void write_run_facts(Markup& html, std::string_view heading, const std::vector<RunFact>& facts);

/// The tokens, both schemes, and the rules of all that pages share; with those of the figures.
std::string page_base_css();

}  // namespace cupel::report
