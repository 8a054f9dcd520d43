// After warm-up no token allocates: neither the step of the transformer nor a draw, nor the loop
// around them. What grows with a sequence, pages of the cache and rows of the rotary tables, is
// there from its start. This file counts every operator new and calloc (the pages') of the test
// binary, on all threads, and apart from them the kernels' scratch memory (aligned_alloc): a thread
// gets each slot of it when it first runs such a kernel, which the system may let happen late, so
// only their number is bounded.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <tuple>

#include <malloc.h>

#include "decode/decode_support.h"
#include "decode/generator.h"
#include "engine/tokenizer/from_gguf.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CUPEL_COUNTS_ALLOCATIONS 0  // the sanitizer's own allocator stays
#else
#define CUPEL_COUNTS_ALLOCATIONS 1
#endif

namespace {

std::atomic<size_t> allocations = 0;
std::atomic<size_t> fail_at = 0;  // the allocation of that number, from 1, is refused; 0: none
std::atomic<size_t> scratch_allocations = 0;
std::atomic<bool> refuse_scratch = false;

#if CUPEL_COUNTS_ALLOCATIONS
void* counted(size_t bytes) {
  if (++allocations == fail_at) {
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}

void* counted(size_t bytes, std::align_val_t alignment) {
  ++allocations;
  if (void* memory = memalign(static_cast<size_t>(alignment), bytes)) {
    return memory;
  }
  throw std::bad_alloc();
}
#endif

}  // namespace

#if CUPEL_COUNTS_ALLOCATIONS
void* operator new(size_t bytes) {
  return counted(bytes);
}
void* operator new[](size_t bytes) {
  return counted(bytes);
}
void* operator new(size_t bytes, std::align_val_t alignment) {
  return counted(bytes, alignment);
}
void* operator new[](size_t bytes, std::align_val_t alignment) {
  return counted(bytes, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}
extern "C" void* __libc_calloc(size_t, size_t);  // NOLINT: glibc's own name
extern "C" void* calloc(size_t count, size_t bytes) {
  // Smaller ones are glibc's own notes, of what a thread destroys when it ends.
  const bool page = count * bytes >= 1024;
  return page && ++allocations == fail_at ? nullptr : __libc_calloc(count, bytes);
}
extern "C" void* aligned_alloc(size_t alignment, size_t bytes) {
  ++scratch_allocations;
  return refuse_scratch ? nullptr : memalign(alignment, bytes);
}
#endif

namespace cupel::decode::test {
namespace {

using cupel::test::kTinyEos;
using cupel::test::kTinyTurnEnd;

constexpr size_t kTokens = 700;  // eleven pages; the rotary tables grow by 256 where nobody asks
constexpr size_t kWarmUp = 20;
constexpr size_t kThreads = 2;
constexpr size_t kScratchSlots = 4;

#define CUPEL_SKIP_UNLESS_COUNTED()                                  \
  if (!CUPEL_COUNTS_ALLOCATIONS) {                                   \
    GTEST_SKIP() << "allocations are not counted under a sanitizer"; \
  }

struct Loaded {
  std::unique_ptr<engine::Checkpoint> file;
  std::unique_ptr<engine::Transformer> transformer;
  std::unique_ptr<Tokenizer> tokenizer;
};

/// A tiny model that never ends its answer; wide enough that every operator forks.
Loaded load_endless(engine::Activations activations = engine::Activations::kInt8) {
  TinyModelOptions options;
  options.type = engine::TensorType::kQ8_0;
  options.width = 256;
  options.feed_forward = 512;
  options.context_length = 1024;
  options.bias = {{kTinyEos, -1000}, {kTinyTurnEnd, -1000}};
  const TinyModel model(options);
  Loaded loaded;
  loaded.file =
      std::make_unique<engine::Checkpoint>(std::move(*engine::Checkpoint::open(model.path())));
  loaded.transformer = std::move(
      *engine::Transformer::load(*loaded.file, {.threads = kThreads, .activations = activations}));
  loaded.tokenizer = std::move(*engine::load_tokenizer(*loaded.file, {}));
  return loaded;
}

void check_steps(size_t batch, engine::Activations activations) {
  const Loaded loaded = load_endless(activations);
  std::vector<engine::SequenceState> sequences;
  std::vector<engine::StepRow> rows;
  for (size_t i = 0; i < batch; ++i) {
    sequences.push_back(loaded.transformer->new_sequence());
  }
  for (size_t i = 0; i < batch; ++i) {
    ASSERT_TRUE(loaded.transformer->make_room(sequences[i], kTokens + kWarmUp).has_value());
    rows.push_back(
        {.sequence = &sequences[i], .token = static_cast<TokenId>(i + 1), .logits = true});
  }
  std::vector<TokenId> next(batch);
  const auto visit = [&](size_t row, std::span<float> logits) {
    next[row] =
        static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  };
  size_t scratch = 0;
  for (size_t token = 0; token < kTokens + kWarmUp; ++token) {
    if (token == kWarmUp) {
      scratch = scratch_allocations;
    }
    const size_t before = allocations;
    ASSERT_TRUE(loaded.transformer->step(rows, visit).has_value());
    if (token >= kWarmUp) {
      ASSERT_EQ(allocations - before, 0U) << "token " << token << ", batch " << batch;
    }
    for (size_t i = 0; i < batch; ++i) {
      rows[i].token = next[i];
    }
  }
  EXPECT_LE(scratch_allocations - scratch, kThreads * kScratchSlots);
}

TEST(Allocations, AStepOfTheTransformerMakesNone) {
  CUPEL_SKIP_UNLESS_COUNTED();
  for (const auto activations : {engine::Activations::kInt8, engine::Activations::kFloat32}) {
    check_steps(1, activations);
    check_steps(16, activations);
  }
}

std::vector<SamplingOptions> all_samplings() {
  return {{.temperature = 0},
          {.temperature = 0, .repetition_penalty = 1.2},
          {.temperature = 1},
          {.temperature = 0.8, .top_p = 0.9},
          {.temperature = 0.8, .top_k = 40},
          {.temperature = 0.8, .top_k = 40, .top_p = 0.9},
          {.temperature = 1.1, .min_p = 0.02},
          {.temperature = 1, .top_k = 30, .top_p = 0.95, .min_p = 0.01, .repetition_penalty = 1.1}};
}

TEST(Allocations, ADrawMakesNoneWhateverTheLogitsLookLike) {
  CUPEL_SKIP_UNLESS_COUNTED();
  const engine::Operators& ops = *engine::operators_for(engine::best_cpu_level()).value();
  Rng rng(3);
  std::vector<float> logits(40000);
  const std::vector<TokenId> seen = {1, 5, 9, 5, 30000};
  for (const SamplingOptions& options : all_samplings()) {
    Sampler sampler;
    for (uint64_t position = 0; position < 64; ++position) {
      // From peaked to flat: many survive where the first draw kept few.
      const double deviation = 8.0 / static_cast<double>(1 + position);
      for (float& x : logits) {
        x = static_cast<float>(rng.normal() * deviation);
      }
      const size_t before = allocations;
      const Draw draw = sampler.draw(ops, logits, {.options = &options, .seen = seen},
                                     {.seed = 1, .stream = 0, .position = position});
      ASSERT_TRUE(draw.valid());
      if (position > 0) {
        ASSERT_EQ(allocations - before, 0U) << dump_json(sampling_to_json(options)) << position;
      }
    }
  }
}

GenerateJob endless_job(TokenId first,
                        const SamplingOptions& sampling,
                        size_t& streamed,
                        size_t& done) {
  return {
      .prompt = {first, 'a', 'b', 'c'},
      .sampling = sampling,
      .stream = static_cast<uint64_t>(first),
      .logprobs = true,
      .cancelled = [] { return false; },
      .on_text = [&streamed](std::string_view piece) { streamed += piece.size(); },
      .on_done = [&done](const Result<ChatResponse>& response) { done += response.has_value(); }};
}

void check_loop(size_t batch, SamplingOptions sampling) {
  const Loaded loaded = load_endless();
  sampling.max_tokens = kTokens;
  sampling.stop = {"no such text"};
  size_t streamed = 0;
  size_t done = 0;
  Generator generator(*loaded.transformer, *loaded.tokenizer, {.source = "tiny", .max_batch = 16});
  for (size_t i = 0; i < batch; ++i) {
    generator.submit(endless_job(static_cast<TokenId>('A' + i), sampling, streamed, done));
  }
  generator.step();
  const size_t scratch = scratch_allocations;
  for (size_t token = 1; token + 1 < kTokens; ++token) {
    const size_t before = allocations;
    generator.step();
    if (token >= kWarmUp) {
      ASSERT_EQ(allocations - before, 0U) << "token " << token << ", batch " << batch << ", "
                                          << dump_json(sampling_to_json(sampling));
    }
  }
  EXPECT_LE(scratch_allocations - scratch, kThreads * kScratchSlots);
  EXPECT_GT(streamed, 0U);
  EXPECT_EQ(done, 0U);
  while (!generator.idle()) {
    generator.step();
  }
  EXPECT_EQ(done, batch);
}

TEST(Allocations, TheLoopOfGenerationMakesNone) {
  CUPEL_SKIP_UNLESS_COUNTED();
  for (const SamplingOptions& sampling : all_samplings()) {
    check_loop(1, sampling);
  }
  check_loop(16, {.temperature = 0});
  check_loop(16, {.temperature = 0.8, .top_p = 0.9});
}

// Whichever allocation is refused while a sequence takes pages, no page is lost and the sequence
// goes on as if it had not asked.
TEST(RefusedMemory, LeavesSequencesWhole) {
  CUPEL_SKIP_UNLESS_COUNTED();
  const Loaded loaded = load_endless();
  bool refused = true;
  size_t refusals = 0;
  for (size_t nth = 1; refused; ++nth) {
    // In each round: pages that were given back would need no memory.
    engine::KvPool fresh(loaded.transformer->description(), engine::CacheType::kInt16, 1U << 24U);
    {
      engine::SequenceState sequence(fresh);
      ASSERT_TRUE(sequence.reserve(40).has_value());
      sequence.extend(40);
      engine::SequenceState fork = sequence.fork();
      refused = false;
      fail_at = allocations + nth;
      try {
        EXPECT_TRUE(fork.reserve(400).has_value());  // a copy of the first page, and six more
      } catch (const std::bad_alloc&) {
        refused = true;
        ++refusals;
      }
      fail_at = 0;
      ASSERT_TRUE(fork.reserve(400).has_value());
      EXPECT_EQ(fork.reserved(), 7 * engine::kPageRows);
      EXPECT_EQ(fresh.used_pages(), 8U);
      for (size_t layer = 0; layer < fresh.layers(); ++layer) {
        EXPECT_EQ(fork.pages(layer).size(), 7U) << "layer " << layer << ", allocation " << nth;
      }
    }
    EXPECT_EQ(fresh.used_pages(), 0U) << "allocation " << nth;
  }
  EXPECT_GT(refusals, 8U);  // seven pages and the lists
}

// On whichever thread: the pool passes on what a kernel throws, and the next call has its memory.
TEST(RefusedMemory, OfAKernelsScratchIsThrown) {
  CUPEL_SKIP_UNLESS_COUNTED();
  const Loaded loaded = load_endless();
  engine::SequenceState sequence = loaded.transformer->new_sequence();
  // Longer than any step of this file, so that every thread needs more scratch memory.
  const std::vector<engine::StepRow> rows(250, {.sequence = &sequence, .token = 1});
  const auto ignore = [](size_t, std::span<float>) {};
  refuse_scratch = true;
  EXPECT_THROW(std::ignore = loaded.transformer->step(rows, ignore), std::bad_alloc);
  refuse_scratch = false;
  EXPECT_TRUE(loaded.transformer->step(rows, ignore).has_value());
}

// The counter counts: else the tests above would show nothing.
TEST(Allocations, AreCounted) {
  CUPEL_SKIP_UNLESS_COUNTED();
  const size_t before = allocations;
  const auto memory = std::make_unique<std::vector<int>>(1000);
  EXPECT_EQ(allocations - before, 2U);
  std::free(std::calloc(1, 4096));
  EXPECT_EQ(allocations - before, 3U);
  const size_t scratch = scratch_allocations;
  std::free(aligned_alloc(64, 64));
  EXPECT_EQ(scratch_allocations - scratch, 1U);
}

}  // namespace
}  // namespace cupel::decode::test
