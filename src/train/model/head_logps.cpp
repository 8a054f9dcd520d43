#include "train/model/head_logps.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "tensor/autograd.h"
#include "train/model/head_block.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

constexpr int64_t kBlockBytes = int64_t{16} << 20U;
// More rows at once make no product faster.
constexpr int64_t kMostRows = 2048;
constexpr int64_t kFewestColumns = 256;

// Letters: n positions that count, c of one chunk, V vocabulary, w columns of a block, D width.

struct Outputs {
  enum : size_t { kLogps, kLogSums, kMeanLogps, kEntropy, kLogSumSquares, kTop, kCount };
};

/// Rows are taken in chunks, and of each the vocabulary in blocks: a block's part of the weight
/// meets all rows of a chunk, so that its gradient is written once for each chunk.
class HeadOperation final : public tensor::Operation {
 public:
  HeadOperation(const Head& head, at::Tensor labels, HeadLogpsOptions options)
      : softcap_(head.softcap),
        has_bias_(head.bias.defined()),
        casts_(head.casts),
        labels_(std::move(labels)),
        options_(options) {}

  /// Inputs: hidden [n, D], weight [V, D], the bias [V] where there is one.
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    exact_ = inputs[0].scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    saved = inputs;
    const int64_t n = inputs[0].size(0);
    std::vector<at::Tensor> outputs(Outputs::kCount);
    for (size_t i = 0; i < Outputs::kCount; ++i) {
      outputs[i] = at::zeros({wanted(i) ? n : 0}, inputs[0].options().dtype(exact_));
    }
    const RowSums::Wanted wanted_sums{.totals = options_.mean_logps,
                                      .products = options_.entropy,
                                      .squares = options_.log_sum_squares,
                                      .top = options_.top};
    begin_pass(inputs);
    for_each_chunk(inputs[0], [&](const Chunk& chunk) {
      RowSums sums = RowSums::begin(chunk.count, inputs[0].options().dtype(exact_), wanted_sums);
      for_each_block(
          [&](int64_t first, int64_t width) { add_block(logits(chunk, first, width), sums); });
      describe(sums, chunk, outputs);
    });
    end_pass();
    log_sums_ = outputs[Outputs::kLogSums].detach();  // the output itself will own this object
    return outputs;
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    std::vector<at::Tensor> result(saved.size());
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        // Sums over blocks and chunks grow in f32 even where products are bf16.
        result[i] = at::zeros(saved[i].sizes(), saved[i].options().dtype(exact_));
      }
    }
    begin_pass(saved);
    for_each_chunk(saved[0], [&](const Chunk& chunk) {
      const RowSlopes slopes = slopes_of(gradients, chunk);
      for_each_block([&](int64_t first, int64_t width) {
        const at::Tensor slope = block_slopes(logits(chunk, first, width), slopes);  // [c, w]
        add_gradients(slope, chunk, first, result);
      });
    });
    end_pass();
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        result[i] = result[i].to(saved[i].scalar_type());
      }
    }
    return result;
  }

 private:
  struct Chunk {
    int64_t begin = 0;
    int64_t count = 0;
    at::Tensor rows;  // [c, D] in the type of the products
  };

  [[nodiscard]] bool wanted(size_t output) const {
    switch (output) {
      case Outputs::kMeanLogps:
        return options_.mean_logps;
      case Outputs::kEntropy:
        return options_.entropy;
      case Outputs::kLogSumSquares:
        return options_.log_sum_squares;
      case Outputs::kTop:
        return options_.top;
      default:
        return true;
    }
  }

  template <typename Body>
  void for_each_chunk(const at::Tensor& hidden, const Body& body) const {
    for (int64_t begin = 0; begin < hidden.size(0); begin += options_.chunk_rows) {
      const int64_t count = std::min(options_.chunk_rows, hidden.size(0) - begin);
      body(Chunk{.begin = begin,
                 .count = count,
                 .rows = hidden.narrow(0, begin, count).to(options_.compute)});
    }
  }
  template <typename Body>
  void for_each_block(const Body& body) const {
    for (int64_t first = 0; first < weight_.size(0); first += options_.block_tokens) {
      body(first, std::min(options_.block_tokens, weight_.size(0) - first));
    }
  }

  /// The weight in the type of the products, and the buffers that all blocks share: a new one for
  /// each would cost its page faults.
  void begin_pass(const std::vector<at::Tensor>& inputs) {
    const at::Tensor weight = inputs[1].detach();
    const bool same = weight.scalar_type() == options_.compute;
    weight_ = same || casts_ == nullptr ? weight.to(options_.compute)
                                        : casts_->get(inputs[1], options_.compute);
    bias_ = has_bias_ ? inputs[2].detach().to(exact_) : at::Tensor();
    const int64_t most = std::min(options_.chunk_rows, inputs[0].size(0)) *
                         std::min(options_.block_tokens, weight_.size(0));
    products_ = at::empty({most}, weight_.options());
    exact_logits_ = options_.compute == exact_ || !reads_exact_logits(products_)
                        ? products_
                        : at::empty({most}, weight_.options().dtype(exact_));
  }
  void end_pass() {
    for (at::Tensor* tensor : {&weight_, &bias_, &products_, &exact_logits_}) {
      tensor->reset();
    }
  }

  [[nodiscard]] LogitsView logits(const Chunk& chunk, int64_t first, int64_t width) const {
    const auto view = [&](const at::Tensor& buffer) {
      return buffer.narrow(0, 0, chunk.count * width).view({chunk.count, width});
    };
    at::Tensor products = view(products_);
    at::mm_out(products, chunk.rows, weight_.narrow(0, first, width).t());
    return {.products = products,
            .exact = exact_logits_.is_same(products_) ? products : view(exact_logits_),
            .bias = bias_,
            .softcap = softcap_,
            .labels = labels_.narrow(0, chunk.begin, chunk.count),
            .first = first};
  }

  void describe(const RowSums& sums, const Chunk& chunk, std::vector<at::Tensor>& outputs) const {
    const auto row = [&](size_t output) {
      return outputs[output].narrow(0, chunk.begin, chunk.count);
    };
    const at::Tensor log_sum = sums.sums.log();  // of the logits less the largest
    const at::Tensor full = sums.largest + log_sum;
    row(Outputs::kLogps).copy_(sums.label - full);
    row(Outputs::kLogSums).copy_(full);
    if (options_.mean_logps) {
      row(Outputs::kMeanLogps).copy_(sums.totals / static_cast<double>(weight_.size(0)) - full);
    }
    if (options_.entropy) {  // log Σ - Σ p x
      row(Outputs::kEntropy).copy_(log_sum - sums.products / sums.sums);
    }
    if (options_.log_sum_squares) {
      row(Outputs::kLogSumSquares).copy_(sums.squares.log() - 2 * log_sum);
    }
    if (options_.top) {
      row(Outputs::kTop).copy_(sums.top.eq(labels_.narrow(0, chunk.begin, chunk.count)));
    }
  }

  [[nodiscard]] RowSlopes slopes_of(const std::vector<at::Tensor>& gradients,
                                    const Chunk& chunk) const {
    const auto part = [&](size_t output) {
      return gradients[output].defined()
                 ? gradients[output].narrow(0, chunk.begin, chunk.count).contiguous()
                 : at::zeros({chunk.count}, log_sums_.options());
    };
    RowSlopes slopes{.log_sums = log_sums_.narrow(0, chunk.begin, chunk.count),
                     .of_label = part(Outputs::kLogps)};
    slopes.of_p = part(Outputs::kLogSums) - slopes.of_label;
    if (options_.mean_logps) {
      const at::Tensor mean = part(Outputs::kMeanLogps);
      slopes.of_p = slopes.of_p - mean;
      slopes.of_all = mean / static_cast<double>(weight_.size(0));
    }
    return slopes;
  }

  void add_gradients(const at::Tensor& slope,
                     const Chunk& chunk,
                     int64_t first,
                     std::vector<at::Tensor>& result) const {
    const int64_t width = slope.size(1);
    const auto add_product = [&](at::Tensor sum, const at::Tensor& a, const at::Tensor& b) {
      options_.compute == exact_ ? sum.addmm_(a, b) : sum.add_(at::mm(a, b));
    };
    if (result[0].defined()) {
      add_product(result[0].narrow(0, chunk.begin, chunk.count), slope,
                  weight_.narrow(0, first, width));
    }
    if (result[1].defined()) {
      at::Tensor out = result[1].narrow(0, first, width);
      const at::Tensor columns = turned(slope);  // [w, c]
      if (chunk.begin > 0) {
        add_product(out, columns, chunk.rows);
      } else if (options_.compute == exact_) {
        at::mm_out(out, columns, chunk.rows);
      } else {
        out.copy_(at::mm(columns, chunk.rows));
      }
    }
    if (has_bias_ && result[2].defined()) {
      result[2].narrow(0, first, width).add_(at::sum(slope, {0}, false, exact_));
    }
  }

  double softcap_;
  bool has_bias_;
  std::shared_ptr<CastWeights> casts_;
  at::Tensor labels_;  // [n], all inside the vocabulary
  HeadLogpsOptions options_;
  at::ScalarType exact_ = at::kFloat;
  at::Tensor log_sums_;  // [n]
  // Of one pass:
  at::Tensor weight_;        // [V, D] in the type of the products
  at::Tensor bias_;          // [V]
  at::Tensor products_;      // numbers of a block
  at::Tensor exact_logits_;  // the same in f32 or f64; one with products_ where that is their type
};

