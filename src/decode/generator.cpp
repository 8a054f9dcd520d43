#include "decode/generator.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/guard.h"

namespace cupel::decode {
namespace {

// A shared beginning shorter than this is cheaper to compute twice than to wait a step for.
constexpr int64_t kWorthWaiting = 16;
// Remembered sequences; each holds its pages until they are wanted.
constexpr size_t kRememberedPrefixes = 16;
// Bytes of text that room is made for at the start, per token; texts that need more grow by
// doubling.
constexpr size_t kBytesPerToken = 6;

}  // namespace

size_t pages_for(int64_t positions) {
  return static_cast<size_t>((positions + engine::kPageRows - 1) / engine::kPageRows);
}

struct Generator::Running : public AllowedTokens {
  GenerateJob job;
  engine::SequenceState state;
  std::vector<TokenId> ids;  // prompt and generated
  StreamDecoder decoder;
  std::string piece;  // the text of the last token
  StopText text;
  Sampler sampler;
  constraint::Progress progress;  // empty where nothing constrains the answer
  ChatResponse response;
  size_t promised_pages = 0;
  size_t held_pages = 0;  // of those: taken from the pool for it
  int64_t max_tokens = 0;
  size_t rows = 0;       // of the current step
  bool drawing = false;  // the current step reaches the last id
  bool done = false;
  Draw draw;
  std::optional<Error> failure;  // of the constraint, during the step

