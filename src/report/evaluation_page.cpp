#include "report/evaluation_page.h"

#include <string>
#include <utility>

#include "report/page_view.h"

namespace cupel::report {
namespace {

std::vector<PageLink> links_of(const EvaluationPage& page) {
  std::vector<PageLink> links;
  const auto add = [&](bool shown, std::string_view target, std::string_view name) {
    if (shown) {
      links.push_back({target, name});
    }
  };
  const bool rows = !page.leaderboard.empty();
  add(true, "#leaderboard", "Leaderboard");
  add(!page.differences.empty(), "#differences", "Differences");
  add(rows && !page.categories.empty(), "#categories", "Categories");
  add(rows, "#deciders", "Who decided");
  add(rows, "#cost", "Cost");
  add(!page.questions.empty(), "#questions", "Questions");
  add(true, "#method", "Method");
  return links;
}

}  // namespace

void write_method(Markup& html, const PageView& view) {
  open_section(html, "method", "Method and run");
  for (const std::string& paragraph : view.page().method) {
    html.element("p", {{"dir", "auto"}}, paragraph);
  }
  write_run_facts(html, "Run", view.page().metadata);
  html.close();
}

std::string render_evaluation_page(const EvaluationPage& page) {
  const PageView view(page);
  const std::string css = page_css(page);
  const PageFrame frame{.title = page.title,
                        .subtitle = page.subtitle,
                        .kind = "evaluation report",
                        .skip = "Skip to the result",
                        .css = css,
                        .script = {},
                        .links = links_of(page)};
  Markup html;
  open_page(html, frame);
  write_headline(html, view);
  write_leaderboard(html, view);
  write_differences(html, view);
  write_categories(html, view);
  write_deciders(html, view);
  write_cost(html, view);
  write_questions(html, view);
  write_method(html, view);
  close_page(html, frame);
  return std::move(html).take() + "\n";
}

}  // namespace cupel::report
