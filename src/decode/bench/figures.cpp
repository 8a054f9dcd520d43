#include "decode/bench/figures.h"

#include <algorithm>

#include "base/check.h"

namespace cupel::decode::bench {

std::string_view part_name(Part part) {
  switch (part) {
    case Part::kBandwidth:
      return "bandwidth";
    case Part::kLoad:
      return "load";
    case Part::kFirstToken:
      return "first-token";
    case Part::kMemory:
      return "memory";
    case Part::kPrefill:
      return "prefill";
    case Part::kDecode:
      return "decode";
    case Part::kContext:
      return "context";
    case Part::kStreams:
      return "streams";
    case Part::kCost:
      return "cost";
  }
  return "";
}

const std::vector<Part>& all_parts() {
  static const std::vector<Part> parts = {Part::kBandwidth, Part::kLoad,    Part::kFirstToken,
                                          Part::kMemory,    Part::kPrefill, Part::kDecode,
                                          Part::kContext,   Part::kStreams, Part::kCost};
  return parts;
}

Summary summarise(std::vector<double> values) {
  CUPEL_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {.median = median, .min = values.front(), .max = values.back()};
}

std::optional<double> share_of_limit(const Figure& figure) {
  if (!figure.limit || *figure.limit <= 0 || figure.values.empty()) {
    return std::nullopt;
  }
  return summarise(figure.values).median / *figure.limit;
}

bool Report::busy() const {
  return std::any_of(runs.begin(), runs.end(),
                     [](const Run& run) { return run.others_share > kBusyShare; });
}

std::vector<const Figure*> figures_of(const Run& run, Part part) {
  std::vector<const Figure*> found;
  for (const Figure& figure : run.figures) {
    if (figure.part == part) {
      found.push_back(&figure);
    }
  }
  return found;
}

}  // namespace cupel::decode::bench