  // Room for the longest answer, so that no token allocates. Takes the job last: it stays whole
  // where there is no memory for the rest.
  Running(GenerateJob& j, engine::SequenceState s, const Tokenizer& tokenizer, size_t longest)
      : state(std::move(s)), decoder(tokenizer), text(j.sampling.stop, longest * kBytesPerToken) {
    ids.reserve(j.prompt.size() + longest);
    ids.assign(j.prompt.begin(), j.prompt.end());
    piece.reserve(256);
    response.ids.reserve(longest);
    response.logprobs.reserve(j.logprobs ? longest : 0);
    max_tokens = static_cast<int64_t>(longest);
    if (j.token_constraint != nullptr) {
      progress = j.token_constraint->begin();
    }
    job = std::move(j);
  }
  [[nodiscard]] size_t generated() const { return ids.size() - job.prompt.size(); }
  // The constraint's word on the token that is about to be drawn.
  bool allows(TokenId id) override {
    return job.token_constraint->allows(progress, response.ids, id);
  }
  std::span<const uint64_t> mask() override {
    auto prepared = job.token_constraint->prepare(progress, response.ids);
    if (!prepared) {
      failure = std::move(prepared).error();
      return {};
    }
    return progress.allowed;
  }
  // Exactly once: what is thrown between two answers fails those that have had none.
  void answer(Result<ChatResponse> result) noexcept {
    done = true;
    job.on_done(std::move(result));
  }
};

Generator::Generator(engine::Transformer& model, const Tokenizer& tokenizer, const Options& options)
    : model_(&model), tokenizer_(&tokenizer), options_(options), prefixes_(kRememberedPrefixes) {
  if (options_.context_length <= 0) {
    options_.context_length = model.description().context_length;
  }
}

Generator::~Generator() = default;

void Generator::submit(GenerateJob job) {
  if (job.prompt.empty()) {
    job.on_done(invalid_argument("the prompt is empty: there is nothing to continue"));
    return;
  }
  if (static_cast<int64_t>(job.prompt.size()) >= options_.context_length) {
    job.on_done(invalid_argument(
        "the prompt has {} tokens, but the context holds {}; shorten it or raise the context",
        job.prompt.size(), options_.context_length));
    return;
  }
  if (pages_of(job) > model_->kv_pool().capacity_pages()) {
    job.on_done(exhausted(
        "prompt and answer may take {} cache pages of {} positions, but the cache has {}; ask for "
        "fewer tokens or give it more memory",
        pages_of(job), engine::kPageRows, model_->kv_pool().capacity_pages()));
    return;
  }
  auto kept = guard([&]() -> Result<Ok> {
    waiting_.push_back(std::move(job));
    return Ok{};
  });
  if (!kept) {  // the list had no memory for a node and has not touched the job
    job.on_done(std::move(kept).error());
  }
}

int64_t Generator::longest_answer(const GenerateJob& job) const {
  return std::min(job.sampling.max_tokens,
                  options_.context_length - static_cast<int64_t>(job.prompt.size()));
}

size_t Generator::pages_of(const GenerateJob& job) const {
  const int64_t longest = static_cast<int64_t>(job.prompt.size()) + longest_answer(job);
  return pages_for(longest) + 1;  // one more while a shared last page is copied
}

void Generator::step() {
  drop_cancelled();
  admit();
  advance();
}

void Generator::advance() {
  collect_rows();
  const Stopwatch watch;
  const auto done = rows_.empty()
                        ? Result<Ok>(Ok{})
                        : model_->step(rows_, [this](size_t row, std::span<float> logits) {
                            Running& run = *row_owner_[row];
                            const ProcessorContext context{
                                .options = &run.job.sampling,
                                .seen = run.ids,
                                .allowed = run.job.token_constraint != nullptr ? &run : nullptr};
                            run.draw = run.sampler.draw(model_->operators(), logits, context,
                                                        {.seed = run.job.sampling.seed,
                                                         .stream = run.job.stream,
                                                         .position = run.generated()});
                          });
  if (!done) {
    fail_all(done.error());
    return;
  }
  after_step(watch.seconds());
}

// Also those that there is no room for yet: who cancels does not wait for others to finish.
void Generator::drop_cancelled() {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->cancelled && it->cancelled()) {
      it->on_done(cancelled("the call was cancelled before it began"));
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
}

void Generator::admit() {
  for (auto it = waiting_.begin(); it != waiting_.end() && running_.size() < options_.max_batch;) {
    if (promised_pages_ + pages_of(*it) > model_->kv_pool().capacity_pages()) {
      break;  // first come, first served: nothing overtakes a long request
    }
    const int64_t known = prefixes_.find(it->prompt).length;
    if (shares_unfinished_prefix(*it, known)) {
      ++it;
      continue;
    }
    std::list<std::unique_ptr<Running>> one(1);
    auto run = start(*it);
    if (run) {
      one.front() = std::move(*run);
      running_.splice(running_.end(), one);
    } else {
      it->on_done(std::move(run).error());
    }
    it = waiting_.erase(it);
  }
}

// True when a sequence that is still reading its prompt will soon hold a longer common beginning.
bool Generator::shares_unfinished_prefix(const GenerateJob& job, int64_t known) const {
  return std::any_of(running_.begin(), running_.end(), [&](const auto& run) {
    const bool reading = run->state.length() < static_cast<int64_t>(run->job.prompt.size());
    return reading && common_prefix(run->job.prompt, job.prompt) >= known + kWorthWaiting;
  });
}

// With room for the longest answer, so that no token allocates.
Result<std::unique_ptr<Generator::Running>> Generator::start(GenerateJob& job) {
  PrefixCache::Match best = prefixes_.find(job.prompt);
  for (const auto& run : running_) {
    const int64_t length = std::min({common_prefix(run->ids, job.prompt), run->state.length(),
                                     static_cast<int64_t>(job.prompt.size()) - 1});
    if (length > best.length) {
      best = {&run->state, length};
    }
  }
  engine::SequenceState state =
      best.state != nullptr ? best.state->fork(best.length) : model_->new_sequence();
  const size_t pages = pages_of(job);
  give_prefixes_back(pages);
  const size_t used = model_->kv_pool().used_pages();
  CUPEL_TRY_VOID(model_->make_room(
      state, static_cast<int64_t>(job.prompt.size()) + longest_answer(job) - state.length()));
  const size_t held = model_->kv_pool().used_pages() - used;
  auto run = std::make_unique<Running>(job, std::move(state), *tokenizer_,
                                       static_cast<size_t>(longest_answer(job)));
  run->promised_pages = pages;
  run->held_pages = held;
  run->response.usage.prompt_tokens = static_cast<int64_t>(run->job.prompt.size());
  run->response.usage.cached_tokens = best.length;
  promised_pages_ += pages;
  held_pages_ += held;
  return run;
}

// Remembered prefixes live in what nobody was promised: `pages` more, and what was promised to
// running sequences and is not held. Pages that one of them shares with a prefix are counted twice
// here: that gives back a little early, never too late.
void Generator::give_prefixes_back(size_t pages) {
  engine::KvPool& pool = model_->kv_pool();
  const size_t owed = promised_pages_ - held_pages_ + pages;
  while (pool.used_pages() + owed > pool.capacity_pages() && prefixes_.evict()) {
  }
}

Result<Ok> Generator::make_room(size_t pages) {
  const size_t capacity = model_->kv_pool().capacity_pages();
  if (pages > capacity) {
    return exhausted(
        "{}: scoring needs {} cache pages of {} positions, but the cache has {}; give it more "
        "memory",
        options_.source, pages, engine::kPageRows, capacity);
  }
  while (promised_pages_ + pages > capacity) {
    advance();
  }
  give_prefixes_back(pages);
  return Ok{};
}

void Generator::collect_rows() {
  rows_.clear();
  row_owner_.clear();
  size_t prefill_left = options_.max_prefill_rows;
  for (const auto& run : running_) {
    const auto seen = static_cast<size_t>(run->state.length());
    const size_t pending = run->ids.size() - seen;
    run->rows = pending == 1 ? 1 : std::min(pending, prefill_left);
    prefill_left -= pending == 1 ? 0 : run->rows;
    run->drawing = run->rows == pending;
    for (size_t i = 0; i < run->rows; ++i) {
      rows_.push_back({.sequence = &run->state,
                       .token = run->ids[seen + i],
                       .logits = run->drawing && i + 1 == pending});
      row_owner_.push_back(run.get());
    }
  }
}

void Generator::after_step(double seconds) {
  for (auto it = running_.begin(); it != running_.end();) {
    Running& run = **it;
    if (run.rows > 0) {
      // The step that ends the prompt also draws the first token: it counts as prefill.
      (run.generated() == 0 ? run.response.timings.prefill_s : run.response.timings.decode_s) +=
          seconds;
    }
    if (run.job.cancelled && run.job.cancelled()) {
      run.answer(cancelled("the call was cancelled"));
    } else if (run.failure) {
      run.answer(in_context(std::move(*run.failure), options_.source));
    } else if (run.drawing && !run.draw.valid()) {
      run.answer(corrupt_data(
          "{}: after {} tokens the model's logits are not finite: its weights are damaged",
          options_.source, run.ids.size()));
    } else if (run.drawing) {
      take_draw(run);
    }
    if (run.done) {
      promised_pages_ -= run.promised_pages;
      held_pages_ -= run.held_pages;
      it = running_.erase(it);
    } else {
      ++it;
    }
  }
}

void Generator::take_draw(Running& run) {
  if (tokenizer_->ends_generation(run.draw.id) ||
      std::ranges::find(run.job.ends, run.draw.id) != run.job.ends.end()) {
    run.text.push(run.decoder.flush());
    finish(run, FinishReason::kStop);
    return;
  }
  run.ids.push_back(run.draw.id);
  run.response.ids.push_back(run.draw.id);
  if (run.job.logprobs) {
    run.response.logprobs.push_back(run.draw.logprob);
  }
  run.piece.clear();
  run.decoder.append(run.draw.id, run.piece);
  if (run.text.push(run.piece)) {
    finish(run, FinishReason::kStop);  // what the decoder still holds came after the stop string
    return;
  }
  if (run.job.token_constraint != nullptr) {
    run.job.token_constraint->advance(run.progress, run.response.ids);
    if (run.job.token_constraint->complete(run.progress)) {  // the end is all that could come
      run.text.push(run.decoder.flush());
      finish(run, FinishReason::kStop);
      return;
    }
  }
  if (static_cast<int64_t>(run.generated()) >= run.max_tokens) {
    const bool stopped = run.text.push(run.decoder.flush());
    finish(run, stopped ? FinishReason::kStop : FinishReason::kLength);
    return;
  }
  if (run.job.on_text) {
    if (const std::string_view piece = run.text.take(false); !piece.empty()) {
      run.job.on_text(piece);
    }
  }
}

void Generator::finish(Running& run, FinishReason reason) {
  if (run.job.on_text) {
    if (const std::string_view piece = run.text.take(true); !piece.empty()) {
      run.job.on_text(piece);
    }
  }
  run.response.text = run.text.text();
  run.response.finish_reason = reason;
  run.response.usage.completion_tokens = static_cast<int64_t>(run.generated());
  remember(run);
  run.answer(std::move(run.response));
}

void Generator::remember(Running& run) {
  std::vector<TokenId> seen(run.ids.begin(), run.ids.begin() + run.state.length());
  run.state.truncate(run.state.length());  // gives the unused room back
  prefixes_.insert(std::move(seen), std::move(run.state));
}

void Generator::fail_all(const Error& error) {
  for (const auto& run : running_) {
    if (!run->done) {
      run->answer(error);
    }
  }
  for (const GenerateJob& job : waiting_) {
    job.on_done(error);
  }
  running_.clear();
  waiting_.clear();
  promised_pages_ = 0;
  held_pages_ = 0;
}

Result<engine::SequenceState> Generator::prefill(std::span<const TokenId> ids,
                                                 int64_t& cached,
                                                 FunctionRef<void(std::span<float>)> visit) {
  CUPEL_CHECK(!ids.empty());
  if (static_cast<int64_t>(ids.size()) > options_.context_length) {
    return invalid_argument("{}: the text has {} tokens, but the context holds {}", options_.source,
                            ids.size(), options_.context_length);
  }
  const PrefixCache::Match match = prefixes_.find(ids);
  engine::SequenceState state =
      match.state != nullptr ? match.state->fork(match.length) : model_->new_sequence();
  cached = match.length;
  std::vector<engine::StepRow> rows;
  for (auto i = static_cast<size_t>(match.length); i < ids.size(); ++i) {
    rows.push_back({.sequence = &state, .token = ids[i], .logits = i + 1 == ids.size()});
  }
  CUPEL_TRY_VOID(model_->step(rows, [&](size_t, std::span<float> logits) { visit(logits); }));
  prefixes_.insert({ids.begin(), ids.end()}, state.fork());
  return state;
}

}  // namespace cupel::decode
