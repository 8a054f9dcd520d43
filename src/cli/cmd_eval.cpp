// cupel eval: answer, judge, rank, report.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/evaluation_page.h"
#include "cli/evaluation_text.h"
#include "cli/interrupt.h"
#include "cli/live_view.h"
#include "cli/models.h"
#include "cli/output.h"
#include "judge/evaluation.h"
#include "judge/run_costs.h"
#include "report/numbers.h"

namespace cupel::cli::command {
namespace {

std::vector<std::string> protocol_names() {
  std::vector<std::string> names;
  for (const judge::Protocol& protocol : judge::protocols()) {
    names.emplace_back(protocol.name);
  }
  return names;
}

// Prices and budget as the flags give them.
struct Budget {
  std::map<std::string, store::Price> prices;
  std::optional<double> max_cost;
};

Result<Budget> read_budget(const std::vector<std::string>& prices,
                           const std::string& max_cost,
                           const std::vector<std::string>& names) {
  Budget budget;
  for (const std::string& text : prices) {
    CUPEL_TRY(const auto price, store::parse_price(text));
    if (std::find(names.begin(), names.end(), price.first) == names.end()) {
      return invalid_argument(
          "price \"{}\": no --model or --judge is called \"{}\"{}; there are {}", printable(text),
          printable(price.first), did_you_mean(price.first, names), join(names, ", "));
    }
    if (!budget.prices.insert(price).second) {
      return invalid_argument("price \"{}\": {} has two prices; give it one", printable(text),
                              price.first);
    }
  }
  if (max_cost.empty()) {
    return budget;
  }
  CUPEL_TRY(budget.max_cost, store::parse_max_cost(max_cost));
  if (budget.prices.empty()) {
    return invalid_argument(
        "--max-cost needs the price of at least one model: --price MODEL=IN/OUT, MODEL one of {}",
        join(names, ", "));
  }
  return budget;
}

class Eval : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--bench", "DIR", bench_, "Benchmark: a folder, or the name of a bundled one", true);
    a.texts("--model", "SPEC", models_,
            "Model to evaluate, may be given again: NAME=FILE.gguf, NAME=openai:MODEL@URL, "
            "NAME=null:TEXT, NAME=answers:FILE.jsonl",
            true);
    a.text("--judge", "SPEC", judge_, "Model that judges; same forms");
    a.choice("--protocol", protocol_names(), protocol_,
             "How to judge; the default is the benchmark's own");
    a.text("--baseline", "NAME", baseline_,
           "Compare all with this model only, where a protocol compares models");
    a.text("--judge-prompts", "FILE", judge_prompts_,
           "Judge prompts (FastChat's judge_prompts.jsonl) instead of the benchmark's own");
    a.flag("--without-references", without_references_,
           "Judge all categories without a reference answer");
    a.flag("--constrain-verdicts", constrain_verdicts_,
           "Ask a judge that wrote no verdict for one, held to its form; the judge must be a model "
           "file or folder");
    a.text("--out", "RUN", out_, "Folder of the run; the same command goes on where it stopped",
           true);
    a.integer("--limit", "N", limit_, "First N questions only; 0 = all", 0, 1 << 30);
    a.integer("--max-tokens", "N", max_tokens_, "Longest answer; 0 = the benchmark's own", 0,
              1 << 20);
    a.integer("--seed", "S", seed_, "Seed of draws and resamples", 0, INT64_MAX);
    a.texts("--price", "MODEL=IN/OUT", prices_,
            "Price of a million prompt and completion tokens of a model or judge, by its name; may "
            "be given again",
            false);
    a.text("--max-cost", "X", max_cost_,
           "Stop when the run has cost so much, earlier parts of it included; needs --price");
    a.flag("--quiet", quiet_, "No progress");
    engine_.declare(a);
    a.choice("--format", {"table", "json"}, format_, "Output");
  }

  Result<int> run() override {
    const std::stop_token stop = stop_on_interrupt();
    CUPEL_TRY(const std::string folder, judge::find_benchmark(bench_));
    CUPEL_TRY(const judge::Benchmark benchmark,
              judge::load_benchmark(folder, {.judge_prompts = judge_prompts_,
                                             .without_references = without_references_,
                                             .constrain_verdicts = constrain_verdicts_}));
    CUPEL_TRY(const judge::Protocol* protocol, choose_protocol(benchmark));
    CUPEL_TRY_VOID(protocol->check(benchmark));
    CUPEL_TRY(const std::vector<std::string> names, member_names());
    CUPEL_TRY(const Budget budget, read_budget(prices_, max_cost_, names));
    CUPEL_TRY_VOID(open_models(stop));
    CUPEL_TRY_VOID(judge::check_participants(benchmark, *protocol, contenders(), judge_of()));
    CUPEL_TRY_VOID(check_new_run(*protocol));
    CUPEL_TRY(judge::RunFolder run,
              judge::RunFolder::open(
                  out_, benchmark,
                  {.seed = static_cast<uint64_t>(seed_),
                   .limit = limit_,
                   .max_tokens = max_tokens_ > 0 ? max_tokens_ : benchmark.max_tokens}));
    std::map<std::string, store::Price> prices = budget.prices;
    prices.insert(run.prices().begin(), run.prices().end());  // of earlier commands, where not new
    ledger_.emplace(std::move(prices), budget.max_cost);
    CUPEL_TRY_VOID(judge::add_earlier_costs(benchmark, run, *ledger_));
    CUPEL_TRY_VOID(meter_models(run));
    judge::Evaluation evaluation(benchmark, run, *protocol, contenders(), judge_of(), baseline_);
    CUPEL_TRY_VOID(evaluation.prepare());
    CUPEL_TRY_VOID(run.set_prices(budget.prices));
    return evaluate(benchmark, run, evaluation, stop);
  }

