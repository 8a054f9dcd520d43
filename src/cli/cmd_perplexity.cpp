// cupel perplexity: how well a model predicts a text, and how far it is from another one.
#include <cmath>

#include "base/error.h"
#include "base/io.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"
#include "cli/reading_rows.h"
#include "decode/text_fit.h"

namespace cupel::cli::command {
namespace {

class Perplexity : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "MODEL", model_, "GGUF file or folder", true);
    a.text("--text", "FILE", text_, "Text that is read");
    a.text("--rows", "FILE.jsonl", rows_,
           "Or answers that are read behind their prompts: rows of training data, such as "
           "answers.jsonl of cupel pairs");
    a.text("--against", "MODEL", against_, "Reference of the same vocabulary, e.g. the source");
    a.integer("--window", "N", window_, "Tokens that are read together", 2, 1 << 20);
    a.integer("--threads", "N", engine_.threads, "Threads of the engine; 0 = all CPUs", 0, 1024);
    engine_.declare_kernels(a);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    if (text_.empty() == rows_.empty()) {
      return invalid_argument("perplexity needs --text or --rows, and not both");
    }
    std::string text;
    if (rows_.empty()) {
      CUPEL_TRY(text, read_file(text_));
    }
    CUPEL_TRY(decode::ReadingModel model, open(model_));
    std::optional<decode::ReadingModel> reference;
    if (!against_.empty()) {
      CUPEL_TRY(reference, open(against_));
    }
    decode::ReadingModel* const other = reference ? &*reference : nullptr;
    const decode::TextFitOptions options{.window = window_, .stop = stop_on_interrupt()};
    CUPEL_TRY(const decode::TextFit fit, rows_.empty()
                                             ? decode::measure_fit(model, other, text, options)
                                             : fit_of_rows(model, other, options));
    if (format_ == "json") {
      print_pretty(decode::to_json(fit));
      return 0;
    }
    print(format("perplexity {:.4f} over {} tokens{}\n", std::exp(fit.mean_nll), fit.tokens,
                 fit.sequences > 0 ? format(" of {} answers", fit.sequences) : ""));
    if (fit.against && fit.sequences > 0) {
      print(format("KL divergence {:.3f} nats an answer\n", fit.against->sequence_kl));
    }
    if (fit.against) {
      print(
          format("reference  {:.4f}\n"
                 "KL divergence {:.5f} nats a token, 99% below {:.4f}, at most {:.4f}\n"
                 "same most likely token {:.2f}%\n",
                 std::exp(fit.against->mean_nll), fit.against->mean_kl, fit.against->p99_kl,
                 fit.against->max_kl, 100 * fit.against->same_top));
    }
    return 0;
  }

 private:
  [[nodiscard]] Result<decode::ReadingModel> open(const std::string& spec) const {
    CUPEL_TRY(const decode::LocalModelOptions options, local_model_options(spec, engine_));
    return decode::ReadingModel::open(options);
  }

  Result<decode::TextFit> fit_of_rows(decode::ReadingModel& model,
                                      decode::ReadingModel* reference,
                                      const decode::TextFitOptions& options) const {
    CUPEL_TRY(const ReadingRows rows, reading_rows(model, rows_));
    if (format_ != "json") {
      print(rows.counts + "\n");
    }
    return decode::measure_fit(model, reference, rows.sequences, options);
  }

  std::string model_;
  std::string text_;
  std::string rows_;
  std::string against_;
  int64_t window_ = 512;
  std::string format_ = "text";
  EngineFlags engine_;
};

}  // namespace

CommandInfo perplexity() {
  return {.name = "perplexity",
          .group = "Measure",
          .summary = "How well a model predicts a text, and how far it is from another",
          .examples =
              "  cupel perplexity --model models/a.gguf --text book.txt\n"
              "  cupel perplexity --model a.q4_0.gguf --against a.f16.gguf --text book.txt\n"
              "  cupel perplexity --model base.gguf --against runs/dpo/model --rows "
              "runs/after/answers.jsonl\n",
          .make = &make_command<Perplexity>};
}

}  // namespace cupel::cli::command
