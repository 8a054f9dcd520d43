// Who works at the same time in an evaluation: models that share a resource never do.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "core/fixed_models.h"
#include "judge/evaluation.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedScorer;
using test::TemporaryFolder;

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
  }
  void leave(const std::string& name) {
    const std::lock_guard lock(mutex_);
    --working_[name];
  }
  [[nodiscard]] size_t most_models() const { return most_models_; }
  [[nodiscard]] int64_t most_calls(const std::string& name) { return most_calls_[name]; }

 private:
  std::mutex mutex_;
  std::map<std::string, int64_t> working_;
  std::map<std::string, int64_t> most_calls_;
  size_t most_models_ = 0;
};

// Works for some milliseconds on a thread of its own, as a model of this machine does.
class SlowModel : public ChatModel {
 public:
  SlowModel(std::string name, Floor& floor) : name_(std::move(name)), floor_(floor) {}
  ~SlowModel() override {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override { return "slow " + name_; }
  [[nodiscard]] Capabilities capabilities() const override {
    return {.chat = true, .raw = true, .parallel_calls = 4, .resource = kLocalCompute};
  }
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest&) const override { return 1; }
  std::shared_ptr<ChatCall> submit(ChatRequest, ChatSink sink) override {
    floor_.enter(name_);
    threads_.emplace_back([this, sink = std::move(sink)] {
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
  SlowModel a("a", floor);
  SlowModel b("b", floor);
  SlowModel judge_model("judge", floor);
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
  EXPECT_EQ(floor.most_calls("a"), 4);
  EXPECT_EQ(floor.most_calls("b"), 4);
}

INSTANTIATE_TEST_SUITE_P(NullModelFirstAndLast, EvaluationLanes, ::testing::Bool());

}  // namespace
}  // namespace cupel::judge
