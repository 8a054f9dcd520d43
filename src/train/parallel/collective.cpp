#include "train/parallel/collective.h"

#include <algorithm>
#include <cstring>

namespace cupel::train {
namespace {

class SingleProcess final : public Collective {
 public:
  [[nodiscard]] int64_t rank() const override { return 0; }
  [[nodiscard]] int64_t size() const override { return 1; }
  Result<Ok> sum(const at::Tensor& /*tensor*/, std::string_view /*what*/) override { return Ok{}; }
  Result<Ok> broadcast(const at::Tensor& /*tensor*/,
                       int64_t /*from*/,
                       std::string_view /*what*/) override {
    return Ok{};
  }
  Result<Ok> barrier(std::string_view /*what*/) override { return Ok{}; }
};

}  // namespace

Result<Ok> Collective::sum(std::span<double> numbers, std::string_view what) {
  if (size() == 1 || numbers.empty()) {
    return Ok{};
  }
  const at::Tensor tensor = at::empty({static_cast<int64_t>(numbers.size())}, at::kDouble);
  std::ranges::copy(numbers, tensor.mutable_data_ptr<double>());
  CUPEL_TRY_VOID(sum(tensor, what));
  std::copy_n(tensor.const_data_ptr<double>(), numbers.size(), numbers.begin());
  return Ok{};
}

Result<std::string> Collective::broadcast(const std::string& text,
                                          std::string_view what,
                                          int64_t from) {
  if (size() == 1) {
    return text;
  }
  const at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  CUPEL_TRY_VOID(broadcast(length, from, what));
  if (length.item<int64_t>() == 0) {
    return std::string();
  }
  const at::Tensor bytes = at::zeros({length.item<int64_t>()}, at::kByte);
  if (rank() == from) {
    std::memcpy(bytes.mutable_data_ptr(), text.data(), text.size());
  }
  CUPEL_TRY_VOID(broadcast(bytes, from, what));
  return std::string(static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes());
}

Result<std::vector<std::string>> Collective::gather(const std::string& text,
                                                    std::string_view what) {
  std::vector<std::string> texts;
  for (int64_t from = 0; from < size(); ++from) {
    CUPEL_TRY(std::string one, broadcast(text, what, from));
    texts.push_back(std::move(one));
  }
  return texts;
}

std::unique_ptr<Collective> single_process() {
  return std::make_unique<SingleProcess>();
}

}  // namespace cupel::train
