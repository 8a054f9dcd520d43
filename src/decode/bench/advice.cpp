#include "decode/bench/advice.h"

#include <algorithm>

#include "base/format.h"

namespace cupel::decode::bench {
namespace {

// From this share on, reading the weights is most of a step: nothing but fewer bytes shortens it.
constexpr double kMemoryBound = 0.6;
// A difference that the spread of a few rounds does not explain.
constexpr double kFasterBy = 1.05;

double median_of(const Figure& figure) {
  return summarise(figure.values).median;
}

// "a with 2 threads: " where there is more than one run.
std::string subject_of(const Report& report, const Run& run) {
  return report.runs.size() > 1 ? format("{} with {} thread{}: ", run.model->name, run.threads,
                                         run.threads == 1 ? "" : "s")
                                : std::string();
}

void add_limit(const Report& report, const Run& run, std::vector<std::string>& lines) {
  const auto decode = figures_of(run, Part::kDecode);
  const auto one = std::find_if(decode.begin(), decode.end(),
                                [](const Figure* figure) { return figure->size == 1; });
  if (one == decode.end() || !share_of_limit(**one)) {
    return;
  }
  const double share = *share_of_limit(**one);
  const std::string reached = format("{}one sequence decodes at {:.0f}% of what the memory allows",
                                     subject_of(report, run), 100 * share);
  if (share > 1) {
    lines.push_back(reached + ": the caches hold a good part of the weights");
  } else if (share >= kMemoryBound) {
    lines.push_back(reached + ": only fewer bytes per weight, or a batch, make it much faster");
  } else {
    lines.push_back(reached + ": computing, not the memory, takes most of a step");
  }
}

void add_batch(const Report& report, const Run& run, std::vector<std::string>& lines) {
  const auto decode = figures_of(run, Part::kDecode);
  if (decode.size() < 2) {
    return;
  }
  const auto faster = [](const Figure* a, const Figure* b) {
    return median_of(*a) < median_of(*b);
  };
  const Figure& best = **std::max_element(decode.begin(), decode.end(), faster);
  const Figure& first = *decode.front();
  if (best.size > first.size && median_of(best) > kFasterBy * median_of(first)) {
    lines.push_back(format("{}{} sequences together write {:.1f} times as much as {}",
                           subject_of(report, run), best.size, median_of(best) / median_of(first),
                           first.size));
  }
}

// The fastest number of threads for a figure that all runs of the model have.
void add_threads(const std::vector<const Run*>& runs,
                 Part part,
                 std::string_view what,
                 std::vector<std::string>& lines) {
  const Run* best = nullptr;
  double best_median = 0;
  for (const Run* run : runs) {
    const auto figures = figures_of(*run, part);
    if (figures.empty()) {
      return;
    }
    // Fewer threads win what is no real difference: they leave the rest to others.
    const double median = median_of(*figures.front());
    if (best == nullptr || median > kFasterBy * best_median) {
      best = run;
      best_median = median;
    }
  }
  lines.push_back(format("{}: {} is fastest with {} thread{}, of those measured",
                         runs.front()->model->name, what, best->threads,
                         best->threads == 1 ? "" : "s"));
}

// Runs of one file, fewest threads first; nothing but those with a model.
std::vector<std::vector<const Run*>> by_model(const Report& report) {
  std::vector<std::vector<const Run*>> groups;
  for (const Run& run : report.runs) {
    if (!run.model) {
      continue;
    }
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return group.front()->model->name == run.model->name &&
             group.front()->model->file == run.model->file;
    });
    if (known == groups.end()) {
      groups.push_back({&run});
    } else {
      known->push_back(&run);
    }
  }
  for (auto& group : groups) {
    std::stable_sort(group.begin(), group.end(),
                     [](const Run* a, const Run* b) { return a->threads < b->threads; });
  }
  return groups;
}

}  // namespace

std::vector<std::string> advice(const Report& report) {
  std::vector<std::string> lines;
  for (const Run& run : report.runs) {
    if (run.model) {
      add_limit(report, run, lines);
      add_batch(report, run, lines);
    }
  }
  for (const auto& group : by_model(report)) {
    if (group.size() > 1) {
      add_threads(group, Part::kDecode, "decoding", lines);
      add_threads(group, Part::kPrefill, "reading a prompt", lines);
    }
  }
  return lines;
}

}  // namespace cupel::decode::bench
