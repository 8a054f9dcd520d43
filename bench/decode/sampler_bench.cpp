// Time of one draw by vocabulary and options: cupel_sampler_bench. Best of several runs, this
// thread's CPU time; the log-sum-exp pass that every draw makes is shown by itself.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/process_usage.h"
#include "base/rng.h"
#include "decode/sampler.h"

namespace cupel::decode {
namespace {

template <typename F>
double best_microseconds(F&& f) {
  f();
  double best = 1e9;
  for (int trial = 0; trial < 9; ++trial) {
    int runs = 0;
    const double start = thread_cpu_seconds();
    double elapsed = 0;
    do {
      f();
      ++runs;
      elapsed = thread_cpu_seconds() - start;
    } while (elapsed < 0.02);
    best = std::min(best, elapsed / runs);
  }
  return best * 1e6;
}

/// Shaped as a language model's: a bulk around 0, a few hundred likely ones, `lead` above it.
std::vector<float> model_logits(size_t count, double lead) {
  Rng rng(count);
  std::vector<float> logits(count);
  for (float& x : logits) {
    x = static_cast<float>(rng.normal() * 2);
  }
  for (int i = 0; i < 300; ++i) {
    logits[static_cast<size_t>(rng.below(count))] =
        static_cast<float>(lead - 2 * std::log(1.0 + i) + rng.normal() * 0.3);
  }
  return logits;
}

struct Setting {
  const char* name;
  SamplingOptions options;
};

void measure(size_t vocabulary, double lead) {
  const engine::Operators& ops = **engine::operators_for(engine::best_cpu_level());
  const std::vector<float> logits = model_logits(vocabulary, lead);
  std::vector<TokenId> seen;
  for (TokenId id = 0; id < 1000; ++id) {
    seen.push_back(id * 7 % static_cast<TokenId>(vocabulary));
  }
  std::printf("%zu logits, likeliest at %g\n", vocabulary, lead);
  const double sum = best_microseconds([&] { (void)log_normaliser(ops, logits); });
  std::printf("  %-34s %9.1f us\n", "log-sum-exp alone", sum);
  const std::vector<Setting> settings = {
      {"greedy", {.temperature = 0}},
      {"greedy, penalty 1.1", {.temperature = 0, .repetition_penalty = 1.1}},
      {"temperature 0.8", {.temperature = 0.8}},
      {"temperature 0.8, top-p 0.9", {.temperature = 0.8, .top_p = 0.9}},
      {"temperature 0.8, top-p 0.99", {.temperature = 0.8, .top_p = 0.99}},
      {"temperature 0.8, top-k 40", {.temperature = 0.8, .top_k = 40}},
      {"temperature 0.8, top-k 40, top-p 0.9", {.temperature = 0.8, .top_k = 40, .top_p = 0.9}},
      {"temperature 0.8, min-p 0.05", {.temperature = 0.8, .min_p = 0.05}}};
  for (const Setting& setting : settings) {
    Sampler sampler;
    uint64_t position = 0;
    const double time = best_microseconds([&] {
      (void)sampler.draw(ops, logits, {.options = &setting.options, .seen = seen},
                         {.seed = 1, .stream = 0, .position = position++});
    });
    std::printf("  %-34s %9.1f us\n", setting.name, time);
  }
}

}  // namespace
}  // namespace cupel::decode

int main() {
  for (const size_t vocabulary : {size_t{49152}, size_t{262144}}) {
    cupel::decode::measure(vocabulary, 18);
    cupel::decode::measure(vocabulary, 12);
  }
}
