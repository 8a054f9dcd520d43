#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "align/losses/evaluate.h"
#include "base/json.h"

namespace cupel::align {

/// Fixture P of the preference losses: yw of 3 tokens, yl of 5, ys of 4. Sums of the policy −2.00,
/// −4.25, −2.19, of the reference −2.42, −3.88, −2.38; so a = 0.42, c = −0.37, e = 0.19 and h =
/// 0.79.
inline const std::vector<double> kPolicyW = {-0.41, -1.37, -0.22};
inline const std::vector<double> kReferenceW = {-0.73, -1.05, -0.64};
inline const std::vector<double> kPolicyL = {-0.95, -0.33, -1.62, -0.78, -0.57};
inline const std::vector<double> kReferenceL = {-0.81, -0.69, -1.13, -0.90, -0.35};
inline const std::vector<double> kPolicyS = {-0.58, -0.24, -0.91, -0.46};
inline const std::vector<double> kReferenceS = {-0.37, -0.52, -0.66, -0.83};

inline Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) {
    list.push_back(value);
  }
  return list;
}

/// A role of a fixture: its name, and the log-probs of policy and reference of each of its
/// sequences.
struct RoleRows {
  std::string_view name;
  std::vector<std::vector<double>> policy;
  std::vector<std::vector<double>> reference;
};
inline RoleRows yw(std::string_view name = "chosen") {
  return {name, {kPolicyW}, {kReferenceW}};
}
inline RoleRows yl(std::string_view name = "rejected") {
  return {name, {kPolicyL}, {kReferenceL}};
}
inline RoleRows ys(std::string_view name) {
  return {name, {kPolicyS}, {kReferenceS}};
}

inline Json fixture(const std::vector<RoleRows>& roles) {
  Json policy = Json::object();
  Json reference = Json::object();
  for (const RoleRows& role : roles) {
    Json of_policy = Json::array();
    Json of_reference = Json::array();
    for (const auto& row : role.policy) {
      of_policy.push_back(numbers(row));
    }
    for (const auto& row : role.reference) {
      of_reference.push_back(numbers(row));
    }
    policy.set(role.name, std::move(of_policy));
    if (!role.reference.empty()) {
      reference.set(role.name, std::move(of_reference));
    }
  }
  Json json = Json::object().set("policy", std::move(policy));
  return reference.size() == 0 ? json : json.set("reference", std::move(reference));
}
/// Fixture P as a pair.
inline Json pair_p() {
  return fixture({yw(), yl()});
}

using Parameters = std::vector<std::pair<std::string, Json>>;

inline Json evaluate(std::string_view loss,
                     const Json& input,
                     const Parameters& parameters = {},
                     bool single_precision = false) {
  auto report = evaluate_loss({.loss = std::string(loss),
                               .fixture = input,
                               .parameters = parameters,
                               .single_precision = single_precision});
  EXPECT_TRUE(report.has_value()) << report.error().message;
  return report.has_value() ? *report : Json();
}

inline double value_of(const Json& report) {
  const Json* loss = report.find("loss");
  return loss == nullptr ? NAN : loss->as_double();
}

inline std::vector<double> gradient_of(const Json& report, std::string_view role, size_t row = 0) {
  std::vector<double> values;
  if (const Json* gradient = report.find("gradient");
      gradient != nullptr && gradient->contains(role)) {
    for (const Json& number : gradient->find(role)->as_array().at(row).as_array()) {
      values.push_back(number.as_double());
    }
  }
  return values;
}

inline double metric_of(const Json& report, std::string_view name) {
  const Json* metric = report.is_object() ? report.find("metrics")->find(name) : nullptr;
  return metric == nullptr ? NAN : metric->as_double();
}

/// The message of a loss that must be refused.
inline std::string refusal(std::string_view loss,
                           const Json& input,
                           const Parameters& parameters = {}) {
  const auto report =
      evaluate_loss({.loss = std::string(loss), .fixture = input, .parameters = parameters});
  EXPECT_FALSE(report.has_value());
  return report.has_value() ? "" : report.error().message;
}

}  // namespace cupel::align
