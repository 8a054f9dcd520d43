#include "train/bench/measure_step.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/process_usage.h"
#include "base/rng.h"
#include "tensor/guard.h"
#include "tensor/memory.h"
#include "train/model/head_logps.h"

namespace cupel::train {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// A batch of random tokens.
struct RandomBatch {
  std::vector<DocumentSpan> documents;
  at::Tensor ids;      ///< [T]
  at::Tensor labels;   ///< [T]
  at::Tensor weights;  ///< [T], of the log-probs in the loss
  int64_t text_tokens = 0;
};

void append(RandomBatch& batch, int64_t length, int32_t parent) {
  const int64_t begin =
      batch.documents.empty() ? 0 : batch.documents.back().begin + batch.documents.back().length;
  batch.documents.push_back({.begin = begin, .length = length, .parent = parent});
}

RandomBatch random_batch(const StepMeasureOptions& options, int64_t vocabulary) {
  RandomBatch batch;
  for (int64_t i = 0; i < options.pairs; ++i) {
    const auto prompt = static_cast<int32_t>(batch.documents.size());
    append(batch, options.prompt_tokens, DocumentSpan::kNoParent);
    append(batch, options.answer_tokens, prompt);
    append(batch, options.answer_tokens, prompt);
    batch.text_tokens += 2 * (options.prompt_tokens + options.answer_tokens);
  }
  for (int64_t i = 0; i < options.texts; ++i) {
    append(batch, options.text_tokens, DocumentSpan::kNoParent);
    batch.text_tokens += options.text_tokens;
  }
  const int64_t tokens = batch.documents.back().begin + batch.documents.back().length;
  batch.ids = at::empty({tokens}, at::kLong);
  batch.labels = at::full({tokens}, HeadLogpsOptions::kIgnored, at::kLong);
  batch.weights = at::empty({tokens}, at::kFloat);
  const auto draw = [&](uint64_t stream, int64_t i) {
    return random_unit(options.seed, stream, static_cast<uint64_t>(i));
  };
  for (int64_t i = 0; i < tokens; ++i) {
    batch.ids.mutable_data_ptr<int64_t>()[i] = std::min(
        static_cast<int64_t>(draw(0, i) * static_cast<double>(vocabulary)), vocabulary - 1);
    batch.weights.mutable_data_ptr<float>()[i] = static_cast<float>(draw(1, i) - 0.5);
  }
  for (const DocumentSpan& document : batch.documents) {
    // Of a pair the answers are learnt: as many labels as they have tokens. Of a text all but one.
    const bool answer = document.parent != DocumentSpan::kNoParent;
    const bool text =
        options.pairs == 0 || document.begin >= tokens - options.texts * options.text_tokens;
    const int64_t labels = answer ? document.length : text ? document.length - 1 : 0;
    for (int64_t i = document.begin; i < document.begin + labels; ++i) {
      batch.labels.mutable_data_ptr<int64_t>()[i] =
          batch.ids.const_data_ptr<int64_t>()[std::min(i + 1, tokens - 1)];
    }
  }
  return batch;
}

/// A matrix [rows, cols] that tokens are multiplied with.
struct Product {
  int64_t rows = 0;
  int64_t cols = 0;
  double share = 1;  ///< of the tokens: those that choose an expert
};

void add_block(const engine::FeedForwardDescription& block,
               int64_t model_width,
               int64_t width,
               double share,
               std::vector<Product>& out) {
  out.push_back({.rows = width, .cols = model_width, .share = share});
  if (block.gated) {
    out.push_back(out.back());
  }
  out.push_back({.rows = model_width, .cols = width, .share = share});
}

/// Those of all layers; the head is not among them.
std::vector<Product> products_of(const engine::ModelDescription& model) {
  std::vector<Product> out;
  for (const engine::LayerDescription& layer : model.layers) {
    const engine::AttentionDescription& a = layer.attention;
    out.push_back({.rows = a.heads * a.head_dim, .cols = model.width});
    out.push_back({.rows = a.kv_heads * a.head_dim, .cols = model.width});
    out.push_back(out.back());
    out.push_back({.rows = model.width, .cols = a.heads * a.head_dim});
    const engine::FeedForwardDescription& block = layer.feed_forward;
    const engine::ExpertsDescription& experts = block.experts;
    if (experts.count == 0) {
      add_block(block, model.width, block.width, 1, out);
      continue;
    }
    out.push_back({.rows = experts.count, .cols = model.width});
    for (int64_t e = 0; e < experts.count; ++e) {
      const double share = static_cast<double>(experts.used) / static_cast<double>(experts.count);
      add_block(block, model.width, experts.width, share, out);
    }
    if (experts.shared_width > 0) {
      out.push_back({.rows = 1, .cols = model.width});
      add_block(block, model.width, experts.shared_width, 1, out);
    }
  }
  return out;
}

/// Pairs of a query and a key that it sees, over all documents.
double visible_keys(const PackedLayout& layout, int64_t window) {
  double sum = 0;
  for (size_t i = 0; i < layout.documents().size(); ++i) {
    for (int64_t row = 0; row < layout.documents()[i].length; ++row) {
      const int64_t keys = layout.first_position(i) + row + 1;
      sum += static_cast<double>(window > 0 ? std::min(keys, window) : keys);
    }
  }
  return sum;
}

double step_flops(const Twin& twin, const PackedLayout& layout, int64_t labels, double of_weights) {
  double flops = 0;
  for (const Product& product : products_of(twin.description())) {
    flops += of_weights * product.share *
             static_cast<double>(product.rows * product.cols * layout.tokens());
  }
  flops += of_weights * static_cast<double>(twin.head().weight.numel() * labels);
  for (const engine::LayerDescription& layer : twin.description().layers) {
    const engine::AttentionDescription& a = layer.attention;
    flops += 12 * static_cast<double>(a.heads * a.head_dim) * visible_keys(layout, a.window);
  }
  return flops;
}

/// Seconds of the products of one matrix, forward and backward; the best of four turns.
double product_seconds(const Product& product,
                       int64_t tokens,
                       bool frozen,
                       at::TensorOptions type) {
  const auto rows =
      std::max<int64_t>(1, static_cast<int64_t>(product.share * static_cast<double>(tokens)));
  const at::Tensor x = at::full({rows, product.cols}, 0.5, type);
  const at::Tensor w = at::full({product.rows, product.cols}, 0.5, type);
  const at::Tensor g = at::full({rows, product.rows}, 0.5, type);
  double best = 0;
  for (int turn = 0; turn < 4; ++turn) {
    const auto begin = Clock::now();
    at::mm(x, w.t());
    at::mm(g, w);
    if (!frozen) {
      at::mm(g.t(), x);
    }
    const double seconds = milliseconds_since(begin) / 1e3;
    best = turn == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

/// Operations per second of at::mm on the matrices of the layers, each shape measured once.
double peak_flops(const Twin& twin, int64_t tokens, bool frozen) {
  const auto type = at::TensorOptions(twin.options().compute).device(twin.head().weight.device());
  std::map<std::tuple<int64_t, int64_t, double>, double> known;
  double flops = 0;
  double seconds = 0;
  for (const Product& product : products_of(twin.description())) {
    double& one = known[{product.rows, product.cols, product.share}];
    if (one == 0) {
      one = product_seconds(product, tokens, frozen, type);
    }
    seconds += one;
    flops += (frozen ? 4 : 6) * product.share *
             static_cast<double>(tokens * product.rows * product.cols);
  }
  return flops / seconds;
}

Result<Ok> check(const StepMeasureOptions& options) {
  for (const int64_t count : {options.pairs + options.texts, options.prompt_tokens,
                              options.answer_tokens, options.text_tokens - 1, options.steps}) {
    if (count <= 0) {
      return invalid_argument(
          "a step is measured on pairs or texts of at least one token (texts: two), at least once");
    }
  }
  return options.pairs >= 0 && options.texts >= 0 && options.warm_up >= 0
             ? Ok{}
             : Result<Ok>(
                   invalid_argument("numbers of pairs, texts and warm-up steps are not below 0"));
}

StepMeasure run_step(Twin& twin,
                     const std::shared_ptr<const BatchPlan>& plan,
                     const RandomBatch& batch) {
  StepMeasure step;
  const double cpu = process_cpu_seconds();
  const auto begin = Clock::now();
  const at::Tensor hidden = twin.hidden(batch.ids, plan, {.embedding_noise = {}, .dropout = 1});
  step.hidden_ms = milliseconds_since(begin);
  const HeadLogps found =
      head_logps(hidden, twin.head(), batch.labels, {.compute = twin.options().compute});
  step.head_ms = milliseconds_since(begin) - step.hidden_ms;
  (found.logps * batch.weights).sum().backward();
  step.step_ms = milliseconds_since(begin);
  step.step_cpu_ms = (process_cpu_seconds() - cpu) * 1e3;
  step.backward_ms = step.step_ms - step.head_ms - step.hidden_ms;
  return step;
}

Result<StepMeasure> measure(Twin& twin,
                            const ParameterSet& trained,
                            const StepMeasureOptions& options) {
  const at::Device device = twin.head().weight.device();
  RandomBatch batch = random_batch(options, twin.description().vocabulary_size);
  CUPEL_TRY(const PackedLayout layout, PackedLayout::create(batch.documents));
  batch.ids = batch.ids.to(device);
  batch.labels = batch.labels.to(device);
  batch.weights = batch.weights.to(device);
  CUPEL_TRY(const std::shared_ptr<const BatchPlan> plan, twin.plan(layout));
  trained.require_gradients(true);
  const bool reset = reset_peak_resident();
  std::vector<StepMeasure> steps;
  for (int64_t i = 0; i < options.warm_up + options.steps; ++i) {
    trained.clear_gradients();
    const StepMeasure step = run_step(twin, plan, batch);
    if (i >= options.warm_up) {
      steps.push_back(step);
    }
  }
  const std::optional<int64_t> peak = peak_resident_bytes();
  trained.clear_gradients();
  trained.require_gradients(false);
  std::sort(steps.begin(), steps.end(),
            [](const StepMeasure& a, const StepMeasure& b) { return a.step_ms < b.step_ms; });
  StepMeasure result = steps[steps.size() / 2];
  result.step_min_ms = steps.front().step_ms;
  for (const StepMeasure& step : steps) {
    result.step_cpu_ms = std::min(result.step_cpu_ms, step.step_cpu_ms);
  }
  result.peak_bytes = reset ? peak.value_or(0) : 0;
  result.tokens = layout.tokens();
  result.text_tokens = batch.text_tokens;
  result.labels = (batch.labels != HeadLogpsOptions::kIgnored).sum().item<int64_t>();
  const bool frozen = options.lora.has_value();
  result.flops = step_flops(twin, layout, result.labels, frozen ? 4 : 6);
  result.peak_flops_per_second = peak_flops(twin, result.tokens, frozen);
  return result;
}

}  // namespace

Result<StepMeasure> measure_train_step(const Model& model, const StepMeasureOptions& options) {
  return tensor::guard([&]() -> Result<StepMeasure> {
    CUPEL_TRY_VOID(check(options));
    tensor::pool_tensor_memory();
    if (options.lora) {
      CUPEL_TRY(const Lora lora, Lora::create(model, *options.lora));
      CUPEL_TRY(Twin twin, lora.twin(options.twin));
      return measure(twin, lora.parameters(), options);
    }
    CUPEL_TRY(Twin twin, Twin::create(model, options.twin));
    return measure(twin, model.parameters, options);
  });
}

}  // namespace cupel::train
