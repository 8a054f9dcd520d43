#include <algorithm>

#include "base/error.h"
#include "decode/bench/measure.h"
#include "decode/bench/run.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"
#include "engine/model/open_checkpoint.h"

namespace cupel::decode::bench {
namespace {

constexpr int64_t kDecodePrompt = 16;
constexpr int64_t kLongestContext = 8192;

std::vector<int64_t> doubled_lengths() {
  std::vector<int64_t> lengths;
  for (int64_t length = 128; length <= kLongestContext; length *= 2) {
    lengths.push_back(length);
  }
  return lengths;
}

}  // namespace

bool Options::has(Part part) const {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

Result<Sizes> sizes_for(const Options& options, int64_t context_length, const std::string& path) {
  const auto too_few = [&](std::string_view what, int64_t size) {
    return invalid_argument("a {} of {} tokens is too long: the context of {} holds {}", what, size,
                            path, context_length);
  };
  // The sizes asked for, which must fit, or those of `usual` that do.
  const auto fitting = [&](Part part, std::string_view what, const std::vector<int64_t>& asked,
                           std::vector<int64_t> usual) -> Result<std::vector<int64_t>> {
    for (const int64_t size : asked) {
      if (size > context_length && options.has(part)) {
        return too_few(what, size);
      }
    }
    std::erase_if(usual, [&](int64_t size) { return size > context_length; });
    return asked.empty() ? usual : asked;
  };
  Sizes sizes;
  CUPEL_TRY(sizes.prefill, fitting(Part::kPrefill, "prompt", options.prefill, {128, 512, 2048}));
  CUPEL_TRY(sizes.context, fitting(Part::kContext, "context", options.context, doubled_lengths()));
  sizes.batch = options.batch.empty() ? std::vector<int64_t>{1, 4, 16} : options.batch;
  sizes.decode_prompt = std::clamp<int64_t>(context_length / 8, 1, kDecodePrompt);
  const SharedPrefix streams;
  if ((options.has(Part::kDecode) &&
       sizes.decode_prompt + options.decode_tokens > context_length) ||
      (options.has(Part::kStreams) && streams.suffix + options.decode_tokens >= context_length)) {
    return too_few("prompt with an answer", options.decode_tokens);
  }
  return sizes;
}

Result<Ok> check_bench(const LocalModelOptions& model, const Options& options) {
  CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(model.path));
  CUPEL_TRY(const engine::ModelDescription description, engine::describe_model(file));
  CUPEL_TRY_VOID(sizes_for(options, description.context_length, model.path));
  return Ok{};
}

}  // namespace cupel::decode::bench
