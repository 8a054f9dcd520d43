#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "base/format.h"
#include "base/rng.h"
#include "decode/local_model.h"
#include "support/tiny_model.h"

// What the tests of decoding share: tiny models behind LocalModel, requests, waiting for many.

namespace cupel::decode::test {

using cupel::test::TinyModel;
using cupel::test::TinyModelOptions;

/// One thread unless `options` say otherwise. A model that does not open ends the process, since
/// nothing below could run.
inline std::unique_ptr<LocalModel> open_tiny(const TinyModel& model,
                                             LocalModelOptions options = {}) {
  options.path = model.path();
  options.name = "tiny";
  options.engine.threads = options.engine.threads == 0 ? 1 : options.engine.threads;
  auto opened = LocalModel::open(options);
  CUPEL_CHECK(opened.has_value(), opened ? "" : opened.error().message);
  return std::move(*opened);
}

/// Options of a model whose cache holds that many pages.
inline LocalModelOptions with_cache_pages(const TinyModel& model, size_t pages) {
  auto file = engine::Checkpoint::open(model.path());
  CUPEL_CHECK(file.has_value());
  auto transformer = engine::Transformer::load(*file, {.threads = 1});
  CUPEL_CHECK(transformer.has_value());
  LocalModelOptions options;
  options.engine.max_cache_bytes = (*transformer)->kv_pool().page_bytes() * pages;
  return options;
}

inline ChatRequest raw_request(std::string prompt, int64_t max_tokens, double temperature = 0) {
  ChatRequest request;
  request.raw_prompt = std::move(prompt);
  request.sampling.max_tokens = max_tokens;
  request.sampling.temperature = temperature;
  request.sampling.seed = 7;
  request.logprobs = true;
  return request;
}

/// What one call reported, in order.
struct Recorded {
  std::vector<std::string> deltas;
  std::vector<Result<ChatResponse>> done;  // exactly one when all is well

  [[nodiscard]] std::string streamed() const {
    std::string text;
    for (const std::string& delta : deltas) {
      text += delta;
    }
    return text;
  }
  [[nodiscard]] const ChatResponse& response() const {
    CUPEL_CHECK(done.size() == 1 && done.front().has_value(),
                done.size() == 1 ? done.front().error().message : "on_done not called once");
    return *done.front();
  }
};

/// Calls in flight, each with what it reported so far. Callbacks come from the model's thread;
/// look at a record only after `wait`.
class Calls {
 public:
  /// Runs after each piece, on the model's thread; `cancel` cancels this call.
  using OnDelta = std::function<void(const Recorded& so_far, const std::function<void()>& cancel)>;

  explicit Calls(LocalModel& model) : model_(model) {}
  /// Callbacks write into the records: a test that ends early waits for them.
  ~Calls() {
    for (const auto& flight : flights_) {
      flight->done.wait_for(std::chrono::seconds(20));
    }
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  void submit(ChatRequest request, OnDelta on_delta = {}) {
    auto flight = std::make_unique<Flight>();
    Flight* f = flight.get();
    flights_.push_back(std::move(flight));
    auto call = model_.submit(
        std::move(request),
        {.on_delta =
             [f, on_delta](std::string_view delta) {
               f->record.deltas.emplace_back(delta);
               if (on_delta) {  // `submit` may not have returned yet: wait for the handle
                 on_delta(f->record, [f] { f->handle.get()->cancel(); });
               }
             },
         .on_done =
             [f](Result<ChatResponse> response) {
               f->record.done.push_back(std::move(response));
               if (f->record.done.size() == 1) {
                 f->finished.set_value();
               }
             }});
    f->call.set_value(std::move(call));
  }
  void submit_all(const std::vector<ChatRequest>& requests) {
    for (const ChatRequest& request : requests) {
      submit(request);
    }
  }
  void cancel(size_t index) { flights_[index]->handle.get()->cancel(); }
  const Recorded& wait(size_t index) {
    flights_[index]->done.wait();
    return flights_[index]->record;
  }
  [[nodiscard]] size_t size() const { return flights_.size(); }
  /// After the model is gone: every record is final.
  [[nodiscard]] const Recorded& record(size_t index) const { return flights_[index]->record; }

 private:
  struct Flight {
    Recorded record;
    std::promise<void> finished;
    std::shared_future<void> done = finished.get_future().share();
    std::promise<std::shared_ptr<ChatCall>> call;
    std::shared_future<std::shared_ptr<ChatCall>> handle = call.get_future().share();
  };
  LocalModel& model_;
  std::vector<std::unique_ptr<Flight>> flights_;
};

/// Submits all at once and waits: they run in one batch as far as it has room.
inline std::vector<ChatResponse> complete_all(LocalModel& model,
                                              const std::vector<ChatRequest>& requests) {
  Calls calls(model);
  calls.submit_all(requests);
  std::vector<ChatResponse> responses;
  for (size_t i = 0; i < requests.size(); ++i) {
    responses.push_back(calls.wait(i).response());
  }
  return responses;
}

inline ChatResponse complete_one(LocalModel& model, const ChatRequest& request) {
  return complete_all(model, {request}).front();
}

inline void expect_same(const ChatResponse& found,
                        const ChatResponse& expected,
                        const std::string& what) {
  EXPECT_EQ(found.ids, expected.ids) << what;
  EXPECT_EQ(found.logprobs, expected.logprobs) << what;
  EXPECT_EQ(found.text, expected.text) << what;
  EXPECT_EQ(found.finish_reason, expected.finish_reason) << what;
}

/// A text of that many bytes, each a token of its own: no merge joins capitals without Y and N.
inline std::string capital_text(uint64_t seed, size_t bytes) {
  Rng rng(seed);
  std::string text;
  while (text.size() < bytes) {
    text += "ABCDEFGHIJKLM"[rng.below(13)];
  }
  return text;
}

/// A model that answers in capitals A to M, each a token of its own, so that its texts are read
/// back as the ids that it wrote.
inline TinyModelOptions capital_options(const std::string& family = "llama") {
  TinyModelOptions options;
  options.family = family;
  for (TokenId id = 'A'; id <= 'M'; ++id) {
    options.bias.emplace_back(id, 50);
  }
  return options;
}

}  // namespace cupel::decode::test
