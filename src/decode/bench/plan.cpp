#include "decode/bench/plan.h"

#include <algorithm>
#include <memory>

#include "decode/bench/traffic.h"

namespace cupel::decode::bench {
namespace {

constexpr int64_t kContextSteps = 16;  // of a round at each length of the context
constexpr int64_t kCostContext = 128;  // positions before the rows of a cost step
constexpr int64_t kCostRows[] = {1, 2, 4, 8, 16, 32, 64};
constexpr int64_t kCostRepeatedRows = 8;  // small steps are repeated until they have that many rows
constexpr int64_t kWarmSteps = 2;

// Sequences that have read their prompts: every round decodes forks of them.
using Bases = std::shared_ptr<const std::vector<Stream>>;

std::vector<Stream> fork_of(const std::vector<Stream>& bases, size_t count) {
  std::vector<Stream> streams;
  for (size_t i = 0; i < count; ++i) {
    streams.push_back({.state = bases[i].state.fork(), .next = bases[i].next});
  }
  return streams;
}

class Planner {
 public:
  Planner(Subject& subject, const Options& options)
      : subject_(subject),
        options_(options),
        model_(subject.model().description()),
        context_(model_.context_length) {}

  Result<std::vector<Measurement>> plan() {
    CUPEL_TRY(sizes_, sizes_for(options_, context_, subject_.path()));
    const std::pair<Part, Result<Ok> (Planner::*)()> makers[] = {
        {Part::kPrefill, &Planner::add_prefill},
        {Part::kDecode, &Planner::add_decode},
        {Part::kContext, &Planner::add_context},
        {Part::kStreams, &Planner::add_streams},
        {Part::kCost, &Planner::add_cost}};
    for (const auto& [part, add] : makers) {
      if (options_.has(part)) {
        CUPEL_TRY_VOID((this->*add)());
      }
    }
    return std::move(measurements_);
  }

 private:
  [[nodiscard]] double mean_cache_bytes(int64_t position, int64_t steps) const {
    return mean_cache_bytes_read(model_, subject_.cache_bytes_per_position(), position, steps);
  }

  Result<Stream> read(int64_t tokens, uint64_t stream) {
    double seconds = 0;
    return read_prompt(subject_, subject_.prompt(tokens, stream), seconds);
  }

  Result<Ok> add_prefill() {
    for (const int64_t tokens : sizes_.prefill) {
      measurements_.push_back(
          {.figure =
               {.part = Part::kPrefill, .size_of = "tokens", .size = tokens, .unit = "tokens/s"},
           .measure = [subject = &subject_,
                       ids = subject_.prompt(tokens, 0)](bool warm_up) -> Result<double> {
             const size_t count = warm_up ? std::min<size_t>(ids.size(), 128) : ids.size();
             double seconds = 0;
             CUPEL_TRY_VOID(read_prompt(*subject, std::span(ids).first(count), seconds));
             return static_cast<double>(count) / seconds;
           }});
    }
    return Ok{};
  }

  Result<Ok> add_decode() {
    const std::vector<int64_t>& batches = sizes_.batch;
    const int64_t prompt = sizes_.decode_prompt;
    auto bases = std::make_shared<std::vector<Stream>>();
    for (int64_t i = 0; i < *std::max_element(batches.begin(), batches.end()); ++i) {
      CUPEL_TRY(Stream base, read(prompt, static_cast<uint64_t>(i)));
      bases->push_back(std::move(base));
    }
    for (const int64_t batch : batches) {
      measurements_.push_back(
          {.figure = {.part = Part::kDecode,
                      .size_of = "sequences",
                      .size = batch,
                      .settings = {{"prompt", prompt}, {"tokens", options_.decode_tokens}},
                      .unit = "tokens/s"},
           .measure = decode(bases, batch, options_.decode_tokens),
           .cache_bytes =
               static_cast<double>(batch) * mean_cache_bytes(prompt, options_.decode_tokens),
           .tokens_of_step = batch});
    }
    return Ok{};
  }

