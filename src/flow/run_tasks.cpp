#include "flow/run_tasks.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/error.h"

namespace cupel::flow {
namespace {

class Runner {
 public:
  Runner(const std::vector<Task>& tasks, Journal& journal, const RunOptions& options)
      : tasks_(tasks),
        journal_(journal),
        options_(options),
        waiting_for_(tasks.size(), 0),
        dependents_(tasks.size()) {}

  Result<Ok> run() {
    CUPEL_TRY_VOID(link());
    CUPEL_TRY_VOID(check_order());
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (const Json* row = journal_.find(tasks_[i].key)) {
        finished_[i] = true;
        report(i, *row, true);
      }
    }
    for (size_t i = 0; i < tasks_.size(); ++i) {
      waiting_for_[i] = open_needs(i);
      if (!finished_[i] && waiting_for_[i] == 0) {
        ready_[tasks_[i].lane].insert(i);
      }
    }
    return loop();
  }

 private:
  struct Finished {
    size_t task;
    Result<Json> row;
  };

  Result<Ok> link() {
    std::unordered_map<std::string_view, size_t> by_key;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (!by_key.emplace(tasks_[i].key, i).second) {
        return invalid_argument("two tasks have the key \"{}\"", tasks_[i].key);
      }
    }
    needs_.resize(tasks_.size());
    for (size_t i = 0; i < tasks_.size(); ++i) {
      for (const std::string& need : tasks_[i].needs) {
        const auto found = by_key.find(need);
        if (found == by_key.end()) {
          return invalid_argument("task \"{}\" needs \"{}\", which is no task", tasks_[i].key,
                                  need);
        }
        needs_[i].push_back(found->second);
        dependents_[found->second].push_back(i);
      }
    }
    finished_.assign(tasks_.size(), false);
    return Ok{};
  }

