#pragma once

// Tests of several processes: each is this test program once more, running one body by name.

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/format.h"
#include "support/test_paths.h"
#include "train/launch/environment.h"
#include "train/parallel/gloo_collective.h"

namespace cupel::train::test {

using Body = std::function<void(const ParallelOptions&)>;

inline std::map<std::string, Body>& bodies() {
  static std::map<std::string, Body> all;
  return all;
}
inline bool add_body(const std::string& name, Body body) {
  return bodies().emplace(name, std::move(body)).second;
}

/// What a body tells the test: appended to the file of its rank.
inline void tell(const ParallelOptions& options, std::string_view text) {
  std::ofstream file(format("{}/{}", std::getenv("CUPEL_TEST_FOLDER"), options.rank),
                     std::ios::app | std::ios::binary);
  file << text;
}

/// A port of the loopback device that was free a moment ago.
inline int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(socket, generic, size), 0);
  EXPECT_EQ(getsockname(socket, generic, &size), 0);
  close(socket);
  return ntohs(address.sin_port);
}

/// The processes of one run; those that are left are killed with the object.
class Processes {
 public:
  Processes(std::string body, int64_t size) : body_(std::move(body)), size_(size) {}
  ~Processes() {
    for (const pid_t process : processes_) {
      if (process > 0) {
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
      }
    }
  }
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;

  Processes& with(const std::string& name, const std::string& value) {
    environment_[name] = value;
    return *this;
  }
  /// Words before the program, for the rank that is started next: another network namespace.
  Processes& under(std::vector<std::string> words) {
    words_ = std::move(words);
    return *this;
  }
  Processes& start(int64_t rank) {
    std::vector<std::string> words = words_;
    words.insert(words.end(), {"/proc/self/exe", "--gtest_filter=ParallelBody.*",
                               "--gtest_also_run_disabled_tests", "--gtest_brief=1"});
    if (!words_.empty()) {
      char program[4096] = "";
      EXPECT_GT(readlink("/proc/self/exe", program, sizeof(program) - 1), 0);
      words[words_.size()] = program;
    }
    std::map<std::string, std::string> set = environment_;
    set.insert({{"CUPEL_TEST_BODY", body_},
                {"CUPEL_TEST_FOLDER", folder_.path()},
                {"RANK", std::to_string(rank)},
                {"WORLD_SIZE", std::to_string(size_)},
                {"MASTER_ADDR", "127.0.0.1"},
                {"MASTER_PORT", std::to_string(port_)},
                {"OMP_NUM_THREADS", "1"}});
    const int output = open(folder_.file(format("output{}", rank)).c_str(),
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const pid_t child = fork();
    if (child == 0) {
      dup2(output, STDOUT_FILENO);
      dup2(output, STDERR_FILENO);
      for (const auto& [name, value] : set) {
        setenv(name.c_str(), value.c_str(), 1);
      }
      std::vector<char*> pointers;
      for (std::string& word : words) {
        pointers.push_back(word.data());
      }
      pointers.push_back(nullptr);
      execvp(pointers[0], pointers.data());
      _exit(127);
    }
    close(output);
    processes_.push_back(child);
    ranks_.push_back(rank);
    return *this;
  }
  Processes& start_all() {
    for (int64_t rank = 0; rank < size_; ++rank) {
      start(rank);
    }
    return *this;
  }

  /// The exit codes in the order of starts, 128 + n of one that signal n ended; −1: it had not
  /// ended after so many seconds. Nobody waits for the rank `except`.
  std::vector<int> wait(double seconds, int64_t except = -1) {
    const double end = now_seconds() + seconds;
    std::vector<int> codes(processes_.size(), -1);
    for (bool left = true; left && now_seconds() < end;) {
      left = false;
      for (size_t i = 0; i < processes_.size(); ++i) {
        int status = 0;
        if (processes_[i] > 0 && waitpid(processes_[i], &status, WNOHANG) == processes_[i]) {
          codes[i] = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
          processes_[i] = -1;
        }
        left = left || (processes_[i] > 0 && ranks_[i] != except);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    for (size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] > 0 && !output(ranks_[i]).empty()) {
        std::cerr << "rank " << ranks_[i] << ":\n" << output(ranks_[i]);
      }
    }
    return codes;
  }

  /// What a rank wrote to standard output and standard error.
  [[nodiscard]] std::string output(int64_t rank) const { return read(format("output{}", rank)); }
  /// What the body of a rank told.
  [[nodiscard]] std::string told(int64_t rank) const { return read(std::to_string(rank)); }
  [[nodiscard]] int port() const { return port_; }

 private:
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(folder_.file(name), std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string body_;
  int64_t size_;
  int port_ = free_port();
  cupel::test::TemporaryFolder folder_;
  std::map<std::string, std::string> environment_;
  std::vector<std::string> words_;
  std::vector<pid_t> processes_;
  std::vector<int64_t> ranks_;  // of them
};

}  // namespace cupel::train::test
