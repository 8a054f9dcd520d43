#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "core/chat_model.h"
#include "core/sampling.h"
#include "core/tokenizer.h"
#include "decode/constraint/constraint.h"
#include "decode/prefix_cache.h"
#include "decode/sampler.h"
#include "decode/stop_text.h"
#include "engine/runtime/transformer.h"

namespace cupel::decode {

/// Cache pages that hold that many positions.
size_t pages_for(int64_t positions);

/// One sequence to generate.
struct GenerateJob {
  std::vector<TokenId> prompt;  ///< at least one id
  SamplingOptions sampling;
  uint64_t stream = 0;  ///< sample index: which of several samples of one request
  bool logprobs = false;
  std::vector<TokenId> ends;  ///< end the answer beside those that always do
  /// That of `sampling`, compiled for the model's vocabulary; null where there is none.
  std::shared_ptr<constraint::TokenConstraint> token_constraint;
  std::function<bool()> cancelled;                      ///< may be empty
  std::function<void(std::string_view delta)> on_text;  ///< may be empty
  std::function<void(Result<ChatResponse>)> on_done;    ///< exactly once
};

/// Continuous batching: sequences of different lengths advance together, one batch step at a time;
/// finished ones make room for waiting ones. Prompts that begin alike are computed once and forked.
///
/// One thread drives it. Results of a job depend on the job alone (seed, prompt, options), bit for
/// bit.
class Generator {
 public:
  struct Options {
    std::string source;  ///< the model's file, for messages
    size_t max_batch = 16;
    int64_t context_length = 0;  ///< 0 = the model's own
    size_t max_prefill_rows =
        512;  ///< prompt rows of one step, so that running streams keep moving
  };
  Generator(engine::Transformer& model, const Tokenizer& tokenizer, const Options& options);
  ~Generator();

  void submit(GenerateJob job);
  [[nodiscard]] bool idle() const { return waiting_.empty() && running_.empty(); }
  /// One batch step over everything that runs. Finished jobs report through their on_done.
  void step();
  /// Fails everything that waits or runs.
  void fail_all(const Error& error);

  /// Makes sure that a caller which scores beside the generation finds that many free pages until
  /// it returns: gives remembered prefixes back and, where that is not enough, first finishes what
  /// runs. Errors: kExhausted - the whole cache has fewer.
  Result<Ok> make_room(size_t pages);
  /// A sequence that has seen `ids` (as much as possible from the prefix cache), with the logits of
  /// the last id handed to `visit`. For scoring, after `make_room` for it. `cached` receives the
  /// ids that were not computed again. Errors: kInvalidArgument - longer than the context.
  Result<engine::SequenceState> prefill(std::span<const TokenId> ids,
                                        int64_t& cached,
                                        FunctionRef<void(std::span<float>)> visit);

 private:
  struct Running;

  void drop_cancelled();
  void admit();
  void advance();
  void give_prefixes_back(size_t pages);
  [[nodiscard]] bool shares_unfinished_prefix(const GenerateJob& job, int64_t known) const;
  Result<std::unique_ptr<Running>> start(GenerateJob& job);
  void collect_rows();
  void after_step(double seconds);
  void take_draw(Running& run);
  void finish(Running& run, FinishReason reason);
  void remember(Running& run);
  [[nodiscard]] int64_t longest_answer(const GenerateJob& job) const;
  [[nodiscard]] size_t pages_of(const GenerateJob& job) const;

  engine::Transformer* model_;
  const Tokenizer* tokenizer_;
  Options options_;
  std::list<GenerateJob> waiting_;
  std::list<std::unique_ptr<Running>> running_;
  PrefixCache prefixes_;
  size_t promised_pages_ =
      0;                   ///< worst case of all that runs, so that no step can run out of cache
  size_t held_pages_ = 0;  ///< of those: taken from the pool for what runs
  std::vector<engine::StepRow> rows_;
  std::vector<Running*> row_owner_;
};

}  // namespace cupel::decode
