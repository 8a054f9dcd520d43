// A safetensors file: its header, and every byte that it shows.
#include "engine/checkpoint/safetensors.h"
#include "engine/model/hf/translation.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {

void safetensors(std::span<const uint8_t> input) {
  const auto file = engine::SafetensorsFile::from_bytes(std::as_bytes(input), "input.safetensors");
  if (!file) {
    check_error(file.error());
    return;
  }
  uint64_t covered = 0;
  uint64_t sum = 0;
  for (const engine::SafetensorsTensor& tensor : file->tensors()) {
    for (const std::byte byte : tensor.data) {
      sum += std::to_integer<uint64_t>(byte);
    }
    covered += tensor.data.size();
    sum += tensor.shape_text().size() + tensor.rows() + tensor.columns();
    sum += engine::hf::gguf_name(tensor.name, {}).size();
    CUPEL_CHECK(file->find_tensor(tensor.name) == &tensor, "a name leads to another tensor");
  }
  // The data section is covered without a gap or an overlap, so no byte is counted twice.
  CUPEL_CHECK(covered <= input.size() && sum != UINT64_MAX);
}

}  // namespace cupel::fuzz
