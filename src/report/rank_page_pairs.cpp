// Win rates of models against each other, and cycles: A beats B beats C beats A.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/format.h"
#include "report/figures_heatmap.h"
#include "report/figures_ring.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

constexpr int64_t kSparseVotes = 5;  // cells of fewer votes are hatched

bool has_predictions(const PairMatrix& pairs) {
  return std::ranges::any_of(pairs.cells,
                             [](const PairCell& cell) { return std::isfinite(cell.predicted); });
}

/// A row or column of the matrix by its place in the map.
struct PairMap {
  const PairMatrix& pairs;
  std::vector<size_t> order;

  [[nodiscard]] const std::string& name(size_t place) const { return pairs.models[order[place]]; }
  [[nodiscard]] const PairCell& cell(size_t row, size_t column) const {
    return pairs.cells[order[row] * pairs.models.size() + order[column]];
  }
};

std::string pair_note(const PairMap& map, size_t row, size_t column) {
  const PairCell& cell = map.cell(row, column);
  std::string note = map.name(row) + " against " + map.name(column) + ": ";
  note += cell.votes > 0 ? format("won {} of {}", share_text(cell.observed),
                                  counted(cell.votes, "vote", "votes"))
                         : std::string("never met");
  return std::isfinite(cell.predicted) ? note + ", predicted " + share_text(cell.predicted) : note;
}

HeatMap heat_of(const PairMap& map, bool predicted, size_t framed) {
  const size_t models = map.order.size();
  HeatMap heat{
      .id = predicted ? "fig-predicted" : "fig-observed",
      .title = predicted ? "Predicted win rates, in percent" : "Observed win rates, in percent",
      .description = format("{} models against each other, of the row's over the column's, "
                            "from {} down; the table below has every pair.",
                            models, map.name(0)),
      .labels = {},
      .cells = std::vector<HeatCell>(models * models),
      .framed = framed};
  for (size_t row = 0; row < models; ++row) {
    heat.labels.push_back(map.name(row));
    for (size_t column = 0; column < models; ++column) {
      const PairCell& cell = map.cell(row, column);
      HeatCell& out = heat.cells[row * models + column];
      out.share = predicted ? cell.predicted : cell.votes > 0 ? cell.observed : out.share;
      out.sparse = !predicted && cell.votes < kSparseVotes;
      if (row != column && std::isfinite(out.share)) {
        out.note = pair_note(map, row, column);
      }
    }
  }
  return heat;
}

void write_swatch(Markup& html, std::string_view style, std::string_view name, bool hatched) {
  // What a prediction never is has no place beside the map of predictions.
  html.open("li", {{"class", hatched ? std::string_view("observed") : std::string_view{}}});
  html.open("svg", {{"class", "fig heat-swatch"},
                    {"width", "20"},
                    {"height", "20"},
                    {"viewBox", "0 0 25 25"},
                    {"aria-hidden", "true"}});
  html.open("g", {{"class", style}}).leaf("rect", {{"width", "25"}, {"height", "25"}});
  if (hatched) {
    html.leaf("path", {{"d", "M0 0h25v25H0z"}, {"fill", "url(#fig-observed-hatch)"}});
  }
  html.close().close().text(name).close();
}

void write_legend(Markup& html) {
  html.open("ul", {{"class", "legend swatches"}});
  write_swatch(html, "q0", "loses all", false);
  write_swatch(html, "q5", "25%", false);
  write_swatch(html, "q10", "50%", false);
  write_swatch(html, "q15", "75%", false);
  write_swatch(html, "q20", "wins all", false);
  write_swatch(html, "q10 sparse", format("fewer than {} votes", kSparseVotes), true);
  html.element("li", {{"class", "observed"}}, "empty: never met").close();
}

