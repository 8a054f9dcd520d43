#include "report/rank_page.h"

#include <string>
#include <utility>
#include <vector>

#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

std::vector<PageLink> links_of(const RankPage& page) {
  std::vector<PageLink> links;
  const auto add = [&](bool shown, std::string_view target, std::string_view name) {
    if (shown) {
      links.push_back({target, name});
    }
  };
  add(true, "#leaderboard", "Leaderboard");
  add(page.rows.size() > 1, "#ratings", "At a glance");
  add(page.cycles.has_value(), "#cycles", "Cycles");
  add(has_pairs(page), "#pairs", "Win rates");
  add(page.calibration.has_value(), "#calibration", "Calibration");
  add(!page.style.empty(), "#style", "Style");
  add(!page.groups.empty(), "#groups", "Groups");
  add(true, "#method", "Method");
  return links;
}

}  // namespace

std::string render_rank_page(const RankPage& page) {
  const RankView view(page);
  const std::string css = rank_page_css();
  const PageFrame frame{.title = page.title,
                        .subtitle = page.subtitle,
                        .kind = "leaderboard",
                        .skip = "Skip to the result",
                        .css = css,
                        .script = rank_page_script(),
                        .links = links_of(page)};
  Markup html;
  open_page(html, frame);
  write_rank_headline(html, view);
  write_rank_board(html, view);
  write_rank_ratings(html, view);
  write_rank_cycles(html, view);
  write_rank_pairs(html, view);
  write_rank_calibration(html, view);
  write_rank_style(html, view);
  write_rank_groups(html, view);
  write_rank_method(html, view);
  close_page(html, frame);
  return std::move(html).take() + "\n";
}

}  // namespace cupel::report
