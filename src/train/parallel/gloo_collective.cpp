#include "train/parallel/gloo_collective.h"

#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef CUPEL_WITH_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "base/error.h"
#include "base/text.h"
#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/parallel/rendezvous.h"

namespace cupel::train {
namespace {

using Backend = c10::intrusive_ptr<c10d::Backend>;
using Work = c10::intrusive_ptr<c10d::Work>;
using Gloo = c10d::ProcessGroupGloo;

/// c10d writes each attempt that failed with its stack; what of it matters is in our errors. Who
/// wants it sets the variable.
void keep_c10d_quiet() {
  setenv("TORCH_CPP_LOG_LEVEL", "FATAL", 0);
  c10::initLogging();
}

/// The address of this machine from which `options.address` is reached. Nothing is sent.
Result<std::string> own_address(const ParallelOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(options.port);
  const int failure = getaddrinfo(options.address.c_str(), port.c_str(), &hints, &found);
  if (failure != 0) {
    return invalid_argument("MASTER_ADDR is {}: {}", printable(options.address),
                            gai_strerror(failure));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int socket = ::socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
      continue;
    }
    sockaddr_storage own{};
    socklen_t size = sizeof(own);
    auto* const address = reinterpret_cast<sockaddr*>(&own);
    char text[NI_MAXHOST] = "";
    const bool known =
        ::connect(socket, one->ai_addr, one->ai_addrlen) == 0 &&
        getsockname(socket, address, &size) == 0 &&
        getnameinfo(address, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) == 0;
    close(socket);
    if (known) {
      return std::string(text);
    }
  }
  return unavailable("no network of this machine leads to {} (MASTER_ADDR)",
                     printable(options.address));
}

using GlooSettings = c10::intrusive_ptr<Gloo::Options>;

/// With the interfaces that were named. Known before any process waits for others, so that a wrong
/// one is named by all.
Result<GlooSettings> gloo_settings(const ParallelOptions& options) {
  GlooSettings settings = Gloo::Options::create(options.timeout);
  const auto names =
      options.interfaces.empty() ? std::vector<std::string_view>() : split(options.interfaces, ',');
  for (const std::string_view name : names) {
    auto device = tensor::guard([&]() -> Result<std::shared_ptr<gloo::transport::Device>> {
      return Gloo::createDeviceForInterface(std::string(name));
    });
    if (!device) {
      return invalid_argument("GLOO_SOCKET_IFNAME names {}: {}", printable(name),
                              device.error().message);
    }
    settings->devices.push_back(std::move(*device));
  }
  return settings;
}

Result<Backend> open_gloo(const ParallelOptions& options,
                          const GlooSettings& settings,
                          const Rendezvous& met) {
  if (settings->devices.empty()) {
    CUPEL_TRY(const std::string own, own_address(options));
    settings->devices.push_back(Gloo::createDeviceForHostname(own));
  }
  settings->threads = 2 * static_cast<int>(settings->devices.size());
  return Backend(c10::make_intrusive<Gloo>(met.part("gloo"), static_cast<int>(options.rank),
                                           static_cast<int>(options.size), settings));
}

#ifdef CUPEL_WITH_NCCL
Result<Backend> open_nccl(const ParallelOptions& options, const Rendezvous& met) {
  // Failures come through `wait`; otherwise c10d's watchdog ends the whole process.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 0);
  const auto settings = c10d::ProcessGroupNCCL::Options::create();
  settings->timeout = options.timeout;
  return Backend(c10::make_intrusive<c10d::ProcessGroupNCCL>(
      met.part("nccl"), static_cast<int>(options.rank), static_cast<int>(options.size), settings));
}
#else
Result<Backend> open_nccl(const ParallelOptions& /*options*/, const Rendezvous& met) {
  return unsupported("{}: tensors of a GPU need a build with NCCL (-DCUPEL_NCCL=ON)", met.here());
}
#endif

/// What a failure of the network means, in one line; libraries put places of their sources before.
Error reason_of(const std::string& text, std::chrono::milliseconds timeout) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (has("Timed out") || has("timed out") || has("timeout")) {
    return deadline_passed("no answer within {}", seconds_text(timeout));
  }
  if (has("closed by peer") || has("reset by peer") || has("Broken pipe")) {
    return unavailable("the connection to another process is gone");
  }
  const size_t place = text.starts_with('[') ? text.find("] ") : std::string::npos;
  return unavailable("{}", printable(text.substr(place == std::string::npos ? 0 : place + 2), 400));
}

class C10dCollective final : public Collective {
 public:
  C10dCollective(ParallelOptions options, Rendezvous met, Backend gloo)
      : options_(std::move(options)), met_(std::move(met)), gloo_(std::move(gloo)) {}

