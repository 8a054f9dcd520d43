#include "report/training_page.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "base/format.h"
#include "report/markup.h"
#include "report/numbers.h"
#include "report/page_parts.h"

namespace cupel::report {
namespace {

constexpr size_t kTableRows = 24;
constexpr std::string_view kStyle = R"css(
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:.9rem;margin-top:.6rem}
.answers pre,.asked{white-space:pre-wrap;font:inherit;margin:.3rem 0}
.asked{font-size:1.05rem;font-weight:600;line-height:1.4;margin-top:2rem}
.command{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em;white-space:pre-wrap}
)css";

void write_headline(Markup& html, const TrainingPage& page) {
  html.open("section", {{"class", "headline"}, {"id", "result"}, {"aria-label", "Result"}});
  html.element("p", {{"class", "lede"}}, page.lede);
  html.open("dl", {{"class", "facts"}});
  for (const TrainingPage::Fact& fact : page.facts) {
    write_headline_fact(html, fact.name, fact.value, fact.more);
  }
  html.close();
  write_notes(html, page.notes);
  html.close();
}

void write_legend_entry(Markup& html, std::string_view swatch, std::string_view name) {
  html.open("li");
  html.element("span", {{"class", swatch}}, "");
  html.text(name);
  html.close();
}

/// How line_plot() draws it: no line is told from another by its colour alone.
std::string_view swatch_of(const LineSeries& series) {
  if (series.lead) {
    return "swatch lead";
  }
  return series.marks ? "swatch marked" : "swatch second";
}

/// A line that is alone needs no name beside that of its figure.
void write_legend(Markup& html, const LineFigure& figure) {
  if (figure.series.size() < 2 && figure.events.empty()) {
    return;
  }
  html.open("ul", {{"class", "legend"}});
  for (const LineSeries& series : figure.series) {
    write_legend_entry(html, swatch_of(series), series.name);
  }
  if (!figure.events.empty()) {
    write_legend_entry(html, "swatch event", figure.event_name);
  }
  html.close();
}

/// Places of the x axis that a table has a row for: about kTableRows, the first and last of each
/// series among them, and each place of a series that has few.
std::set<double> table_places(const LineFigure& figure) {
  std::set<double> places;
  for (const LineSeries& series : figure.series) {
    const size_t step = std::max<size_t>(1, series.points.size() / kTableRows);
    for (size_t i = 0; i < series.points.size(); i += step) {
      places.insert(series.points[i].x);
    }
    if (!series.points.empty()) {
      places.insert(series.points.back().x);
    }
  }
  return places;
}

/// The lines as a table of some of their points: for who cannot see them.
void write_table(Markup& html, const LineFigure& figure) {
  open_twin(html, figure.title);
  std::vector<std::string_view> heads = {figure.x_name};
  for (const LineSeries& series : figure.series) {
    heads.push_back(series.name);
  }
  write_number_heads(html, heads);
  for (const double place : table_places(figure)) {
    html.open("tr");
    html.element("th", {{"scope", "row"}}, count_text(static_cast<int64_t>(place)));
    for (const LineSeries& series : figure.series) {
      const auto found = std::ranges::lower_bound(series.points, place, {}, &LineSeries::Point::x);
      const bool here = found != series.points.end() && found->x == place;
      write_number_cell(html, here ? typographic_text(brief_text(found->y)) : kPageNoNumber);
    }
    html.close();
  }
  close_twin(html);
}

/// Radio buttons of one name; `ids` are the page's own.
void write_choice(Markup& html,
                  std::string_view group,
                  std::string_view legend,
                  std::span<const std::pair<std::string, std::string_view>> options,
                  size_t first) {
  html.open("fieldset", {{"class", "filter"}});
  html.element("legend", legend);
  for (size_t i = 0; i < options.size(); ++i) {
    const auto& [id, name] = options[i];
    html.leaf("input", {{"type", "radio"},
                        {"name", group},
                        {"id", id},
                        {"checked", i == first ? std::string_view("") : std::string_view{}}});
    html.element("label", {{"for", id}}, name);
  }
  html.close();
}

