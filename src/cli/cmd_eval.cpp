// cupel eval: answer, judge, rank, report.
#include <mutex>

#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/evaluation_page.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"
#include "judge/evaluation.h"
#include "report/progress.h"

namespace cupel::cli::command {
namespace {

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const judge::Protocol& protocol : judge::protocols()) {
    names.emplace_back(protocol.name);
  }
  return names;
}

// Bars and the leaderboard that fills in. Rows are reported one at a time.
class LiveView {
 public:
  LiveView(const judge::Benchmark& benchmark,
           const judge::RunFolder& run,
           std::string judge,
           std::string protocol,
           bool show)
      : benchmark_(benchmark), run_(run), judge_(std::move(judge)), protocol_(std::move(protocol)) {
    if (show) {
      progress_ = std::make_unique<report::Progress>();
    }
  }

  void add_models(int64_t models, int64_t rows_each) {
    if (progress_) {
      answers_ =
          progress_->add({.name = "answers", .total = models * rows_each, .unit = "answers"});
      verdicts_ =
          progress_->add({.name = "verdicts", .total = models * rows_each, .unit = "verdicts"});
    }
  }

  void on_row(const std::string& kind, const std::string& model, bool resumed) {
    if (!progress_) {
      return;
    }
    const bool answer = kind == "answer";
    progress_->advance(answer ? answers_ : verdicts_);
    progress_->set_note(answer ? answers_ : verdicts_, resumed ? "resumed" : model);
    if (!answer && watch_.seconds() > next_block_s_) {
      show_leaderboard();
      next_block_s_ = watch_.seconds() + 1;
    }
  }

  void close() {
    if (progress_) {
      progress_->close();
    }
  }

 private:
  void show_leaderboard() {
    if (const auto summary = judge::summarise(benchmark_, run_, judge_, protocol_, true)) {
      progress_->set_block("so far", leaderboard_table(*summary));
    }
  }

  const judge::Benchmark& benchmark_;
  const judge::RunFolder& run_;
  std::string judge_;
  std::string protocol_;
  std::unique_ptr<report::Progress> progress_;
  report::Progress::BarId answers_ = 0;
  report::Progress::BarId verdicts_ = 0;
  Stopwatch watch_;
  double next_block_s_ = 1;
};

