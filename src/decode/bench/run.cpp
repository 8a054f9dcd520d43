#include "decode/bench/run.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/process_usage.h"
#include "decode/bench/plan.h"
#include "decode/bench/traffic.h"
#include "engine/kernels/bandwidth.h"

namespace cupel::decode::bench {
namespace {

constexpr int kBandwidthPasses = 3;        // of a round, of which the best counts
constexpr double kEnoughLoadSeconds = 10;  // a large model is loaded less often
constexpr int64_t kMemoryPrompt = 512;
constexpr int64_t kMemoryTokens = 16;
constexpr size_t kLeastCacheBytes = size_t{2} << 30U;

class Bench {
 public:
  Bench(const std::optional<LocalModelOptions>& model, const Options& options) : options_(options) {
    const size_t threads = options.threads == 0 ? available_cpus() : options.threads;
    run_.threads = static_cast<int64_t>(threads);
    if (model) {
      model_ = *model;
      model_->engine.threads = threads;
      // Pages are allocated when they are needed: a bound, so that long contexts are no error.
      model_->engine.max_cache_bytes =
          std::max(kLeastCacheBytes, static_cast<size_t>(available_memory_bytes() / 2));
    }
  }

  Result<Run> run() {
    const OthersWatch others;
    std::vector<Measurement> measurements;
    if (model_) {
      CUPEL_TRY_VOID(load());
      say("reading prompts");
      CUPEL_TRY(measurements, plan_rounds(*subject_, options_));
    }
    CUPEL_TRY(auto meter, bandwidth_meter());
    CUPEL_TRY_VOID(measure_rounds(measurements, meter));
    collect(measurements);
    run_.others_share = others.share();
    return std::move(run_);
  }

 private:
  void say(std::string_view what) const {
    if (options_.on_progress) {
      options_.on_progress(what);
    }
  }

  // The first load warms up: it may read the file from the disk. It is the one whose memory counts,
  // before anything else has been resident.
  Result<Ok> load() {
    say("loading");
    const bool reset = reset_peak_resident();
    const auto before = peak_resident_bytes();
    CUPEL_TRY(Opened opened, open_timed(*model_));
    CUPEL_TRY_VOID(measure_memory(*opened.subject, reset ? std::nullopt : before));
    Figure load{.part = Part::kLoad, .unit = "s"};
    Figure first{.part = Part::kFirstToken, .size_of = "tokens", .size = kFirstPrompt, .unit = "s"};
    if (options_.has(Part::kLoad) || options_.has(Part::kFirstToken)) {
      const Stopwatch watch;
      for (int64_t round = 0; round < options_.rounds; ++round) {
        opened.subject.reset();
        CUPEL_TRY(opened, open_timed(*model_));
        load.values.push_back(opened.load_seconds);
        first.values.push_back(opened.first_token_seconds);
        if (watch.seconds() > kEnoughLoadSeconds) {
          break;
        }
      }
    }
    subject_ = std::move(opened.subject);
    run_.cpu_level = engine::cpu_level_name(subject_->model().operators().level());
    run_.activations = model_->engine.activations == engine::Activations::kFloat32 ? "f32" : "int8";
    keep(std::move(load));
    keep(std::move(first));
    keep(std::move(memory_));
    return Ok{};
  }

  // `before`: the peak of what came before, where the system does not let it begin anew.
  Result<Ok> measure_memory(Subject& subject, const std::optional<int64_t>& before) {
    const int64_t context = subject.model().description().context_length;
    const int64_t tokens = std::min(kMemoryTokens, context / 2);
    const int64_t prompt = std::min(kMemoryPrompt, context - tokens);
    double seconds = 0;
    CUPEL_TRY(Stream stream, read_prompt(subject, subject.prompt(prompt, 0), seconds));
    CUPEL_TRY_VOID(decode_seconds(subject, {&stream, 1}, tokens));
    run_.model = subject.facts(model_->name);
    engine::KvPool& pool = subject.model().kv_pool();
    run_.model->memory_cache_bytes = static_cast<int64_t>(pool.used_pages() * pool.page_bytes());
    memory_ = {
        .part = Part::kMemory, .size_of = "positions", .size = prompt + tokens, .unit = "bytes"};
    if (const auto peak = peak_resident_bytes(); peak && (!before || *peak > *before)) {
      const ModelFacts& facts = *run_.model;
      memory_.values.push_back(static_cast<double>(*peak));
      memory_.relative = static_cast<double>(*peak) /
                         static_cast<double>(facts.weight_bytes + facts.memory_cache_bytes);
    }
    return Ok{};
  }

