#include "judge/evaluation_graph.h"

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "judge/call_record.h"
#include "judge/verdict_run.h"
#include "store/call_codec.h"

namespace cupel::judge {
namespace {

Json answer_row(const Question& question,
                int turn,
                const Result<ChatResponse>& response,
                const std::string& call_id,
                double started) {
  const double ended = unix_seconds();
  Json row = Json::object();
  row.set("question_id", question.id).set("turn", turn);
  if (!response) {
    return row.set("text", "")
        .set("error", response.error().message)
        .set("finish_reason", "error")
        .set("calls", Json::array())
        .set("started", started)
        .set("ended", ended);
  }
  const std::vector<CallRecord> calls = {{.id = call_id, .usage = response->usage}};
  if (response->from_cache) {  // the time that it took when it was made
    started = ended - response->timings.prefill_s - response->timings.decode_s;
  }
  return row.set("text", trim(response->text))
      .set("finish_reason", finish_reason_name(response->finish_reason))
      .set("calls", calls_to_json(calls))
      .set("started", started)
      .set("ended", ended);
}

std::vector<std::string> answers_before(const std::string& model,
                                        const Question& question,
                                        int turn) {
  std::vector<std::string> keys;
  for (int t = 1; t < turn; ++t) {
    keys.push_back(answer_key(model, question.id, t));
  }
  return keys;
}

// Rows come as answer_keys names them. Gives the reason of an answer that could not be had.
std::string put_answers(const flow::Inputs& rows, JudgeItem& item) {
  std::string error;
  size_t next = 0;
  for (Side& side : item.sides) {
    for (int turn = 1; turn <= item.turn; ++turn) {
      const Json& row = *rows[next++];
      side.answers.push_back(row.find("text")->as_string());
      if (const Json* reason = row.find("error"); reason != nullptr) {
        error = reason->as_string();
      }
    }
  }
  return error;
}

}  // namespace

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

std::string answer_lane(const std::string& model) {
  return "answer/" + model;
}

EvaluationGraph::EvaluationGraph(const Benchmark& benchmark,
                                 const RunFolder& run,
                                 const Protocol& protocol,
                                 const Judge& judge,
                                 WaitingThreads& threads,
                                 RunningCalls& calls)
    : benchmark_(benchmark),
      run_(run),
      protocol_(protocol),
      judge_(judge),
      threads_(threads),
      calls_(calls),
      questions_(run_questions(benchmark, run.settings().limit)),
      items_(protocol.items(judge_scope(benchmark, run))) {}

void EvaluationGraph::add_contender(const Contender& contender) {
  const std::string name = contender.model->name();
  for (const Question* question : questions_) {
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      add_answer(answer_task(*contender.model, name, *question, turn));
    }
  }
  add_verdicts();
}

void EvaluationGraph::add_recorded(const std::string& name) {
  for (const Question* question : questions_) {
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      if (run_.journal().find(answer_key(name, question->id, turn)) == nullptr) {
        break;
      }
      flow::Task task{.key = answer_key(name, question->id, turn), .lane = answer_lane(name)};
      task.start = [](const flow::Inputs&, const flow::Done& done) {
        done(internal_error("a recorded answer was asked for again"));
      };
      add_answer(std::move(task));
    }
  }
  add_verdicts();
}

void EvaluationGraph::add_answer(flow::Task task) {
  answers_.insert(task.key);
  tasks_.push_back(std::move(task));
}

void EvaluationGraph::add_verdicts() {
  std::vector<JudgeItem> later;
  for (JudgeItem& item : items_) {
    const std::vector<std::string> needs = answer_keys(item);
    const bool ready = std::all_of(needs.begin(), needs.end(),
                                   [&](const std::string& key) { return answers_.contains(key); });
    if (ready) {
      tasks_.push_back(verdict_task(item));
    } else {
      later.push_back(std::move(item));
    }
  }
  items_ = std::move(later);
}

flow::Task EvaluationGraph::answer_task(ChatModel& model,
                                        const std::string& name,
                                        const Question& question,
                                        int turn) const {
  flow::Task task{.key = answer_key(name, question.id, turn),
                  .lane = answer_lane(name),
                  .needs = answers_before(name, question, turn)};
  task.start = [this_benchmark = &benchmark_, settings = run_.settings(), calls = &calls_, &model,
                &question, turn](const flow::Inputs& before, flow::Done done) {
    ChatRequest request = answer_request(*this_benchmark, settings, question, turn, before);
    const auto key = store::call_key(model.fingerprint(), request);
    auto on_done = [&question, turn, started = unix_seconds(), id = key ? key->id() : "",
                    done = std::move(done)](auto response) {
      if (!response && !is_row_error(response.error())) {
        done(std::move(response).error());
        return;
      }
      done(answer_row(question, turn, response, id, started));
    };
    calls->submit(model, std::move(request), {.on_delta = {}, .on_done = std::move(on_done)});
  };
  return task;
}

flow::Task EvaluationGraph::verdict_task(const JudgeItem& item) const {
  flow::Task task{.key = verdict_key(judge_.name, protocol_.name, item),
                  .lane = kVerdictLane,
                  .needs = answer_keys(item)};
  task.start = [protocol = &protocol_, judge = &judge_, threads = &threads_, calls = &calls_,
                enumerated = item](const flow::Inputs& answers, flow::Done done) {
    JudgeItem judged = enumerated;
    const std::string error = put_answers(answers, judged);
    const auto run = std::make_shared<VerdictRun>(*protocol, *judge, *threads, *calls,
                                                  std::move(judged), std::move(done));
    if (error.empty()) {
      run->advance();
    } else {
      run->finish(invalid_outcome("the model could not answer: " + error));
    }
  };
  return task;
}

}  // namespace cupel::judge