/// Rows and columns whose logits are held at once.
void settle_sizes(HeadLogpsOptions& options, int64_t rows, int64_t vocabulary) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(float));
  if (options.chunk_rows <= 0) {
    options.chunk_rows = std::clamp<int64_t>(rows, 1, kMostRows);
  }
  if (options.block_tokens <= 0) {
    const int64_t held = std::min(options.chunk_rows, std::max<int64_t>(rows, 1));
    const int64_t columns = kBlockBytes / kBytes / held / kFewestColumns * kFewestColumns;
    options.block_tokens = std::clamp(columns, std::min(kFewestColumns, vocabulary), vocabulary);
  }
}

}  // namespace

HeadLogps head_logps(const at::Tensor& hidden,
                     const Head& head,
                     const at::Tensor& labels,
                     const HeadLogpsOptions& options) {
  CUPEL_CHECK(hidden.dim() == 2 && labels.dim() == 1 && labels.size(0) == hidden.size(0),
              "hidden [T, D] and labels [T]");
  HeadLogpsOptions settled = options;
  if (hidden.scalar_type() == at::kDouble) {
    settled.compute = at::kDouble;
  }
  const at::Tensor places = (labels != HeadLogpsOptions::kIgnored).nonzero().squeeze(1);  // [n]
  settle_sizes(settled, places.size(0), head.weight.size(0));
  std::vector<at::Tensor> inputs{hidden.index_select(0, places), head.weight};
  if (head.bias.defined()) {
    inputs.push_back(head.bias);
  }
  const std::vector<at::Tensor> found = tensor::apply(
      std::make_shared<HeadOperation>(head, labels.index_select(0, places), settled), inputs);
  const auto spread = [&](size_t output, bool wanted) {
    if (!wanted) {
      return at::Tensor();
    }
    const bool flows = output < Outputs::kEntropy;
    const at::Tensor rows = flows ? found[output] : found[output].detach();
    return at::zeros({labels.size(0)}, rows.options()).index_copy(0, places, rows);
  };
  return {.logps = spread(Outputs::kLogps, true),
          .log_sums = spread(Outputs::kLogSums, true),
          .mean_logps = spread(Outputs::kMeanLogps, options.mean_logps),
          .entropy = spread(Outputs::kEntropy, options.entropy),
          .log_sum_squares = spread(Outputs::kLogSumSquares, options.log_sum_squares),
          .top = spread(Outputs::kTop, options.top)};
}

}  // namespace cupel::train
