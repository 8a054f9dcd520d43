#include "web/sample_rank_page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/rng.h"
#include "web/xss_corpus.h"

namespace cupel::test {
namespace {

using report::CalibrationBin;
using report::Estimate;
using report::Interval;
using report::NoteLevel;
using report::PairCell;
using report::PairMatrix;
using report::RankGroup;
using report::RankPage;
using report::RankRow;

constexpr double kPerLogit = 173.71779276130073;  // Elo points
constexpr std::array<const char*, 8> kFamilies = {"harbour",
                                                  "lantern-instruct",
                                                  "tern",
                                                  "quartz-chat",
                                                  "a-model-with-a-rather-long-name-it-q4_k_m",
                                                  "ebb",
                                                  "cinder",
                                                  "north-light"};

std::string model_name(size_t index) {
  return format("{}-{}b", kFamilies.at(index % kFamilies.size()), 3 * (index / 8) + 1 + index % 5);
}

/// Ratings that fall evenly from 1200 to 800, with intervals that grow towards the end.
RankRow make_row(size_t index, size_t models) {
  const double place =
      static_cast<double>(index) / static_cast<double>(std::max<size_t>(1, models - 1));
  const double rating = 1200 - 400 * place;
  const double half = 14 + 30 * place;
  RankRow row;
  row.rank = index < 3 ? 1 : static_cast<int64_t>(index) + 1;
  row.rank_class = 1 + static_cast<int64_t>(index) / 4;
  row.model = model_name(index);
  row.rating = {rating, Interval{rating - half, rating + 1.1 * half}};
  row.outer = Interval{rating - 1.6 * half, rating + 1.7 * half};
  row.votes = 2'400 - static_cast<int64_t>(1'900 * place);
  row.win_rate = 1 / (1 + std::exp(-(rating - 1000) / kPerLogit));
  row.without_style =
      report::WithoutStyle{rating + (index % 3 == 0 ? 18 : -9), row.rank + (index % 5 == 0   ? 2
                                                                            : index % 7 == 0 ? -1
                                                                                             : 0)};
  return row;
}

PairMatrix make_pairs(const std::vector<RankRow>& rows) {
  Rng rng(11);
  const size_t models = std::min(rows.size(), report::kPairModels);
  PairMatrix pairs;
  pairs.cells.resize(models * models);
  for (size_t i = 0; i < models; ++i) {
    pairs.models.push_back(rows[i].model);
    for (size_t j = 0; j < i; ++j) {
      const double logit = (rows[i].rating.value - rows[j].rating.value) / kPerLogit;
      PairCell& cell = pairs.cells[i * models + j];
      cell.predicted = 1 / (1 + std::exp(-logit));
      cell.votes = rng.unit() < 0.15 ? 0 : static_cast<int64_t>(rng.below(120)) / 3;
      if (cell.votes > 0) {
        const double noise = (rng.unit() - 0.5) / std::sqrt(static_cast<double>(cell.votes));
        cell.observed = std::clamp(cell.predicted + noise, 0.0, 1.0);
      }
      pairs.cells[j * models + i] = {1 - cell.observed, 1 - cell.predicted, cell.votes};
    }
  }
  return pairs;
}

report::Calibration make_calibration() {
  report::Calibration calibration;
  for (int bin = 0; bin < 8; ++bin) {
    const double predicted = 0.12 + 0.11 * bin;
    const double observed = predicted + (bin % 2 == 0 ? 0.018 : -0.022);
    const auto votes = static_cast<int64_t>(2'400 * std::exp(-8 * std::pow(predicted - 0.5, 2)));
    const double half = 1.96 * std::sqrt(observed * (1 - observed) / static_cast<double>(votes));
    calibration.bins.push_back(
        {predicted, {observed, Interval{observed - half, observed + half}}, votes});
  }
  calibration.log_loss = 0.6127;
  calibration.brier = 0.1883;
  calibration.calibration_error = 0.0196;
  calibration.note = "Five folds: each vote is predicted by a fit that did not see it.";
  return calibration;
}

report::CycleReport make_cycles(const std::vector<RankRow>& rows) {
  report::CycleReport cycles;
  cycles.found = 7;
  cycles.strongest = {
      {{rows[4].model, rows[9].model, rows[2].model}, {0.71, 0.68, 0.66}},
      {{rows[1].model, rows[5].model, rows[7].model, rows[3].model}, {0.6, 0.62, 0.58, 0.57}}};
  cycles.note = "Counted among the 24 models; a link counts where its chance is above one half.";
  return cycles;
}

RankGroup make_group(const std::string& name, size_t models, uint64_t seed) {
  Rng rng(seed);
  RankGroup group{
      .name = name, .votes = 900 + static_cast<int64_t>(rng.below(4'000)), .rows = {}, .notes = {}};
  for (size_t i = 0; i < models; ++i) {
    RankRow row = make_row(i, models);
    row.outer.reset();
    row.without_style.reset();
    row.rank_class.reset();
    group.rows.push_back(std::move(row));
  }
  return group;
}

RankPage plain_page(size_t models) {
  RankPage page;
  page.title = "votes-2026-11.csv";
  page.subtitle = format("41,208 votes between {} models", models);
  page.method = "Bradley–Terry with style control";
  page.method_meaning = "one strength a model, by maximum likelihood; a tie is half a win";
  page.formula = "P(i beats j) = σ(β_i − β_j + zᵀγ),  rating = 1000 + 400/ln 10 · β";
  page.interval_kind = "sandwich, each rating for itself";
  page.outer_kind = "the interval that covers all models at once";
  page.rank_rule =
      "1 + the number of models shown to be better, by paired differences, all at once "
      "at 95%";
  page.win_rate_rule = "mean chance to beat each of the other models, by the ratings";
  for (size_t i = 0; i < models; ++i) {
    page.rows.push_back(make_row(i, models));
  }
  page.votes = {.used = 41'208, .ties = 10'117, .both_bad = 3'022, .voters = 5'177, .dropped = {}};
  page.metadata = {{"File", "votes/2026/votes-2026-11.csv", "93a79d1af954255dd863bf17f379def3"},
                   {"Seed", "7", ""},
                   {"Filter", "min-votes 30, language all", ""},
                   {"Command", "cupel rank votes-2026-11.csv --method style --ci sandwich", ""}};
  page.method_notes = {"Intervals are robust to votes that depend on each other within one voter."};
  return page;
}

/// Puts the corpus wherever outside text can stand.
void make_hostile(RankPage& page) {
  std::string corpus;
  for (const std::string_view text : kXssCorpus) {
    corpus += std::string(text) + " ";
  }
  page.rows[20].model = kXssCorpus[0];
  page.rows[21].model = kXssCorpus[4];
  page.notes.push_back({NoteLevel::kWarning, corpus});
  page.metadata.push_back(
      {std::string(kXssCorpus[2]), corpus, "\"><script>alert('hash')</script>"});
  page.votes.dropped.push_back({corpus, 3});
  page.style.push_back({std::string(kXssCorpus[1]), {0.01, Interval{-0.02, 0.04}}, ""});
  page.parameters.push_back({std::string(kXssCorpus[3]), {1}, corpus});
  page.groups[1].name = kXssCorpus[5];
  page.groups[1].notes = {{NoteLevel::kWarning, std::string(kXssCorpus[6])}};
  page.method_notes.push_back(corpus);
}

}  // namespace

RankPage sample_rank_page() {
  RankPage page = plain_page(24);
  for (const size_t thin : {17U, 23U}) {
    page.rows[thin].provisional = true;
    page.rows[thin].votes = 11;
    page.rows[thin].rating.interval =
        Interval{page.rows[thin].rating.value - 150, page.rows[thin].rating.value + 120};
    page.rows[thin].outer =
        Interval{page.rows[thin].rating.value - 190, page.rows[thin].rating.value + 160};
  }
  page.lead = Estimate{17, Interval{-12, 46}};
  page.separability = report::Separability{214, 276};
  page.votes.dropped = {{"unknown winner word", 41}, {"a model against itself", 2}};
  page.style = {{"length", {0.312, Interval{0.281, 0.343}}, ""},
                {"headers", {0.041, Interval{-0.004, 0.086}}, ""},
                {"bold", {0.077, Interval{0.041, 0.113}}, ""},
                {"lists", {-0.028, Interval{-0.061, 0.005}}, ""}};
  page.parameters = {{"tie", {0.7399, Interval{0.7012, 0.7786}}, "how often equals tie"}};
  page.groups = {make_group("English", 16, 1), make_group("Deutsch", 12, 2),
                 make_group("coding", 0, 3)};
  page.grouped_by = "language";
  page.groups[2].notes = {{NoteLevel::kWarning,
                           "coding: the votes do not link {ebb-1b, tern-3b} to the other models."}};
  page.notes = {{NoteLevel::kInfo, "43 of 41,251 rows were left out (--skip-bad)."}};
  make_hostile(page);
  // After the names have changed: maps and cycles use them.
  page.pairs = make_pairs(page.rows);
  page.calibration = make_calibration();
  page.cycles = make_cycles(page.rows);
  return page;
}

RankPage crowded_rank_page(size_t models) {
  RankPage page = plain_page(models);
  page.pairs = make_pairs(page.rows);
  page.calibration = make_calibration();
  page.groups = {make_group("English", models, 1), make_group("Deutsch", models, 2)};
  page.grouped_by = "language";
  return page;
}

RankPage lone_rank_page() {
  RankPage page = plain_page(1);
  page.interval_kind.clear();
  page.outer_kind.clear();
  page.rank_rule.clear();
  page.rows[0].rating.interval.reset();
  page.rows[0].outer.reset();
  return page;
}

}  // namespace cupel::test
