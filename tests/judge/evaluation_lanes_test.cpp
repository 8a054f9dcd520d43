// Who works at the same time in an evaluation: models that share a resource never do.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/fixed_models.h"
#include "judge/evaluation.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedScorer;
using test::TemporaryFolder;

// As many calls as a slow model takes at a time.
constexpr int64_t kParallelCalls = 4;
// Far more than submitting a few calls takes on a busy machine: it runs out only where they are
// never submitted.
constexpr std::chrono::seconds kPatience{120};

// Which models have calls under way, and how many others a new call met at most.
class Floor {
 public:
  void enter(const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++working_[name];
    size_t busy = 0;
    for (const auto& [other, count] : working_) {
      busy += count > 0 ? 1 : 0;
    }
    most_models_ = std::max(most_models_, busy);
    most_calls_[name] = std::max(most_calls_[name], working_[name]);
    entered_.notify_all();
  }
  // Until `name` has had `calls` under way at a time; the first wait that is in vain is the last.
  void wait_for_calls(const std::string& name, int64_t calls) {
    std::unique_lock lock(mutex_);
    const bool met =
        entered_.wait_for(lock, kPatience, [&] { return in_vain_ || most_calls_[name] >= calls; });
    in_vain_ = in_vain_ || !met;
  }
  void leave(const std::string& name) {
    const std::lock_guard lock(mutex_);
    --working_[name];
  }
  [[nodiscard]] size_t most_models() const { return most_models_; }
  [[nodiscard]] int64_t most_calls(const std::string& name) { return most_calls_[name]; }

 private:
  std::mutex mutex_;
  std::condition_variable entered_;
  bool in_vain_ = false;
  std::map<std::string, int64_t> working_;
  std::map<std::string, int64_t> most_calls_;
  size_t most_models_ = 0;
};

// Works for some milliseconds on a thread of its own, as a model of this machine does. No answer
// comes before `together` calls were under way at a time: on a busy machine the first would be done
// before the last is submitted.
class SlowModel : public ChatModel {
 public:
  SlowModel(std::string name, Floor& floor, int64_t together)
      : name_(std::move(name)), floor_(floor), together_(together) {}
  ~SlowModel() override {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override { return "slow " + name_; }
  [[nodiscard]] Capabilities capabilities() const override {
    return {.chat = true, .raw = true, .parallel_calls = kParallelCalls, .resource = kLocalCompute};
  }
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest&) const override { return 1; }
  std::shared_ptr<ChatCall> submit(ChatRequest, ChatSink sink) override {
    floor_.enter(name_);
    threads_.emplace_back([this, sink = std::move(sink)] {
      floor_.wait_for_calls(name_, together_);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      floor_.leave(name_);
      ChatResponse response;
      response.text = "Rating: [[5]]";
      sink.on_done(std::move(response));
    });
    return std::make_shared<ChatCall>();
  }

 private:
  std::string name_;
  Floor& floor_;
  int64_t together_;
  std::vector<std::thread> threads_;
};

class EvaluationLanes : public ::testing::TestWithParam<bool> {};

// The null model answers 64 at a time and has `raw`: neither may loosen what holds for the others,
// wherever it stands among the flags.
TEST_P(EvaluationLanes, LocalModelsAndTheJudgeTakeTurns) {
  const bool null_last = GetParam();
  const TemporaryFolder folder;
  const auto benchmark = load_benchmark(test::test_data("../../benchmarks/touchstone"));
  ASSERT_TRUE(benchmark.has_value()) << benchmark.error().message;
  auto run = RunFolder::open(folder.file("run"), *benchmark, {.limit = 6, .max_tokens = 16});
  ASSERT_TRUE(run.has_value()) << run.error().message;
  Floor floor;
  SlowModel a("a", floor, kParallelCalls);
  SlowModel b("b", floor, kParallelCalls);
  SlowModel judge_model("judge", floor, 1);
  NullModel null("null", "nothing");
  std::vector<Contender> contenders = {{.model = &a, .spec = "a"}, {.model = &b, .spec = "b"}};
  contenders.insert(null_last ? contenders.end() : contenders.begin(),
                    Contender{.model = &null, .spec = "null", .is_control = true});
  const Judge judge{.name = "judge", .model = &judge_model, .fingerprint = "j", .spec = "judge"};
  const auto protocol = find_protocol("single");
  ASSERT_TRUE(protocol.has_value());
  Evaluation evaluation(*benchmark, *run, **protocol, contenders, judge);
  ASSERT_TRUE(evaluation.prepare().has_value());
  const auto done = evaluation.run({});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(floor.most_models(), 1U);
  EXPECT_EQ(floor.most_calls("a"), kParallelCalls);
  EXPECT_EQ(floor.most_calls("b"), kParallelCalls);
}

INSTANTIATE_TEST_SUITE_P(NullModelFirstAndLast, EvaluationLanes, ::testing::Bool());

}  // namespace
}  // namespace cupel::judge
