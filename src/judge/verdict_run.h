#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/running_calls.h"
#include "flow/run_tasks.h"
#include "judge/call_record.h"
#include "judge/participants.h"
#include "judge/protocol.h"
#include "judge/waiting_threads.h"

namespace cupel::judge {

/// Whether an error belongs to one row (a prompt longer than the context), not to the run.
bool is_row_error(const Error& error);

/// One verdict in the making: feeds the protocol with the judge's responses until it has an
/// outcome, then reports the row. Lives until then by itself; protocol, judge, threads and
/// `calls` must outlive it.
class VerdictRun : public std::enable_shared_from_this<VerdictRun> {
 public:
  VerdictRun(const Protocol& protocol,
             const Judge& judge,
             WaitingThreads& threads,
             RunningCalls& calls,
             JudgeItem item,
             flow::Done done)
      : protocol_(protocol),
        judge_(judge),
        threads_(threads),
        running_(calls),
        item_(std::move(item)),
        done_(std::move(done)) {}

  /// Starts it; also the step after each round of responses.
  void advance();
  /// Ends it with that outcome.
  void finish(const Outcome& outcome);

 private:
  void call_next();
  void take(Result<ChatResponse> response);
  void take(Result<LabelScoreResponse> response);
  template <typename T>
  void take_any(Result<T> response);
  void record(const Usage& usage, double seconds);

  const Protocol& protocol_;
  const Judge& judge_;
  WaitingThreads& threads_;
  RunningCalls& running_;
  JudgeItem item_;
  flow::Done done_;
  std::vector<JudgeResponse> responses_;
  std::vector<JudgeRequest> pending_;
  size_t next_ = 0;
  std::string call_id_;  // of the call under way
  std::vector<CallRecord> calls_;
  double seconds_ = 0;  // inside the judge
};

}  // namespace cupel::judge