  // Kahn's algorithm: whatever cannot be ordered lies on a cycle.
  Result<Ok> check_order() const {
    std::vector<size_t> open(tasks_.size());
    std::vector<size_t> ready;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      open[i] = needs_[i].size();
      if (open[i] == 0) {
        ready.push_back(i);
      }
    }
    size_t ordered = 0;
    while (!ready.empty()) {
      const size_t task = ready.back();
      ready.pop_back();
      ++ordered;
      for (const size_t next : dependents_[task]) {
        if (--open[next] == 0) {
          ready.push_back(next);
        }
      }
    }
    if (ordered != tasks_.size()) {
      return invalid_argument("{} tasks need each other in a circle", tasks_.size() - ordered);
    }
    return Ok{};
  }

  [[nodiscard]] size_t open_needs(size_t task) const {
    size_t open = 0;
    for (const size_t need : needs_[task]) {
      open += finished_[need] ? 0 : 1;
    }
    return open;
  }

  static Error stopped() { return cancelled("stopped; the same command goes on from here"); }

  Result<Ok> loop() {
    std::optional<Error> failure;
    while (true) {
      if (!failure && options_.stop.stop_requested()) {
        failure = stopped();
      }
      if (!failure) {
        start_ready();
      }
      std::deque<Finished> batch = wait_for_finished();
      if (batch.empty() && in_flight_ == 0) {
        break;
      }
      for (Finished& finished : batch) {
        --in_flight_;
        --lane_load_[tasks_[finished.task].lane];
        auto kept = keep(std::move(finished));
        if (!kept && !failure) {
          // Work that is stopped tends to fail.
          failure = options_.stop.stop_requested() ? stopped() : std::move(kept).error();
        }
      }
    }
    if (failure) {
      return *std::move(failure);
    }
    return Ok{};
  }

  void start_ready() {
    for (const std::string& name : ready_lanes()) {
      const Lane lane = lane_of(name);
      if (!take_turn(name, lane.resource)) {
        continue;
      }
      std::set<size_t>& queue = ready_[name];
      while (!queue.empty() && lane_load_[name] < lane.limit) {
        const size_t task = *queue.begin();
        queue.erase(queue.begin());
        start(task);
      }
    }
  }

  // Lanes with something to start, by their first task in the list.
  [[nodiscard]] std::vector<std::string> ready_lanes() const {
    std::map<size_t, std::string> by_first;
    for (const auto& [name, queue] : ready_) {
      if (!queue.empty()) {
        by_first.emplace(*queue.begin(), name);
      }
    }
    std::vector<std::string> names;
    for (auto& [first, name] : by_first) {
      names.push_back(std::move(name));
    }
    return names;
  }

  [[nodiscard]] Lane lane_of(const std::string& name) const {
    const auto found = options_.lanes.find(name);
    return found == options_.lanes.end() ? Lane{} : found->second;
  }

  // Whether the lane may use its resource now. A turn ends when nothing of its lane is in flight or
  // ready: graphs are finite, so every lane gets its turn, and when nothing at all is in flight,
  // whatever is ready may start.
  bool take_turn(const std::string& lane, const std::string& resource) {
    if (resource.empty()) {
      return true;
    }
    std::string& holder = turn_of_.try_emplace(resource, lane).first->second;
    if (holder != lane && lane_load_[holder] == 0 && ready_[holder].empty()) {
      holder = lane;
    }
    return holder == lane;
  }

  void start(size_t task) {
    ++lane_load_[tasks_[task].lane];
    ++in_flight_;
    Inputs inputs;
    for (const size_t need : needs_[task]) {
      inputs.push_back(journal_.find(tasks_[need].key));
    }
    tasks_[task].start(inputs, [this, task](Result<Json> row) {
      const std::lock_guard lock(mutex_);
      done_.push_back({task, std::move(row)});
      wake_.notify_one();
    });
  }

  // Blocks until something finished; wakes now and then to notice a stop request.
  std::deque<Finished> wait_for_finished() {
    std::unique_lock lock(mutex_);
    if (in_flight_ > 0) {
      wake_.wait_for(lock, std::chrono::milliseconds(100), [this] { return !done_.empty(); });
    }
    std::deque<Finished> batch;
    batch.swap(done_);
    return batch;
  }

  Result<Ok> keep(Finished finished) {
    const Task& task = tasks_[finished.task];
    if (!finished.row) {
      return in_context(std::move(finished.row).error(), task.key);
    }
    CUPEL_TRY_VOID(journal_.append(task.key, *finished.row));
    finished_[finished.task] = true;
    report(finished.task, *finished.row, false);
    for (const size_t next : dependents_[finished.task]) {
      if (--waiting_for_[next] == 0 && !finished_[next]) {
        ready_[tasks_[next].lane].insert(next);
      }
    }
    return Ok{};
  }

  void report(size_t task, const Json& row, bool resumed) const {
    if (options_.on_row) {
      options_.on_row(tasks_[task], row, resumed);
    }
  }

  const std::vector<Task>& tasks_;
  Journal& journal_;
  const RunOptions& options_;
  std::vector<size_t> waiting_for_;
  std::vector<std::vector<size_t>> dependents_;
  std::vector<std::vector<size_t>> needs_;
  std::vector<bool> finished_;
  std::map<std::string, std::set<size_t>> ready_;  // per lane, first in the list first
  std::map<std::string, int64_t> lane_load_;
  std::map<std::string, std::string> turn_of_;  // resource: the lane whose turn it is
  int64_t in_flight_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Finished> done_;
};

}  // namespace

Lane lane_of(const ChatModel& model) {
  const Capabilities can = model.capabilities();
  return {.limit = can.parallel_calls, .resource = can.resource};
}

Result<Ok> run_tasks(const std::vector<Task>& tasks, Journal& journal, const RunOptions& options) {
  return Runner(tasks, journal, options).run();
}

}  // namespace cupel::flow
