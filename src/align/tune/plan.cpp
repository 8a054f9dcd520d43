#include "align/tune/plan.h"

#include <algorithm>

#include "base/error.h"
#include "base/machine.h"
#include "engine/model/description.h"
#include "train/optimiser/optimiser.h"

namespace cupel::align {
namespace {

using engine::FeedForwardDescription;
using engine::LayerDescription;

struct Sizes {
  int64_t elements = 0;          ///< of all parameters
  int64_t large = 0;             ///< of the matrices of blocks
  int64_t rows_and_columns = 0;  ///< of the same, rows + columns: of LoRA
};

Sizes sizes_of(const engine::Checkpoint& file) {
  Sizes sizes;
  for (const engine::CheckpointTensor& tensor : file.tensors()) {
    if (tensor.name.starts_with("rope_f")) {
      continue;
    }
    const auto elements = static_cast<int64_t>(tensor.elements());
    sizes.elements += elements;
    if (tensor.num_dims >= 2 && tensor.name.starts_with("blk.")) {
      sizes.large += elements;
      sizes.rows_and_columns += static_cast<int64_t>(tensor.rows() + tensor.columns());
    }
  }
  return sizes;
}

/// Numbers that a layer keeps of a token for the backward pass: what goes into norms and products.
int64_t kept_numbers(const LayerDescription& layer, int64_t width) {
  const engine::AttentionDescription& a = layer.attention;
  const int64_t heads = a.heads * a.head_dim;
  const int64_t keys = 2 * a.kv_heads * a.head_dim;
  const FeedForwardDescription& f = layer.feed_forward;
  const bool dense = f.experts.count == 0;
  const int64_t inner = dense ? f.width : f.experts.used * f.experts.width + f.experts.shared_width;
  return 4 * width + 3 * heads + 2 * keys + 3 * inner;
}

/// Tokens of the largest part that a process computes at once, in the first epoch.
int64_t most_tokens(train::Batcher batcher) {
  int64_t most = 0;
  const int64_t steps = batcher.steps_in_epoch(0);
  for (int64_t step = 0; step < steps; ++step) {
    for (const auto& ranks : batcher.next().micro_batches) {
      for (const auto& pieces : ranks) {
        int64_t tokens = 0;
        for (const train::Piece& piece : pieces) {
          tokens += piece.length();
        }
        most = std::max(most, tokens);
      }
    }
  }
  return most;
}

int64_t activation_bytes(const train::Recipe& recipe,
                         const engine::ModelDescription& model,
                         int64_t tokens) {
  const int64_t number = recipe.precision == "fp32" ? 4 : 2;
  const auto layers = static_cast<int64_t>(model.layers.size());
  int64_t all = 0;
  int64_t largest = 0;
  for (const LayerDescription& layer : model.layers) {
    const int64_t kept = kept_numbers(layer, model.width);
    all += kept;
    largest = std::max(largest, kept);
  }
  if (recipe.checkpointing == "full") {
    return tokens * (4 * layers * model.width + number * largest);
  }
  return tokens * number * all;
}

}  // namespace

int64_t MemoryPlan::total() const {
  int64_t bytes = 0;
  for (const Part& part : parts) {
    bytes += part.bytes;
  }
  return bytes;
}

Json MemoryPlan::to_json() const {
  Json json = Json::object();
  for (const Part& part : parts) {
    json.set(part.name, part.bytes);
  }
  return json.set("together", total()).set("available", available);
}

Result<MemoryPlan> plan_memory(const train::Recipe& recipe, const PreparedRun& run) {
  CUPEL_TRY(const engine::ModelDescription model, engine::describe_model(*run.texts.file));
  CUPEL_TRY(const train::OptimiserInfo* optimiser, train::find_optimiser(recipe.optim.name));
  const Sizes sizes = sizes_of(*run.texts.file);
  const int64_t number = recipe.precision == "bf16-pure" ? 2 : 4;
  const bool lora = recipe.parameters == "lora";
  const int64_t trained = lora ? recipe.lora.rank * sizes.rows_and_columns : sizes.elements;
  // What is small or an embedding keeps its moments in f32.
  const bool mean = recipe.optim.beta1.value_or(0) > 0;
  const double full = optimiser->bytes_per_element + (mean ? optimiser->bytes_of_mean : 0);
  const int64_t compressed = lora ? 0 : sizes.large;
  const double state =
      full * static_cast<double>(compressed) + 8.0 * static_cast<double>(trained - compressed);
  const bool copies = recipe.precision == "bf16-mixed";
  const int64_t tokens = most_tokens(*run.batcher);
  const int64_t activations = activation_bytes(recipe, model, tokens);
  constexpr int64_t kHead = int64_t{48} << 20U;  // logits of a chunk, twice, and its gradient

  MemoryPlan plan;
  plan.parts = {{"weights", number * sizes.elements},
                {"adapters", lora ? 4 * trained : 0},
                {"bf16 copies of weights", copies ? 2 * sizes.elements : 0},
                {"gradients", (lora ? 4 : number) * trained},
                {"optimiser", static_cast<int64_t>(state)},
                {"activations", activations + kHead}};
  const bool live = run.method.loss != nullptr && run.method.loss->reads_mismatched() && !lora;
  if (live) {
    plan.parts.push_back({"reference", number * sizes.elements});
  }
  if (lora && recipe.eval.samples > 0) {
    // Adapters are merged into the weights for samples, beside a copy; no activations are held.
    plan.parts.push_back(
        {"merging for samples", std::max<int64_t>(0, number * sizes.elements - activations)});
  }
  std::erase_if(plan.parts, [](const MemoryPlan::Part& part) { return part.bytes == 0; });
  plan.available = available_memory_bytes();
  return plan;
}

Result<Ok> check_memory(const MemoryPlan& plan) {
  if (plan.available == 0 || plan.total() <= plan.available) {
    return Ok{};
  }
  constexpr double kMib = 1048576;
  return exhausted(
      "the run takes about {:.0f} MiB, and {:.0f} MiB are free; set batch.micro = 1, lower "
      "data.max_length, set checkpointing = \"full\", parameters = \"lora\" or optim.name = "
      "\"adamw_8bit\"",
      static_cast<double>(plan.total()) / kMib, static_cast<double>(plan.available) / kMib);
}

}  // namespace cupel::align
