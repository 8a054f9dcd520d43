#include "train/launch/launch.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/machine.h"
#include "train/launch/child_process.h"
#include "train/launch/environment.h"
#include "train/launch/rank_output.h"
#include "train/launch/signals.h"

namespace cupel::train {
namespace {

constexpr int64_t kMostProcesses = 1 << 16;

struct Child {
  int64_t rank = 0;
  pid_t process = -1;  // < 0: it has ended
  int status = 0;      // of waitpid
  Descriptor
      ended;  // readable when it has; SIGCHLD would be lost to a thread that does not block it
  Descriptor errors;  // its standard error; none of rank 0
  std::unique_ptr<RankOutput> output;
};

/// A socket on a free port of the loopback device, which nobody else can take from then on.
Result<Descriptor> bind_free_port(int& port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  // Listening already, so that the others' first attempt to connect waits instead of failing.
  if (!socket || bind(socket.get(), generic, size) != 0 || listen(socket.get(), SOMAXCONN) != 0 ||
      getsockname(socket.get(), generic, &size) != 0) {
    return unavailable("cannot open a port of the loopback device: {}", std::strerror(errno));
  }
  port = ntohs(address.sin_port);
  return socket;
}

/// The environment of this process with some variables set and all of another launcher left out.
std::vector<std::string> environment_with(const std::vector<std::string>& set) {
  std::vector<std::string> all = set;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view variable = *one;
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    const bool replaced =
        std::ranges::any_of(set, [&](const std::string& ours) { return ours.starts_with(name); });
    if (!replaced && !name.starts_with("TORCHELASTIC_") && name != "CUPEL_LISTENING_SOCKET=") {
      all.emplace_back(variable);
    }
  }
  return all;
}

std::string outcome_text(int status) {
  if (WIFSIGNALED(status)) {
    return format("was ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return format("ended with exit code {}", WEXITSTATUS(status));
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

class Supervisor {
 public:
  explicit Supervisor(const LaunchOptions& options) : options_(options) {}
  ~Supervisor() {
    signal_all(SIGKILL);
    for (const Child& child : children_) {
      if (child.process > 0) {
        waitpid(child.process, nullptr, 0);
      }
    }
  }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  Result<LaunchEnd> run() {
    if (!signals_.descriptor()) {
      return unavailable("cannot wait for signals: {}", std::strerror(errno));
    }
    CUPEL_TRY_VOID(start_all());
    while (running() > 0) {
      wait_for_events();
      read_output();
      reap();
      if (kill_at_ && now_seconds() > *kill_at_) {
        signal_all(SIGKILL);
        kill_at_.reset();
      }
    }
    return end_;
  }

 private:
  Result<Ok> start_all() {
    int port = 0;
    CUPEL_TRY(const Descriptor socket, bind_free_port(port));
    for (int64_t rank = 0; rank < options_.processes; ++rank) {
      CUPEL_TRY_VOID(start(rank, port, socket.get()));
    }
    return Ok{};
  }

  Result<Ok> start(int64_t rank, int port, int socket) {
    std::vector<std::string> set = {
        format("RANK={}", rank),
        format("LOCAL_RANK={}", rank),
        format("WORLD_SIZE={}", options_.processes),
        format("LOCAL_WORLD_SIZE={}", options_.processes),
        "MASTER_ADDR=127.0.0.1",
        format("MASTER_PORT={}", port),
    };
    if (std::getenv("OMP_NUM_THREADS") == nullptr) {
      const auto cpus = static_cast<int64_t>(usable_cpus().size());
      set.push_back(format("OMP_NUM_THREADS={}", std::max<int64_t>(1, cpus / options_.processes)));
    }
    ChildOptions child;
    child.program = options_.program;
    child.arguments = options_.arguments;
    child.signals = signals_.mask_before();
    Child started{
        .rank = rank, .process = -1, .status = 0, .ended = {}, .errors = {}, .output = nullptr};
    Descriptor write;
    if (rank == 0) {
      set.push_back(format("{}={}", kListeningSocket, socket));
      child.inherited = socket;
    } else {
      CUPEL_TRY(Pipe pipe, make_pipe());
      fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
      started.errors = std::move(pipe.read);
      write = std::move(pipe.write);
      child.error_output = write.get();
      started.output = std::make_unique<RankOutput>(rank, shown_);
    }
    child.environment = environment_with(set);
    CUPEL_TRY(started.process, start_child(child));
    // By its number: the header of glibc 2.36 has it without extern "C".
    started.ended = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, started.process, 0)));
    children_.push_back(std::move(started));
    if (!children_.back().ended) {
      return unavailable("cannot wait for process {}: {}; it needs Linux 5.3 or newer", rank,
                         std::strerror(errno));
    }
    return Ok{};
  }

  [[nodiscard]] int64_t running() const {
    return std::ranges::count_if(children_, [](const Child& one) { return one.process > 0; });
  }

  void signal_all(int number) const {
    for (const Child& child : children_) {
      if (child.process > 0) {
        kill(child.process, number);
      }
    }
  }

  void wait_for_events() {
    std::vector<pollfd> sources = {
        {.fd = signals_.descriptor().get(), .events = POLLIN, .revents = 0}};
    for (const Child& child : children_) {
      if (child.process > 0) {
        sources.push_back({.fd = child.ended.get(), .events = POLLIN, .revents = 0});
      }
      if (child.errors) {
        sources.push_back({.fd = child.errors.get(), .events = POLLIN, .revents = 0});
      }
    }
    int wait_ms = -1;
    if (kill_at_) {
      wait_ms = 1 + static_cast<int>(std::max(0.0, (*kill_at_ - now_seconds()) * 1e3));
    }
    poll(sources.data(), sources.size(), wait_ms);
    for (int number = signals_.next(); number != 0; number = signals_.next()) {
      stopped_ = true;
      signal_all(number);
    }
  }

  /// Whether the end of the output was reached.
  static bool read_some(Child& child) {
    char bytes[4096];
    for (;;) {
      const ssize_t count = read(child.errors.get(), bytes, sizeof(bytes));
      if (count <= 0) {
        return count == 0 || (errno != EAGAIN && errno != EINTR);
      }
      show(child.output->take({bytes, static_cast<size_t>(count)}));
    }
  }

  void read_output() {
    for (Child& child : children_) {
      if (child.errors && read_some(child)) {
        child.errors = Descriptor();
      }
    }
  }

  static void show(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

  void reap() {
    const Child* first = nullptr;
    for (Child& child : children_) {
      if (child.process <= 0 || waitpid(child.process, &child.status, WNOHANG) != child.process) {
        continue;
      }
      child.process = -1;
      if (child.output) {
        if (child.errors) {
          read_some(child);
        }
        show(child.output->end(child.status != 0 && end_.exit_code == 0 && !stopped_));
      }
      // Of several that are found at once one that a signal ended is the cause, not the effect.
      if (child.status != 0 &&
          (first == nullptr || (WIFSIGNALED(child.status) && !WIFSIGNALED(first->status)))) {
        first = &child;
      }
    }
    if (first != nullptr && end_.exit_code == 0) {
      note_failure(*first);
    }
  }

  void note_failure(const Child& child) {
    end_.exit_code = code_of(child.status);
    if (stopped_) {
      return;  // it was asked to
    }
    const bool others = running() > 0;
    end_.failure = format("rank {} of {} {}{}", child.rank, options_.processes,
                          outcome_text(child.status), others ? "; the others were stopped" : "");
    signal_all(SIGTERM);
    kill_at_ = now_seconds() + options_.grace_seconds;
  }

  const LaunchOptions& options_;
  Signals signals_;
  ShownLines shown_;
  std::vector<Child> children_;
  LaunchEnd end_;
  std::optional<double> kill_at_;
  bool stopped_ = false;  // by a signal to this process
};

}  // namespace

Result<LaunchEnd> launch(const LaunchOptions& options) {
  if (options.processes < 1 || options.processes > kMostProcesses) {
    return invalid_argument("{} processes; expected 1 to {}", options.processes, kMostProcesses);
  }
  LaunchOptions whole = options;
  if (whole.program.empty()) {
    std::error_code ec;
    whole.program = std::filesystem::read_symlink("/proc/self/exe", ec).string();
  }
  return Supervisor(whole).run();
}

}  // namespace cupel::train
