#include "cli/bench_text.h"

#include <algorithm>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "decode/bench/advice.h"
#include "report/numbers.h"
#include "report/table.h"

namespace cupel::cli {
namespace {

using decode::bench::Figure;
using decode::bench::ModelFacts;
using decode::bench::Part;
using decode::bench::Report;
using decode::bench::Run;
using decode::bench::Summary;

std::string plural(int64_t count, std::string_view singular) {
  return format("{} {}{}", count, singular, count == 1 ? "" : "s");
}

std::string megabytes(double bytes) {
  return format("{:.1f} MB", bytes / 1e6);
}

int64_t setting(const Figure& figure, std::string_view key) {
  const auto found = std::find_if(figure.settings.begin(), figure.settings.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  return found == figure.settings.end() ? 0 : found->second;
}

// What a row measures.
std::string label(const Figure& figure) {
  switch (figure.part) {
    case Part::kBandwidth:
      return "memory read";
    case Part::kLoad:
      return "load";
    case Part::kFirstToken:
      return format("load to first token, prompt of {}", figure.size);
    case Part::kMemory:
      return "peak memory";
    case Part::kPrefill:
      return format("prefill, {}", plural(figure.size, "token"));
    case Part::kDecode:
      return format("decode, {}", plural(figure.size, "sequence"));
    case Part::kContext:
      return format("decode at context {}", figure.size);
    case Part::kStreams:
      return format("{} streams, shared prefix of {}", figure.size, setting(figure, "prefix"));
    case Part::kCost:
      return format("step with {}", plural(figure.size, "row"));
  }
  return {};
}

// A number with three or four digits that count.
std::string measured(double value) {
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return report::fixed_text(value, decimals);
}

std::string in_unit(const Figure& figure, double value) {
  return figure.unit == "bytes" ? megabytes(value) : format("{} {}", measured(value), figure.unit);
}

std::string median_text(const Figure& figure) {
  return figure.values.empty() ? report::kNoNumber
                               : in_unit(figure, decode::bench::summarise(figure.values).median);
}

std::string range_text(const Figure& figure) {
  if (figure.values.size() < 2) {
    return report::kNoNumber;
  }
  const Summary summary = decode::bench::summarise(figure.values);
  return format("{} - {}", measured(summary.min), measured(summary.max));
}

std::string share_text(const Figure& figure) {
  const auto share = decode::bench::share_of_limit(figure);
  return share ? format("{:.0f}%", 100 * *share) : report::kNoNumber;
}

std::string note_text(const Run& run, const Figure& figure) {
  if (figure.part == Part::kMemory && figure.relative) {
    return format("{:.2f} x (weights {} + cache {})", *figure.relative,
                  megabytes(static_cast<double>(run.model->weight_bytes)),
                  megabytes(static_cast<double>(run.model->memory_cache_bytes)));
  }
  if (figure.part == Part::kCost && figure.relative) {
    return format("{:.2f} x one row", *figure.relative);
  }
  if (figure.giga_multiply_adds_per_second) {
    return format("{} G multiply-adds/s", measured(*figure.giga_multiply_adds_per_second));
  }
  return figure.bytes_per_step ? megabytes(*figure.bytes_per_step) + " a step" : std::string();
}

report::Table run_table(const Run& run) {
  using report::Align;
  report::Table table({{"measurement", Align::kLeft},
                       {"median", Align::kRight},
                       {"min - max", Align::kRight, 0, 2},
                       {"limit", Align::kRight},
                       {"share", Align::kRight},
                       {"", Align::kLeft, 0, 3}});
  for (const Figure& figure : run.figures) {
    table.add_row({label(figure), median_text(figure), range_text(figure),
                   figure.limit ? measured(*figure.limit) : report::kNoNumber, share_text(figure),
                   note_text(run, figure)});
  }
  return table;
}

std::string model_text(const Run& run) {
  const ModelFacts& model = *run.model;
  std::string types;
  for (const auto& count : model.types) {
    types += format("{}{} {}", types.empty() ? "" : ", ", count.tensors, count.type);
  }
  return format(
      "model    {}: {}, {:.1f} M parameters\n"
      "weights  {} ({}); a step reads {}\n"
      "cache    {:.1f} kB per position, {} positions\n"
      "engine   {}, {} kernels, {} activations\n",
      model.file, model.architecture, static_cast<double>(model.parameters) / 1e6,
      megabytes(static_cast<double>(model.weight_bytes)), types,
      megabytes(static_cast<double>(model.step_weight_bytes)),
      static_cast<double>(model.cache_bytes_per_position) / 1e3, model.context_length,
      plural(run.threads, "thread"), run.cpu_level, run.activations);
}

std::string machine_text(const Report& report) {
  const Machine& machine = report.machine;
  return format("machine  {}, {} usable on {}, {:.0f} MiB last-level cache, {:.1f} GiB memory\n",
                machine.cpu, plural(static_cast<int64_t>(machine.cpus), "CPU"),
                plural(static_cast<int64_t>(machine.cores), "core"),
                static_cast<double>(machine.last_level_cache_bytes) / (1U << 20U),
                static_cast<double>(machine.memory_bytes) / (1U << 30U));
}

std::string run_name(const Run& run) {
  const std::string threads = plural(run.threads, "thread");
  return run.model ? format("{}, {}", run.model->name, threads) : threads;
}

// The medians of all runs; a row for everything that any of them has.
report::Table side_by_side(const Report& report) {
  std::vector<report::Column> columns = {{"median", report::Align::kLeft}};
  std::vector<std::string> labels;
  for (const Run& run : report.runs) {
    columns.push_back({run_name(run), report::Align::kRight});
    for (const Figure& figure : run.figures) {
      if (std::find(labels.begin(), labels.end(), label(figure)) == labels.end()) {
        labels.push_back(label(figure));
      }
    }
  }
  report::Table table(std::move(columns));
  for (const std::string& wanted : labels) {
    std::vector<std::string> cells = {wanted};
    for (const Run& run : report.runs) {
      const auto figure = std::find_if(run.figures.begin(), run.figures.end(),
                                       [&](const Figure& f) { return label(f) == wanted; });
      cells.push_back(figure == run.figures.end() ? report::kNoNumber : median_text(*figure));
    }
    table.add_row(cells);
  }
  return table;
}

}  // namespace

std::string bench_text(const Report& report, const report::Terminal& terminal) {
  std::string text = machine_text(report);
  for (const Run& run : report.runs) {
    text += run.model ? "\n" + model_text(run) : format("\nengine   {}\n", run_name(run));
    text += "\n" + run_table(run).render(terminal);
  }
  if (report.runs.size() > 1) {
    text += "\n" + side_by_side(report).render(terminal);
  }
  const std::vector<std::string> lines = decode::bench::advice(report);
  text += lines.empty() ? "" : "\n";
  for (const std::string& line : lines) {
    text += "note: " + line + "\n";
  }
  return text;
}

}  // namespace cupel::cli
