#include "train/launch/launch.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"
#include "support/test_paths.h"
#include "train/launch/rank_output.h"

namespace cupel::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LaunchOptions script(std::string text, int64_t processes) {
  return {.program = "/bin/sh", .arguments = {"-c", std::move(text)}, .processes = processes};
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What is launched, and what this process writes to standard error meanwhile.
struct Launched {
  LaunchEnd end;
  std::string shown;
};
Launched launched(const LaunchOptions& options) {
  testing::internal::CaptureStderr();
  const auto end = launch(options);
  Launched result{.end = {}, .shown = testing::internal::GetCapturedStderr()};
  EXPECT_TRUE(end.has_value()) << end.error().message;
  result.end = end.value_or(LaunchEnd{});
  return result;
}

/// Waits, at most ten seconds, until `done` says so.
template <typename Done>
bool eventually(const Done& done) {
  for (const Stopwatch watch; watch.seconds() < 10;) {
    if (done()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(Launch, SetsTheVariablesOfEachProcess) {
  const test::TemporaryFolder folder;
  setenv("TORCHELASTIC_USE_AGENT_STORE", "True", 1);  // another launcher's
  setenv("RANK", "7", 1);
  const auto [end, shown] = launched(
      script("echo $RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR $TORCHELASTIC_USE_AGENT_STORE "
             "${CUPEL_LISTENING_SOCKET:+socket} > " +
                 folder.path() + "/$RANK; echo $MASTER_PORT > " + folder.path() + "/port$RANK",
             3));
  unsetenv("TORCHELASTIC_USE_AGENT_STORE");
  unsetenv("RANK");
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.failure, "");
  EXPECT_EQ(shown, "");
  EXPECT_EQ(text_of(folder.file("0")), "0 0 3 127.0.0.1 socket\n");
  EXPECT_EQ(text_of(folder.file("2")), "2 2 3 127.0.0.1\n");
  EXPECT_GT(std::atoi(text_of(folder.file("port0")).c_str()), 0);
  EXPECT_EQ(text_of(folder.file("port0")), text_of(folder.file("port2")));
}

TEST(Launch, ProcessZeroGetsTheSocketOfThePort) {
  // The shell sees a socket under that number; the others do not have it.
  const test::TemporaryFolder folder;
  const auto [end, shown] = launched(
      script("if [ $RANK = 0 ]; then readlink /proc/self/fd/$CUPEL_LISTENING_SOCKET; else ls -l "
             "/proc/self/fd | grep -c socket; fi > " +
                 folder.path() + "/$RANK; exit 0",
             2));
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(text_of(folder.file("0")), HasSubstr("socket:["));
  EXPECT_EQ(text_of(folder.file("1")), "0\n");
}

TEST(Launch, SharesTheCpuBetweenThem) {
  const test::TemporaryFolder folder;
  const char* const before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before == nullptr ? "" : before;
  unsetenv("OMP_NUM_THREADS");
  const std::string text = "echo $OMP_NUM_THREADS > " + folder.path() + "/$RANK";
  EXPECT_EQ(launched(script(text, 64)).end.exit_code, 0);
  EXPECT_EQ(text_of(folder.file("0")), "1\n");
  setenv("OMP_NUM_THREADS", "5", 1);
  EXPECT_EQ(launched(script(text, 2)).end.exit_code, 0);
  EXPECT_EQ(text_of(folder.file("1")), "5\n");
  before == nullptr ? unsetenv("OMP_NUM_THREADS") : setenv("OMP_NUM_THREADS", kept.c_str(), 1);
}

TEST(Launch, OneThatFailsEndsTheOthers) {
  const Stopwatch watch;
  const auto [end, shown] = launched(script(
      "[ $RANK = 1 ] && { echo 'cupel: rows.jsonl:3: no prompt' >&2; exit 4; }; exec sleep 60", 3));
  EXPECT_EQ(end.exit_code, 4);
  EXPECT_EQ(end.failure, "rank 1 of 3 ended with exit code 4; the others were stopped");
  EXPECT_EQ(shown, "rank 1: cupel: rows.jsonl:3: no prompt\n");
  EXPECT_LT(watch.seconds(), 9) << "SIGTERM was enough";
}

TEST(Launch, OneThatDoesNotStopIsKilled) {
  LaunchOptions options = script(
      "[ $RANK = 1 ] && { sleep 0.3; exit 3; }; trap '' TERM; while :; do sleep 0.1; done", 2);
  options.grace_seconds = 0.5;
  const Stopwatch watch;
  const auto [end, shown] = launched(options);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_GT(watch.seconds(), 0.8);
  EXPECT_LT(watch.seconds(), 9);
}

TEST(Launch, NamesTheSignalThatEndedOne) {
  const auto [end, shown] = launched(script("[ $RANK = 1 ] && kill -9 $$; exec sleep 60", 2));
  EXPECT_EQ(end.exit_code, 128 + SIGKILL);
  EXPECT_EQ(end.failure, "rank 1 of 2 was ended by signal 9 (Killed); the others were stopped");
}

TEST(Launch, ShowsErrorsOnceAndLastLinesOfWhoSaidNone) {
  const auto noise =
      launched(script("if [ $RANK = 0 ]; then exit 0; fi; echo out; echo 'step 1 loss 2' >&2; echo "
                      "'cupel: warning: "
                      "slow' >&2; echo 'cupel: the same' >&2",
                      4));
  EXPECT_EQ(noise.end.exit_code, 0);
  EXPECT_THAT(noise.shown, testing::MatchesRegex("rank [123]: cupel: the same\n"));
  const auto silent =
      launched(script("[ $RANK = 1 ] && { echo 'a library: bad' >&2; exit 1; }; exec sleep 60", 2));
  EXPECT_EQ(silent.shown, "rank 1: a library: bad\n");
}

TEST(Launch, NothingIsLeftWhereOneDoesNotStart) {
  const auto none = launch({.program = "/no/such/program", .arguments = {}, .processes = 2});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_EQ(none.error().message, "/no/such/program does not start: No such file or directory");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_FALSE(launch(script("exit 0", 0)).has_value());
}

/// A process that launches two of `text`; they write their process ids to `folder`/RANK first.
pid_t launcher_of(const std::string& folder, const std::string& text) {
  const pid_t launcher = fork();
  if (launcher == 0) {
    const auto end = launch(script("echo $$ > " + folder + "/new$RANK; mv " + folder +
                                       "/new$RANK " + folder + "/$RANK; " + text,
                                   2));
    _exit(end ? end->exit_code : 99);
  }
  EXPECT_TRUE(eventually(
      [&] { return !text_of(folder + "/0").empty() && !text_of(folder + "/1").empty(); }));
  return launcher;
}

bool runs(const std::string& file) {
  const std::string state =
      text_of("/proc/" + std::to_string(std::atoi(text_of(file).c_str())) + "/stat");
  return !state.empty() && state.find(") Z ") == std::string::npos;
}

TEST(Launch, SignalsGoToAll) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const test::TemporaryFolder folder;
    const pid_t launcher =
        launcher_of(folder.path(), "trap 'echo told > " + folder.path() +
                                       "/told$RANK; exit 0' INT TERM; touch " + folder.path() +
                                       "/ready$RANK; while :; do sleep 0.05; done");
    EXPECT_TRUE(eventually([&] {
      return access(folder.file("ready0").c_str(), F_OK) == 0 &&
             access(folder.file("ready1").c_str(), F_OK) == 0;
    }));
    kill(launcher, signal);
    int status = -1;
    waitpid(launcher, &status, 0);
    EXPECT_EQ(status, 0) << signal;
    EXPECT_EQ(text_of(folder.file("told0")), "told\n");
    EXPECT_EQ(text_of(folder.file("told1")), "told\n");
  }
}

TEST(Launch, AKilledLauncherLeavesNobody) {
  const test::TemporaryFolder folder;
  const pid_t launcher =
      launcher_of(folder.path(), "trap '' TERM INT HUP; while :; do sleep 0.05; done");
  EXPECT_TRUE(runs(folder.file("0")) && runs(folder.file("1")));
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  EXPECT_TRUE(eventually([&] { return !runs(folder.file("0")) && !runs(folder.file("1")); }));
}

TEST(RankOutput, JoinsPiecesAndCutsEndlessLines) {
  ShownLines shown;
  RankOutput output(3, shown);
  EXPECT_EQ(output.take("cupel: a fi"), "");
  EXPECT_EQ(output.take("le\nnoise\n"), "rank 3: cupel: a file\n");
  EXPECT_EQ(output.take("cupel: a file\n"), "");
  EXPECT_EQ(output.take("x.cpp:3: check failed: a == b\n"),
            "rank 3: x.cpp:3: check failed: a == b\n");
  EXPECT_EQ(output.take(std::string(100'000, 'x')), "");
  EXPECT_EQ(output.take("\ncupel: no end"), "");
  EXPECT_EQ(output.end(false), "rank 3: cupel: no end\n");
}

}  // namespace
}  // namespace cupel::train
