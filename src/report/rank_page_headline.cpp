// The head of the rank page: who leads, what the votes can tell apart, and what to know first.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/format.h"
#include "report/numbers.h"
#include "report/page_parts.h"
#include "report/rank_view.h"

namespace cupel::report {
namespace {

void strong(Markup& html, std::string_view text) {
  html.element("strong", {{"dir", "auto"}}, text);
}

void write_leader(Markup& html, const RankView& view) {
  const RankRow& leader = view.page().rows.front();
  strong(html, leader.model);
  html.text(view.page().rows.size() == 1 ? " has the rating " : " leads with ");
  strong(html, view.rating_text(leader.rating.value));
  if (leader.rating.has_interval()) {
    html.text(
        format(" ({} interval {})", view.confidence_text(), view.interval_text(leader.rating)));
  }
  html.text(".");
  if (view.page().rows.size() == 1) {
    html.text(" There is no other model to compare it with.");
  }
}

/// The models that share the first one's rank; they need not follow it, for ranks rest on paired
/// differences and rows on ratings.
std::vector<const RankRow*> rank_mates(const std::vector<RankRow>& rows) {
  std::vector<const RankRow*> mates;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].rank == rows.front().rank) {
      mates.push_back(&rows[i]);
    }
  }
  return mates;
}

// A few names say more than a number; dozens say less.
void write_shared_rank(Markup& html, const std::vector<const RankRow*>& mates) {
  constexpr size_t kNamed = 3;
  html.text(" It shares its rank with ");
  for (size_t i = 0; i < std::min(mates.size(), kNamed); ++i) {
    const bool last = i + 1 == mates.size();
    html.text(i == 0 ? "" : last ? " and " : ", ");
    html.element("span", {{"dir", "auto"}}, mates[i]->model);
  }
  if (mates.size() > kNamed) {
    html.text(format(" and {} more", mates.size() - kNamed));
  }
  html.text(": these votes ");
  html.element("em", "do not tell them apart").text(".");
}

void write_lead(Markup& html, const RankView& view) {
  const Estimate& lead = *view.page().lead;
  html.text(" It is ");
  strong(html, view.rating_text(lead.value));
  html.text(" ahead of ");
  strong(html, view.page().rows[1].model);
  if (!lead.has_interval()) {
    html.text(".");
    return;
  }
  const bool clear = lead.interval->low > 0 || lead.interval->high < 0;
  html.text(format("; the interval of the paired difference, {}, ", view.interval_text(lead)));
  html.element("em", clear ? "excludes zero" : "includes zero").text(".");
}

void write_lede(Markup& html, const RankView& view) {
  const std::vector<RankRow>& rows = view.page().rows;
  html.open("p", {{"class", "lede"}});
  if (rows.empty()) {
    html.text("There are no ratings yet.").close();
    return;
  }
  write_leader(html, view);
  if (rows.size() > 1) {
    const std::vector<const RankRow*> mates = rank_mates(rows);
    if (view.page().lead) {
      write_lead(html, view);
    }
    if (view.page().interval_kind.empty()) {
      html.text(" Without intervals, nothing says whether this order would hold with other votes.");
    } else if (!mates.empty()) {
      write_shared_rank(html, mates);
    }
  }
  html.close();
}

void write_vote_facts(Markup& html, const VoteCounts& votes) {
  const auto share_of_votes = [&](int64_t part) { return share_text(share_of(part, votes.used)); };
  write_headline_fact(html, "Votes", count_text(votes.used),
                      votes.voters ? counted(*votes.voters, "voter", "voters") : std::string());
  write_headline_fact(html, "Ties", share_of_votes(votes.ties),
                      votes.both_bad > 0
                          ? format("{} of all votes: both bad", share_of_votes(votes.both_bad))
                          : std::string());
  int64_t dropped = 0;
  for (const DroppedVotes& reason : votes.dropped) {
    dropped += reason.count;
  }
  if (dropped > 0) {
    write_headline_fact(html, "Votes left out", count_text(dropped),
                        counted(static_cast<int64_t>(votes.dropped.size()), "reason", "reasons"));
  }
}

}  // namespace

void write_rank_headline(Markup& html, const RankView& view) {
  const RankPage& page = view.page();
  html.open("section", {{"id", "result"}, {"class", "headline"}, {"aria-labelledby", "result-h"}});
  html.element("h2", {{"id", "result-h"}, {"class", "eyebrow"}}, "Result");
  write_lede(html, view);
  html.open("dl", {{"class", "facts"}});
  const auto provisional = std::ranges::count(page.rows, true, &RankRow::provisional);
  write_headline_fact(html, "Models", count_text(static_cast<int64_t>(page.rows.size())),
                      provisional > 0 ? format("{} provisional", provisional) : std::string());
  write_vote_facts(html, page.votes);
  if (page.separability) {
    const Separability& pairs = *page.separability;
    write_headline_fact(html, "Pairs told apart",
                        share_text(share_of(pairs.separated, pairs.pairs)),
                        format("{} of {}", count_text(pairs.separated), count_text(pairs.pairs)));
  }
  html.close();
  write_notes(html, page.notes);
  html.close();
}

}  // namespace cupel::report
