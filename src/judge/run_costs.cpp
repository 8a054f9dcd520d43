#include "judge/run_costs.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "judge/call_record.h"
#include "judge/protocol.h"

namespace cupel::judge {
namespace {

// One row and who made it.
struct PaidRow {
  const std::string* maker = nullptr;     // a model of the run, or a judge
  const std::string* protocol = nullptr;  // of a verdict; null for an answer
  int64_t question = 0;
  std::vector<CallRecord> calls;
  std::pair<double, double> time;
};
using Visitor = std::function<void(const PaidRow& row)>;

// Walks all rows of a run: answers first, in the order of its members.
class RowWalk {
 public:
  RowWalk(const Benchmark& benchmark, const RunFolder& run, const Visitor& visit)
      : benchmark_(benchmark), run_(run), visit_(visit) {}

  Result<Ok> walk() {
    const JudgeScope all = whole_scope();
    for (const JudgeItem& answer : pointwise_items(all)) {
      const std::string& model = answer.sides.front().model;
      PaidRow row{.maker = &model, .question = answer.question->id};
      CUPEL_TRY_VOID(visit(answer_key(model, answer.question->id, answer.turn), row));
    }
    for (const RunMember& judge : run_.judges()) {
      for (const Protocol& protocol : protocols()) {
        const std::string name(protocol.name);
        for (const JudgeItem& item : protocol.items(all)) {
          PaidRow row{.maker = &judge.name, .protocol = &name, .question = item.question->id};
          CUPEL_TRY_VOID(visit(verdict_key(judge.name, name, item), row));
        }
      }
    }
    return Ok{};
  }

 private:
  // All questions and, without a baseline, all items that any command can have judged.
  [[nodiscard]] JudgeScope whole_scope() const {
    JudgeScope scope = judge_scope(benchmark_, run_);
    scope.questions = run_questions(benchmark_, 0);
    scope.baseline.clear();
    return scope;
  }

  Result<Ok> visit(const std::string& key, PaidRow& row) {
    const Json* json = run_.journal().find(key);
    if (json == nullptr) {
      return Ok{};
    }
    if (auto read = read_row(*json, row); !read) {
      return in_file(in_context(std::move(read).error(), key), run_.path() + "/results.jsonl");
    }
    visit_(row);
    return Ok{};
  }

  static Result<Ok> read_row(const Json& json, PaidRow& row) {
    CUPEL_TRY(row.calls, calls_from_json(json));
    CUPEL_TRY(row.time.first, get_double(json, "started"));
    CUPEL_TRY(row.time.second, get_double(json, "ended"));
    return Ok{};
  }

  const Benchmark& benchmark_;
  const RunFolder& run_;
  const Visitor& visit_;
};

// Length of the union of intervals: calls run side by side, and a run may have been interrupted.
double covered(std::vector<std::pair<double, double>> intervals) {
  std::sort(intervals.begin(), intervals.end());
  double total = 0;
  double reached = 0;
  for (const auto& [begin, end] : intervals) {
    const double from = std::max(begin, reached);
    if (end > from) {
      total += end - from;
      reached = end;
    }
  }
  return total;
}

// One member's usage while it is counted.
struct Counter {
  ModelUsage usage;
  std::vector<std::pair<double, double>> busy;

  ModelUsage take() {
    usage.seconds = covered(std::move(busy));
    return usage;
  }
};

class CostCount {
 public:
  CostCount(const RunFolder& run,
            const Benchmark& benchmark,
            const std::string& judge,
            const std::string& protocol)
      : run_(run), judge_(judge), protocol_(protocol) {
    for (const Question* question : run_questions(benchmark, run.settings().limit)) {
      shown_.insert(question->id);
    }
    for (const RunMember& model : run.models()) {
      models_[model.name];
    }
  }

  void add(const PaidRow& row) {
    const auto found = run_.prices().find(*row.maker);
    const store::Price* price = found == run_.prices().end() ? nullptr : &found->second;
    Counter* counter = counter_of(row);
    bool paid = false;
    for (const CallRecord& call : row.calls) {
      const bool first = call.id.empty() || seen_.insert(call.id).second;
      if (first && price != nullptr) {
        total_ += price->of(call.usage);
      }
      if (counter != nullptr && first) {
        counter->usage.add_call(call.usage, price);
      } else if (counter != nullptr) {
        ++counter->usage.cached_calls;
      }
      paid = paid || first;
    }
    if (counter != nullptr && paid) {
      counter->busy.push_back(row.time);
    }
  }

  RunCosts take() {
    RunCosts costs;
    for (auto& [name, counter] : models_) {
      costs.models[name] = priced(counter, name);
    }
    costs.judge = priced(judge_counter_, judge_);
    costs.total = run_.prices().empty() ? std::nullopt : std::optional(total_);
    return costs;
  }

 private:
  // Null for rows that count in the total alone.
  Counter* counter_of(const PaidRow& row) {
    if (!shown_.contains(row.question)) {
      return nullptr;
    }
    if (row.protocol == nullptr) {
      return &models_[*row.maker];
    }
    return *row.maker == judge_ && *row.protocol == protocol_ ? &judge_counter_ : nullptr;
  }

  // A model with a price that was not asked cost 0, which is known.
  ModelUsage priced(Counter& counter, const std::string& name) {
    ModelUsage usage = counter.take();
    if (run_.prices().contains(name)) {
      usage.cost = usage.cost.value_or(0);
    }
    return usage;
  }

  const RunFolder& run_;
  const std::string& judge_;
  const std::string& protocol_;
  std::set<int64_t> shown_;
  std::map<std::string, Counter> models_;
  Counter judge_counter_;
  std::set<std::string> seen_;  // ids of calls
  double total_ = 0;
};

}  // namespace

std::optional<double> ModelUsage::tokens_per_second() const {
  return seconds > 0 && completion_tokens > 0
             ? std::optional(static_cast<double>(completion_tokens) / seconds)
             : std::nullopt;
}

Result<RunCosts> count_costs(const Benchmark& benchmark,
                             const RunFolder& run,
                             const std::string& judge,
                             const std::string& protocol) {
  CostCount count(run, benchmark, judge, protocol);
  CUPEL_TRY_VOID(RowWalk(benchmark, run, [&](const PaidRow& row) { count.add(row); }).walk());
  return count.take();
}

Result<Ok> add_earlier_costs(const Benchmark& benchmark,
                             const RunFolder& run,
                             store::CostLedger& ledger) {
  return RowWalk(benchmark, run,
                 [&](const PaidRow& row) {
                   for (const CallRecord& call : row.calls) {
                     ledger.add_known_call(*row.maker, call.id, call.usage);
                   }
                 })
      .walk();
}

}  // namespace cupel::judge
