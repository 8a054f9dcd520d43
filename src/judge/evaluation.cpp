#include "judge/evaluation.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "flow/run_tasks.h"

namespace cupel::judge {
namespace {

// Scorers block their caller; these threads wait for them. A local judge takes one call at a time.
class WaitingThreads {
 public:
  explicit WaitingThreads(int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }
  ~WaitingThreads() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  WaitingThreads(const WaitingThreads&) = delete;
  WaitingThreads& operator=(const WaitingThreads&) = delete;

  void post(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        return;
      }
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

// Errors that belong to one row (a prompt longer than the context), not to the run.
bool is_row_error(const Error& error) {
  return error.code == Code::kInvalidArgument;
}

Json answer_row(const Question& question,
                int turn,
                const Result<ChatResponse>& response,
                double started) {
  Json row = Json::object();
  row.set("question_id", question.id).set("turn", turn);
  if (!response) {
    return row.set("text", "")
        .set("error", response.error().message)
        .set("finish_reason", "error")
        .set("prompt_tokens", 0)
        .set("completion_tokens", 0)
        .set("started", started)
        .set("ended", unix_seconds());
  }
  return row.set("text", trim(response->text))
      .set("finish_reason", finish_reason_name(response->finish_reason))
      .set("prompt_tokens", response->usage.prompt_tokens)
      .set("completion_tokens", response->usage.completion_tokens)
      .set("started", started)
      .set("ended", unix_seconds());
}

ChatRequest answer_request(const Benchmark& benchmark,
                           const RunSettings& settings,
                           const Question& question,
                           int turn,
                           const flow::Inputs& before) {
  ChatRequest request;
  for (int t = 1; t <= turn; ++t) {
    request.messages.push_back(text_message("user", question.turns[static_cast<size_t>(t - 1)]));
    if (t < turn) {
      request.messages.push_back(
          text_message("assistant", before[static_cast<size_t>(t - 1)]->find("text")->as_string()));
    }
  }
  request.sampling.temperature = benchmark.temperature(question);
  request.sampling.max_tokens = settings.max_tokens;
  // One stream of draws per answer; masked so that it survives JSON's signed integers.
  request.sampling.seed =
      random_bits(settings.seed, static_cast<uint64_t>(question.id), static_cast<uint64_t>(turn)) >>
      1U;
  request.template_variables = Json::object().set("question_id", question.id).set("turn", turn);
  return request;
}

// One verdict in the making: feeds the protocol until it has an outcome.
class VerdictRun : public std::enable_shared_from_this<VerdictRun> {
 public:
  VerdictRun(const Protocol& protocol,
             const Judge& judge,
             WaitingThreads& threads,
             JudgeItem item,
             flow::Done done)
      : protocol_(protocol),
        judge_(judge),
        threads_(threads),
        item_(std::move(item)),
        done_(std::move(done)) {}

  void advance() {
    auto step = protocol_.next(item_, responses_);
    if (!step) {
      done_(std::move(step).error());
      return;
    }
    if (step->outcome) {
      finish(*step->outcome);
      return;
    }
    pending_ = std::move(step->requests);
    next_ = 0;
    call_next();
  }

  void finish(const Outcome& outcome) {
    done_(outcome_to_json(outcome)
              .set("prompt_tokens", prompt_tokens_)
              .set("completion_tokens", completion_tokens_)
              .set("seconds", watch_.seconds()));
  }

 private:
  void call_next() {
    if (next_ == pending_.size()) {
      advance();
      return;
    }
    JudgeRequest& request = pending_[next_++];
    if (auto* chat = std::get_if<ChatRequest>(&request.call)) {
      judge_.model->submit(std::move(*chat),
                           {.on_delta = {}, .on_done = [self = shared_from_this()](auto response) {
                              self->take(std::move(response));
                            }});
      return;
    }
    threads_.post(
        [self = shared_from_this(), labels = std::move(std::get<LabelScoreRequest>(request.call))] {
          self->take(self->judge_.scorer->score_labels(labels));
        });
  }

  void take(Result<ChatResponse> response) {
    if (response) {
      prompt_tokens_ += response->usage.prompt_tokens;
      completion_tokens_ += response->usage.completion_tokens;
    }
    take_any(std::move(response));
  }
  void take(Result<LabelScoreResponse> response) {
    if (response) {
      prompt_tokens_ += response->prompt_tokens;
      completion_tokens_ += static_cast<int64_t>(response->scores.size());
    }
    take_any(std::move(response));
  }
  template <typename T>
  void take_any(Result<T> response) {
    if (response) {
      responses_.emplace_back(std::move(*response));
      call_next();
    } else if (is_row_error(response.error())) {
      finish({.invalid_reason = "the judge could not be asked: " + response.error().message});
    } else {
      done_(std::move(response).error());
    }
  }

