#include "train/model/head_logps.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "tensor/autograd.h"

namespace cupel::train {
namespace {

constexpr int64_t kChunkBytes = int64_t{16} << 20U;

// Letters: n positions that count, c of one chunk, V vocabulary, D width.

struct Outputs {
  enum : size_t { kLogps, kLogSums, kMeanLogps, kEntropy, kLogSumSquares, kCount };
};

class HeadOperation final : public tensor::Operation {
 public:
  HeadOperation(double softcap, bool has_bias, at::Tensor labels, HeadLogpsOptions options)
      : softcap_(softcap), has_bias_(has_bias), labels_(std::move(labels)), options_(options) {}

  /// Inputs: hidden [n, D], weight [V, D], the bias [V] where there is one.
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    exact_ = inputs[0].scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    saved = inputs;
    const at::Tensor weight = inputs[1].to(options_.compute);
    const int64_t n = inputs[0].size(0);
    std::vector<at::Tensor> outputs(Outputs::kCount);
    for (size_t i = 0; i < Outputs::kCount; ++i) {
      outputs[i] = at::zeros({wanted(i) ? n : 0}, inputs[0].options().dtype(exact_));
    }
    allocate(inputs);
    for_each_chunk(inputs[0], [&](int64_t begin, int64_t count) {
      at::Tensor x = logits(inputs, weight, begin, count);  // [c, V]
      for (size_t i = 0; i < Outputs::kCount; ++i) {
        rows_.push_back(wanted(i) ? outputs[i].narrow(0, begin, count) : at::Tensor());
      }
      describe_rows(x, labels_.narrow(0, begin, count));
      rows_.clear();
    });
    release();
    log_sums_ = outputs[Outputs::kLogSums];
    return outputs;
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& needed) override {
    const at::Tensor weight = saved[1].to(options_.compute);
    std::vector<at::Tensor> result(saved.size());
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        // Sums over chunks grow in f32 even where weights are bf16.
        result[i] = i == 0 ? at::empty(saved[i].sizes(), saved[i].options().dtype(options_.compute))
                           : at::zeros(saved[i].sizes(), saved[i].options().dtype(exact_));
      }
    }
    allocate(saved);
    for_each_chunk(saved[0], [&](int64_t begin, int64_t count) {
      const at::Tensor slope =
          slopes(logits(saved, weight, begin, count), gradients, begin, count);  // [c, V]
      add_chunk(slope, saved[0].narrow(0, begin, count).to(options_.compute), weight, begin,
                result);
    });
    release();
    for (size_t i = 0; i < saved.size(); ++i) {
      if (needed[i]) {
        result[i] = result[i].to(saved[i].scalar_type());
      }
    }
    return result;
  }

 private:
  [[nodiscard]] bool wanted(size_t output) const {
    switch (output) {
      case Outputs::kMeanLogps:
        return options_.mean_logps;
      case Outputs::kEntropy:
        return options_.entropy;
      case Outputs::kLogSumSquares:
        return options_.log_sum_squares;
      default:
        return true;
    }
  }

  template <typename Body>
  void for_each_chunk(const at::Tensor& hidden, const Body& body) const {
    for (int64_t begin = 0; begin < hidden.size(0); begin += options_.chunk_rows) {
      body(begin, std::min(options_.chunk_rows, hidden.size(0) - begin));
    }
  }

  /// The buffers that all chunks share: a new one for each would cost its page faults.
  void allocate(const std::vector<at::Tensor>& inputs) {
    const at::Tensor& weight = inputs[1];
    const int64_t rows = std::min(options_.chunk_rows, inputs[0].size(0));
    const auto buffer = [&](at::ScalarType type) {
      return at::empty({rows, weight.size(0)}, weight.options().dtype(type));
    };
    logits_ = buffer(exact_);
    products_ = options_.compute == exact_ ? logits_ : buffer(options_.compute);
    other_ = softcap_ > 0 || options_.entropy ? buffer(exact_) : at::Tensor();
  }
  void release() {
    logits_.reset();
    products_.reset();
    other_.reset();
  }

  /// Soft-capped logits [c, V] of a chunk, in logits_.
  [[nodiscard]] at::Tensor logits(const std::vector<at::Tensor>& inputs,
                                  const at::Tensor& weight,
                                  int64_t begin,
                                  int64_t count) const {
    const at::Tensor rows = inputs[0].narrow(0, begin, count).to(options_.compute);
    at::Tensor products = products_.narrow(0, 0, count);
    at::mm_out(products, rows, weight.t());
    at::Tensor x = logits_.narrow(0, 0, count);
    if (options_.compute != exact_) {
      x.copy_(products);
    }
    if (has_bias_) {
      x.add_(inputs[2]);
    }
    if (softcap_ > 0) {
      x.div_(softcap_).tanh_().mul_(softcap_);
    }
    return x;
  }

  /// Fills rows_ from logits, which are overwritten.
  void describe_rows(at::Tensor& x, const at::Tensor& labels) {
    const at::Tensor column = labels.unsqueeze(1);
    const at::Tensor top = x.amax(-1, /*keepdim=*/true);  // [c, 1]
    x.sub_(top);
    const at::Tensor label = x.gather(-1, column);  // [c, 1]
    const at::Tensor mean = options_.mean_logps ? x.mean(-1) : at::Tensor();
    at::Tensor shifted;
    if (options_.entropy) {
      shifted = other_.narrow(0, 0, x.size(0)).copy_(x);
    }
    x.exp_();
    const at::Tensor sum = x.sum(-1);      // [c]
    const at::Tensor log_sum = sum.log();  // of the logits less the largest
    rows_[Outputs::kLogps].copy_(label.squeeze(-1) - log_sum);
    rows_[Outputs::kLogSums].copy_(top.squeeze(-1) + log_sum);
    if (options_.mean_logps) {
      rows_[Outputs::kMeanLogps].copy_(mean - log_sum);
    }
    if (options_.entropy) {  // log Σ - Σ p x
      rows_[Outputs::kEntropy].copy_(log_sum - shifted.mul_(x).sum(-1) / sum);
    }
    if (options_.log_sum_squares) {
      rows_[Outputs::kLogSumSquares].copy_(x.square_().sum(-1).log() - 2 * log_sum);
    }
  }

  /// ∂/∂z [c, V] of a chunk, in the place of its logits.
  [[nodiscard]] at::Tensor slopes(at::Tensor x,
                                  const std::vector<at::Tensor>& gradients,
                                  int64_t begin,
                                  int64_t count) const {
    const auto part = [&](size_t output) {
      return gradients[output].defined() ? gradients[output].narrow(0, begin, count).unsqueeze(1)
                                         : at::zeros({count, 1}, x.options());
    };
    const at::Tensor logp = part(Outputs::kLogps);  // [c, 1]
    const at::Tensor mean = options_.mean_logps ? part(Outputs::kMeanLogps) : at::Tensor();
    at::Tensor of_p = part(Outputs::kLogSums) - logp;
    at::Tensor steepness;  // ∂x/∂z
    if (softcap_ > 0) {
      steepness = other_.narrow(0, 0, count).copy_(x).div_(softcap_).square_().neg_().add_(1);
    }
    x.sub_(log_sums_.narrow(0, begin, count).unsqueeze(1)).exp_();  // p
    if (mean.defined()) {
      of_p = of_p - mean;
    }
    x.mul_(of_p);
    if (mean.defined()) {
      x.add_(mean / static_cast<double>(x.size(1)));
    }
    x.scatter_add_(-1, labels_.narrow(0, begin, count).unsqueeze(1), logp);
    return softcap_ > 0 ? x.mul_(steepness) : x;
  }

  void add_chunk(const at::Tensor& slope,
                 const at::Tensor& rows,
                 const at::Tensor& weight,
                 int64_t begin,
                 std::vector<at::Tensor>& result) const {
    at::Tensor narrow = slope;
    if (options_.compute != exact_) {
      narrow = products_.narrow(0, 0, rows.size(0)).copy_(slope);
    }
    if (result[0].defined()) {
      at::Tensor out = result[0].narrow(0, begin, rows.size(0));
      at::mm_out(out, narrow, weight);
    }
    if (result[1].defined()) {
      if (options_.compute == exact_) {
        result[1].addmm_(narrow.t(), rows);
      } else {
        result[1].add_(at::mm(narrow.t(), rows));
      }
    }
    if (has_bias_ && result[2].defined()) {
      result[2].add_(slope.sum(0));
    }
  }

  double softcap_;
  bool has_bias_;
  at::Tensor labels_;  // [n], all inside the vocabulary
  HeadLogpsOptions options_;
  at::ScalarType exact_ = at::kFloat;
  at::Tensor log_sums_;  // [n]
  std::vector<at::Tensor> rows_;
  // Buffers of a pass, [chunk, V]:
  at::Tensor logits_;    // in f32 or f64
  at::Tensor products_;  // in the type of the products; the same one where that is it
  at::Tensor other_;
};

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
  if (settled.chunk_rows <= 0) {
    const int64_t row_bytes = head.weight.size(0) * static_cast<int64_t>(sizeof(float));
    settled.chunk_rows = std::max<int64_t>(1, kChunkBytes / row_bytes);
  }
  const at::Tensor places = (labels != HeadLogpsOptions::kIgnored).nonzero().squeeze(1);  // [n]
  std::vector<at::Tensor> inputs{hidden.index_select(0, places), head.weight};
  if (head.bias.defined()) {
    inputs.push_back(head.bias);
  }
  const std::vector<at::Tensor> found =
      tensor::apply(std::make_shared<HeadOperation>(head.softcap, head.bias.defined(),
                                                    labels.index_select(0, places), settled),
                    inputs);
  const auto spread = [&](size_t output, bool wanted) {
    if (!wanted) {
      return at::Tensor();
    }
    const bool flows = output != Outputs::kEntropy && output != Outputs::kLogSumSquares;
    const at::Tensor rows = flows ? found[output] : found[output].detach();
    return at::zeros({labels.size(0)}, rows.options()).index_copy(0, places, rows);
  };
  return {.logps = spread(Outputs::kLogps, true),
          .log_sums = spread(Outputs::kLogSums, true),
          .mean_logps = spread(Outputs::kMeanLogps, options.mean_logps),
          .entropy = spread(Outputs::kEntropy, options.entropy),
          .log_sum_squares = spread(Outputs::kLogSumSquares, options.log_sum_squares)};
}

}  // namespace cupel::train