 private:
  Result<int> evaluate(const judge::Benchmark& benchmark,
                       judge::RunFolder& run,
                       judge::Evaluation& evaluation,
                       const std::stop_token& stop) {
    CUPEL_TRY(const judge::Estimate estimate, evaluation.estimate());
    announce(benchmark, estimate);
    std::optional<LiveView> view;
    if (!quiet_ && format_ != "json") {
      view.emplace(benchmark, run, judge_name_, protocol_);
      view->start(estimate);
    }
    const auto done = evaluation.run(
        {.stop = stop,
         .on_row = [&](const std::string& kind, const std::string& model, bool resumed) {
           if (view) {
             view->on_row(kind, model, resumed);
           }
         }});
    const bool out_of_money =
        !done && done.error().code == Code::kExhausted && ledger_->budget_is_spent();
    if (view) {
      view->close(done || out_of_money);
    }
    if (!done && !out_of_money) {
      return done.error();
    }
    const auto summary = judge::summarise(benchmark, run, judge_name_, protocol_);
    if (!summary && !out_of_money) {
      return summary.error();
    }
    if (summary) {
      CUPEL_TRY_VOID(write_reports(benchmark, run, *summary));
      show(*summary);
    }
    if (out_of_money) {
      CUPEL_TRY(const judge::Estimate left, evaluation.estimate());
      return budget_error(left, *ledger_);
    }
    return 0;
  }

  // The one that was asked for, or the benchmark's own.
  Result<const judge::Protocol*> choose_protocol(const judge::Benchmark& benchmark) {
    if (protocol_.empty()) {
      protocol_ = benchmark.default_protocol;
      auto own = judge::find_protocol(protocol_);
      return own ? own : in_file(std::move(own).error(), benchmark.folder + "/manifest.json");
    }
    return judge::find_protocol(protocol_);
  }

  // What fails on these models leaves no folder behind. A run that exists may hold others.
  [[nodiscard]] Result<Ok> check_new_run(const judge::Protocol& protocol) const {
    CUPEL_TRY(const bool exists, path_exists(out_ + "/manifest.json"));
    if (exists) {
      return Ok{};
    }
    std::vector<std::string> names;
    for (const OpenModel& open : open_) {
      names.push_back(open.model->name());
    }
    return judge::check_members(protocol, names, baseline_);
  }

  // Names of all models and the judge. Reads all specs first: a typing error costs nothing.
  [[nodiscard]] Result<std::vector<std::string>> member_names() const {
    std::vector<std::string> names;
    for (const std::string& text : models_) {
      CUPEL_TRY(const ModelSpec spec, parse_model_spec(text));
      names.push_back(spec.name);
    }
    if (!judge_.empty()) {
      CUPEL_TRY(const ModelSpec spec, parse_model_spec(judge_));
      names.push_back(spec.name);
    }
    return names;
  }

  Result<Ok> open_models(const std::stop_token& stop) {
    for (const std::string& text : models_) {
      CUPEL_TRY(OpenModel model, open_next(text, stop));
      CUPEL_TRY_VOID(judge::check_contender(*model.model));
      open_.push_back(std::move(model));
    }
    if (!judge_.empty()) {
      CUPEL_TRY(judge_model_, open_next(judge_, stop));
      judge_name_ = judge_model_.model->name();
    }
    return Ok{};
  }

  // Loading takes seconds for large or damaged models: says so, and stops between two of them.
  Result<OpenModel> open_next(const std::string& text, const std::stop_token& stop) const {
    if (stop.stop_requested()) {
      return cancelled("stopped while the models were loaded; nothing was lost");
    }
    CUPEL_TRY(const ModelSpec spec, resolve_model_spec(text));
    if (!quiet_ && spec.kind == ModelKind::kGguf && ::isatty(STDERR_FILENO) != 0) {
      std::fprintf(stderr, "loading %s from %s\n", spec.name.c_str(), spec.target.c_str());
    }
    return open_model(text, engine_);
  }

