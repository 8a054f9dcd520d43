#include "train/parallel/gloo_collective.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <gmock/gmock.h>

#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/rng.h"
#include "train/launch/launch.h"
#include "train/process_group.h"

namespace cupel::train {
namespace {

using test::add_body;
using test::bodies;
using test::Processes;
using test::tell;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Where a process that `Processes` started begins.
TEST(ParallelBody, DISABLED_Run) {
  const char* const name = std::getenv("CUPEL_TEST_BODY");
  ASSERT_NE(name, nullptr) << "this is started by other tests";
  ASSERT_TRUE(bodies().contains(name)) << name;
  auto options = parallel_environment();
  ASSERT_TRUE(options.has_value() && options->has_value());
  if (const char* const timeout = std::getenv("CUPEL_TEST_TIMEOUT_MS")) {
    (*options)->timeout = std::chrono::milliseconds(std::atoi(timeout));
  }
  bodies().at(name)(**options);
}

std::unique_ptr<Collective> joined(const ParallelOptions& options) {
  auto collective = connect(options);
  EXPECT_TRUE(collective.has_value()) << collective.error().message;
  return collective ? std::move(*collective) : nullptr;
}

at::Tensor random_tensor(int64_t elements, uint64_t seed) {
  Rng rng(seed);
  const at::Tensor tensor = at::empty({elements}, at::kFloat);
  for (float& value : std::span(tensor.mutable_data_ptr<float>(), static_cast<size_t>(elements))) {
    value = static_cast<float>(rng.normal());
  }
  return tensor;
}

void expect_ok(const Result<Ok>& result) {
  EXPECT_TRUE(result.has_value()) << result.error().message;
}

// ---- sums, broadcasts, texts -------------------------------------------------------------------

constexpr int64_t kElements = 100'003;  // no multiple of anything the ring cuts it by

void check_exact_sums(Collective& group) {
  const auto ranks = static_cast<double>(group.size());
  const auto rank = static_cast<double>(group.rank());
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kLong}) {
    // Σ over ranks of (rank + 1) · (i mod 7): whole numbers, exact in every type.
    const at::Tensor base = at::arange(kElements, at::kLong).remainder(7);
    const at::Tensor mine = (base * (rank + 1)).to(type);
    expect_ok(group.sum(mine, "whole numbers"));
    EXPECT_TRUE(mine.equal((base * (ranks * (ranks + 1) / 2)).to(type)));
  }
  std::array<double, 2> numbers = {rank, 0.5};
  expect_ok(group.sum(numbers, "numbers"));
  EXPECT_THAT(numbers, ElementsAre(ranks * (ranks - 1) / 2, ranks / 2));
  // Every second element of a tensor: the others stay as they are.
  const at::Tensor wide = at::full({6, 2}, rank, at::kFloat);
  expect_ok(group.sum(wide.select(1, 0), "a column"));
  EXPECT_TRUE(wide.select(1, 0).equal(at::full({6}, ranks * (ranks - 1) / 2, at::kFloat)));
  EXPECT_TRUE(wide.select(1, 1).equal(at::full({6}, rank, at::kFloat)));
  expect_ok(group.sum(at::empty({0}, at::kFloat), "nothing"));
}

void check_broadcasts(Collective& group) {
  const int64_t from = group.size() - 1;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kLong, at::kByte, at::kBool}) {
    const at::Tensor sent = random_tensor(33, 7).to(type);
    const at::Tensor mine = group.rank() == from ? sent.clone() : at::zeros_like(sent);
    expect_ok(group.broadcast(mine, from, "a tensor"));
    EXPECT_TRUE(mine.equal(sent));
  }
  const at::Tensor scalar = at::full({}, static_cast<double>(group.rank()), at::kFloat);
  expect_ok(group.broadcast(scalar, from, "a scalar"));
  EXPECT_EQ(scalar.item<float>(), static_cast<float>(from));
  const std::string own = std::string("rank\0", 5) + std::to_string(group.rank());
  const auto texts = group.gather(own, "texts");
  ASSERT_TRUE(texts.has_value()) << texts.error().message;
  for (size_t rank = 0; rank < texts->size(); ++rank) {
    EXPECT_EQ((*texts)[rank], std::string("rank\0", 5) + std::to_string(rank));
  }
  const auto empty = group.broadcast(std::string(), "no text");
  EXPECT_TRUE(empty.has_value() && empty->empty());
}

const bool exact = add_body("exact", [](const ParallelOptions& options) {
  const auto group = joined(options);
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->rank(), options.rank);
  EXPECT_EQ(group->size(), options.size);
  check_exact_sums(*group);
  check_broadcasts(*group);
  expect_ok(group->barrier("a barrier"));
  const at::Tensor mine = random_tensor(kElements, static_cast<uint64_t>(options.rank));
  expect_ok(group->sum(mine, "random numbers"));
  tell(options, {static_cast<const char*>(mine.const_data_ptr()), mine.nbytes()});
});

