#include "train/launch/environment.h"

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::train {
namespace {

using ::testing::HasSubstr;

/// The variables of the contract as given and no others, as long as the object lives.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& set) {
    for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK",
                             "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT",
                             "GLOO_SOCKET_IFNAME", kListeningSocket}) {
      const char* const value = std::getenv(name);
      if (value != nullptr) {
        before_[name] = value;
      }
      names_.emplace_back(name);
      unsetenv(name);
    }
    for (const auto& [name, value] : set) {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Variables() {
    for (const std::string& name : names_) {
      unsetenv(name.c_str());
    }
    for (const auto& [name, value] : before_) {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

std::map<std::string, std::string> complete() {
  return {
      {"RANK", "2"}, {"WORLD_SIZE", "4"}, {"MASTER_ADDR", "10.0.0.1"}, {"MASTER_PORT", "29500"}};
}

void expect_error(const std::map<std::string, std::string>& set, const std::string& text) {
  const Variables variables(set);
  const auto options = parallel_environment();
  ASSERT_FALSE(options.has_value()) << text;
  EXPECT_EQ(options.error().code, Code::kInvalidArgument);
  EXPECT_THAT(options.error().message, HasSubstr(text));
}

TEST(ParallelEnvironment, NoneIsAlone) {
  const Variables variables({});
  const auto options = parallel_environment();
  ASSERT_TRUE(options.has_value());
  EXPECT_FALSE(options->has_value());
}

TEST(ParallelEnvironment, AnAddressAloneAsksForNothing) {
  const Variables variables({{"MASTER_ADDR", "10.0.0.1"}, {"MASTER_PORT", "29500"}});
  const auto options = parallel_environment();
  ASSERT_TRUE(options.has_value());
  EXPECT_FALSE(options->has_value());
}

TEST(ParallelEnvironment, ReadsTheFourAndGuessesTheRest) {
  const Variables variables(complete());
  const auto options = parallel_environment();
  ASSERT_TRUE(options.has_value() && options->has_value());
  EXPECT_EQ((*options)->rank, 2);
  EXPECT_EQ((*options)->size, 4);
  EXPECT_EQ((*options)->local_rank, 2);
  EXPECT_EQ((*options)->address, "10.0.0.1");
  EXPECT_EQ((*options)->port, 29500);
  EXPECT_EQ((*options)->attempt, 0);
  EXPECT_FALSE((*options)->store_is_there);
  EXPECT_FALSE((*options)->listening_socket.has_value());
  EXPECT_EQ((*options)->interfaces, "");
}

TEST(ParallelEnvironment, ReadsWhatTorchrunSets) {
  auto set = complete();
  set.insert({{"LOCAL_RANK", "0"},
              {"TORCHELASTIC_USE_AGENT_STORE", "True"},
              {"TORCHELASTIC_RESTART_COUNT", "3"},
              {"GLOO_SOCKET_IFNAME", "eth0,eth1"}});
  const Variables variables(set);
  const auto options = parallel_environment();
  ASSERT_TRUE(options.has_value() && options->has_value());
  EXPECT_EQ((*options)->local_rank, 0);
  EXPECT_TRUE((*options)->store_is_there);
  EXPECT_EQ((*options)->attempt, 3);
  EXPECT_EQ((*options)->interfaces, "eth0,eth1");
}

TEST(ParallelEnvironment, NamesWhatIsMissing) {
  expect_error({{"RANK", "0"}}, "missing beside RANK: WORLD_SIZE, MASTER_ADDR, MASTER_PORT; a run");
  auto set = complete();
  set["MASTER_PORT"] = "";
  expect_error(set, "missing beside RANK, WORLD_SIZE, MASTER_ADDR: MASTER_PORT; a run");
}

TEST(ParallelEnvironment, NamesNumbersOutsideTheirRange) {
  for (const auto& [name, value, text] : std::vector<std::array<std::string, 3>>{
           {"RANK", "4", "RANK is 4 and WORLD_SIZE is 4; expected a rank from 0 to 3"},
           {"RANK", "-1", "RANK is \"-1\"; expected a whole number from 0"},
           {"RANK", "1x", "RANK is \"1x\""},
           {"WORLD_SIZE", "0", "WORLD_SIZE is \"0\"; expected a whole number from 1"},
           {"WORLD_SIZE", "two", "WORLD_SIZE is \"two\""},
           {"MASTER_PORT", "65536",
            "MASTER_PORT is \"65536\"; expected a whole number from 1 to 65535"},
           {"MASTER_PORT", "99999999999999999999", "MASTER_PORT is"},
           {"LOCAL_RANK", "a", "LOCAL_RANK is \"a\""},
           {kListeningSocket, "1", "CUPEL_LISTENING_SOCKET is \"1\""}}) {
    auto set = complete();
    set[name] = value;
    expect_error(set, text);
  }
}

}  // namespace
}  // namespace cupel::train
