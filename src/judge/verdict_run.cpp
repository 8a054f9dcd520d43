#include "judge/verdict_run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/guard.h"
#include "store/call_codec.h"
#include "store/cost_ledger.h"

namespace cupel::judge {

bool is_row_error(const Error& error) {
  return error.code == Code::kInvalidArgument;
}

void VerdictRun::advance() {
  auto step = protocol_.next(item_, responses_);
  if (!step) {
    done_(std::move(step).error());
    return;
  }
  if (step->outcome) {
    finish(*step->outcome);
    return;
  }
  pending_ = std::move(step->requests);
  next_ = 0;
  call_next();
}

void VerdictRun::finish(const Outcome& outcome) {
  const double ended = unix_seconds();
  done_(outcome_to_json(outcome)
            .set("calls", calls_to_json(calls_))
            .set("started", ended - seconds_)
            .set("ended", ended));
}

void VerdictRun::call_next() {
  if (next_ == pending_.size()) {
    advance();
    return;
  }
  JudgeRequest& request = pending_[next_++];
  const auto key = std::visit(
      [&](const auto& call) { return store::call_key(judge_.fingerprint, call); }, request.call);
  call_id_ = key ? key->id() : "";
  if (auto* chat = std::get_if<ChatRequest>(&request.call)) {
    running_.submit(*judge_.model, std::move(*chat),
                    {.on_delta = {}, .on_done = [self = shared_from_this()](auto response) {
                       self->take(std::move(response));
                     }});
    return;
  }
  auto& labels = std::get<LabelScoreRequest>(request.call);
  labels.stop = running_.stop();
  threads_.post([self = shared_from_this(), labels = std::move(labels)] {
    self->take(guard([&] { return self->judge_.scorer->score_labels(labels); }));
  });
}

void VerdictRun::record(const Usage& usage, double seconds) {
  calls_.push_back({.id = call_id_, .usage = usage});
  seconds_ += seconds;
}

void VerdictRun::take(Result<ChatResponse> response) {
  if (response) {
    record(response->usage, response->timings.prefill_s + response->timings.decode_s);
  }
  take_any(std::move(response));
}

void VerdictRun::take(Result<LabelScoreResponse> response) {
  if (response) {
    record(store::usage_of(*response), response->seconds);
  }
  take_any(std::move(response));
}

template <typename T>
void VerdictRun::take_any(Result<T> response) {
  if (response) {
    responses_.emplace_back(std::move(*response));
    call_next();
  } else if (is_row_error(response.error())) {
    finish(invalid_outcome("the judge could not be asked: " + response.error().message));
  } else {
    done_(std::move(response).error());
  }
}

}  // namespace cupel::judge