void expect_same_bits(int64_t ranks) {
  Processes processes("exact", ranks);
  ASSERT_THAT(processes.start_all().wait(120), Each(0));
  at::Tensor sum = at::zeros({kElements}, at::kDouble);
  for (int64_t rank = 0; rank < ranks; ++rank) {
    sum += random_tensor(kElements, static_cast<uint64_t>(rank)).to(at::kDouble);
  }
  const std::string first = processes.told(0);
  at::Tensor told = at::empty({kElements}, at::kFloat);
  ASSERT_EQ(first.size(), told.nbytes());
  std::memcpy(told.mutable_data_ptr(), first.data(), first.size());
  EXPECT_LT((told.to(at::kDouble) - sum).abs().max().item<double>(), 1e-5);
  for (int64_t rank = 1; rank < ranks; ++rank) {
    EXPECT_EQ(processes.told(rank), first) << "rank " << rank;
  }
}

TEST(GlooCollective, TwoProcessesHaveTheSameSums) {
  expect_same_bits(2);
}
TEST(GlooCollective, FourProcessesHaveTheSameSums) {
  expect_same_bits(4);
}

TEST(GlooCollective, LaunchedProcessesUseTheSocketThatWasBoundForThem) {
  const cupel::test::TemporaryFolder folder;
  setenv("CUPEL_TEST_BODY", "exact", 1);
  setenv("CUPEL_TEST_FOLDER", folder.path().c_str(), 1);
  const auto end = launch({.program = "",
                           .arguments = {"--gtest_filter=ParallelBody.*",
                                         "--gtest_also_run_disabled_tests", "--gtest_brief=1"},
                           .processes = 2});
  unsetenv("CUPEL_TEST_BODY");
  unsetenv("CUPEL_TEST_FOLDER");
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(end->exit_code, 0) << end->failure;
  EXPECT_EQ(std::filesystem::file_size(folder.file("1")), sizeof(float) * kElements);
}

TEST(GlooCollective, OneProcessNeedsNobody) {
  const auto group = connect({.rank = 0, .size = 1});
  ASSERT_TRUE(group.has_value());
  std::array<double, 1> number = {3};
  expect_ok((*group)->sum(number, "alone"));
  EXPECT_EQ(number[0], 3);
}

// ---- processes that do not answer --------------------------------------------------------------

/// Rank `loser` ends by a signal after the first operation; the others tell what they hear of the
/// second and the third.
void lose_one(const ParallelOptions& options, int64_t loser, int signal) {
  auto group = joined(options);
  ASSERT_NE(group, nullptr);
  expect_ok(group->barrier("the start"));
  if (options.rank == loser) {
    raise(signal);
  }
  const Stopwatch watch;
  const at::Tensor tensor = at::zeros({kElements}, at::kFloat);
  const auto lost = group->sum(tensor, "the gradients of step 12");
  ASSERT_FALSE(lost.has_value());
  tell(options, lost.error().message + "\n" + std::string(code_name(lost.error().code)) + "\n");
  const auto after = group->barrier("the end of step 12");
  ASSERT_FALSE(after.has_value());
  EXPECT_THAT(after.error().message, AllOf(HasSubstr("the end of step 12"),
                                           HasSubstr("ended at the gradients of step 12")));
  group.reset();
  tell(options, format("{}", watch.seconds()));
}
const bool killed = add_body("killed", [](const auto& options) { lose_one(options, 1, SIGKILL); });
const bool first_killed =
    add_body("first killed", [](const auto& options) { lose_one(options, 0, SIGKILL); });
const bool hangs = add_body("hangs", [](const auto& options) { lose_one(options, 1, SIGSTOP); });
const bool first_hangs =
    add_body("first hangs", [](const auto& options) { lose_one(options, 0, SIGSTOP); });

double seconds_told(const Processes& processes, int64_t rank) {
  const std::string text = processes.told(rank);
  return std::atof(text.substr(text.rfind('\n') + 1).c_str());
}

TEST(GlooCollective, AKilledProcessEndsTheOthersAtOnce) {
  Processes processes("killed", 3);
  processes.with("CUPEL_TEST_TIMEOUT_MS", "60000").start_all();
  EXPECT_THAT(processes.wait(60), ElementsAre(0, 128 + SIGKILL, 0));
  for (const int64_t rank : {0, 2}) {
    EXPECT_THAT(processes.told(rank),
                AllOf(HasSubstr(format("rank {} of 3: the gradients of step 12: the connection to "
                                       "another process is gone (no word from rank 1)",
                                       rank)),
                      HasSubstr(std::string(code_name(Code::kUnavailable)))));
    EXPECT_LT(seconds_told(processes, rank), 10) << "not by the time-out of 60 s";
    EXPECT_THAT(processes.output(rank), Not(HasSubstr("c10d"))) << "notes for developers";
  }
}

