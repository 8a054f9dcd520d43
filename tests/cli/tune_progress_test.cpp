#include "cli/tune_progress.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace cupel::cli {
namespace {

class TuneProgressTest : public testing::Test {
 protected:
  TuneProgressOptions options(report::Terminal terminal, int64_t every = 1) {
    return {.every = every,
            .write = [this](std::string_view text) { written_ += text; },
            .results = [this](std::string_view text) { results_ += text; },
            .terminal = [terminal] { return terminal; },
            .clock = [this] { return now_; }};
  }
  static Json record_of(int64_t step, double loss) {
    return Json::object()
        .set("step", step)
        .set("loss", loss)
        .set("lr", 1.9e-5)
        .set("grad_norm", 0.8125);
  }
  static Json timing() {
    return Json::object().set("tok_per_s", 2345.4).set("mem_bytes", int64_t{1288490189});
  }

  std::string written_;
  std::string results_;
  double now_ = 100;
};

TEST_F(TuneProgressTest, OnATerminalOneLineIsWrittenOver) {
  TuneProgress progress(options({.live = true, .columns = 120}));
  progress.begin(300);
  now_ += 23.8;  // two seconds a step, to the end of step 12: 288 steps more take 9:36
  for (int64_t step = 1; step <= 11; ++step) {
    progress.record(record_of(step, 2), timing());
  }
  EXPECT_EQ(written_.find("step 2/"), std::string::npos);  // within the tenth of a second
  written_.clear();
  now_ += 0.2;
  progress.record(record_of(12, 1.234), timing());
  EXPECT_EQ(written_,
            "\r\x1b[Kstep 12/300  loss 1.2340  lr 1.90e-05  |g| 0.812  2,345 tok/s  1.2 GiB  ETA "
            "9:36");
  written_.clear();
  progress.note("stays");
  EXPECT_EQ(written_, "\r\x1b[Kstays\n");
  written_.clear();
  progress.finish();
  EXPECT_EQ(written_, "");  // nothing is left to take away
}

TEST_F(TuneProgressTest, ANarrowTerminalLosesWhatMattersLeast) {
  const auto line = [this](size_t columns) {
    written_.clear();
    TuneProgress progress(options({.live = true, .columns = columns}));
    progress.begin(300);
    now_ += 2;
    progress.record(record_of(1, 2).set("rewards/accuracies", 0.5), timing());
    return written_.substr(std::string_view("\r\x1b[K").size());
  };
  EXPECT_EQ(line(81),
            "step 1/300  loss 2.0000  lr 1.90e-05  |g| 0.812  acc 0.50  2,345 tok/s  ETA 9:58");
  EXPECT_EQ(line(50), "step 1/300  loss 2.0000  acc 0.50  ETA 9:58");
  EXPECT_EQ(line(20), "step 1/300  loss 2.");
  for (size_t columns = 2; columns <= 100; ++columns) {
    EXPECT_LT(line(columns).size(), columns);  // a full line wraps on some terminals
  }
}

TEST_F(TuneProgressTest, InAPipeThereIsALineEverySoManyStepsAndForTheLast) {
  TuneProgress progress(options({}, 4));
  progress.begin(10);
  for (int64_t step = 1; step <= 10; ++step) {
    now_ += 1;
    progress.record(record_of(step, 2), timing());
  }
  EXPECT_EQ(written_,
            "step 4/10  loss 2.0000  lr 1.90e-05  |g| 0.812  2,345 tok/s  1.2 GiB  ETA 0:06\n"
            "step 8/10  loss 2.0000  lr 1.90e-05  |g| 0.812  2,345 tok/s  1.2 GiB  ETA 0:02\n"
            "step 10/10  loss 2.0000  lr 1.90e-05  |g| 0.812  2,345 tok/s  1.2 GiB\n");
}

TEST_F(TuneProgressTest, ARunThatGoesOnMeasuresItsOwnStepsAlone) {
  TuneProgress progress(options({}));
  progress.begin(200);
  now_ += 3;
  progress.record(record_of(101, 2), timing());
  EXPECT_NE(written_.find("ETA 4:57"), std::string::npos) << written_;  // 99 steps of 3 s
}

TEST_F(TuneProgressTest, EvaluationsAndWhatIsNoNumberAreShown) {
  TuneProgress progress(options({.live = true, .columns = 200}));
  progress.begin(2);
  progress.record(record_of(1, std::nan("")).set("rewards/accuracies", 0.75),
                  Json::object().set("step_ms", 5.0));
  EXPECT_NE(written_.find("loss nan  lr 1.90e-05  |g| 0.812  acc 0.75  ETA"), std::string::npos)
      << written_;
  written_.clear();
  progress.record(Json::object().set("step", 1).set(
                      "eval", Json::object().set("loss", 1.5).set("rewards/accuracies", 0.5)),
                  Json::object());
  EXPECT_EQ(written_, "\r\x1b[Kstep 1  held-out loss 1.5000  acc 0.50\n");
}

TEST_F(TuneProgressTest, JsonIsRecordAndTimingInOneObject) {
  TuneProgressOptions chosen = options({.live = true});
  chosen.json = true;
  TuneProgress progress(chosen);
  progress.begin(2);
  progress.record(record_of(1, 2), timing());
  EXPECT_EQ(results_,
            "{\"step\":1,\"loss\":2.0,\"lr\":1.9e-05,\"grad_norm\":0.8125,\"tok_per_s\":2345.4,"
            "\"mem_bytes\":1288490189}\n");
  EXPECT_EQ(written_, "");
  results_.clear();
  progress.record(Json::object().set("step", 1).set("eval", Json::object().set("loss", 1.5)),
                  timing().set("eval", true));
  EXPECT_EQ(results_,
            "{\"step\":1,\"eval\":{\"loss\":1.5},\"tok_per_s\":2345.4,\"mem_bytes\":1288490189}\n");
}

TEST_F(TuneProgressTest, SkippedStepsAreCountedAndNotesMoveNoCursor) {
  TuneProgress progress(options({}));
  Json small = timing();
  small.set("mem_bytes", int64_t{300} << 20);
  progress.record(record_of(7, 2).set("skipped", 2), small);
  EXPECT_EQ(written_,
            "step 7  loss 2.0000  lr 1.90e-05  |g| 0.812  skipped 2  2,345 tok/s  300 MiB\n");
  written_.clear();
  progress.record(record_of(8, 1.95e-5), Json::object());
  EXPECT_EQ(written_, "step 8  loss 1.95e-05  lr 1.90e-05  |g| 0.812\n");
  written_.clear();
  progress.note("left out: \x1b[2Jx");
  EXPECT_EQ(written_, "left out: \uFFFD[2Jx\n");
}

}  // namespace
}  // namespace cupel::cli
