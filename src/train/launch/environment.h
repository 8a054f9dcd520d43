#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace cupel::train {

/// Which process of a run this is, and how it finds the others.
struct ParallelOptions {
  int64_t rank = 0;             ///< which of them, 0 … size − 1
  int64_t size = 1;             ///< how many processes
  int64_t local_rank = 0;       ///< which of those on this machine: the number of its GPU
  std::string address;          ///< host name or address of the rendezvous
  int64_t port = 0;             ///< 1 … 65535
  bool store_is_there = false;  ///< the launcher holds the rendezvous; else process 0 does
  int64_t attempt = 0;          ///< how often the launcher has started the run anew
  /// A socket bound to `port` that process 0 takes over: nobody else can have taken the port.
  std::optional<int> listening_socket;
  /// Network interfaces to talk over, separated by commas; empty: the one that leads to `address`.
  std::string interfaces;
  /// How long one operation may wait for the others; for the first meeting as well.
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
};

/// What `listening_socket` is handed over by; set by `launch`.
inline constexpr const char* kListeningSocket = "CUPEL_LISTENING_SOCKET";

/// Reads what torchrun and `launch` set: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, and where they
/// are set LOCAL_RANK, TORCHELASTIC_USE_AGENT_STORE, TORCHELASTIC_RESTART_COUNT,
/// GLOO_SOCKET_IFNAME. None of the first four: no value, this process is alone.
///
/// Errors: kInvalidArgument - some of the four are set and others are not, a number is none or out
/// of its range; the message names the variable.
Result<std::optional<ParallelOptions>> parallel_environment();

}  // namespace cupel::train