  std::function<Result<double>(bool)> decode(Bases bases, int64_t batch, int64_t tokens) {
    return [subject = &subject_, bases = std::move(bases), batch,
            tokens](bool warm_up) -> Result<double> {
      const int64_t steps = warm_up ? std::min(tokens, kWarmSteps) : tokens;
      std::vector<Stream> streams = fork_of(*bases, static_cast<size_t>(batch));
      CUPEL_TRY(const double seconds, decode_seconds(*subject, streams, steps));
      return static_cast<double>(batch * steps) / seconds;
    };
  }

  // The longest context is read once; shorter ones are forks of its beginning. The last decoded
  // token stands at the end of the context, so that also the model's own length can be measured.
  Result<Ok> add_context() {
    const std::vector<int64_t>& lengths = sizes_.context;
    if (lengths.empty()) {
      return Ok{};
    }
    CUPEL_TRY(Stream longest, read(*std::max_element(lengths.begin(), lengths.end()), 0));
    for (const int64_t length : lengths) {
      const int64_t steps = std::clamp<int64_t>(length / 2, 1, kContextSteps);
      auto bases = std::make_shared<std::vector<Stream>>();
      bases->push_back({.state = longest.state.fork(length - steps), .next = longest.next});
      measurements_.push_back({.figure = {.part = Part::kContext,
                                          .size_of = "positions",
                                          .size = length,
                                          .settings = {{"tokens", steps}},
                                          .unit = "tokens/s"},
                               .measure = decode(std::move(bases), 1, steps),
                               .cache_bytes = mean_cache_bytes(length - steps, steps)});
    }
    return Ok{};
  }

  Result<Ok> add_streams() {
    SharedPrefix job{.tokens = options_.decode_tokens};
    job.prefix = std::min(job.prefix, context_ - job.suffix - job.tokens);
    measurements_.push_back(
        {.figure = {.part = Part::kStreams,
                    .size_of = "sequences",
                    .size = job.sequences,
                    .settings = {{"prefix", job.prefix},
                                 {"suffix", job.suffix},
                                 {"tokens", job.tokens}},
                    .unit = "tokens/s"},
         .measure = [subject = &subject_, job](bool warm_up) -> Result<double> {
           SharedPrefix part = job;
           part.tokens = warm_up ? std::min(job.tokens, kWarmSteps) : job.tokens;
           CUPEL_TRY(const double seconds, shared_prefix_seconds(*subject, part));
           return static_cast<double>(part.sequences * part.tokens) / seconds;
         }});
    return Ok{};
  }

  Result<Ok> add_cost() {
    const int64_t seen = std::min(kCostContext, context_ / 2);
    CUPEL_TRY(Stream base, read(std::max<int64_t>(1, seen), 0));
    const auto shared = std::make_shared<const Stream>(std::move(base));
    for (const int64_t rows : kCostRows) {
      const int64_t repeats = std::max<int64_t>(1, kCostRepeatedRows / rows);
      if (seen + rows * repeats > context_) {
        break;
      }
      measurements_.push_back(
          {.figure = {.part = Part::kCost,
                      .size_of = "rows",
                      .size = rows,
                      .settings = {{"context", seen}},
                      .unit = "ms"},
           .measure = [subject = &subject_, shared, ids = subject_.prompt(rows, 1),
                       repeats](bool warm_up) -> Result<double> {
             const int64_t times = warm_up ? 1 : repeats;
             CUPEL_TRY(const double seconds, rows_seconds(*subject, shared->state, ids, times));
             return seconds * 1e3 / static_cast<double>(times);
           }});
    }
    return Ok{};
  }

  Subject& subject_;
  const Options& options_;
  const engine::ModelDescription& model_;
  int64_t context_;
  Sizes sizes_;
  std::vector<Measurement> measurements_;
};

}  // namespace

Result<std::vector<Measurement>> plan_rounds(Subject& subject, const Options& options) {
  return Planner(subject, options).plan();
}

}  // namespace cupel::decode::bench
