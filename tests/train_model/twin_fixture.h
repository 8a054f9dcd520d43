#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/model/hf/open_folder.h"
#include "engine/runtime/transformer.h"
#include "support/family_fixtures.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"
#include "tensor/autograd.h"
#include "tensor/tensor.h"
#include "tensor/threads.h"
#include "train/model/export.h"
#include "train/model/head_logps.h"
#include "train/model/twin.h"
#include "train_model/random_tensors.h"

namespace cupel::train::test {

/// The tiny checkpoint of a fixture of tests/data/oracles/families, opened and as a model to train.
class FamilyModel {
 public:
  /// `type`: of the parameters. Ends the process where the fixture cannot be read.
  explicit FamilyModel(std::string_view fixture, at::ScalarType type = at::kFloat)
      : FamilyModel(type, cupel::test::family_fixture(std::string(fixture))) {}
  FamilyModel(at::ScalarType type, Json fixture) : fixture_(std::move(fixture)) {
    tensor::set_threads(1);  // matrices of 64 columns: threads would only wait for each other
    const auto written = cupel::test::write_seeded_checkpoint(fixture_, folder_.path());
    CUPEL_CHECK(written.has_value(), written ? "" : written.error().message);
    auto file = engine::hf::open_folder(folder_.path());
    CUPEL_CHECK(file.has_value(), file ? "" : file.error().message);
    file_ = std::make_shared<const engine::Checkpoint>(std::move(*file));
    auto model = load_model(file_, {.type = type});
    CUPEL_CHECK(model.has_value(), model ? "" : model.error().message);
    model_ = std::move(*model);
  }

  [[nodiscard]] const Json& fixture() const { return fixture_; }
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }
  [[nodiscard]] const engine::Checkpoint& file() const { return *file_; }
  [[nodiscard]] const Model& model() const { return model_; }
  [[nodiscard]] std::vector<int64_t> ids() const {
    std::vector<int64_t> ids;
    for (const Json& id : fixture_.find("ids")->as_array()) {
      ids.push_back(id.as_int());
    }
    return ids;
  }
  [[nodiscard]] Twin twin(const TwinOptions& options = {}) const {
    return twin_of(model_, options);
  }

  static Twin twin_of(const Model& model, const TwinOptions& options = {}) {
    auto twin = Twin::create(model, options);
    CUPEL_CHECK(twin.has_value(), twin ? "" : twin.error().message);
    return std::move(*twin);
  }

 private:
  cupel::test::TemporaryFolder folder_;
  Json fixture_;
  std::shared_ptr<const engine::Checkpoint> file_;
  Model model_;
};

inline at::Tensor tensor_of(std::span<const int64_t> values) {
  at::Tensor result = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), result.mutable_data_ptr<int64_t>());
  return result;
}

/// A layout of the given lengths and parents.
inline PackedLayout layout_of(std::span<const int64_t> lengths,
                              std::span<const int32_t> parents = {}) {
  std::vector<DocumentSpan> documents;
  int64_t begin = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    documents.push_back({.begin = begin,
                         .length = lengths[i],
                         .parent = parents.empty() ? DocumentSpan::kNoParent : parents[i]});
    begin += lengths[i];
  }
  auto layout = PackedLayout::create(std::move(documents));
  CUPEL_CHECK(layout.has_value(), layout ? "" : layout.error().message);
  return std::move(*layout);
}

/// Final hidden states [T, D] of a batch.
inline at::Tensor hidden_of(Twin& twin, const at::Tensor& ids, const PackedLayout& layout) {
  const auto plan = twin.plan(layout);
  CUPEL_CHECK(plan.has_value(), plan ? "" : plan.error().message);
  return twin.hidden(ids, *plan);
}
inline at::Tensor hidden_of(Twin& twin, std::span<const int64_t> ids) {
  const int64_t length = static_cast<int64_t>(ids.size());
  return hidden_of(twin, tensor_of(ids), layout_of({{length}}));
}

}  // namespace cupel::train::test