  [[nodiscard]] Result<engine::BandwidthMeter> bandwidth_meter() const {
    const int64_t cache = describe_machine(usable_cpus()).last_level_cache_bytes;
    return engine::BandwidthMeter::create(
        static_cast<size_t>(run_.threads),
        engine::bandwidth_buffer_bytes(cache, available_memory_bytes()));
  }

  Result<Ok> measure_rounds(std::vector<Measurement>& measurements, engine::BandwidthMeter& meter) {
    for (int64_t round = 0; round <= options_.rounds; ++round) {
      const bool warm_up = round == 0;
      say(warm_up ? "warming up" : format("round {} of {}", round, options_.rounds));
      const double bandwidth = best_pass(meter);
      if (!warm_up) {
        bandwidth_.push_back(bandwidth);
      }
      for (Measurement& measurement : measurements) {
        if (round > kFewRounds && measurement.seconds > options_.enough_seconds) {
          continue;
        }
        const Stopwatch watch;
        CUPEL_TRY(const double value, measurement.measure(warm_up));
        if (!warm_up) {
          measurement.figure.values.push_back(value);
          measurement.seconds += watch.seconds();
        }
      }
    }
    return Ok{};
  }

  static double best_pass(engine::BandwidthMeter& meter) {
    double best = 0;
    for (int pass = 0; pass < kBandwidthPasses; ++pass) {
      best = std::max(best, meter.pass());
    }
    return best;
  }

  void collect(std::vector<Measurement>& measurements) {
    run_.bandwidth_gb_s = summarise(bandwidth_).median;
    if (options_.has(Part::kBandwidth)) {
      run_.figures.insert(
          run_.figures.begin(),
          {.part = Part::kBandwidth, .unit = "GB/s", .values = std::move(bandwidth_)});
    }
    for (Measurement& measurement : measurements) {
      judge(measurement);
      run_.figures.push_back(std::move(measurement.figure));
    }
    set_relative();
  }

  // Limits and rates that follow from the bandwidth and the model.
  void judge(Measurement& measurement) const {
    Figure& figure = measurement.figure;
    if (measurement.cache_bytes) {
      const double bytes =
          static_cast<double>(run_.model->step_weight_bytes) + *measurement.cache_bytes;
      figure.bytes_per_step = bytes;
      figure.limit =
          tokens_per_second_limit(measurement.tokens_of_step, bytes, *run_.bandwidth_gb_s);
    }
    if (figure.part == Part::kPrefill) {
      const double seconds = static_cast<double>(figure.size) / summarise(figure.values).median;
      figure.giga_multiply_adds_per_second =
          prefill_multiply_adds(subject_->model().description(), figure.size) / seconds / 1e9;
    }
  }

  // Against the step with one row of the same round: a slow moment meets both.
  void set_relative() {
    const std::vector<const Figure*> steps = figures_of(run_, Part::kCost);
    const std::vector<double> one = steps.empty() ? std::vector<double>() : steps.front()->values;
    for (Figure& figure : run_.figures) {
      if (figure.part == Part::kCost) {
        std::vector<double> ratios;
        for (size_t i = 0; i < std::min(one.size(), figure.values.size()); ++i) {
          ratios.push_back(figure.values[i] / one[i]);
        }
        figure.relative = summarise(std::move(ratios)).median;
      }
    }
  }

  void keep(Figure figure) {
    if (options_.has(figure.part)) {
      run_.figures.push_back(std::move(figure));
    }
  }

  const Options& options_;
  std::optional<LocalModelOptions> model_;
  std::unique_ptr<Subject> subject_;
  Run run_;
  Figure memory_;
  std::vector<double> bandwidth_;
};

}  // namespace

Result<Run> run_bench(const std::optional<LocalModelOptions>& model, const Options& options) {
  return Bench(model, options).run();
}

}  // namespace cupel::decode::bench