// Radio buttons and two rules (rank_page_css) switch without a script.
void write_switch(Markup& html) {
  html.open("fieldset", {{"class", "filter"}}).element("legend", "Show");
  const auto option = [&](std::string_view id, std::string_view name, bool checked) {
    html.leaf("input", {{"type", "radio"},
                        {"name", "pairs"},
                        {"id", id},
                        {"checked", checked ? std::string_view("") : std::string_view{}}});
    html.element("label", {{"for", id}}, name);
  };
  option("show-observed", "Observed", true);
  option("show-predicted", "Predicted by the fit", false);
  html.close();
}

void write_pairs_twin(Markup& html, const PairMap& map) {
  open_twin(html, "Table of pairs of models", "sortable");
  html.open("thead").open("tr");
  for (const std::string_view name : {"Model", "Opponent"}) {
    html.element("th", {{"scope", "col"}, {"data-sort", "text"}}, name);
  }
  for (const std::string_view name : {"Won", "Predicted", "Votes"}) {
    html.element("th", {{"scope", "col"}, {"class", "num"}, {"data-sort", "number"}}, name);
  }
  html.close().close().open("tbody");
  for (size_t row = 0; row < map.order.size(); ++row) {
    for (size_t column = row + 1; column < map.order.size(); ++column) {
      const PairCell& cell = map.cell(row, column);
      html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, map.name(row));
      html.element("td", {{"dir", "auto"}}, map.name(column));
      write_number_cell(html, cell.votes > 0 ? share_text(cell.observed) : kPageNoNumber);
      write_number_cell(html, share_text(cell.predicted));
      write_number_cell(html, count_text(cell.votes));
      html.close();
    }
  }
  close_twin(html);
}

/// How many of the first models of the order make up the strongest cycle.
size_t framed_models(const RankPage& page, const PairMap& map) {
  if (!page.cycles || page.cycles->strongest.empty()) {
    return 0;
  }
  const std::vector<std::string>& cycle = page.cycles->strongest.front().models;
  for (size_t i = 0; i < cycle.size(); ++i) {
    if (i >= map.order.size() || map.name(i) != cycle[i]) {
      return 0;  // a cycle of models that the matrix does not hold
    }
  }
  return cycle.size();
}

std::string pairs_hint(const RankPage& page, size_t shown, size_t framed) {
  std::string text =
      "How often the model of the row beat that of the column, ties counting half, in percent.";
  const size_t all = std::max(page.pairs->models.size(), page.rows.size());
  if (shown < all) {
    text += format(" The first {} of {} models; the other {} are left out of the map.", shown,
                   count_text(static_cast<int64_t>(all)),
                   count_text(static_cast<int64_t>(all - shown)));
  }
  if (framed > 0) {
    text +=
        " The frame holds the strongest cycle: each model beats the next one, and the last the "
        "first, so the cell in its lower left corner is a win.";
  }
  return text;
}

bool is_ring(const PreferenceCycle& cycle) {
  return cycle.models.size() >= 3 && cycle.probabilities.size() == cycle.models.size();
}

std::string cycle_sentence(const PreferenceCycle& cycle) {
  std::string text;
  for (size_t i = 0; i < cycle.models.size(); ++i) {
    text += (i > 0 ? ", " : "") + cycle.models[i] + " beats " +
            cycle.models[(i + 1) % cycle.models.size()] + " with " +
            share_text(cycle.probabilities[i]);
  }
  return text;
}

RingFigure ring_of(const PreferenceCycle& cycle) {
  RingFigure figure{.id = "fig-cycle",
                    .title = "The strongest cycle",
                    .description = cycle_sentence(cycle),
                    .names = cycle.models,
                    .labels = {}};
  for (const double probability : cycle.probabilities) {
    figure.labels.push_back(share_text(probability));
  }
  return figure;
}

