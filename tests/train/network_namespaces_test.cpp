// Processes on two machines, as far as one machine can show it: two network namespaces joined by a
// pair of virtual devices, which share nothing but that cable.
#include <cstdio>
#include <optional>

#include <gmock/gmock.h>

#include "train/process_group.h"

namespace cupel::train {
namespace {

using test::add_body;
using test::Processes;
using test::tell;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

/// Two namespaces with the addresses 10.99.7.1 and 10.99.7.2; removed with the object.
class Cable {
 public:
  Cable() {
    for (const int end : {1, 2}) {
      run(format("ip netns add {}", name(end)));
    }
    run(format("ip link add {} netns {} type veth peer name {} netns {}", device(1), name(1),
               device(2), name(2)));
    for (const int end : {1, 2}) {
      run(format("ip -n {} addr add 10.99.7.{}/24 dev {}", name(end), end, device(end)));
      run(format("ip -n {} link set {} up", name(end), device(end)));
      run(format("ip -n {} link set lo up", name(end)));
    }
  }
  ~Cable() {
    problem_.clear();
    for (const int end : {1, 2}) {
      run(format("ip netns del {}", name(end)));
    }
  }
  Cable(const Cable&) = delete;
  Cable& operator=(const Cable&) = delete;

  /// What the system said against it; empty: it is there.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] static std::string device(int end) { return format("cupel{}", end); }
  [[nodiscard]] static std::vector<std::string> words(int end) {
    return {"ip", "netns", "exec", name(end)};
  }
  void cut() { run(format("ip -n {} link set {} down", name(1), device(1))); }

 private:
  static std::string name(int end) { return format("cupel-test-{}-{}", getpid(), end); }

  void run(const std::string& command) {
    if (!problem_.empty()) {
      return;
    }
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    char line[256] = "";
    const bool said = std::fgets(line, sizeof(line), pipe) != nullptr;
    const int status = pclose(pipe);
    if (status != 0) {
      problem_ = format("`{}`: {}", command, said ? line : "failed");
    }
  }

  std::string problem_;
};

#define SKIP_WITHOUT(cable)                                                           \
  if (!(cable).problem().empty()) {                                                   \
    GTEST_SKIP() << "processes on two machines were not shown: " << (cable).problem() \
                 << " (it needs root and iproute2)";                                  \
  }                                                                                   \
  static_assert(true)

std::unique_ptr<Collective> joined(const ParallelOptions& options) {
  auto group = connect(options);
  EXPECT_TRUE(group.has_value()) << group.error().message;
  return group ? std::move(*group) : nullptr;
}

const bool summed = add_body("over a cable", [](const ParallelOptions& options) {
  const auto group = joined(options);
  ASSERT_NE(group, nullptr);
  const at::Tensor mine = at::arange(1'000'000, at::kFloat) * static_cast<double>(options.rank + 1);
  const auto done = group->sum(mine, "numbers");
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_TRUE(mine.equal(at::arange(1'000'000, at::kFloat) * 3));
  tell(options, "done");
});

const bool cut_off = add_body("until it is cut", [](const ParallelOptions& options) {
  const auto group = joined(options);
  ASSERT_NE(group, nullptr);
  const at::Tensor mine = at::zeros({100'000}, at::kFloat);
  Result<Ok> done = group->barrier("the start");
  tell(options, "started\n");
  for (int step = 0; done.has_value(); ++step) {
    done = group->sum(mine, format("the gradients of step {}", step));
  }
  tell(options, done.error().message + "\n" + std::string(code_name(done.error().code)));
});

void expect_sums(const Cable& cable, const std::string& interfaces) {
  SKIP_WITHOUT(cable);
  Processes processes("over a cable", 2);
  processes.with("MASTER_ADDR", "10.99.7.1").with("CUPEL_TEST_TIMEOUT_MS", "30000");
  processes.with("GLOO_SOCKET_IFNAME", interfaces);
  processes.under(Cable::words(1)).start(0).under(Cable::words(2));
  if (!interfaces.empty()) {
    processes.with("GLOO_SOCKET_IFNAME", Cable::device(2));
  }
  processes.start(1);
  EXPECT_THAT(processes.wait(60), Each(0));
  EXPECT_EQ(processes.told(0), "done");
  EXPECT_EQ(processes.told(1), "done");
}

TEST(NetworkNamespaces, SumsOverTheDeviceThatLeadsThere) {
  expect_sums(Cable(), "");
}
TEST(NetworkNamespaces, SumsOverTheDeviceThatIsNamed) {
  expect_sums(Cable(), Cable::device(1));
}

TEST(NetworkNamespaces, ACutCableEndsBothAfterTheTimeout) {
  Cable cable;
  SKIP_WITHOUT(cable);
  Processes processes("until it is cut", 2);
  processes.with("MASTER_ADDR", "10.99.7.1").with("CUPEL_TEST_TIMEOUT_MS", "5000");
  processes.under(Cable::words(1)).start(0).under(Cable::words(2)).start(1);
  for (const Stopwatch watch;
       watch.seconds() < 30 && (processes.told(0).empty() || processes.told(1).empty());) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  cable.cut();
  const Stopwatch watch;
  EXPECT_THAT(processes.wait(60), Each(0));
  EXPECT_LT(watch.seconds(), 20);
  for (const int rank : {0, 1}) {
    EXPECT_THAT(processes.told(rank),
                AllOf(HasSubstr(format("rank {} of 2: the gradients of step ", rank)),
                      HasSubstr(format("no answer within 5 s (no word from rank {})", 1 - rank)),
                      HasSubstr(std::string(code_name(Code::kDeadline)))));
  }
}

}  // namespace
}  // namespace cupel::train
