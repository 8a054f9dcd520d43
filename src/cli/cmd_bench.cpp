// cupel bench: how fast this machine and a model are, and what limits them.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <set>

#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/bench_text.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"
#include "decode/bench/report_json.h"
#include "decode/bench/run.h"

namespace cupel::cli::command {
namespace {

namespace bench = decode::bench;

// Of a figure's rounds: keeps a benchmark of a small model near a minute.
constexpr double kEnoughSeconds = 3;

// "1,4,16": whole numbers from `low` to `high`, none twice.
Result<std::vector<int64_t>> parse_sizes(std::string_view flag,
                                         std::string_view text,
                                         int64_t low,
                                         int64_t high) {
  std::vector<int64_t> sizes;
  if (text.empty()) {
    return sizes;
  }
  for (const std::string_view piece : split(text, ',')) {
    int64_t size = 0;
    const char* end = piece.data() + piece.size();
    const auto [rest, error] = std::from_chars(piece.data(), end, size);
    if (error != std::errc() || rest != end || size < low || size > high) {
      return invalid_argument("bench: {}: \"{}\" is no whole number from {} to {}", flag,
                              printable(piece), low, high);
    }
    if (std::find(sizes.begin(), sizes.end(), size) != sizes.end()) {
      return invalid_argument("bench: {}: {} is given twice", flag, size);
    }
    sizes.push_back(size);
  }
  return sizes;
}

Result<std::vector<bench::Part>> parse_parts(std::string_view text) {
  if (text.empty()) {
    return bench::all_parts();
  }
  std::vector<std::string> names;
  for (const bench::Part part : bench::all_parts()) {
    names.emplace_back(bench::part_name(part));
  }
  std::vector<bench::Part> parts;
  for (const std::string_view piece : split(text, ',')) {
    const auto known = std::find(names.begin(), names.end(), piece);
    if (known == names.end()) {
      return invalid_argument("bench: --only: \"{}\" is none of {}{}", printable(piece),
                              join(names, "|"), did_you_mean(piece, names));
    }
    parts.push_back(bench::all_parts()[static_cast<size_t>(known - names.begin())]);
  }
  return parts;
}

// There is nothing to save before the end, and a step of a large model takes seconds.
[[noreturn]] void leave() {
  constexpr std::string_view kLine = "cupel: bench: interrupted\n";
  const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  (void)written;
  std::_Exit(exit_code(Code::kCancelled));
}

class Bench : public Command {
 public:
  void declare(Arguments& a) override {
    a.texts("--model", "SPEC", models_, "Model to measure: [NAME=]FILE.gguf; may be given again");
    a.flag("--membw", membw_, "The memory's read bandwidth alone, without a model");
    a.text("--only", "PART,...", only_,
           "Of bandwidth, load, first-token, memory, prefill, decode, context, streams, cost");
    a.text("--threads", "N,...", threads_,
           "Threads of the engine; several numbers are compared (default: all CPUs)");
    a.integer("--rounds", "N", rounds_,
              "Timed rounds, of which the median counts; 0 = 5, or 3 of what takes long", 0, 1000);
    a.text("--prefill", "N,...", prefill_, "Tokens of the prompts (default: 128,512,2048)");
    a.text("--batch", "N,...", batch_, "Sequences decoded together (default: 1,4,16)");
    a.text("--context", "N,...", context_,
           "Lengths of the context to decode at (default: 128,256,... up to 8192)");
    a.integer("--decode", "N", decode_, "Tokens that each sequence writes", 1, 1 << 20);
    engine_.declare_kernels(a);
    a.choice("--format", {"text", "json"}, format_, "Output");
    a.text("--out", "FILE.json", out_, "Also write the JSON there");
  }

  Result<int> run() override {
    CUPEL_TRY(const bench::Options options, read_options());
    CUPEL_TRY(const auto threads, parse_sizes("--threads", threads_, 0, 1024));
    CUPEL_TRY(const auto models, model_options());
    for (const auto& model : models) {
      if (model) {
        CUPEL_TRY_VOID(bench::check_bench(*model, options));
      }
    }
    if (!out_.empty()) {  // before the time is spent: a place that cannot be written to
      CUPEL_TRY_VOID(AtomicFile::create(out_));
    }
    bench::Report report{.machine = describe_machine(usable_cpus()), .rounds = options.rounds};
    CUPEL_TRY_VOID(measure(models, threads, options, report));
    const Json json = bench::report_json(report, CUPEL_VERSION);
    if (!out_.empty()) {
      CUPEL_TRY_VOID(write_file_atomic(out_, dump_json(json, {.indent = 2}) + "\n"));
    }
    if (format_ == "json") {
      print_pretty(json);
    } else {
      print(bench_text(report, report::detect_terminal(STDOUT_FILENO)));
    }
    warn_of_others(report);
    return 0;
  }

