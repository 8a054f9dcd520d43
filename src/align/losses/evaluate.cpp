#include "align/losses/evaluate.h"

#include <cmath>

#include "align/losses/fixture.h"
#include "align/losses/registry.h"
#include "align/losses/run_loss.h"
#include "base/error.h"
#include "tensor/guard.h"

namespace cupel::align {
namespace {

Result<Ok> set_all(const LossInfo& info, const LossCall& call, LossOptions& options) {
  const Json* const params = call.fixture.is_object() ? call.fixture.find("params") : nullptr;
  if (params != nullptr) {
    if (!params->is_object()) {
      return corrupt_data("\"params\" is {}; expected an object", params->type_name());
    }
    for (const auto& [name, value] : params->as_object()) {
      CUPEL_TRY_VOID(options.set(info.name, name, value));
    }
  }
  for (const auto& [name, value] : call.parameters) {
    CUPEL_TRY_VOID(options.set(info.name, name, value));
  }
  return Ok{};
}

Json rows_of(const at::Tensor& values, const std::vector<int64_t>& lengths) {
  const at::Tensor flat = values.to(at::kDouble).contiguous();
  const auto* data = flat.const_data_ptr<double>();
  Json rows = Json::array();
  for (size_t i = 0; i < lengths.size(); ++i) {
    Json row = Json::array();
    for (int64_t t = 0; t < lengths[i]; ++t) {
      row.push_back(data[static_cast<int64_t>(i) * flat.size(1) + t]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<Json> gradient_of(const std::vector<FixtureLeaf>& leaves) {
  Json all = Json::object();
  for (const FixtureLeaf& leaf : leaves) {
    const at::Tensor& grad = leaf.policy.grad();
    const at::Tensor values = grad.defined() ? grad : at::zeros_like(leaf.policy);
    if (!values.isfinite().all().item<bool>()) {
      return failed_precondition("the gradient of {} is not finite", leaf.key);
    }
    all.set(leaf.key, rows_of(values, leaf.lengths));
  }
  return all;
}

Json terms_of(const LossInfo& info, const LossOptions& options, const LossSums& sums) {
  Json terms = Json::array();
  const std::vector<TermSpec> specs = info.terms(options);
  for (size_t i = 0; i < specs.size(); ++i) {
    terms.push_back(Json::object()
                        .set("name", specs[i].name)
                        .set("numerator", sums.numerators[i].item<double>())
                        .set("count", sums.counts[i])
                        .set("per", specs[i].per_token ? "token" : "group"));
  }
  return terms;
}

Json metrics_of(const LossSums& sums) {
  Json metrics = Json::object();
  for (const MetricSum& metric : sums.metrics) {
    metrics.set(metric.name, metric.sum / metric.count);
  }
  return metrics;
}

}  // namespace

Result<Json> evaluate_loss(const LossCall& call) {
  return tensor::guard([&]() -> Result<Json> {
    CUPEL_TRY(const LossInfo* const info, find_loss(call.loss));
    LossOptions options(info->parameters);
    CUPEL_TRY_VOID(set_all(*info, call, options));
    CUPEL_TRY(Fixture fixture, read_fixture(*info, options, call.fixture,
                                            call.single_precision ? at::kFloat : at::kDouble));
    CUPEL_TRY_VOID(check_batch(*info, fixture.batch, options));
    CUPEL_TRY(const LossSums sums, run_loss(*info, fixture.batch, options));
    const at::Tensor loss = mean_loss(sums);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      return failed_precondition("the value of {} is not finite for this input", info->name);
    }
    if (loss.requires_grad()) {
      loss.backward();
    }
    CUPEL_TRY(Json gradient, gradient_of(fixture.leaves));
    Json ignored = Json::array();
    for (const std::string& key : fixture.ignored) {
      ignored.push_back(key);
    }
    return Json::object()
        .set("name", info->name)
        .set("loss", value)
        .set("dtype", call.single_precision ? "f32" : "f64")
        .set("params", options.to_json())
        .set("terms", terms_of(*info, options, sums))
        .set("metrics", metrics_of(sums))
        .set("gradient", std::move(gradient))
        .set("ignored", std::move(ignored));
  });
}

}  // namespace cupel::align
