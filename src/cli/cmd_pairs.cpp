// cupel pairs: preference pairs from a model's own answers and rules that programs decide.
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/io.h"
#include "base/remove_path.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"
#include "cli/pairs_text.h"
#include "curate/pair_builder.h"
#include "report/progress.h"

namespace cupel::cli::command {
namespace {

using curate::RulePrompt;

Result<curate::Rule> parse_rule(std::string_view text) {
  CUPEL_TRY(const Json json, parse_json(text));
  return curate::Rule::parse(json);
}

class Pairs : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "SPEC", model_, "Model that answers: FILE.gguf, a folder, openai:MODEL@URL",
           true);
    a.text("--prompts", "FILE.jsonl", prompts_,
           "Lines {\"prompt\": …}, each with a \"rule\" of its own or held to --rule");
    a.text("--bench", "DIR", bench_,
           "The first turns of a benchmark instead, held to its checklists");
    a.text("--rule", "JSON", rule_,
           "What an answer must satisfy: a program of a checklist, e.g. '{\"kind\": \"contains\", "
           "\"any\": [\"because\"]}', a list of them, or a file of that");
    a.text("--out", "DIR", out_, "Folder of the answers and pairs; the same command goes on there",
           true);
    a.integer("--samples", "K", samples_, "Answers to each prompt", 1, 1024);
    a.integer("--pairs", "N", pairs_.most, "Pairs of one prompt at most", 1, 1024);
    a.number("--length-ratio", "R", pairs_.length_ratio,
             "Longer answer of a pair at most R times the tokens of the shorter");
    a.integer("--held-out", "N", held_out_,
              "Keep so many prompts aside, whole groups, as a benchmark for cupel eval", 0,
              1 << 30);
    a.integer("--limit", "N", limit_, "First N prompts only, after those held out; 0 = all", 0,
              1 << 30);
    a.number("--temperature", "T", sampling_.temperature, "Of the draws; above 0");
    a.number("--top-p", "P", sampling_.top_p, "Keep the likeliest tokens up to this mass");
    a.integer("--max-tokens", "N", sampling_.max_tokens,
              "Longest answer; what it cuts short is in no pair", 1, 1 << 20);
    a.integer("--seed", "S", seed_, "Seed of the draws and of what is held out", 0, INT64_MAX);
    a.flag("--quiet", quiet_, "No progress");
    engine_.declare(a);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    const std::stop_token stop = stop_on_interrupt();
    CUPEL_TRY_VOID(check_flags());
    CUPEL_TRY(curate::PromptSplit split, read_split());
    if (limit_ > 0 && std::ssize(split.kept) > limit_) {
      split.kept.resize(static_cast<size_t>(limit_));
    }
    CUPEL_TRY(const OpenModel open, open_model(model_, engine_));
    if (!open.model->capabilities().chat) {
      return failed_precondition(
          "{}: this model has no chat template; name one with FILE.gguf,template=FILE.jinja",
          open.model->name());
    }
    CUPEL_TRY(curate::PairFolder folder,
              curate::PairFolder::open(out_, {.model = open.model->name(),
                                              .spec = open.text,
                                              .fingerprint = open.model->fingerprint(),
                                              .sampling = sampling_}));
    CUPEL_TRY_VOID(begin(split.held_out, folder));
    CUPEL_TRY(const auto answered, sample(*open.model, split.kept, folder, stop));
    CUPEL_TRY(const curate::BuiltPairs built, curate::build_pairs(answered, pairs_));
    CUPEL_TRY_VOID(write(answered, built, folder));
    show(built.summary, split.held_out.size());
    if (built.rows.empty()) {
      std::fprintf(stderr, "%s\n", no_pairs_text(built.summary).c_str());
    }
    return 0;
  }

 private:
  Result<Ok> check_flags() {
    if (prompts_.empty() == bench_.empty()) {
      return invalid_argument("pairs needs --prompts or --bench, and not both");
    }
    if (!bench_.empty() && !rule_.empty()) {
      return invalid_argument("--rule belongs to --prompts; a benchmark has its checklists");
    }
    CUPEL_TRY(const bool exists, path_exists(out_));
    CUPEL_TRY(const bool folder, is_folder(out_));
    if (exists && !folder) {
      return invalid_argument("--out {}: exists and is no folder", out_);
    }
    sampling_.seed = static_cast<uint64_t>(seed_);
    CUPEL_TRY_VOID(check_sampling(sampling_));
    if (sampling_.greedy() && samples_ > 1) {
      return invalid_argument(
          "--temperature {:g} gives the same answer {} times; give one above 0, or --samples 1",
          sampling_.temperature, samples_);
    }
    return curate::check_pair_options(pairs_);
  }

  Result<std::shared_ptr<const curate::Rule>> read_rule() const {
    if (rule_.empty()) {
      return std::shared_ptr<const curate::Rule>();
    }
    const bool literal = rule_.front() == '{' || rule_.front() == '[';
    CUPEL_TRY(const std::string text, literal ? Result<std::string>(rule_) : read_file(rule_));
    auto rule = parse_rule(text);
    if (!rule) {
      Error error = in_context(std::move(rule).error(), literal ? "--rule" : rule_);
      error.code = literal ? Code::kInvalidArgument : error.code;
      return error;
    }
    return std::make_shared<const curate::Rule>(std::move(*rule));
  }

  Result<std::vector<RulePrompt>> read_all() const {
    if (bench_.empty()) {
      CUPEL_TRY(const auto rule, read_rule());
      return curate::read_prompts(prompts_, rule);
    }
    CUPEL_TRY(const std::string folder, judge::find_benchmark(bench_));
    CUPEL_TRY(const judge::Benchmark benchmark, judge::load_benchmark(folder));
    CUPEL_TRY(curate::BenchmarkPrompts read, curate::prompts_of(benchmark));
    if (read.left_out > 0) {
      note(
          format("{}: left out {} of {} questions: a judge would have to decide part of their "
                 "first turn",
                 benchmark.title, read.left_out, benchmark.questions.size()));
    }
    return std::move(read.prompts);
  }

  Result<curate::PromptSplit> read_split() const {
    CUPEL_TRY(std::vector<RulePrompt> prompts, read_all());
    if (held_out_ == 0) {
      return curate::PromptSplit{.kept = std::move(prompts), .held_out = {}};
    }
    CUPEL_TRY(curate::PromptSplit split,
              curate::hold_out(std::move(prompts), held_out_, sampling_.seed));
    CUPEL_TRY_VOID(curate::check_questions(split.held_out));
    return split;
  }

  /// Nothing of an earlier run stays beside what this one holds out: its pairs may be of prompts
  /// that are now held out.
  [[nodiscard]] Result<Ok> begin(const std::vector<RulePrompt>& held_out,
                                 const curate::PairFolder& folder) const {
    for (const char* const name :
         {"pairs.jsonl", "answers.jsonl", "summary.json", "held_out", "held_out.jsonl"}) {
      CUPEL_TRY_VOID(remove_path(folder.file(name)));
    }
    return write_held_out(held_out, folder);
  }

  [[nodiscard]] Result<Ok> write_held_out(const std::vector<RulePrompt>& prompts,
                                          const curate::PairFolder& folder) const {
    if (prompts.empty()) {
      return Ok{};
    }
    CUPEL_TRY_VOID(curate::write_benchmark(prompts, {.folder = folder.file("held_out"),
                                                     .title = "Held-out prompts",
                                                     .temperature = sampling_.temperature,
                                                     .max_tokens = sampling_.max_tokens}));
    return write_file_atomic(folder.file("held_out.jsonl"), curate::prompts_to_jsonl(prompts));
  }

  Result<std::vector<curate::AnsweredPrompt>> sample(ChatModel& model,
                                                     const std::vector<RulePrompt>& prompts,
                                                     curate::PairFolder& folder,
                                                     const std::stop_token& stop) const {
    std::optional<report::Progress> progress;
    report::Progress::BarId bar = 0;
    if (!quiet_) {
      progress.emplace();
      bar = progress->add(
          {.name = "answers", .total = std::ssize(prompts) * samples_, .unit = "answers"});
    }
    return curate::sample_answers(
        model, prompts, folder,
        {.samples = samples_, .sampling = sampling_, .stop = stop, .on_answer = [&](bool) {
           if (progress) {
             progress->advance(bar);
           }
         }});
  }

  static Result<Ok> write(const std::vector<curate::AnsweredPrompt>& answered,
                          const curate::BuiltPairs& built,
                          const curate::PairFolder& folder) {
    std::string answers;
    for (const curate::AnsweredPrompt& each : answered) {
      answers += dump_json(curate::answers_to_json(each)) + "\n";
    }
    std::string rows;
    for (const Json& row : built.rows) {
      rows += dump_json(row) + "\n";
    }
    CUPEL_TRY_VOID(write_file_atomic(folder.file("answers.jsonl"), answers));
    CUPEL_TRY_VOID(write_file_atomic(folder.file("pairs.jsonl"), rows));
    return write_file_atomic(
        folder.file("summary.json"),
        dump_json(curate::summary_to_json(built.summary), {.indent = 2}) + "\n");
  }

  void show(const curate::PairSummary& summary, size_t held_out) const {
    if (format_ == "json") {
      print_pretty(curate::summary_to_json(summary));
      return;
    }
    print(pairs_text(summary, out_, held_out));
  }

  void note(const std::string& line) const {
    if (!quiet_) {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
  }

  std::string model_;
  std::string prompts_;
  std::string bench_;
  std::string rule_;
  std::string out_;
  int64_t samples_ = 8;
  int64_t held_out_ = 0;
  int64_t limit_ = 0;
  int64_t seed_ = 0;
  bool quiet_ = false;
  std::string format_ = "text";
  SamplingOptions sampling_{.temperature = 1, .max_tokens = 128};
  curate::PairOptions pairs_;
  EngineFlags engine_;
};

}  // namespace

CommandInfo pairs() {
  return {.name = "pairs",
          .group = "Train",
          .summary = "Preference pairs from a model's own answers and a rule",
          .examples =
              "  cupel pairs --model models/a.gguf --prompts prompts.jsonl \\\n"
              "    --rule '{\"kind\": \"sentences\", \"min\": 2, \"max\": 3}' --held-out 100 --out "
              "runs/pairs\n"
              "  cupel tune --method dpo --model models/a.gguf --data runs/pairs/pairs.jsonl --out "
              "runs/dpo\n",
          .make = &make_command<Pairs>};
}

}  // namespace cupel::cli::command
