// Where the time of a training step goes: cupel_train_step_bench MODEL [f32|bf16|bf16-pure]
// [pairs|texts] [full|lora] [keep|recompute] [threads] [steps]. MODEL is a GGUF file or a folder;
// f32, pairs, full, keep and 2 threads are the defaults. bf16: products of f32 parameters;
// bf16-pure: the parameters too.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tensor/threads.h"
#include "train/bench/measure_step.h"

namespace cupel::train {
namespace {

int fail(std::string_view message) {
  std::fprintf(stderr, "cupel_train_step_bench: %.*s\n", static_cast<int>(message.size()),
               message.data());
  return 1;
}

void print(const StepMeasure& m) {
  std::printf("rows %lld (written out %lld), labels %lld\n", static_cast<long long>(m.tokens),
              static_cast<long long>(m.text_tokens), static_cast<long long>(m.labels));
  std::printf(
      "step %.1f ms (fastest %.1f, least processor time %.1f): layers %.1f, head %.1f, backward "
      "%.1f\n",
      m.step_ms, m.step_min_ms, m.step_cpu_ms, m.hidden_ms, m.head_ms, m.backward_ms);
  std::printf("%.0f tok/s, %.1f GFLOP, %.0f of at::mm's %.0f GFLOP/s: MFU %.1f%%, peak %.2f GB\n",
              m.tokens_per_second(), m.flops / 1e9, m.flops / m.step_ms / 1e6,
              m.peak_flops_per_second / 1e9, 100 * m.mfu(),
              static_cast<double>(m.peak_bytes) / 1e9);
}

int run(int argc, char** argv) {
  if (argc < 2) {
    return fail("name a model: a GGUF file or a folder");
  }
  StepMeasureOptions options;
  LoadOptions load;
  int64_t threads = 2;
  int64_t numbers = 0;
  for (int i = 2; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "bf16" || word == "bf16-pure") {
      options.twin.compute = at::kBFloat16;
      load.type = word == "bf16" ? at::kFloat : at::kBFloat16;
    } else if (word == "texts") {
      options.pairs = 0;
      options.texts = 8;
    } else if (word == "lora") {
      options.lora = LoraOptions{};
    } else if (word == "recompute") {
      options.twin.recompute_layers = true;
    } else if (word != "f32" && word != "pairs" && word != "full" && word != "keep") {
      const int64_t number = std::atoll(argv[i]);
      if (number <= 0) {
        return fail("unknown word " + std::string(word));
      }
      (numbers++ == 0 ? threads : options.steps) = number;
    }
  }
  tensor::set_threads(static_cast<size_t>(threads));
  const auto model = load_model(argv[1], load);
  if (!model) {
    return fail(model.error().message);
  }
  const auto measure = measure_train_step(*model, options);
  if (!measure) {
    return fail(measure.error().message);
  }
  print(*measure);
  return 0;
}

}  // namespace
}  // namespace cupel::train

int main(int argc, char** argv) {
  return cupel::train::run(argc, argv);
}
