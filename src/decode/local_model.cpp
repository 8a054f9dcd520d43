#include "decode/local_model.h"

#include <algorithm>

#include "base/error.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"
#include "base/wait_for.h"
#include "decode/chat_prompt.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::decode {
namespace {

std::string describe_noise(const std::optional<engine::NoiseOptions>& noise) {
  return noise ? format("noise {} {} {}", noise->seed, noise->scale, noise->fraction)
               : std::string("no noise");
}

// The kind of the first part that is no text, for the message.
std::string_view part_kind(const Message& message) {
  for (const MessagePart& part : message.parts) {
    if (!std::holds_alternative<TextPart>(part)) {
      constexpr std::string_view kKinds[] = {"text", "image", "video", "table", "series"};
      return kKinds[part.index()];
    }
  }
  return "text";
}

// Compiled constraints that are kept for requests to come; each may hold some tens of megabytes.
constexpr size_t kKeptConstraints = 4;

class LocalCall : public ChatCall {};

}  // namespace

Result<std::unique_ptr<LocalModel>> LocalModel::open(const LocalModelOptions& options) {
  CUPEL_TRY(engine::Checkpoint opened, engine::open_checkpoint(options.path));
  auto file = std::make_unique<engine::Checkpoint>(std::move(opened));
  const engine::Checkpoint& texts_of = *file;
  return create(std::move(file), texts_of, options);
}

Result<std::unique_ptr<LocalModel>> LocalModel::of_checkpoint(engine::Checkpoint file,
                                                              const engine::Checkpoint& texts_of,
                                                              const LocalModelOptions& options) {
  return create(std::make_unique<engine::Checkpoint>(std::move(file)), texts_of, options);
}

Result<std::unique_ptr<LocalModel>> LocalModel::create(std::unique_ptr<engine::Checkpoint> file,
                                                       const engine::Checkpoint& texts_of,
                                                       const LocalModelOptions& options) {
  std::unique_ptr<LocalModel> model(new LocalModel);
  model->name_ = options.name;
  model->path_ = options.path;
  model->file_ = std::move(file);
  CUPEL_TRY(engine::ModelTexts texts, engine::load_texts(texts_of, {.pre = options.tokenizer_pre}));
  model->tokenizer_ = std::move(texts.tokenizer);
  model->fill_tokens_ = engine::find_fill_tokens(*model->tokenizer_);
  CUPEL_TRY(const std::string source, template_source(texts.chat_template, options.template_path));
  CUPEL_TRY(model->template_, parse_template(source, options.path, options.template_path));
  CUPEL_TRY(model->transformer_, engine::Transformer::load(*model->file_, options.engine));
  if (model->description().outputs > 0) {
    return invalid_argument(
        "{}: is a reward model, which rates texts and writes none; see cupel score --reward-model",
        options.path);
  }
  CUPEL_TRY_VOID(engine::check_vocabulary(options.path, *model->tokenizer_, model->description()));
  model->context_length_ =
      options.context_length > 0
          ? std::min(options.context_length, model->description().context_length)
          : model->description().context_length;
  model->max_batch_ = std::max<size_t>(1, options.max_batch);
  model->generator_ =
      std::make_unique<Generator>(*model->transformer_, *model->tokenizer_,
                                  Generator::Options{.source = options.path,
                                                     .max_batch = model->max_batch_,
                                                     .context_length = model->context_length_});
  // Not the CPU level, threads, batch or cache: they change no bit of any answer.
  model->settings_ = format("{} {} {} {} {}", describe_noise(options.engine.noise),
                            cupel::fingerprint(source), options.tokenizer_pre,
                            model->context_length_, static_cast<int>(options.engine.activations));
  CUPEL_TRY(model->thread_, start_thread([raw = model.get()] { raw->work(); }));
  return model;
}

std::string LocalModel::fingerprint() const {
  return cupel::fingerprint(
      format("{} {} {}", engine::kArithmeticVersion, file_->fingerprint(), settings_));
}

LocalModel::~LocalModel() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void LocalModel::work() {
  std::deque<std::function<void()>> jobs;  // an empty one allocates, so it is kept between turns
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !jobs_.empty() || !generator_->idle(); });
      if (stop_) {
        break;
      }
      jobs.swap(jobs_);
    }
    for (const auto& job : jobs) {
      job();  // answers for itself whatever it throws
    }
    jobs.clear();
    auto turn = guard([&]() -> Result<Ok> {
      if (!generator_->idle()) {
        generator_->step();
      }
      return Ok{};
    });
    if (!turn) {  // memory, most likely: what the step had begun cannot go on, what comes next may
      generator_->fail_all(turn.error());
    }
  }
  for (const auto& job : jobs_) {  // posted since the last look; `post` takes no more
    job();
  }
  generator_->fail_all(cancelled("{}: the model was closed", path_));
}

bool LocalModel::post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_) {
      return false;
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
  return true;
}

Result<Ok> LocalModel::run_and_wait(const std::function<Result<Ok>()>& job) {
  WaitFor<Result<Ok>> done;
  const bool open = post([&job, generator = generator_.get(), answer = done.callback()] {
    bool thrown = true;
    auto result = guard([&] {
      auto ran = job();
      thrown = false;
      return ran;
    });
    if (thrown) {  // perhaps amid a step that made room for the job
      generator->fail_all(result.error());
    }
    answer(std::move(result));
  });
  CUPEL_CHECK(open, "a model is used while it is closed");
  return done.get();
}

Capabilities LocalModel::capabilities() const {
  return {.chat = template_.has_value(),
          .raw = true,
          .logprobs = true,
          .streaming = true,
          .deterministic = true,
          .constraints = true,
          .context_length = context_length_,
          .parallel_calls = static_cast<int64_t>(max_batch_),
          .resource = kLocalCompute};
}

