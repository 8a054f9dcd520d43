#include "cli/interrupt.h"

#include <csignal>
#include <cstdlib>
#include <thread>

namespace cupel::cli {

// A signal handler may not touch a stop_source, so a thread waits for the signals instead. It must
// be started before any other thread, which then inherit the blocked mask.
std::stop_token stop_on_interrupt() {
  static std::stop_source source;
  static const bool started = [] {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals] {
      int number = 0;
      sigwait(&signals, &number);
      source.request_stop();
      sigwait(&signals, &number);
      std::_Exit(130);
    }).detach();
    return true;
  }();
  (void)started;
  return source.get_token();
}

}  // namespace cupel::cli
