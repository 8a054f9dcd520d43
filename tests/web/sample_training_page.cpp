#include "web/sample_training_page.h"

#include <cmath>
#include <string>

#include "base/rng.h"
#include "web/xss_corpus.h"

namespace cupel::test {
namespace {

using report::LineScale;
using report::LineSeries;
using report::TrainingPage;
using Points = std::vector<LineSeries::Point>;

/// Values that go from one to another, with noise.
Points course(size_t steps, double from, double to, double noise, Rng& rng) {
  Points points;
  for (size_t i = 1; i <= steps; ++i) {
    const double share = 1 - std::exp(-3.0 * static_cast<double>(i) / static_cast<double>(steps));
    points.push_back(
        {static_cast<double>(i), from + (to - from) * share + noise * (rng.unit() - 0.5)});
  }
  return points;
}

Points every(size_t stride, const Points& points, double more) {
  Points some;
  for (size_t i = 0; i < points.size(); i += stride) {
    some.push_back({points[i].x, points[i].y + more});
  }
  return some;
}

TrainingPage::Chart loss_chart(size_t steps, Rng& rng) {
  const Points loss = course(steps, 0.7, 0.25, 0.2, rng);
  return {
      .figure = {.id = "loss",
                 .title = "Loss",
                 .description = "Loss of steps and of held-out rows.",
                 .x_name = "step",
                 .scale = LineScale::kEither,
                 .series = {{.name = "training", .points = loss, .lead = true, .noisy = steps > 1},
                            {.name = "held-out",
                             .points = every(std::max<size_t>(1, steps / 6), loss, 0.05),
                             .marks = true}}},
      .hint = "Where training loss falls and held-out loss rises, rows are learnt by heart."};
}

TrainingPage::Chart pair_chart(size_t steps, Rng& rng) {
  return {.figure = {.id = "rewards",
                     .title = "Rewards",
                     .description = "Rewards of chosen and rejected answers.",
                     .x_name = "step",
                     .series = {{.name = "chosen",
                                 .points = course(steps, 0, -0.6, 0.4, rng),
                                 .lead = true,
                                 .noisy = steps > 1},
                                {.name = "rejected",
                                 .points = course(steps, 0, -2.4, 0.5, rng),
                                 .noisy = steps > 1}}},
          .hint = "Both may fall together: only their distance is learnt."};
}

TrainingPage::Chart norm_chart(size_t steps, Rng& rng) {
  return {.figure = {.id = "gradient",
                     .title = "Norm of the gradient",
                     .description = "The norm before it is clipped, and skipped steps.",
                     .x_name = "step",
                     .scale = LineScale::kLogarithmic,
                     .series = {{.name = "norm",
                                 .points = course(steps, 3, 0.8, 0.7, rng),
                                 .lead = true,
                                 .noisy = steps > 1}},
                     .events = {static_cast<double>(steps / 2 + 1)},
                     .event_name = "skipped: not finite"},
          .hint = "Before it is clipped, on a logarithmic scale."};
}

TrainingPage::Chart rate_chart(size_t steps, Rng& rng) {
  return {.figure = {.id = "rate",
                     .title = std::string(kXssCorpus[0]),
                     .description = std::string(kXssCorpus[1]),
                     .x_name = "step",
                     .series = {{.name = std::string(kXssCorpus[6]),
                                 .points = course(steps, 1e-5, 1e-7, 0, rng),
                                 .lead = true}}},
          .hint = std::string(kXssCorpus[2])};
}

}  // namespace

TrainingPage sample_training_page(size_t steps) {
  Rng rng(5);
  TrainingPage page{.title = "runs/harbours",
                    .subtitle = "dpo of models/small.gguf, LoRA adapters of rank 16",
                    .lede = "300 steps over rows/harbours.jsonl."};
  page.facts = {{"steps", "300", "4,800 samples"},
                {"training loss", "0.2512", "running mean; 0.7012 at first"},
                {"held-out loss", "0.3012", "0.7512 before the first step"},
                {"pairs told apart", "88%", "of held-out ones"},
                {"tokens", "690,300", "2,084 a second"},
                {"time of the steps", "5 min 31 s", ""},
                {"memory", "2.42 GiB", "at most"}};
  page.notes = {
      {report::NoteLevel::kWarning, "One step was skipped " + std::string(kXssCorpus[3])}};
  page.charts = {loss_chart(steps, rng), pair_chart(steps, rng), norm_chart(steps, rng),
                 rate_chart(steps, rng)};
  for (const std::string_view attack : kXssCorpus) {
    page.samples.push_back({.asked = std::string(attack),
                            .before = std::string(attack),
                            .after = "Trieste.\n\n" + std::string(attack)});
  }
  page.samples.push_back({.asked = "Name a harbour.", .before = "", .after = std::nullopt});
  page.settings = {{.key = "data.files",
                    .value = "[\"rows/" + std::string(kXssCorpus[4]) + "\"]",
                    .otherwise = "[]"},
                   {.key = "optim.lr", .value = "1e-05", .otherwise = "not set"}};
  page.run = {{.name = "model", .value = "models/small.gguf", .hash = "9f31c2a45be1708d"}};
  page.command =
      "cupel tune 'runs/" + std::string(kXssCorpus[5]) + "/recipe.toml' --out NEW_FOLDER";
  return page;
}

TrainingPage lone_training_page() {
  Rng rng(5);
  TrainingPage page{.title = "runs/one", .subtitle = "sft", .lede = "1 step over rows.jsonl."};
  page.facts = {{"steps", "1", "8 samples"}};
  page.notes = {{report::NoteLevel::kInfo, "The run is not finished."}};
  page.charts = {loss_chart(1, rng), rate_chart(1, rng)};
  page.command = "cupel tune runs/one/recipe.toml --out NEW_FOLDER";
  return page;
}

}  // namespace cupel::test
