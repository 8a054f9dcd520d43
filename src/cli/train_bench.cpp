// What `cupel bench train` does.
#include "base/error.h"
#include "cli/bench_train_flags.h"
#include "cli/output.h"
#include "cli/train_bodies.h"
#include "tensor/threads.h"
#include "train/bench/measure_step.h"

namespace cupel::cli {
namespace {

Json to_json(const train::StepMeasure& m) {
  return Json::object()
      .set("tokens", m.tokens)
      .set("text_tokens", m.text_tokens)
      .set("labels", m.labels)
      .set("step_ms", m.step_ms)
      .set("step_min_ms", m.step_min_ms)
      .set("step_cpu_ms", m.step_cpu_ms)
      .set("hidden_ms", m.hidden_ms)
      .set("head_ms", m.head_ms)
      .set("backward_ms", m.backward_ms)
      .set("tokens_per_second", m.tokens_per_second())
      .set("flops", m.flops)
      .set("peak_flops_per_second", m.peak_flops_per_second)
      .set("mfu", m.mfu())
      .set("peak_bytes", m.peak_bytes);
}

std::string table(const train::StepMeasure& m) {
  std::string text = format("batch      {} tokens computed ({} written out), {} labels\n", m.tokens,
                            m.text_tokens, m.labels);
  text += format("step       {:.0f} ms, {:.0f} tokens/s\n", m.step_ms, m.tokens_per_second());
  text += format("           layers {:.0f} ms, head {:.0f} ms, backward {:.0f} ms\n", m.hidden_ms,
                 m.head_ms, m.backward_ms);
  text += format(
      "products   {:.1f} GFLOP at {:.0f} GFLOP/s: {:.0f}% of the {:.0f} that products of these "
      "shapes reach here\n",
      m.flops / 1e9, m.flops / m.step_ms / 1e6, 100 * m.mfu(), m.peak_flops_per_second / 1e9);
  if (m.peak_bytes > 0) {
    text += format("memory     {:.0f} MiB at most, the model's included\n",
                   static_cast<double>(m.peak_bytes) / 1048576);
  }
  return text;
}

}  // namespace

Result<int> run_bench_train(const BenchTrainFlags& flags) {
  if ((flags.pairs == 0) == (flags.texts == 0)) {
    return invalid_argument("bench train: give either --pairs, or --pairs 0 with --texts");
  }
  if (flags.threads > 0) {
    tensor::set_threads(static_cast<size_t>(flags.threads));
  }
  train::StepMeasureOptions options{.pairs = flags.pairs,
                                    .prompt_tokens = flags.prompt_tokens,
                                    .answer_tokens = flags.answer_tokens,
                                    .texts = flags.texts,
                                    .text_tokens = flags.text_tokens,
                                    .steps = flags.steps};
  options.twin.compute = flags.precision == "fp32" ? at::kFloat : at::kBFloat16;
  options.twin.recompute_layers = flags.checkpointing == "full";
  if (flags.parameters == "lora") {
    options.lora = train::LoraOptions{};
  }
  const auto type = flags.precision == "bf16-pure" ? at::kBFloat16 : at::kFloat;
  CUPEL_TRY(const train::Model model, train::load_model(flags.model, {.type = type}));
  CUPEL_TRY(const train::StepMeasure measure, train::measure_train_step(model, options));
  if (flags.format == "json") {
    print_pretty(to_json(measure));
  } else {
    print(table(measure));
  }
  return 0;
}

}  // namespace cupel::cli
