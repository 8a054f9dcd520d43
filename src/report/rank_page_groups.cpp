// The leaderboard of each group of votes, and how ranks differ between groups.
#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

constexpr size_t kGroups = 50;         // tables of groups
constexpr size_t kGroupRows = 100;     // rows of one of them
constexpr size_t kAllGroupRows = 800;  // rows of all of them: the page must stay small
constexpr size_t kOverviewModels = 40;
constexpr size_t kOverviewGroups = 20;

std::string group_id(size_t group) {
  return format("group-{}", group);
}

void write_group_links(Markup& html, const std::vector<RankGroup>& groups, size_t shown) {
  html.open("ul", {{"class", "legend"}});
  for (size_t g = 0; g < shown; ++g) {
    const std::string target = "#" + group_id(g);
    html.open("li").element("a", {{"href", target}, {"dir", "auto"}}, groups[g].name);
    html.text(" (" + count_text(groups[g].votes) + ")").close();
  }
  html.close();
}

/// The ranks of one group by model.
struct GroupRanks {
  std::map<std::string_view, int64_t> ranks;
  RankCounts counts;
};

std::vector<GroupRanks> ranks_of(std::span<const RankGroup> groups) {
  std::vector<GroupRanks> all(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    all[g].counts = rank_counts(groups[g].rows);
    for (const RankRow& row : groups[g].rows) {
      all[g].ranks.emplace(row.model, row.rank);
    }
  }
  return all;
}

void write_overview_row(Markup& html,
                        const RankRow& row,
                        const RankCounts& counts,
                        const std::vector<GroupRanks>& groups) {
  html.open("tr").element("th", {{"scope", "row"}, {"dir", "auto"}}, row.model);
  html.open("td", {{"class", "num"}});
  write_rank(html, row.rank, counts);
  html.close();
  for (const GroupRanks& group : groups) {
    const auto found = group.ranks.find(row.model);
    html.open("td", {{"class", "num"}});
    if (found == group.ranks.end()) {
      html.text(kPageNoNumber);
    } else {
      write_rank(html, found->second, group.counts);
    }
    html.close();
  }
  html.close();
}

void write_overview(Markup& html, const RankPage& page) {
  const auto groups = std::span(page.groups).first(std::min(kOverviewGroups, page.groups.size()));
  const std::vector<GroupRanks> ranks = ranks_of(groups);
  const RankCounts counts = rank_counts(page.rows);
  html.element("h3", "Ranks by group");
  open_scroll_box(html, "Table of ranks by group");
  std::vector<std::string_view> heads = {"Model", "All votes"};
  for (const RankGroup& group : groups) {
    heads.emplace_back(group.name);
  }
  html.open("table");
  write_number_heads(html, heads);
  for (size_t i = 0; i < std::min(kOverviewModels, page.rows.size()); ++i) {
    write_overview_row(html, page.rows[i], counts, ranks);
  }
  html.close().close().close();
}

void write_group(Markup& html, const RankView& view, size_t index, size_t limit) {
  const RankGroup& group = view.page().groups[index];
  html.open(
      "section",
      {{"class", "group"}, {"id", group_id(index)}, {"aria-labelledby", group_id(index) + "-h"}});
  html.element("h3", {{"id", group_id(index) + "-h"}, {"dir", "auto"}}, group.name);
  html.open("p", {{"class", "hint"}}).text(counted(group.votes, "vote", "votes")).text(", ");
  html.text(counted(static_cast<int64_t>(group.rows.size()), "model", "models"));
  html.text(limit < group.rows.size() ? format("; the first {} are shown.", limit)
                                      : std::string("."));
  html.close();
  write_notes(html, group.notes);
  if (!group.rows.empty()) {
    write_rank_table(html, view, group.rows, limit, "Leaderboard of " + group.name);
  }
  html.close();
}

}  // namespace

void write_rank_groups(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  if (page.groups.empty()) {
    return;
  }
  const size_t shown = std::min(kGroups, page.groups.size());
  const size_t limit = std::clamp<size_t>(kAllGroupRows / shown, 10, kGroupRows);
  open_section(html, "groups", page.grouped_by.empty() ? "By group" : "By " + page.grouped_by);
  std::string hint =
      "The same method over the votes of one group at a time; ratings of different groups have "
      "scales of their own, ranks can be compared.";
  if (shown < page.groups.size()) {
    hint += format(" The first {} of {} groups.", shown,
                   count_text(static_cast<int64_t>(page.groups.size())));
  }
  write_hint(html, hint);
  write_group_links(html, page.groups, shown);
  if (shown > 1 && !page.rows.empty()) {
    write_overview(html, page);
  }
  for (size_t g = 0; g < shown; ++g) {
    write_group(html, view, g, limit);
  }
  html.close();
}

}  // namespace cupel::report