Result<std::vector<TokenId>> LocalModel::prompt_ids(const ChatRequest& request) const {
  if (request.raw_suffix) {
    if (!request.raw_prompt) {
      return invalid_argument("a suffix belongs to a raw prompt, not to messages");
    }
    if (!fill_tokens_) {
      return failed_precondition(
          "{}: its vocabulary has no tokens to fill a gap with (one of {}), so it was not trained "
          "to; leave out the suffix",
          path_, engine::fill_token_names());
    }
    return engine::fill_prompt(*tokenizer_, *fill_tokens_, *request.raw_prompt,
                               *request.raw_suffix);
  }
  if (request.raw_prompt) {
    return tokenizer_->encode(*request.raw_prompt, {.add_special = true, .parse_special = true});
  }
  if (!template_) {
    return failed_precondition(
        "{}: this model file has no chat template; name one with NAME={},template=FILE.jinja, or "
        "use raw prompts",
        path_, path_);
  }
  for (const Message& message : request.messages) {
    if (!message.is_text_only()) {
      return unsupported("{}: a message has a part of kind {}, which this model cannot read", path_,
                         part_kind(message));
    }
  }
  auto ids = chat_prompt_ids(*template_, *tokenizer_, request);
  if (!ids) {
    return in_context(std::move(ids).error(), path_);
  }
  return ids;
}

// Compiling holds the lock: many requests with one schema compile it once.
Result<LocalModel::SharedConstraint> LocalModel::compiled(const OutputConstraint& wanted) {
  if (!wanted.active()) {
    return SharedConstraint();
  }
  const std::lock_guard lock(constraints_mutex_);
  const auto known = std::find_if(constraints_.begin(), constraints_.end(),
                                  [&](const auto& kept) { return kept.first == wanted; });
  if (known != constraints_.end()) {
    constraints_.splice(constraints_.begin(), constraints_, known);
    return constraints_.front().second;
  }
  if (vocabulary_trie_ == nullptr) {
    vocabulary_trie_ = std::make_shared<const constraint::VocabularyTrie>(
        *tokenizer_, static_cast<size_t>(description().vocabulary_size));
  }
  CUPEL_TRY(SharedConstraint made,
            constraint::TokenConstraint::compile(wanted, *tokenizer_, vocabulary_trie_));
  constraints_.emplace_front(wanted, made);
  if (constraints_.size() > kKeptConstraints) {
    constraints_.pop_back();
  }
  return made;
}

std::shared_ptr<ChatCall> LocalModel::submit(ChatRequest request, ChatSink sink) {
  auto call = std::make_shared<LocalCall>();
  if (auto valid = check_sampling(request.sampling); !valid) {
    sink.on_done(std::move(valid).error());
    return call;
  }
  auto prompt = prompt_ids(request);
  if (!prompt) {
    sink.on_done(std::move(prompt).error());
    return call;
  }
  auto token_constraint = compiled(request.sampling.constraint);
  if (!token_constraint) {
    sink.on_done(std::move(token_constraint).error());
    return call;
  }
  auto job = std::make_shared<GenerateJob>(
      GenerateJob{.prompt = std::move(*prompt),
                  .sampling = std::move(request.sampling),
                  .stream = static_cast<uint64_t>(request.sample_index),
                  .logprobs = request.logprobs,
                  .ends = request.raw_suffix ? fill_tokens_->ends : std::vector<TokenId>{},
                  .token_constraint = std::move(*token_constraint),
                  .cancelled = [call] { return call->cancelled(); },
                  .on_text = std::move(sink.on_delta),
                  .on_done = std::move(sink.on_done)});
  if (!post([this, job] { generator_->submit(std::move(*job)); })) {
    job->on_done(cancelled("{}: the model is being closed", path_));  // asked by another's on_done
  }
  return call;
}

Result<int64_t> LocalModel::count_prompt_tokens(const ChatRequest& request) const {
  CUPEL_TRY(const std::vector<TokenId> ids, prompt_ids(request));
  return static_cast<int64_t>(ids.size());
}

Result<std::vector<CompletionScore>> LocalModel::score(const CompletionScoreRequest& request) {
  ChatRequest prompt;
  prompt.messages = request.messages;
  prompt.raw_prompt = request.raw_prompt;
  CUPEL_TRY(const std::vector<TokenId> ids, prompt_ids(prompt));
  if (ids.empty()) {
    return invalid_argument("the prompt is empty: the first token has nothing to follow");
  }
  std::vector<std::vector<TokenId>> completions;
  for (const std::string& text : request.completions) {
    completions.push_back(tokenizer_->encode(text, {.add_special = false, .parse_special = true}));
  }
  std::vector<CompletionScore> scores;
  CUPEL_TRY_VOID(run_and_wait([&]() -> Result<Ok> {
    CUPEL_TRY(scores, score_ids(ids, completions));
    return Ok{};
  }));
  return scores;
}

Result<LabelScoreResponse> LocalModel::score_labels(const LabelScoreRequest& request) {
  CUPEL_TRY(const auto variants, label_variants(request.labels));
  std::vector<std::vector<TokenId>> prompts;
  for (const Conversation& conversation : request.prompts) {
    ChatRequest prompt;
    prompt.messages = conversation;
    CUPEL_TRY(std::vector<TokenId> ids, prompt_ids(prompt));
    prompts.push_back(std::move(ids));
  }
  if (prompts.empty()) {
    return LabelScoreResponse{};
  }
  LabelScoreResponse response;
  CUPEL_TRY_VOID(run_and_wait([&]() -> Result<Ok> {
    CUPEL_TRY(response, score_label_ids(prompts, variants));
    return Ok{};
  }));
  return response;
}

}  // namespace cupel::decode
