#include "train/launch/signals.h"

#include <sys/signalfd.h>

namespace cupel::train {

Signals::Signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) {
    sigaddset(&set, number);
  }
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  // Of children of a process that ignores SIGCHLD nobody learns how they ended.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &standard, &child_before_);
  descriptor_ = Descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

Signals::~Signals() {
  sigaction(SIGCHLD, &child_before_, nullptr);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Signals::next() const {
  signalfd_siginfo info{};
  const ssize_t bytes = read(descriptor_.get(), &info, sizeof(info));
  return bytes == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace cupel::train
