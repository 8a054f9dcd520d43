// AdamW whose moments are 8-bit codes: Dettmers et al. 2022.
#include <algorithm>
#include <optional>
#include <utility>

#include "train/optimiser/block_codes.h"
#include "train/optimiser/fused_adamw.h"
#include "train/optimiser/optimiser.h"

namespace cupel::train::optimiser {
namespace {

// Smaller tensors stay in full precision, as in the paper's library.
constexpr int64_t kFewest = 4096;
// Blocks whose moments are numbers at once: a million numbers.
constexpr int64_t kBlocksAtOnce = 4096;

class AdamW8Bit final : public Optimiser {
 public:
  AdamW8Bit(std::vector<TrainedParameter> trained, const OptimiserOptions& options)
      : Optimiser(std::move(trained), options) {
    for (const TrainedParameter& parameter : parameters()) {
      const at::Tensor& tensor = parameter.tensor;
      Moments moments;
      if (parameter.full_state || tensor.numel() < kFewest || tensor.scalar_type() == at::kDouble) {
        moments.mean = zeros_for(parameter, tensor.sizes());
        moments.square = zeros_for(parameter, tensor.sizes());
      } else {
        moments.mean_codes.emplace(tensor.numel(), true, tensor);
        moments.square_codes.emplace(tensor.numel(), false, tensor);
      }
      moments_.push_back(std::move(moments));
    }
  }

  [[nodiscard]] std::vector<NamedTensor> state() const override {
    std::vector<NamedTensor> all;
    for (size_t i = 0; i < parameters().size(); ++i) {
      const std::string& name = parameters()[i].name;
      const Moments& moments = moments_[i];
      if (moments.mean.defined()) {
        all.push_back({name + ".exp_avg", moments.mean});
        all.push_back({name + ".exp_avg_sq", moments.square});
      } else {
        all.push_back({name + ".exp_avg_codes", moments.mean_codes->codes});
        all.push_back({name + ".exp_avg_scales", moments.mean_codes->scales});
        all.push_back({name + ".exp_avg_sq_codes", moments.square_codes->codes});
        all.push_back({name + ".exp_avg_sq_scales", moments.square_codes->scales});
      }
    }
    return all;
  }

 private:
  struct Moments {
    at::Tensor mean;  // undefined: codes
    at::Tensor square;
    std::optional<BlockCodes> mean_codes;
    std::optional<BlockCodes> square_codes;
  };

  void update(size_t index, at::Tensor values, const at::Tensor& gradient, double lr) override {
    constexpr int64_t kBlock = BlockCodes::kBlock;
    Moments& moments = moments_[index];
    const AdamWStep step = {
        .step = steps(), .lr = lr, .decay = decay(index), .options = &options()};
    if (moments.mean.defined()) {
      fused_adamw(values, gradient, moments.mean, moments.square, step);
      return;
    }
    const at::Tensor flat = values.view(-1);
    const at::Tensor slopes = gradient.reshape(-1);
    for (int64_t first = 0; first < moments.mean_codes->blocks(); first += kBlocksAtOnce) {
      const int64_t blocks = std::min(kBlocksAtOnce, moments.mean_codes->blocks() - first);
      const int64_t begin = first * kBlock;
      const int64_t length = std::min(blocks * kBlock, flat.numel() - begin);
      const at::Tensor mean = moments.mean_codes->decode(first, blocks);      // [blocks · 256]
      const at::Tensor square = moments.square_codes->decode(first, blocks);  // its end is padding
      fused_adamw(flat.narrow(0, begin, length), slopes.narrow(0, begin, length),
                  mean.narrow(0, 0, length), square.narrow(0, 0, length), step);
      moments.mean_codes->encode_(mean, first);
      moments.square_codes->encode_(square, first);
    }
  }

  std::vector<Moments> moments_;
};

Result<std::unique_ptr<Optimiser>> make(std::vector<TrainedParameter> parameters,
                                        const OptimiserOptions& options) {
  return std::unique_ptr<Optimiser>(std::make_unique<AdamW8Bit>(std::move(parameters), options));
}

}  // namespace

OptimiserInfo adamw_8bit() {
  return {.name = "adamw_8bit",
          .summary = "AdamW with moments of 8 bits in blocks of 256",
          .source = "Dettmers et al. 2022 (arXiv 2110.02861)",
          .bytes_per_element = 2 * (1 + 4.0 / 256),
          .make = &make};
}

}  // namespace cupel::train::optimiser
