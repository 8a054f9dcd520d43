#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "judge/summary.h"

namespace cupel::judge {
namespace {

Json optional_number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json interval_end(const std::optional<numeric::Interval>& interval, bool high) {
  return interval ? Json(high ? interval->high : interval->low) : Json();
}

Json decider_to_json(const DeciderSummary& side) {
  return Json::object()
      .set("items", side.count())
      .set("yes", side.yes)
      .set("no", side.no)
      .set("unsure", side.unsure)
      .set("invalid", side.invalid)
      .set("score", optional_number(side.score));
}

// Puts what calls took into an object: the same members for models and for the judge.
void set_usage(Json& json, const ModelUsage& usage) {
  json.set("calls", usage.calls)
      .set("cached_calls", usage.cached_calls)
      .set("prompt_tokens", usage.prompt_tokens)
      .set("tokens", usage.completion_tokens)
      .set("seconds", usage.seconds)
      .set("tokens_per_second", optional_number(usage.tokens_per_second()))
      .set("cost", optional_number(usage.cost));
}

Json model_to_json(const ModelSummary& model) {
  Json categories = Json::object();
  for (const auto& [category, mean] : model.categories) {
    categories.set(category, mean);
  }
  Json row = Json::object();
  row.set("rank", model.score.rank)
      .set("model", model.name)
      .set("rating", optional_number(model.rating))
      .set("ci_low", interval_end(model.rating_interval, false))
      .set("ci_high", interval_end(model.rating_interval, true))
      .set("score", model.score.mean)
      .set("score_ci_low", interval_end(model.score.interval, false))
      .set("score_ci_high", interval_end(model.score.interval, true))
      .set("categories", std::move(categories))
      .set("programs", decider_to_json(model.programs))
      .set("judge", decider_to_json(model.judge))
      .set("answers", model.answers)
      .set("truncated", model.truncated)
      .set("invalid", model.invalid)
      .set("undecided", model.judge.undecided());
  set_usage(row, model.usage);
  return row.set("control", model.is_control).set("spec", model.spec);
}

Json string_list(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) {
    list.push_back(text);
  }
  return list;
}

std::string lines(const std::vector<Json>& rows) {
  std::string text;
  for (const Json& row : rows) {
    text += dump_json(row) + "\n";
  }
  return text;
}

// One model's answers in FastChat's model_answer form.
std::string answer_file(const Benchmark& benchmark,
                        const RunFolder& run,
                        const std::string& model) {
  std::vector<Json> rows;
  for (const Question* question : run_questions(benchmark, run.settings().limit)) {
    Json turns = Json::array();
    Json reasons = Json::array();
    double stamp = 0;
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      if (const Json* answer = run.journal().find(answer_key(model, question->id, turn))) {
        turns.push_back(*answer->find("text"));
        reasons.push_back(*answer->find("finish_reason"));
        stamp = answer->find("ended")->as_double();
      }
    }
    if (turns.size() != question->turns.size()) {
      continue;  // FastChat's records are whole dialogues
    }
    const std::string id = fingerprint(model + "\n" + dump_json(turns)).substr(0, 22);
    Json choice = Json::object().set("index", 0).set("turns", std::move(turns));
    choice.set("finish_reasons", std::move(reasons));  // ours: so that cut answers stay known
    rows.push_back(Json::object()
                       .set("question_id", question->id)
                       .set("answer_id", id)
                       .set("model_id", model)
                       .set("choices", Json::array().push_back(std::move(choice)))
                       .set("tstamp", stamp));
  }
  return lines(rows);
}

}  // namespace

Json summary_to_json(const RunSummary& summary) {
  Json board = Json::array();
  for (const ModelSummary& model : summary.models) {
    board.push_back(model_to_json(model));
  }
  Json differences = Json::array();
  for (const RunSummary::Difference& d : summary.differences) {
    differences.push_back(Json::object()
                              .set("a", d.a)
                              .set("b", d.b)
                              .set("difference", d.paired.difference)
                              .set("ci_low", interval_end(d.paired.interval, false))
                              .set("ci_high", interval_end(d.paired.interval, true))
                              .set("standard_error", optional_number(d.paired.standard_error)));
  }
  Json judge_usage = Json::object();
  set_usage(judge_usage, summary.judge_usage);
  return Json::object()
      .set("leaderboard", std::move(board))
      .set("differences", std::move(differences))
      .set("benchmark", summary.benchmark)
      .set("protocol", summary.protocol)
      .set("judge", summary.judge)
      .set("baseline", summary.baseline.empty() ? Json() : Json(summary.baseline))
      .set("scale", Json::object()
                        .set("name", summary.scale.name)
                        .set("low", summary.scale.low)
                        .set("high", summary.scale.high))
      .set("judge_usage", std::move(judge_usage))
      .set("total_cost", optional_number(summary.total_cost))
      .set("prices", prices_to_json(summary.prices))
      .set("seed", static_cast<int64_t>(summary.settings.seed))
      .set("limit", summary.settings.limit)
      .set("max_tokens", summary.settings.max_tokens)
      .set("rows_per_model", summary.rows_per_model)
      .set("confidence", 0.95)
      .set("rating_ridge", kRatingRidge)
      .set("incomplete", string_list(summary.incomplete))
      .set("warnings", string_list(summary.warnings));
}

Result<Ok> export_fastchat(const Benchmark& benchmark,
                           const RunFolder& run,
                           const RunSummary& summary) {
  CUPEL_TRY_VOID(make_directories(run.path() + "/model_answer"));
  CUPEL_TRY_VOID(make_directories(run.path() + "/model_judgment"));
  for (const ModelSummary& model : summary.models) {
    CUPEL_TRY_VOID(write_file_atomic(format("{}/model_answer/{}.jsonl", run.path(), model.name),
                                     answer_file(benchmark, run, model.name)));
  }
  CUPEL_TRY(const Protocol* protocol, find_protocol(summary.protocol));
  const std::string_view name =
      protocol->record_name.empty() ? protocol->name : protocol->record_name;
  return write_file_atomic(format("{}/model_judgment/{}_{}.jsonl", run.path(), summary.judge, name),
                           lines(protocol->records(summary.judged, summary.judge)));
}

}  // namespace cupel::judge
