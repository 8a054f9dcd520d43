// A GGUF file as every command meets it: header, metadata, `inspect`, tokenizer, and where all of
// that holds the model itself, which then reads three tokens.
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/inspect.h"
#include "engine/runtime/transformer.h"
#include "engine/tokenizer/from_gguf.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

using engine::Checkpoint;
using engine::CheckpointTensor;

uint64_t touch(const Checkpoint& file) {
  uint64_t sum = 0;
  for (const engine::GgufEntry& entry : file.metadata()) {
    sum += entry.value.to_u64().value_or(0) + entry.value.type_name().size();
    sum += entry.value.to_f64().has_value() ? 1U : 0U;
    if (const auto strings = file.get_string_array(entry.key)) {
      for (const std::string_view text : *strings) {
        sum += text.empty() ? 0U : static_cast<unsigned char>(text.back());
      }
    }
    sum += file.get_f32_array(entry.key).has_value() ? 1U : 0U;
    sum += file.get_i32_array(entry.key).has_value() ? 1U : 0U;
  }
  for (const CheckpointTensor& tensor : file.tensors()) {
    for (const std::byte byte : tensor.data) {
      sum += std::to_integer<uint64_t>(byte);
    }
  }
  return sum;
}

void try_tokenizer(const Checkpoint& file) {
  const auto tokenizer = engine::load_tokenizer(file, {});
  if (!tokenizer) {
    check_error(tokenizer.error());
    return;
  }
  const auto ids = (*tokenizer)->encode("a b\xC3\xA9<s>\n", {.parse_special = true});
  for (const TokenId id : ids) {
    CUPEL_CHECK(id >= 0 && static_cast<size_t>(id) < (*tokenizer)->vocabulary_size());
  }
  (void)(*tokenizer)->decode(ids, true);
}

void try_model(const Checkpoint& file) {
  // A cache of a MiB: what a model asks for beyond that is an error, not memory.
  auto model = engine::Transformer::load(
      file,
      {.threads = 1, .level = engine::CpuLevel::kScalar, .max_cache_bytes = size_t{1} << 20U});
  if (!model) {
    check_error(model.error());
    return;
  }
  engine::SequenceState sequence = (*model)->new_sequence();
  const std::vector<engine::StepRow> rows(3, {.sequence = &sequence, .logits = true});
  const auto stepped = (*model)->step(rows, [](size_t, std::span<float>) {});
  if (!stepped) {
    check_error(stepped.error());
  }
}

}  // namespace

void gguf(std::span<const uint8_t> input) {
  const auto file = Checkpoint::from_bytes(std::as_bytes(input), "input.gguf");
  if (!file) {
    check_error(file.error());
    return;
  }
  touch(*file);
  CUPEL_CHECK(!engine::inspect_text(engine::inspect(*file), {.tensors = true}).empty());
  try_tokenizer(*file);
  try_model(*file);
}

}  // namespace cupel::fuzz
