// Llama 1-3, SmolLM2 and others that GGUF files under "llama": RMS norm before each block, rotary
// embedding on pairs (2i, 2i+1) since the converter permutes Q and K rows, SwiGLU.
#include <cstring>

#include "base/error.h"
#include "engine/model/description.h"

namespace cupel::engine::family {
namespace {

Result<ModelDescription> describe(const GgufFile& file) {
  CUPEL_TRY(ModelDescription model, describe_common(file, "llama"));
  CUPEL_TRY(const uint64_t experts, file.get_u64_or("llama.expert_count", 0));
  if (experts != 0) {
    return unsupported("{}: llama.expert_count is {}; expert layers are not supported yet",
                       file.path(), experts);
  }
  std::vector<float> factors;
  if (const GgufTensor* tensor = file.find_tensor("rope_freqs.weight"); tensor != nullptr) {
    if (tensor->type != TensorType::kF32 ||
        tensor->elements() !=
            static_cast<uint64_t>(model.layers[0].attention.rope.rotary_dim / 2)) {
      return corrupt_data("{}: rope_freqs.weight is {} {}; expected f32 with one factor per pair",
                          file.path(), tensor_type_name(tensor->type), tensor->shape());
    }
    factors.resize(tensor->elements());
    std::memcpy(factors.data(), tensor->data.data(), tensor->data.size());
  }
  for (LayerDescription& layer : model.layers) {
    layer.attention.rope.interleaved = true;
    layer.attention.rope.frequency_factors = factors;
  }
  return model;
}

}  // namespace

ModelFamily llama() {
  return {.architecture = "llama",
          .summary = "Llama 1-3 and models of the same shape (SmolLM2, Mistral without window)",
          .describe = &describe};
}

}  // namespace cupel::engine::family
