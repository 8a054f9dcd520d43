#include "decode/bench/measure.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/error.h"

namespace cupel::decode::bench {
namespace {

// As a generator reads prompts, so that what is measured is what a user gets.
const size_t kRowsOfStep = Generator::Options{}.max_prefill_rows;

// Draws greedily for rows of a step; one sampler a row, since rows are visited from several
// threads.
class Drawer {
 public:
  explicit Drawer(Subject& subject, size_t rows)
      : subject_(subject), samplers_(rows), draws_(rows) {
    options_.temperature = 0;
  }

  void draw(size_t row, std::span<float> logits) {
    const ProcessorContext context{.options = &options_, .seen = {}};
    draws_[row] = samplers_[row].draw(subject_.model().operators(), logits, context, {});
  }
  // After the step.
  [[nodiscard]] Result<TokenId> drawn(size_t row) const {
    if (!draws_[row].valid()) {
      return corrupt_data("{}: the model's logits are not finite: its weights are damaged",
                          subject_.path());
    }
    return draws_[row].id;
  }

 private:
  Subject& subject_;
  SamplingOptions options_;
  std::vector<Sampler> samplers_;
  std::vector<Draw> draws_;
};

}  // namespace

Result<Stream> read_prompt(Subject& subject, std::span<const TokenId> ids, double& seconds) {
  engine::Transformer& model = subject.model();
  Stream stream{.state = model.new_sequence()};
  Drawer drawer(subject, 1);
  std::vector<engine::StepRow> rows;
  const Stopwatch watch;
  for (size_t begin = 0; begin < ids.size(); begin += kRowsOfStep) {
    const size_t end = std::min(ids.size(), begin + kRowsOfStep);
    rows.clear();
    for (size_t i = begin; i < end; ++i) {
      rows.push_back({.sequence = &stream.state, .token = ids[i], .logits = i + 1 == ids.size()});
    }
    CUPEL_TRY_VOID(
        model.step(rows, [&](size_t, std::span<float> logits) { drawer.draw(0, logits); }));
  }
  CUPEL_TRY(stream.next, drawer.drawn(0));
  seconds = watch.seconds();
  return stream;
}

Result<double> decode_seconds(Subject& subject, std::span<Stream> streams, int64_t steps) {
  Drawer drawer(subject, streams.size());
  std::vector<engine::StepRow> rows(streams.size());
  const auto draw = [&](size_t row, std::span<float> logits) { drawer.draw(row, logits); };
  const Stopwatch watch;
  for (int64_t step = 0; step < steps; ++step) {
    for (size_t i = 0; i < streams.size(); ++i) {
      rows[i] = {.sequence = &streams[i].state, .token = streams[i].next, .logits = true};
    }
    CUPEL_TRY_VOID(subject.model().step(rows, draw));
    for (size_t i = 0; i < streams.size(); ++i) {
      CUPEL_TRY(streams[i].next, drawer.drawn(i));
    }
  }
  return watch.seconds();
}

Result<double> rows_seconds(Subject& subject,
                            const engine::SequenceState& seen,
                            std::span<const TokenId> ids,
                            int64_t repeats) {
  engine::SequenceState state = seen.fork();
  Drawer drawer(subject, ids.size());
  std::vector<engine::StepRow> rows;
  for (const TokenId id : ids) {
    rows.push_back({.sequence = &state, .token = id, .logits = true});
  }
  const auto draw = [&](size_t row, std::span<float> logits) { drawer.draw(row, logits); };
  const Stopwatch watch;
  for (int64_t i = 0; i < repeats; ++i) {
    CUPEL_TRY_VOID(subject.model().step(rows, draw));
  }
  const double seconds = watch.seconds();
  CUPEL_TRY_VOID(drawer.drawn(ids.size() - 1));
  return seconds;
}

Result<double> shared_prefix_seconds(Subject& subject, const SharedPrefix& job) {
  const EndlessTokenizer tokenizer(subject.tokenizer());
  Generator generator(subject.model(), tokenizer,
                      {.source = subject.path(), .max_batch = static_cast<size_t>(job.sequences)});
  const std::vector<TokenId> prefix = subject.prompt(job.prefix, 0);
  std::optional<Error> failure;
  std::vector<GenerateJob> jobs(static_cast<size_t>(job.sequences));
  for (size_t i = 0; i < jobs.size(); ++i) {
    const std::vector<TokenId> own = subject.prompt(job.suffix, i + 1);
    jobs[i].prompt = prefix;
    jobs[i].prompt.insert(jobs[i].prompt.end(), own.begin(), own.end());
    jobs[i].sampling.max_tokens = job.tokens;
    jobs[i].on_done = [&failure](Result<ChatResponse> done) {
      if (!done && !failure) {
        failure = std::move(done).error();
      }
    };
  }
  const Stopwatch watch;
  for (GenerateJob& one : jobs) {
    generator.submit(std::move(one));
  }
  while (!generator.idle()) {
    generator.step();
  }
  const double seconds = watch.seconds();
  if (failure) {
    return *std::move(failure);
  }
  return seconds;
}

Result<Opened> open_timed(const LocalModelOptions& options) {
  Opened opened;
  const Stopwatch watch;
  CUPEL_TRY(opened.subject, Subject::open(options));
  opened.load_seconds = watch.seconds();
  double prompt_seconds = 0;
  CUPEL_TRY_VOID(
      read_prompt(*opened.subject, opened.subject->prompt(kFirstPrompt, 0), prompt_seconds));
  opened.first_token_seconds = watch.seconds();
  return opened;
}

}  // namespace cupel::decode::bench
