// Gemma 2: scores and logits with soft caps, every other layer with a sliding window, the first one
// among them.
#include "base/error.h"
#include "engine/model/families/gemma.h"
#include "engine/model/hf/config_writer.h"
#include "engine/model/hf/translation.h"
#include "engine/model/metadata_reader.h"

namespace cupel::engine::family {
namespace {

constexpr size_t kLayersOf27b = 46;

Result<ModelDescription> describe(MetadataReader& read) {
  CUPEL_TRY(ModelDescription model, describe_gemma(read, kLayersOf27b));
  CUPEL_TRY_VOID(describe_windows(read, model, [](size_t i) { return i % 2 == 0; }));
  return model;
}

Result<Ok> translate(hf::ConfigReader& config, hf::Translation& out) {
  config.ignore({"sliding_window_size"});  // older files state sliding_window twice
  out.absent.attention_softcap = 50;
  out.absent.logit_softcap = 30;
  return translate_gemma(config, out);
}

Result<Ok> configure(const ModelDescription& model, hf::ConfigWriter& config) {
  config.set_kind("gemma2", "Gemma2ForCausalLM");
  return configure_gemma(model, config);
}

}  // namespace

ModelFamily gemma2() {
  return {.architecture = "gemma2",
          .summary = "Gemma 2",
          .features = "norms around blocks, soft caps, local and global layers",
          .describe = &describe,
          .hf = {.model_types = {"gemma2"},
                 .translate = &translate,
                 .names = gemma_tensor_names(),
                 .configure = &configure,
                 .biases = {.attention = "attention_bias"}}};
}

}  // namespace cupel::engine::family
