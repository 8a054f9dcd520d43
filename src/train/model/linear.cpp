#include "train/model/linear.h"

namespace cupel::train {

at::Tensor Embedding::operator()(const at::Tensor& ids, const Pass& pass) const {
  return adapter != nullptr ? adapter->apply(ids, weight, pass) : at::embedding(weight, ids);
}

at::Tensor Linear::operator()(const at::Tensor& x, const Pass& pass) const {
  const at::Tensor input = x.to(pass.compute);
  if (adapter != nullptr) {
    return adapter->apply(input, weight, bias, pass);
  }
  return at::linear(input, weight.to(pass.compute), bias.defined() ? bias.to(pass.compute) : bias);
}

void Linear::add_tensors(std::vector<at::Tensor>& out) const {
  for (const at::Tensor& tensor : {weight, bias}) {
    if (tensor.defined()) {
      out.push_back(tensor);
    }
  }
  if (adapter != nullptr) {
    for (const at::Tensor& tensor : adapter->tensors()) {
      out.push_back(tensor);
    }
  }
}

}  // namespace cupel::train