TEST(GlooCollective, TheKilledProcessMayHoldTheRendezvous) {
  Processes processes("first killed", 2);
  processes.with("CUPEL_TEST_TIMEOUT_MS", "60000").start_all();
  EXPECT_THAT(processes.wait(60), ElementsAre(128 + SIGKILL, 0));
  EXPECT_THAT(processes.told(1), HasSubstr("rank 1 of 2: the gradients of step 12: the connection "
                                           "to another process is gone (no word from rank 0)"));
  EXPECT_LT(seconds_told(processes, 1), 10);
}

void expect_timeout(const std::string& body, int64_t rank, int64_t silent) {
  Processes processes(body, 2);
  processes.with("CUPEL_TEST_TIMEOUT_MS", "2000").start_all();
  const std::vector<int> codes = processes.wait(30, silent);
  EXPECT_EQ(codes[static_cast<size_t>(rank)], 0);
  EXPECT_EQ(codes[static_cast<size_t>(silent)], -1) << "it was stopped";
  EXPECT_THAT(processes.told(rank),
              AllOf(HasSubstr(format("rank {} of 2: the gradients of step 12: no answer within 2 s "
                                     "(no word from rank {})",
                                     rank, silent)),
                    HasSubstr(std::string(code_name(Code::kDeadline)))));
  EXPECT_LT(seconds_told(processes, rank), 10);
}

TEST(GlooCollective, AProcessThatHangsEndsTheOthersAfterTheTimeout) {
  expect_timeout("hangs", 0, 1);
}
TEST(GlooCollective, TheProcessThatHangsMayHoldTheRendezvous) {
  expect_timeout("first hangs", 1, 0);
}

// ---- coming together ---------------------------------------------------------------------------

const bool meets = add_body("meets", [](const ParallelOptions& options) {
  const auto group = connect(options);
  tell(options, group ? "met" : group.error().message);
  if (group) {
    expect_ok((*group)->barrier("a barrier"));
  }
});

TEST(GlooCollective, NamesWhoDoesNotCome) {
  Processes processes("meets", 4);
  processes.with("CUPEL_TEST_TIMEOUT_MS", "3000").start(0).start(2);
  EXPECT_THAT(processes.wait(30), Each(0));
  for (const int64_t rank : {0, 2}) {
    EXPECT_EQ(processes.told(rank),
              format("rank {} of 4: ranks 1 and 3 did not come to 127.0.0.1:{} within 3 s", rank,
                     processes.port()));
  }
}

TEST(GlooCollective, SaysThatNobodyHoldsTheRendezvous) {
  Processes processes("meets", 2);
  processes.with("CUPEL_TEST_TIMEOUT_MS", "1500").start(1);
  EXPECT_THAT(processes.wait(30), Each(0));
  EXPECT_EQ(processes.told(1), format("rank 1 of 2: nobody answered at 127.0.0.1:{} (MASTER_ADDR, "
                                      "MASTER_PORT) within 1.5 s; rank 0 has to run there",
                                      processes.port()));
}

TEST(GlooCollective, SaysThatThePortIsTaken) {
  Processes processes("meets", 2);
  const c10d::TCPStore other(
      "127.0.0.1",
      {.port = static_cast<uint16_t>(processes.port()), .isServer = true, .waitWorkers = false});
  processes.start(0);
  EXPECT_THAT(processes.wait(30), Each(0));
  EXPECT_THAT(processes.told(0),
              AllOf(HasSubstr(format("rank 0 of 2: cannot wait for the others at 127.0.0.1:{}",
                                     processes.port())),
                    HasSubstr("the port free")));
}

TEST(GlooCollective, UsesTheStoreOfTheLauncher) {
  Processes processes("meets", 2);
  const c10d::TCPStore agent(
      "127.0.0.1",
      {.port = static_cast<uint16_t>(processes.port()), .isServer = true, .waitWorkers = false});
  processes.with("TORCHELASTIC_USE_AGENT_STORE", "True").with("TORCHELASTIC_RESTART_COUNT", "2");
  EXPECT_THAT(processes.start_all().wait(60), Each(0));
  EXPECT_EQ(processes.told(0), "met");
  EXPECT_EQ(processes.told(1), "met");
}

TEST(GlooCollective, NamesAnInterfaceThatIsNotThere) {
  Processes processes("meets", 2);
  processes.with("GLOO_SOCKET_IFNAME", "none0").with("CUPEL_TEST_TIMEOUT_MS", "20000");
  EXPECT_THAT(processes.start_all().wait(60), Each(0));
  EXPECT_THAT(processes.told(1), AllOf(HasSubstr("rank 1 of 2: GLOO_SOCKET_IFNAME names none0: "),
                                       Not(HasSubstr("\n"))));
}

TEST(GlooCollective, NamesAnAddressOfNoHost) {
  const auto group = connect({.rank = 1,
                              .size = 2,
                              .address = "no-such-host.invalid",
                              .port = 1,
                              .timeout = std::chrono::milliseconds(500)});
  ASSERT_FALSE(group.has_value());
  EXPECT_THAT(group.error().message,
              HasSubstr("no-such-host.invalid:1 (MASTER_ADDR, MASTER_PORT)"));
}

}  // namespace
}  // namespace cupel::train
