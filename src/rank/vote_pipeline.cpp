#include "rank/vote_pipeline.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/guard.h"

namespace cupel::rank {
namespace {

/// Threads take blocks from the file one after another, parse them at the same time and hand them
/// to the merger in the order in which they took them.
class Pipeline {
 public:
  Pipeline(RecordBlocks& blocks, VoteStart start, VoteMerger& merger)
      : blocks_(blocks), start_(std::move(start)), merger_(merger) {}

  Result<Ok> run(const MakeVoteParser& make_parser, size_t threads) {
    const bool one_block = start_.block.is_last();
    std::vector<std::thread> others;
    for (size_t i = 1; i < threads && !one_block; ++i) {
      auto thread = start_thread([this, &make_parser, i] { work(make_parser, i); });
      if (!thread.has_value()) {
        break;  // fewer threads give the same result
      }
      others.push_back(std::move(*thread));
    }
    work(make_parser, 0);
    for (std::thread& thread : others) {
      thread.join();
    }
    return error_.has_value() ? Result<Ok>(std::move(*error_)) : Ok{};
  }

 private:
  /// One block on its way.
  struct Job {
    RecordBlock block;
    std::string_view text;
    size_t line = 1;
    size_t number = 0;
    std::optional<Error> error;  // of the reading
  };

  void work(const MakeVoteParser& make_parser, size_t number) {
    auto done = guard([&]() -> Result<Ok> {
      const std::unique_ptr<VoteBlockParser> parser = make_parser(number);
      Job job;
      while (take(job)) {
        CUPEL_TRY_VOID(merge(job.number, votes_of(job, *parser, number)));
      }
      return Ok{};
    });
    if (!done.has_value()) {
      stop(std::move(done).error());
    }
  }

  static VoteBlock votes_of(Job& job, VoteBlockParser& parser, size_t number) {
    if (!job.error.has_value()) {
      return parser.parse(job.text, job.line);
    }
    VoteBlock votes;
    votes.parser = number;
    votes.stop = BadRow{0, std::move(*job.error)};
    return votes;
  }

  /// The next block of the file; false when there are no more.
  bool take(Job& job) {
    const std::lock_guard lock(reading_);
    if (finished_ || stopped_) {
      return false;
    }
    job.number = taken_++;
    job.error.reset();
    if (job.number == 0) {
      job.block = std::move(start_.block);
      job.text = start_.text;
      job.line = start_.line;
      return true;
    }
    auto more = blocks_.next(job.block);
    job.text = job.block.text();
    job.line = job.block.first_line();
    if (!more.has_value()) {
      finished_ = true;
      job.error = std::move(more).error();
      return true;
    }
    finished_ = !*more;
    return *more;
  }

  Result<Ok> merge(size_t number, VoteBlock votes) {
    std::unique_lock lock(merging_);
    turn_.wait(lock, [&] { return merged_ == number || stopped_; });
    if (stopped_) {
      return Ok{};  // an earlier block has said why
    }
    CUPEL_TRY_VOID(merger_.add(std::move(votes)));
    ++merged_;
    turn_.notify_all();
    return Ok{};
  }

  void stop(Error error) {
    const std::lock_guard lock(merging_);
    if (!error_.has_value()) {
      error_ = std::move(error);
    }
    stopped_ = true;
    turn_.notify_all();
  }

  RecordBlocks& blocks_;
  VoteStart start_;
  VoteMerger& merger_;
  std::mutex reading_;
  size_t taken_ = 0;
  bool finished_ = false;
  std::mutex merging_;
  std::condition_variable turn_;
  size_t merged_ = 0;
  std::atomic<bool> stopped_ = false;
  std::optional<Error> error_;
};

}  // namespace

Result<Ok> run_vote_pipeline(RecordBlocks& blocks,
                             VoteStart start,
                             const MakeVoteParser& make_parser,
                             size_t threads,
                             VoteMerger& merger) {
  return Pipeline(blocks, std::move(start), merger).run(make_parser, threads);
}

}  // namespace cupel::rank