class Eval : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--bench", "DIR", bench_, "Benchmark: a folder, or the name of a bundled one", true);
    a.texts("--model", "SPEC", models_,
            "Model to evaluate, may be given again: NAME=FILE.gguf, NAME=openai:MODEL@URL, "
            "NAME=null:TEXT, NAME=answers:FILE.jsonl",
            true);
    a.text("--judge", "SPEC", judge_, "Model that judges; same forms");
    a.choice("--protocol", protocol_names(), protocol_, "How to judge");
    a.text("--out", "RUN", out_, "Folder of the run; the same command goes on where it stopped",
           true);
    a.integer("--limit", "N", limit_, "First N questions only; 0 = all", 0, 1 << 30);
    a.integer("--max-tokens", "N", max_tokens_, "Longest answer; 0 = the benchmark's own", 0,
              1 << 20);
    a.integer("--seed", "S", seed_, "Seed of draws and resamples", 0, INT64_MAX);
    a.flag("--quiet", quiet_, "No progress");
    engine_.declare(a);
    a.choice("--format", {"table", "json"}, format_, "Output");
  }

  Result<int> run() override {
    const std::stop_token stop = stop_on_interrupt();
    CUPEL_TRY(const std::string folder, judge::find_benchmark(bench_));
    CUPEL_TRY(const judge::Benchmark benchmark, judge::load_benchmark(folder));
    CUPEL_TRY(const judge::Protocol* protocol, judge::find_protocol(protocol_));
    CUPEL_TRY_VOID(protocol->check(benchmark));
    CUPEL_TRY_VOID(open_models());
    CUPEL_TRY(judge::RunFolder run,
              judge::RunFolder::open(
                  out_, benchmark,
                  {.seed = static_cast<uint64_t>(seed_),
                   .limit = limit_,
                   .max_tokens = max_tokens_ > 0 ? max_tokens_ : benchmark.max_tokens}));
    judge::Evaluation evaluation(benchmark, run, *protocol, contenders(), judge_of());
    CUPEL_TRY_VOID(evaluation.prepare());
    CUPEL_TRY_VOID(announce(evaluation, benchmark));

    LiveView view(benchmark, run, judge_name_, protocol_, !quiet_ && format_ != "json");
    view.add_models(static_cast<int64_t>(open_.size()), evaluation.rows_per_contender());
    const auto done =
        evaluation.run({.stop = stop,
                        .on_row = [&](const std::string& kind, const std::string& model,
                                      bool resumed) { view.on_row(kind, model, resumed); }});
    view.close();
    CUPEL_TRY_VOID(done);
    CUPEL_TRY(const judge::RunSummary summary,
              judge::summarise(benchmark, run, judge_name_, protocol_));
    CUPEL_TRY_VOID(write_reports(benchmark, run, summary));
    show(summary);
    return 0;
  }

 private:
  Result<Ok> open_models() {
    for (const std::string& text : models_) {  // all specs first: a typing error costs nothing
      CUPEL_TRY_VOID(parse_model_spec(text));
    }
    for (const std::string& text : models_) {
      CUPEL_TRY(OpenModel model, open_model(text, engine_));
      open_.push_back(std::move(model));
    }
    if (!judge_.empty()) {
      CUPEL_TRY(judge_model_, open_model(judge_, engine_));
      judge_name_ = judge_model_.model->name();
    }
    return Ok{};
  }

  [[nodiscard]] std::vector<judge::Contender> contenders() const {
    std::vector<judge::Contender> list;
    for (const OpenModel& open : open_) {
      list.push_back({.model = open.model.get(),
                      .spec = open.text,
                      .is_control = open.spec.kind == ModelKind::kNull});
    }
    return list;
  }

  [[nodiscard]] judge::Judge judge_of() const {
    if (judge_model_.model == nullptr) {
      return {};
    }
    return {.name = judge_name_,
            .model = judge_model_.model.get(),
            .scorer = judge_model_.scorer,
            .fingerprint = judge_model_.model->fingerprint(),
            .spec = judge_model_.text};
  }

  Result<Ok> announce(const judge::Evaluation& evaluation,
                      const judge::Benchmark& benchmark) const {
    CUPEL_TRY(const judge::Estimate estimate, evaluation.estimate());
    if (!quiet_) {
      std::fprintf(stderr, "%s",
                   format("{}: {} models; to do: {} answers, {} verdicts; at most {} prompt and {} "
                          "answer tokens\n",
                          benchmark.title, open_.size(), estimate.answer_calls,
                          estimate.judge_calls, estimate.prompt_tokens, estimate.completion_tokens)
                       .c_str());
    }
    return Ok{};
  }

  void show(const judge::RunSummary& summary) const {
    if (format_ == "json") {
      print_pretty(judge::summary_to_json(summary));
      return;
    }
    print("\n" + leaderboard_table(summary).render(report::detect_terminal(STDOUT_FILENO)));
    for (const judge::RunSummary::Difference& d : summary.differences) {
      if (d.paired.interval) {
        const bool separated = d.paired.interval->low > 0 || d.paired.interval->high < 0;
        print(format("{} - {}: {:+.2f}  (95%: {:+.2f} to {:+.2f}{})\n", d.a, d.b,
                     d.paired.difference, d.paired.interval->low, d.paired.interval->high,
                     separated ? ", zero excluded" : ", not separated"));
      }
    }
    for (const std::string& warning : summary.warnings) {
      print("note: " + warning + "\n");
    }
    print(format("\nReport: {}/report.html\n", out_));
  }

  std::string bench_;
  std::vector<std::string> models_;
  std::string judge_;
  std::string protocol_ = "checklist";
  std::string out_;
  int64_t limit_ = 0;
  int64_t max_tokens_ = 0;
  int64_t seed_ = 0;
  bool quiet_ = false;
  std::string format_ = "table";
  EngineFlags engine_;
  std::vector<OpenModel> open_;
  OpenModel judge_model_;
  std::string judge_name_ = "programs";
};

}  // namespace

CommandInfo eval() {
  return {
      .name = "eval",
      .group = "Measure",
      .summary = "Evaluate models on a benchmark",
      .examples =
          "  cupel eval --bench touchstone --model a=models/a.gguf --model \"null:I am happy to "
          "help.\" \\\n    --judge judge=models/a.gguf --out runs/first\n"
          "  cupel eval --bench mt_bench --protocol single --model a=models/a.gguf \\\n"
          "    --judge gpt=openai:MODEL@https://HOST/v1 --out runs/mt\n",
      .make = &make_command<Eval>};
}

}  // namespace cupel::cli::command