void write_cycle_table(Markup& html, const std::vector<PreferenceCycle>& cycles) {
  open_scroll_box(html, "Table of cycles");
  html.open("table", {{"class", "cycles"}}).open("thead").open("tr");
  html.element("th", {{"scope", "col"}}, "Cycle");
  html.element("th", {{"scope", "col"}, {"class", "num"}}, "Weakest link");
  html.close().close().open("tbody");
  for (const PreferenceCycle& cycle : cycles) {
    if (!is_ring(cycle)) {
      continue;
    }
    html.open("tr").open("th", {{"scope", "row"}});
    for (size_t i = 0; i < cycle.models.size(); ++i) {
      html.element("span", {{"class", "name"}, {"dir", "auto"}}, cycle.models[i]);
      html.text(format(" beats ({}) ", share_text(cycle.probabilities[i])));
    }
    html.element("span", {{"class", "name"}, {"dir", "auto"}}, cycle.models.front()).close();
    write_number_cell(html, share_text(*std::ranges::min_element(cycle.probabilities)));
    html.close();
  }
  html.close().close().close();
}

}  // namespace

bool has_pairs(const RankPage& page) {
  return page.pairs && page.pairs->models.size() > 1;
}

std::vector<size_t> pair_order(const RankPage& page) {
  const std::vector<std::string>& models = page.pairs->models;
  std::vector<size_t> order;
  if (page.cycles && !page.cycles->strongest.empty()) {
    for (const std::string& model : page.cycles->strongest.front().models) {
      const auto found = static_cast<size_t>(std::ranges::find(models, model) - models.begin());
      if (found < models.size() && std::ranges::find(order, found) == order.end()) {
        order.push_back(found);
      }
    }
  }
  for (size_t i = 0; i < models.size(); ++i) {
    if (std::ranges::find(order, i) == order.end()) {
      order.push_back(i);
    }
    if (order.size() >= kPairModels) {
      break;
    }
  }
  return order;
}

void write_rank_pairs(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  if (!has_pairs(page)) {
    return;
  }
  const size_t models = page.pairs->models.size();
  CUPEL_CHECK(page.pairs->cells.size() == models * models, "a cell for each pair of models");
  const PairMap map{*page.pairs, pair_order(page)};
  const size_t framed = framed_models(page, map);
  const bool predicted = has_predictions(*page.pairs);
  open_section(html, "pairs", "Win rates by pair");
  write_hint(html, pairs_hint(page, map.order.size(), framed));
  html.open("figure");
  if (predicted) {
    write_switch(html);
  }
  write_legend(html);
  html.open("div", {{"class", "observed"}});
  html.element("p", {{"class", "caption"}}, "Observed");
  open_scroll_box(html, "Map of observed win rates");
  html.trusted(heat_map(heat_of(map, false, framed))).close().close();
  if (predicted) {
    html.open("div", {{"class", "predicted"}});
    html.element("p", {{"class", "caption"}}, "Predicted by the fit");
    open_scroll_box(html, "Map of predicted win rates");
    html.trusted(heat_map(heat_of(map, true, framed))).close().close();
  }
  write_pairs_twin(html, map);
  html.close().close();
}

void write_rank_cycles(Markup& html, const RankView& view) {
  const auto& cycles = view.page().cycles;
  if (!cycles) {
    return;
  }
  open_section(html, "cycles", "Cycles");
  const bool any = !cycles->strongest.empty() && is_ring(cycles->strongest.front());
  write_hint(html, any ? "One number a model cannot say this: each of these models beats the next, "
                         "and the last beats the first. Ranks hide it."
                       : "The fit has no cycle: the order of the ratings says who beats whom.");
  if (!cycles->note.empty()) {
    html.element("p", {{"class", "hint"}, {"dir", "auto"}}, cycles->note);
  }
  if (any) {
    html.open("p").text(counted(cycles->found, "cycle", "cycles"));
    html.text(" of three models found; the strongest come first.").close();
    html.open("figure", {{"class", "card ring"}});
    html.element("figcaption", "The strongest cycle: an arrow goes to the model that is beaten");
    html.trusted(ring(ring_of(cycles->strongest.front()))).close();
    write_cycle_table(html, cycles->strongest);
  }
  html.close();
}

}  // namespace cupel::report