  const Protocol& protocol_;
  const Judge& judge_;
  WaitingThreads& threads_;
  JudgeItem item_;
  flow::Done done_;
  std::vector<JudgeResponse> responses_;
  std::vector<JudgeRequest> pending_;
  size_t next_ = 0;
  int64_t prompt_tokens_ = 0;
  int64_t completion_tokens_ = 0;
  Stopwatch watch_;
};

// Local models share the machine: one lane keeps them from running against each other. Endpoints
// have a lane each.
std::string answer_lane(const ChatModel& model) {
  return model.capabilities().raw ? "answer" : "answer/" + model.name();
}

// Builds the graph: answers of each model turn by turn, each verdict after the answers it reads.
class GraphBuilder {
 public:
  GraphBuilder(const Benchmark& benchmark,
               const RunFolder& run,
               const Protocol& protocol,
               const Judge& judge,
               WaitingThreads& threads)
      : benchmark_(benchmark),
        run_(run),
        protocol_(protocol),
        judge_(judge),
        threads_(threads),
        questions_(run_questions(benchmark, run.settings().limit)) {}

  void add_answers(const Contender& contender) {
    const std::string name = contender.model->name();
    for (const Question* question : questions_) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        tasks_.push_back(answer_task(*contender.model, name, *question, turn));
      }
    }
  }
  // A member of the run that is not among the contenders of this call: judged if it has answered.
  void add_recorded(const std::string& name) {
    for (const Question* question : questions_) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        if (run_.journal().find(answer_key(name, question->id, turn)) == nullptr) {
          break;
        }
        flow::Task task{.key = answer_key(name, question->id, turn), .lane = "answer/" + name};
        task.start = [](const flow::Inputs&, const flow::Done& done) {
          done(internal_error("a recorded answer was asked for again"));
        };
        tasks_.push_back(std::move(task));
        tasks_.push_back(verdict_task(name, *question, turn));
      }
    }
  }
  void add_verdicts(const std::string& model) {
    for (const Question* question : questions_) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        tasks_.push_back(verdict_task(model, *question, turn));
      }
    }
  }
  std::vector<flow::Task> take() { return std::move(tasks_); }

 private:
  static std::vector<std::string> answers_before(const std::string& model,
                                                 const Question& question,
                                                 int turn) {
    std::vector<std::string> keys;
    for (int t = 1; t < turn; ++t) {
      keys.push_back(answer_key(model, question.id, t));
    }
    return keys;
  }

  flow::Task answer_task(ChatModel& model,
                         const std::string& name,
                         const Question& question,
                         int turn) const {
    flow::Task task{.key = answer_key(name, question.id, turn),
                    .lane = answer_lane(model),
                    .needs = answers_before(name, question, turn)};
    task.start = [this_benchmark = &benchmark_, settings = run_.settings(), &model, &question,
                  turn](const flow::Inputs& before, flow::Done done) {
      const double started = unix_seconds();
      model.submit(answer_request(*this_benchmark, settings, question, turn, before),
                   {.on_delta = {},
                    .on_done = [&question, turn, started, done = std::move(done)](auto response) {
                      if (!response && !is_row_error(response.error())) {
                        done(std::move(response).error());
                        return;
                      }
                      done(answer_row(question, turn, response, started));
                    }});
    };
    return task;
  }

  flow::Task verdict_task(const std::string& model, const Question& question, int turn) const {
    flow::Task task{
        .key = verdict_key(judge_.name, std::string(protocol_.name), model, question.id, turn),
        .lane = "verdict",
        .needs = answers_before(model, question, turn + 1)};
    task.start = [this_benchmark = &benchmark_, protocol = &protocol_, judge = &judge_,
                  threads = &threads_, &question,
                  turn](const flow::Inputs& answers, flow::Done done) {
      JudgeItem item{
          .benchmark = this_benchmark, .question = &question, .turn = turn, .answers = {}};
      std::string error;
      for (const Json* answer : answers) {
        item.answers.push_back(answer->find("text")->as_string());
        if (const Json* reason = answer->find("error"); reason != nullptr) {
          error = reason->as_string();
        }
      }
      const auto run = std::make_shared<VerdictRun>(*protocol, *judge, *threads, std::move(item),
                                                    std::move(done));
      if (error.empty()) {
        run->advance();
      } else {
        run->finish({.invalid_reason = "the model could not answer: " + error});
      }
    };
    return task;
  }

  const Benchmark& benchmark_;
  const RunFolder& run_;
  const Protocol& protocol_;
  const Judge& judge_;
  WaitingThreads& threads_;
  std::vector<const Question*> questions_;
  std::vector<flow::Task> tasks_;
};

}  // namespace