  // Every model call goes through the meter and the run's call cache from here on.
  Result<Ok> meter_models(const judge::RunFolder& run) {
    CUPEL_TRY(const auto cache, store::CallCache::open(run.call_cache_path()));
    for (OpenModel& open : open_) {
      metered_.push_back(std::make_unique<MeteredModel>(open, cache, *ledger_));
    }
    if (judge_model_.model != nullptr) {
      metered_judge_ = std::make_unique<MeteredModel>(judge_model_, cache, *ledger_);
    }
    return Ok{};
  }

  // The models themselves before meter_models, then what meters them.
  [[nodiscard]] std::vector<judge::Contender> contenders() const {
    std::vector<judge::Contender> list;
    for (size_t i = 0; i < open_.size(); ++i) {
      list.push_back({.model = metered_.empty() ? open_[i].model.get() : metered_[i]->model(),
                      .spec = open_[i].text,
                      .is_control = open_[i].spec.kind == ModelKind::kNull});
    }
    return list;
  }

  [[nodiscard]] judge::Judge judge_of() const {
    if (judge_model_.model == nullptr) {
      return {};
    }
    const bool metered = metered_judge_ != nullptr;
    return {.name = judge_name_,
            .model = metered ? metered_judge_->model() : judge_model_.model.get(),
            .scorer = metered ? metered_judge_->scorer() : judge_model_.scorer,
            .fingerprint = judge_model_.model->fingerprint(),
            .spec = judge_model_.text};
  }

  void announce(const judge::Benchmark& benchmark, const judge::Estimate& estimate) const {
    if (quiet_) {
      return;
    }
    std::string text =
        format("{}: {} model{}; ", benchmark.title, open_.size(), open_.size() == 1 ? "" : "s");
    if (estimate.answers.to_do() + estimate.verdicts.to_do() == 0) {
      text += format("nothing to do: all {} answers and {} verdicts are there",
                     estimate.answers.total, estimate.verdicts.total);
    } else {
      text += format("to do: {} answers, {} verdicts; at most {} prompt and {} answer tokens",
                     estimate.answers.to_do(), estimate.verdicts.to_do(),
                     estimate.answer_usage.prompt_tokens, estimate.answer_usage.completion_tokens);
      if (estimate.judge_usage.prompt_tokens > 0) {
        text += format(" (judge: {} and {})", estimate.judge_usage.prompt_tokens,
                       estimate.judge_usage.completion_tokens);
      }
      if (estimate.max_cost) {
        text += format("; cost at most about {}", report::money_text(*estimate.max_cost));
      }
    }
    if (ledger_->total_cost() > 0 || ledger_->max_cost()) {
      text += format("; {} spent so far", report::money_text(ledger_->total_cost()));
    }
    if (ledger_->max_cost()) {
      text += format(" of --max-cost {:g}", *ledger_->max_cost());
    }
    std::fprintf(stderr, "%s\n", text.c_str());
  }

  static Error budget_error(const judge::Estimate& left, const store::CostLedger& ledger) {
    std::string shares;
    for (const auto& [name, used] : ledger.costs()) {
      if (used.cost.value_or(0) > 0) {
        shares += (shares.empty() ? " (" : ", ") + name + " " + report::money_text(*used.cost);
      }
    }
    return exhausted(
        "the budget is spent: {} of --max-cost {:g}{}; {} of {} answers and {} of {} verdicts are "
        "there; the same command with a larger --max-cost goes on",
        report::money_text(ledger.total_cost()), *ledger.max_cost(),
        shares.empty() ? "" : shares + ")", left.answers.done, left.answers.total,
        left.verdicts.done, left.verdicts.total);
  }

  void show(const judge::RunSummary& summary) const {
    if (format_ == "json") {
      print_pretty(judge::summary_to_json(summary));
      return;
    }
    print("\n" + summary_text(summary, report::detect_terminal(STDOUT_FILENO)));
    print(format("\nReport: {}/report.html\n", out_));
  }

  std::string bench_;
  std::vector<std::string> models_;
  std::string judge_;
  std::string protocol_;  // empty: the benchmark's own
  std::string baseline_;
  std::string judge_prompts_;
  bool without_references_ = false;
  bool constrain_verdicts_ = false;
  std::string out_;
  int64_t limit_ = 0;
  int64_t max_tokens_ = 0;
  int64_t seed_ = 0;
  std::vector<std::string> prices_;
  std::string max_cost_;
  bool quiet_ = false;
  std::string format_ = "table";
  EngineFlags engine_;
  std::vector<OpenModel> open_;
  OpenModel judge_model_;
  std::optional<store::CostLedger> ledger_;
  std::vector<std::unique_ptr<MeteredModel>> metered_;  // of `open_`, in its order
  std::unique_ptr<MeteredModel> metered_judge_;
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
          "  cupel eval --bench mt_bench --model a=models/a.gguf \\\n"
          "    --judge gpt=openai:MODEL@https://HOST/v1 --price gpt=2.50/10 --max-cost 5 --out "
          "runs/mt\n",
      .make = &make_command<Eval>};
}

}  // namespace cupel::cli::command
