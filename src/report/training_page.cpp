#include "report/training_page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/format.h"
#include "report/markup.h"
#include "report/numbers.h"
#include "report/page_parts.h"

namespace cupel::report {
namespace {

constexpr size_t kTableRows = 24;

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

void write_legend(Markup& html, const LineFigure& figure) {
  html.open("ul", {{"class", "legend"}});
  for (const LineSeries& series : figure.series) {
    if (!series.faint) {
      html.open("li");
      html.element("span", {{"class", series.lead ? "swatch lead" : "swatch"}}, "");
      html.text(series.name);
      html.close();
    }
  }
  html.close();
}

/// The lines as a table of some of their points: for who cannot see them.
void write_table(Markup& html, const LineFigure& figure) {
  open_twin(html, figure.title);
  std::vector<std::string_view> heads = {figure.x_name};
  std::set<double> places;
  for (const LineSeries& series : figure.series) {
    if (!series.faint) {
      heads.push_back(series.name);
      const size_t step = std::max<size_t>(1, series.points.size() / kTableRows);
      for (size_t i = 0; i < series.points.size(); i += step) {
        places.insert(series.points[i].x);
      }
      places.insert(series.points.empty() ? 0 : series.points.back().x);
    }
  }
  write_number_heads(html, heads);
  for (const double place : places) {
    html.open("tr");
    html.element("th", {{"scope", "row"}}, count_text(static_cast<int64_t>(place)));
    for (const LineSeries& series : figure.series) {
      if (series.faint) {
        continue;
      }
      const auto found =
          std::lower_bound(series.points.begin(), series.points.end(), place,
                           [](const LineSeries::Point& point, double x) { return point.x < x; });
      const bool here = found != series.points.end() && found->x == place;
      write_number_cell(html, here ? format("{:.4g}", found->y) : kPageNoNumber);
    }
    html.close();
  }
  close_twin(html);
}

void write_charts(Markup& html, const TrainingPage& page) {
  open_section(html, "curves", "Curves");
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
         {std::pair<std::string_view, const std::string&>{"before", sample.before},
          {"after", sample.after}}) {
      html.open("div", {{"class", "card"}});
      html.element("small", name);
      html.element("pre", text.empty() ? std::string_view("(none yet)") : std::string_view(text));
      html.close();
    }
    html.close();
  }
  html.close();
}

void write_list(Markup& html, const std::vector<std::pair<std::string, std::string>>& pairs) {
  html.open("dl", {{"class", "metadata"}});
  for (const auto& [name, value] : pairs) {
    html.open("div");
    html.element("dt", name);
    html.open("dd");
    write_breakable(html, value);
    html.close().close();
  }
  html.close();
}

void write_run(Markup& html, const TrainingPage& page) {
  open_section(html, "recipe", "Recipe");
  write_hint(html, "Keys that differ from their defaults; recipe.toml of the run has all of them.");
  write_list(html, page.settings);
  html.element("h3", "The run");
  write_list(html, page.run);
  html.element("h3", "Again");
  html.element("pre", {{"class", "card command"}}, page.command);
  html.close();
}

}  // namespace

std::string render_training_page(const TrainingPage& page) {
  const std::string css = page_base_css() + line_plot_css();
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