Result<Ok> Evaluation::prepare() {
  CUPEL_TRY_VOID(protocol_.check(benchmark_));
  if (protocol_.needs_scorer && judge_.scorer == nullptr) {
    return invalid_argument(
        "protocol {} needs a judge that gives label probabilities; name one with --judge",
        protocol_.name);
  }
  if (!protocol_.needs_scorer && judge_.model == nullptr) {
    return invalid_argument("protocol {} needs a judge; name one with --judge", protocol_.name);
  }
  std::set<std::string> names;
  for (const Contender& contender : contenders_) {
    const std::string& name = contender.model->name();
    if (!names.insert(name).second) {
      return invalid_argument("two models are called \"{}\"; give one another NAME=", name);
    }
    if (!contender.model->capabilities().chat) {
      return failed_precondition(
          "{}: this model has no chat template; name one with NAME=FILE.gguf,template=FILE.jinja",
          name);
    }
    CUPEL_TRY_VOID(run_.add_model({.name = name,
                                   .fingerprint = contender.model->fingerprint(),
                                   .spec = contender.spec,
                                   .is_control = contender.is_control}));
  }
  return run_.add_judge(
      {.name = judge_.name, .fingerprint = judge_.fingerprint, .spec = judge_.spec},
      std::string(protocol_.name));
}

int64_t Evaluation::rows_per_contender() const {
  int64_t rows = 0;
  for (const Question* question : run_questions(benchmark_, run_.settings().limit)) {
    rows += static_cast<int64_t>(question->turns.size());
  }
  return rows;
}

Result<Estimate> Evaluation::estimate() const {
  Estimate estimate;
  const std::string protocol(protocol_.name);
  for (const Contender& contender : contenders_) {
    const std::string& name = contender.model->name();
    for (const Question* question : run_questions(benchmark_, run_.settings().limit)) {
      int64_t history = 0;
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        ChatRequest request;
        request.messages = {text_message("user", question->turns[static_cast<size_t>(turn - 1)])};
        CUPEL_TRY(const int64_t tokens, contender.model->count_prompt_tokens(request));
        history += tokens;
        if (run_.journal().find(answer_key(name, question->id, turn)) == nullptr) {
          ++estimate.answer_calls;
          estimate.prompt_tokens += history;
          estimate.completion_tokens += run_.settings().max_tokens;
        }
        history += run_.settings().max_tokens;
        if (run_.journal().find(verdict_key(judge_.name, protocol, name, question->id, turn)) ==
            nullptr) {
          ++estimate.judge_calls;
        }
      }
    }
  }
  return estimate;
}

Result<Ok> Evaluation::run(const EvaluationOptions& options) {
  const int64_t judge_calls =
      judge_.model != nullptr ? judge_.model->capabilities().parallel_calls : 1;
  const bool local = judge_.model == nullptr || judge_.model->capabilities().raw;
  WaitingThreads threads(local ? 1 : std::min<int64_t>(judge_calls, 16));
  GraphBuilder graph(benchmark_, run_, protocol_, judge_, threads);
  flow::RunOptions run_options{.stop = options.stop};
  std::set<std::string> named;
  for (const Contender& contender : contenders_) {
    const std::string& name = contender.model->name();
    named.insert(name);
    graph.add_answers(contender);
    graph.add_verdicts(name);
    run_options.lane_limits[answer_lane(*contender.model)] =
        contender.model->capabilities().parallel_calls;
  }
  for (const RunMember& member : run_.models()) {
    if (!named.contains(member.name)) {
      graph.add_recorded(member.name);
    }
  }
  run_options.lane_limits["verdict"] = protocol_.needs_scorer && local ? 2 : judge_calls;
  run_options.on_row = [&](const flow::Task& task, const Json&, bool resumed) {
    if (options.on_row) {
      const auto parts = split(task.key, '/');
      const bool answer = parts[0] == "answer";
      options.on_row(std::string(parts[0]), std::string(parts[answer ? 1 : 3]), resumed);
    }
  };
  const std::vector<flow::Task> tasks = graph.take();
  return flow::run_tasks(tasks, run_.journal(), run_options);
}

}  // namespace cupel::judge
