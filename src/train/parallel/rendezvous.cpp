#include "train/parallel/rendezvous.h"

#include <memory>
#include <numeric>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "base/error.h"
#include "base/guard.h"
#include "base/wait_for.h"
#include "tensor/guard.h"

namespace cupel::train {

std::string rank_text(const ParallelOptions& options) {
  return format("rank {} of {}", options.rank, options.size);
}

namespace {

using Store = c10::intrusive_ptr<c10d::Store>;
using std::chrono::milliseconds;

constexpr milliseconds kLastWords{1000};    // for the others to say that they failed as well
constexpr milliseconds kLastAnswers{2000};  // for the others to read what was sent to them

/// Runs `body` on the store in a thread of its own and waits for it at most so long: the store of a
/// process that hangs never answers, and its client has no time-out for that. Whether it ended
/// without an exception.
template <typename Body>
bool within(milliseconds limit, const Store& store, Body body) {
  WaitFor<bool> done;
  auto thread = start_thread([body = std::move(body), store, report = done.callback()] {
    bool well = true;
    try {
      body(*store);
    } catch (const std::exception&) {
      well = false;
    }
    report(well);
  });
  if (!thread) {
    return false;
  }
  thread->detach();
  return done.ready_within(limit) && done.get();
}

bool holds_store(const ParallelOptions& options) {
  return options.rank == 0 && !options.store_is_there;
}

std::string key_of(const std::string& word, int64_t rank) {
  return word + std::to_string(rank);
}

/// The ranks that did, or did not, leave a word.
std::vector<int64_t> ranks_that(bool did,
                                c10d::Store& store,
                                const std::string& word,
                                const ParallelOptions& options) {
  std::vector<int64_t> ranks;
  for (int64_t rank = 0; rank < options.size; ++rank) {
    if (store.check({key_of(word, rank)}) == did) {
      ranks.push_back(rank);
    }
  }
  return ranks;
}

/// Whether these ranks leave a word within that time.
bool await(c10d::Store& store,
           const std::string& word,
           const std::vector<int64_t>& ranks,
           milliseconds time) {
  std::vector<std::string> keys;
  for (const int64_t rank : ranks) {
    keys.push_back(key_of(word, rank));
  }
  try {
    store.wait(keys, time);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

/// Leaves a word and waits for that of all. The ranks that did not say it in time.
std::vector<int64_t> missing_after(c10d::Store& store,
                                   const std::string& word,
                                   const ParallelOptions& options,
                                   milliseconds time) {
  std::vector<int64_t> all(static_cast<size_t>(options.size));
  std::iota(all.begin(), all.end(), int64_t{0});
  store.set(key_of(word, options.rank), "1");
  if (await(store, word, all, time)) {
    return {};
  }
  const std::vector<int64_t> missing = ranks_that(false, store, word, options);
  // The store goes with the process that holds it: the others look before that.
  const std::string looked = word + "looked/";
  store.set(key_of(looked, options.rank), "1");
  if (holds_store(options)) {
    await(store, looked, ranks_that(true, store, word, options), kLastWords);
  }
  return missing;
}

Result<Store> open_store(const ParallelOptions& options) {
  const bool holds_it = holds_store(options);
  c10d::TCPStoreOptions store;
  store.port = static_cast<std::uint16_t>(options.port);
  store.isServer = holds_it;
  store.numWorkers = static_cast<std::size_t>(options.size);
  store.waitWorkers = false;
  store.timeout = options.timeout;
  if (holds_it && options.listening_socket) {
    store.masterListenFd = *options.listening_socket;
  }
  auto opened = tensor::guard([&]() -> Result<Store> {
    const Store whole = c10::make_intrusive<c10d::TCPStore>(options.address, store);
    return Store(
        c10::make_intrusive<c10d::PrefixStore>(format("cupel/attempt_{}", options.attempt), whole));
  });
  if (opened) {
    return opened;
  }
  const std::string where = format("{}:{}", options.address, options.port);
  if (holds_it) {
    return unavailable(
        "{}: cannot wait for the others at {} (MASTER_ADDR, MASTER_PORT): {}; the address has to "
        "be "
        "this machine's and the port free",
        rank_text(options), where, opened.error().message);
  }
  return deadline_passed(
      "{}: nobody answered at {} (MASTER_ADDR, MASTER_PORT) within {}; {} has to run there",
      rank_text(options), where, seconds_text(options.timeout),
      options.store_is_there ? "the launcher" : "rank 0");
}

}  // namespace

std::string ranks_text(const std::vector<int64_t>& ranks) {
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (size_t i = 0; i < ranks.size(); ++i) {
    if (i > 0) {
      text += i + 1 == ranks.size() ? " and " : ", ";
    }
    text += std::to_string(ranks[i]);
  }
  return text;
}

std::string seconds_text(milliseconds time) {
  return format("{} s", static_cast<double>(time.count()) / 1e3);
}

Result<Rendezvous> Rendezvous::meet(const ParallelOptions& options) {
  CUPEL_TRY(Store store, open_store(options));
  Rendezvous met(std::move(store), options);
  CUPEL_TRY_VOID(met.await_all());
  return met;
}

Result<Ok> Rendezvous::await_all() const {
  const std::string where = format("{}:{}", options_.address, options_.port);
  const auto missing = tensor::guard([&]() -> Result<std::vector<int64_t>> {
    return missing_after(*store_, "here/", options_, options_.timeout);
  });
  if (!missing) {
    return unavailable("{}: the rendezvous at {} went away before all had come", here(), where);
  }
  if (!missing->empty()) {
    return deadline_passed("{}: {} did not come to {} within {}", here(), ranks_text(*missing),
                           where, seconds_text(options_.timeout));
  }
  return Ok{};
}

Store Rendezvous::part(const std::string& name) const {
  return c10::make_intrusive<c10d::PrefixStore>(name, store_);
}

std::string Rendezvous::here() const {
  return rank_text(options_);
}

std::vector<int64_t> Rendezvous::silent_ones() const {
  const auto silent = std::make_shared<std::vector<int64_t>>();
  const bool asked =
      within(4 * kLastWords, store_, [silent, options = options_](c10d::Store& store) {
        *silent = missing_after(store, "lost/", options, kLastWords);
      });
  if (asked) {
    return *silent;
  }
  // The store went with the one who held it.
  return options_.store_is_there ? std::vector<int64_t>() : std::vector<int64_t>{0};
}

void Rendezvous::await_all_at_end() const {
  within(2 * kLastAnswers, store_, [options = options_](c10d::Store& store) {
    missing_after(store, "end/", options, kLastAnswers);
  });
}

void Rendezvous::leave() const {
  within(2 * kLastWords, store_, [options = options_](c10d::Store& store) {
    store.set(key_of("gone/", options.rank), "1");
    if (holds_store(options)) {
      await(store, "gone/", ranks_that(true, store, "end/", options), kLastWords);
    }
  });
}

}  // namespace cupel::train