  ~C10dCollective() override {
    if (gloo_) {
      met_.await_all_at_end();
      close_group();
      met_.leave();
    }
  }

  [[nodiscard]] int64_t rank() const override { return options_.rank; }
  [[nodiscard]] int64_t size() const override { return options_.size; }

  using Collective::broadcast;
  using Collective::sum;

  Result<Ok> sum(const at::Tensor& tensor, std::string_view what) override {
    const auto type = tensor.scalar_type();
    CUPEL_CHECK(type == at::kFloat || type == at::kDouble || type == at::kLong,
                "sums are of f32, f64 or int64");
    return run(tensor, what, [](c10d::Backend& backend, std::vector<at::Tensor>& tensors) {
      return backend.allreduce(tensors);
    });
  }

  Result<Ok> broadcast(const at::Tensor& tensor, int64_t from, std::string_view what) override {
    CUPEL_CHECK(from >= 0 && from < size(), "no rank of this run");
    return run(tensor, what, [&](c10d::Backend& backend, std::vector<at::Tensor>& tensors) {
      // Bytes: whatever the type, they are what has to arrive.
      tensors[0] = tensors[0].reshape({-1}).view(at::kByte);
      c10d::BroadcastOptions options;
      options.rootRank = from;
      return backend.broadcast(tensors, options);
    });
  }

  Result<Ok> barrier(std::string_view what) override {
    const at::Tensor nothing = at::zeros({1}, at::kLong);
    return sum(nothing, what);
  }

 private:
  /// Runs an operation on a dense copy or view of the tensor, and waits for it.
  template <typename Start>
  Result<Ok> run(const at::Tensor& tensor, std::string_view what, const Start& start) {
    if (!gloo_) {
      return unavailable("{}: {}: the group of processes ended at {}", met_.here(), what, lost_at_);
    }
    if (tensor.numel() == 0) {
      return Ok{};
    }
    const tensor::RecordingGuard off(false);
    CUPEL_TRY(c10d::Backend * backend, backend_of(tensor));
    const at::Tensor dense = tensor.detach().contiguous();
    std::string failure;
    try {
      std::vector<at::Tensor> tensors = {dense};
      const Work work = start(*backend, tensors);
      // Gloo keeps the time-out itself; NCCL would only order streams without one.
      work->wait(tensor.is_cpu() ? kNoTimeout : options_.timeout);
    } catch (const c10::Error& error) {
      failure = error.what_without_backtrace();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (!failure.empty()) {
      return lost(what, reason_of(failure, options_.timeout));
    }
    if (dense.data_ptr() != tensor.data_ptr()) {
      tensor.detach().copy_(dense);
    }
    return Ok{};
  }

  Result<c10d::Backend*> backend_of(const at::Tensor& tensor) {
    if (tensor.is_cpu()) {
      return gloo_.get();
    }
    if (!nccl_) {
      CUPEL_TRY(nccl_, tensor::guard([&] { return open_nccl(options_, met_); }));
    }
    return nccl_.get();
  }

  /// Closes the connections, at which the others' operations fail, and says who is not there.
  Error lost(std::string_view what, Error reason) {
    lost_at_ = what;
    close_group();
    const std::vector<int64_t> silent = met_.silent_ones();
    return Error{reason.code,
                 format("{}: {}: {}{}", met_.here(), what, reason.message,
                        silent.empty() ? "" : format(" (no word from {})", ranks_text(silent)))};
  }

  void close_group() {
    if (nccl_) {
      nccl_->abort();
    }
    nccl_.reset();
    gloo_.reset();
  }

  ParallelOptions options_;
  Rendezvous met_;
  Backend gloo_;  // null: the group is closed
  Backend nccl_;  // made for the first tensor of a GPU
  std::string lost_at_;
};

}  // namespace

Result<std::unique_ptr<Collective>> connect(const ParallelOptions& options) {
  if (options.size == 1) {
    return single_process();
  }
  keep_c10d_quiet();
  auto settings = tensor::guard([&] { return gloo_settings(options); });
  if (!settings) {
    return in_context(std::move(settings).error(), rank_text(options));
  }
  CUPEL_TRY(Rendezvous met, Rendezvous::meet(options));
  auto gloo = tensor::guard([&] { return open_gloo(options, *settings, met); });
  if (!gloo) {
    return in_context(std::move(gloo).error(), met.here());
  }
  return std::unique_ptr<Collective>(
      std::make_unique<C10dCollective>(options, std::move(met), std::move(*gloo)));
}

}  // namespace cupel::train