 private:
  using Models = std::vector<std::optional<decode::LocalModelOptions>>;

  Result<bench::Options> read_options() const {
    bench::Options options;
    if (rounds_ > 0) {
      options.rounds = rounds_;
    } else {
      options.enough_seconds = kEnoughSeconds;
    }
    options.decode_tokens = decode_;
    CUPEL_TRY(options.parts, parse_parts(only_));
    CUPEL_TRY(options.prefill, parse_sizes("--prefill", prefill_, 1, 1 << 24));
    CUPEL_TRY(options.batch, parse_sizes("--batch", batch_, 1, 256));
    CUPEL_TRY(options.context, parse_sizes("--context", context_, 2, 1 << 24));
    if (membw_) {
      if (!models_.empty() || !only_.empty()) {
        return invalid_argument("bench: --membw measures the memory alone; leave out {}",
                                models_.empty() ? "--only" : "--model");
      }
      options.parts = {bench::Part::kBandwidth};
    }
    return options;
  }

  // One entry without a model where the memory alone is asked for.
  Result<Models> model_options() const {
    Models models;
    for (const std::string& text : models_) {
      CUPEL_TRY(decode::LocalModelOptions options, local_model_options(text, engine_));
      models.emplace_back(std::move(options));
    }
    if (models.empty()) {
      if (!membw_ && only_ != bench::part_name(bench::Part::kBandwidth)) {
        return invalid_argument(
            "bench: name a model with --model FILE.gguf, or ask for --membw alone");
      }
      models.emplace_back(std::nullopt);
    }
    return models;
  }

  static Result<Ok> measure(const Models& models,
                            const std::vector<int64_t>& threads,
                            bench::Options options,
                            bench::Report& report) {
    const std::stop_callback interrupted(stop_on_interrupt(), [] { leave(); });
    for (const auto& model : models) {
      for (const int64_t count : threads.empty() ? std::vector<int64_t>{0} : threads) {
        options.threads = static_cast<size_t>(count);
        CUPEL_TRY(bench::Run run, measure_one(model, options));
        report.runs.push_back(std::move(run));
      }
    }
    return Ok{};
  }

  static Result<bench::Run> measure_one(const std::optional<decode::LocalModelOptions>& model,
                                        bench::Options options) {
    if (::isatty(STDERR_FILENO) != 0) {
      const std::string name = model ? model->name : "memory";
      options.on_progress = [name](std::string_view what) {
        std::fprintf(stderr, "bench: %s: %s ...\n", name.c_str(), std::string(what).c_str());
      };
    }
    return bench::run_bench(model, options);
  }

  static void warn_of_others(const bench::Report& report) {
    double most = 0;
    for (const bench::Run& run : report.runs) {
      most = std::max(most, run.others_share);
    }
    if (report.busy()) {
      std::fprintf(stderr,
                   "cupel: warning: other programs took %.0f%% of the CPUs meanwhile; these times "
                   "prove little\n",
                   100 * most);
    }
  }

  std::vector<std::string> models_;
  bool membw_ = false;
  std::string only_;
  std::string threads_;
  int64_t rounds_ = 0;
  std::string prefill_;
  std::string batch_;
  std::string context_;
  int64_t decode_ = 64;
  std::string format_ = "text";
  std::string out_;
  EngineFlags engine_;
};

}  // namespace

CommandInfo bench() {
  return {.name = "bench",
          .group = "Measure",
          .summary = "How fast a model is here, and what limits it",
          .examples =
              "  cupel bench --model models/a.gguf\n"
              "  cupel bench --model models/a.gguf --threads 1,2,4 --only prefill,decode\n"
              "  cupel bench --model models/a.gguf --batch 1,32 --out a.json\n"
              "  cupel bench --membw\n",
          .make = &make_command<Bench>};
}

}  // namespace cupel::cli::command