void write_choices(Markup& html, const TrainingPage& page) {
  const auto any = [&page](auto&& wanted) {
    return std::ranges::any_of(page.charts, [&](const TrainingPage::Chart& chart) {
      return std::ranges::any_of(chart.figure.series, [&](const LineSeries& series) {
        return wanted(chart.figure, series);
      });
    });
  };
  constexpr std::array<std::string_view, kSmoothings> kNames = {"none", "some", "more", "most"};
  html.open("div", {{"class", "choices"}});
  const bool noisy = any([](const LineFigure&, const LineSeries& series) { return series.noisy; });
  if (noisy) {
    std::vector<std::pair<std::string, std::string_view>> options;
    for (size_t i = 0; i < kNames.size(); ++i) {
      options.emplace_back(format("smooth-{}", i), kNames[i]);
    }
    write_choice(html, "smooth", "Smoothing", options, kFirstSmoothing);
  }
  if (any([](const LineFigure& figure, const LineSeries&) {
        return figure.scale == LineScale::kEither;
      })) {
    const std::array<std::pair<std::string, std::string_view>, 2> options = {
        {{"scale-linear", "linear"}, {"scale-log", "logarithmic"}}};
    write_choice(html, "scale", "Scale of losses", options, 0);
  }
  html.close();
  if (noisy) {
    write_hint(html, "Thin lines are single steps, thick ones their running mean.");
  }
}

void write_charts(Markup& html, const TrainingPage& page) {
  open_section(html, "curves", "Curves");
  write_choices(html, page);
  html.open("div", {{"class", "charts"}});
  for (const TrainingPage::Chart& chart : page.charts) {
    const std::string plot = line_plot(chart.figure);
    if (plot.empty()) {
      continue;
    }
    html.open("figure", {{"class", "card"}});
    html.element("figcaption", chart.figure.title);
    html.trusted(plot);
    write_legend(html, chart.figure);
    write_hint(html, chart.hint);
    write_table(html, chart.figure);
    html.close();
  }
  html.close();
  html.close();
}

void write_samples(Markup& html, const TrainingPage& page) {
  open_section(html, "answers", "Answers before and after");
  for (const TrainingPage::Sample& sample : page.samples) {
    html.element("h3", {{"class", "asked"}}, sample.asked);
    html.open("div", {{"class", "answers"}});
    for (const auto& [name, text] :
         {std::pair<std::string_view, const std::optional<std::string>&>{"before", sample.before},
          {"after", sample.after}}) {
      html.open("div", {{"class", "card"}});
      html.element("small", name);
      if (!text) {
        write_hint(html, "Not asked yet.");
      } else if (text->empty()) {
        write_hint(html, "An empty answer.");
      } else {
        html.element("pre", *text);
      }
      html.close();
    }
    html.close();
  }
  html.close();
}

void write_settings(Markup& html, const TrainingPage& page) {
  open_scroll_box(html, "Keys of the recipe");
  html.open("table");
  html.open("thead").open("tr");
  for (const std::string_view head : {"key", "value", "default"}) {
    html.element("th", {{"scope", "col"}}, head);
  }
  html.close().close();
  html.open("tbody");
  for (const TrainingPage::Setting& setting : page.settings) {
    html.open("tr");
    html.element("th", {{"scope", "row"}}, setting.key);
    html.open("td");
    write_breakable(html, setting.value);
    html.close();
    html.element("td", setting.otherwise);
    html.close();
  }
  html.close().close().close();
}

void write_run(Markup& html, const TrainingPage& page) {
  open_section(html, "recipe", "Recipe");
  write_hint(html, "Keys that differ from their defaults; recipe.toml of the run has all of them.");
  write_settings(html, page);
  write_run_facts(html, "The run", page.run);
  html.element("h3", "Again");
  html.element("pre", {{"class", "card command"}}, page.command);
  html.close();
}

}  // namespace

std::string render_training_page(const TrainingPage& page) {
  const std::string css = page_base_css() + std::string(line_plot_css()) + std::string(kStyle);
  std::vector<PageLink> links = {{"#result", "Result"}, {"#curves", "Curves"}};
  if (!page.samples.empty()) {
    links.push_back({"#answers", "Answers"});
  }
  links.push_back({"#recipe", "Recipe"});
  const PageFrame frame{.title = page.title,
                        .subtitle = page.subtitle,
                        .kind = "training report",
                        .skip = "Skip to the result",
                        .css = css,
                        .script = line_plot_script(),
                        .links = links};
  Markup html;
  open_page(html, frame);
  write_headline(html, page);
  write_charts(html, page);
  if (!page.samples.empty()) {
    write_samples(html, page);
  }
  write_run(html, page);
  close_page(html, frame);
  return std::move(html).take() + "\n";
}

}  // namespace cupel::report
