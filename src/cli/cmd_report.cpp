// cupel report, cupel compare: what a finished run says.
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/evaluation_page.h"
#include "cli/evaluation_text.h"
#include "cli/output.h"
#include "cli/training_records.h"
#include "cli/training_view.h"
#include "rank/score_statistics.h"

namespace cupel::cli::command {
namespace {

struct OpenRun {
  judge::Benchmark benchmark;
  std::optional<judge::RunFolder> run;
  std::optional<judge::RunSummary> summary;
};

Result<OpenRun> open_run(const std::string& path, std::string judge, std::string protocol) {
  OpenRun open;
  CUPEL_TRY(open.run, judge::RunFolder::open_existing(path, open.benchmark));
  judge = judge.empty() ? open.run->last_judge() : judge;
  protocol = protocol.empty() ? open.run->last_protocol() : protocol;
  CUPEL_TRY(open.summary, judge::summarise(open.benchmark, *open.run, judge, protocol));
  return open;
}

class Report : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("RUN", run_, "Folder of a run");
    a.text("--judge", "NAME", judge_, "Verdicts of this judge instead of the last one's");
    a.text("--protocol", "NAME", protocol_, "Verdicts of this protocol instead of the last one's");
    a.choice("--format", {"table", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const bool trained, is_training_run(run_));
    if (trained) {
      return report_training();
    }
    CUPEL_TRY(const OpenRun open, open_run(run_, judge_, protocol_));
    CUPEL_TRY_VOID(write_reports(open.benchmark, *open.run, *open.summary));
    if (format_ == "json") {
      print_pretty(judge::summary_to_json(*open.summary));
    } else {
      print(summary_text(*open.summary, report::detect_terminal(STDOUT_FILENO)));
      print(format("\n{}/report.html\n", run_));
    }
    return 0;
  }

 private:
  Result<int> report_training() {
    if (!judge_.empty() || !protocol_.empty()) {
      return invalid_argument(
          "{}: is a run of cupel tune; --judge and --protocol are of evaluations", run_);
    }
    CUPEL_TRY_VOID(write_training_report(run_));
    if (format_ == "json") {
      CUPEL_TRY(const TrainingRecords records, read_training_records(run_));
      print_pretty(training_summary(records));
    } else {
      print(format("{}/report.html\n", run_));
    }
    return 0;
  }

  std::string run_;
  std::string judge_;
  std::string protocol_;
  std::string format_ = "table";
};

class Compare : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("RUN", run_, "Folder of a run");
    a.positional("A", a_, "A model of the run");
    a.positional("B", b_, "Another one");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const OpenRun open, open_run(run_, "", ""));
    CUPEL_TRY(const rank::PairedDifference d,
              rank::paired_difference(open.summary->scores, a_, b_,
                                      {.seed = open.summary->settings.seed}));
    if (format_ == "json") {
      print_pretty(Json::object()
                       .set("a", a_)
                       .set("b", b_)
                       .set("difference", d.difference)
                       .set("ci_low", d.interval ? Json(d.interval->low) : Json())
                       .set("ci_high", d.interval ? Json(d.interval->high) : Json())
                       .set("standard_error", d.standard_error ? Json(*d.standard_error) : Json())
                       .set("questions", d.questions));
      return 0;
    }
    print(format("{} - {}: {:+.3f}", a_, b_, d.difference));
    if (d.interval) {
      const bool separated = d.interval->low > 0 || d.interval->high < 0;
      print(format("  95% interval {:+.3f} to {:+.3f}: {}", d.interval->low, d.interval->high,
                   separated ? "zero is excluded" : "not separated"));
    }
    print(format("  ({} questions)\n", d.questions));
    for (const std::string& name : open.summary->incomplete) {
      if (name == a_ || name == b_) {
        print(format("note: the run is not complete: {} misses verdicts\n", name));
      }
    }
    return 0;
  }

 private:
  std::string run_;
  std::string a_;
  std::string b_;
  std::string format_ = "text";
};

}  // namespace

CommandInfo report() {
  return {.name = "report",
          .group = "Measure",
          .summary = "Render the report of a run again",
          .examples = "  cupel report runs/first\n",
          .make = &make_command<Report>};
}

CommandInfo compare() {
  return {.name = "compare",
          .group = "Measure",
          .summary = "Paired difference of two models of a run",
          .examples = "  cupel compare runs/first a b\n",
          .make = &make_command<Compare>};
}

}  // namespace cupel::cli::command
