#include "align/tune/method.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "align/losses/hints.h"
#include "align/losses/registry.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::align {
namespace {

constexpr std::string_view kSft = "sft";
constexpr std::string_view kPreference = "preference";
constexpr std::string_view kRewardModel = "reward-model";

Result<const LossInfo*> loss_of_method(const std::string& method) {
  auto found = find_loss(method);
  if (found) {
    return found;
  }
  if (const std::string hint = loss_hint(method); !hint.empty()) {
    return invalid_argument("method is \"{}\"; {}", printable(method), hint);
  }
  std::vector<std::string> names = {std::string(kSft), std::string(kPreference),
                                    std::string(kRewardModel)};
  for (const LossInfo& info : losses()) {
    names.emplace_back(info.name);
  }
  return invalid_argument(
      "method is \"{}\"{}; expected sft, reward-model, or a loss of "
      "`cupel loss --list`",
      printable(method), did_you_mean(method, names));
}

Result<Ok> set_parameters(const train::Recipe& recipe, Method& method) {
  method.options.emplace(method.loss->parameters);
  for (const auto& [name, value] : recipe.preference.params) {
    auto set = method.options->set(method.loss->name, name, value);
    if (!set) {
      return in_context(std::move(set).error(), "preference.params");
    }
  }
  if (auto fits = method.options->check(method.loss->name); !fits) {
    return in_context(std::move(fits).error(), "preference.params");
  }
  return Ok{};
}

}  // namespace

bool Method::needs_reference(const train::Recipe& recipe) const {
  if (kind == Kind::kSft) {
    return recipe.sft.kl_to_init > 0;
  }
  const Use use = reads_of(*loss, *options).reference;
  const bool reads =
      use == Use::kMust || (use == Use::kMay && recipe.preference.reference != "none");
  return kind == Kind::kPreference && reads;
}

Result<Method> find_method(const train::Recipe& recipe) {
  Method method;
  std::string name = recipe.method;
  std::ranges::replace(name, '_', '-');
  if (name == kSft) {
    if (!recipe.preference.params.empty()) {
      return invalid_argument(
          "preference.params.{} is set, and method is \"sft\", which reads none",
          recipe.preference.params.front().first);
    }
    return method;
  }
  if (name == kRewardModel) {
    method.kind = Method::Kind::kReward;
    CUPEL_TRY(method.loss, find_loss(recipe.reward.loss));
    if (method.loss->input != LossInput::kOutputs) {
      return invalid_argument(
          "reward.loss is \"{}\", which is no loss of reward models; take "
          "bradley_terry, kwise_bradley_terry, plackett_luce or "
          "reward_regression",
          recipe.reward.loss);
    }
  } else {
    method.kind = Method::Kind::kPreference;
    CUPEL_TRY(method.loss,
              loss_of_method(name == kPreference ? recipe.preference.loss : recipe.method));
    if (method.loss->input == LossInput::kOutputs) {
      return invalid_argument(
          "{} is a loss of reward models; set method = \"reward-model\" and "
          "reward.loss = \"{}\"",
          method.loss->name, method.loss->name);
    }
  }
  CUPEL_TRY_VOID(set_parameters(recipe, method));
  if (reads_of(*method.loss, *method.options).reference == Use::kMust &&
      recipe.preference.reference == "none") {
    return invalid_argument(
        "{} holds the policy to a reference, and preference.reference is \"none\"; set it to "
        "\"frozen\"",
        method.loss->name);
  }
  return method;
}

}  // namespace cupel::align
