#include "train/model/parameter_set.h"

#include <utility>

#include "base/check.h"
#include "tensor/autograd.h"

namespace cupel::train {

void ParameterSet::add(std::string name, at::Tensor tensor) {
  CUPEL_CHECK(tensor.defined(), "a parameter is a tensor");
  const bool is_new = places_.emplace(name, entries_.size()).second;
  CUPEL_CHECK(is_new, "a parameter of that name is there already");
  entries_.push_back({.name = std::move(name), .tensor = std::move(tensor)});
}

void ParameterSet::tie(std::string alias, std::string_view name) {
  const auto place = places_.find(std::string(name));
  CUPEL_CHECK(place != places_.end(), "no parameter of that name");
  const bool is_new = places_.emplace(std::move(alias), place->second).second;
  CUPEL_CHECK(is_new, "a further name is free");
}

const at::Tensor* ParameterSet::find(std::string_view name) const {
  const auto place = places_.find(std::string(name));
  return place == places_.end() ? nullptr : &entries_[place->second].tensor;
}

const at::Tensor& ParameterSet::at(std::string_view name) const {
  const at::Tensor* tensor = find(name);
  CUPEL_CHECK(tensor != nullptr, "no parameter of that name");
  return *tensor;
}

int64_t ParameterSet::elements() const {
  int64_t total = 0;
  for (const Entry& entry : entries_) {
    total += entry.tensor.numel();
  }
  return total;
}

int64_t ParameterSet::bytes() const {
  int64_t total = 0;
  for (const Entry& entry : entries_) {
    total += entry.tensor.numel() * static_cast<int64_t>(entry.tensor.element_size());
  }
  return total;
}

void ParameterSet::require_gradients(bool required) const {
  for (const Entry& entry : entries_) {
    entry.tensor.set_requires_grad(required);
  }
}

void ParameterSet::clear_gradients() const {
  for (const Entry& entry : entries_) {
    entry.tensor.mutable_grad().reset();
  }
}

ParameterSet ParameterSet::clone() const {
  const tensor::RecordingGuard off(false);
  ParameterSet copy;
  copy.places_ = places_;
  for (const Entry& entry : entries_) {
    copy.entries_.push_back({.name = entry.name, .tensor = entry.tensor.detach().clone()});
  }
  return copy;
}

ParameterSet ParameterSet::clone(at::ScalarType type) const {
  const tensor::RecordingGuard off(false);
  ParameterSet copy;
  copy.places_ = places_;
  for (const Entry& entry : entries_) {
    copy.entries_.push_back(
        {.name = entry.name, .tensor = entry.tensor.detach().to(type, false, /*copy=*/true)});
  }
  return copy;
}

}  // namespace cupel::train
