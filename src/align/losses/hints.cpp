#include "align/losses/hints.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace cupel::align {
namespace {

struct Alias {
  std::string_view name;
  std::string_view whose;  ///< "TRL's", or empty: of papers
  std::string_view here;
};

constexpr std::array kLosses = {
    Alias{"sigmoid", "TRL's ", "dpo"},
    Alias{"aot_pair", "TRL's ", "aot"},
    Alias{"aot_unpaired", "TRL's ", "aot with variant = \"unpaired\""},
    Alias{"bco", "TRL's ", "bco_pair, of pairs,"},
    Alias{"exo", "", "exo_pair"},
    Alias{"nca", "", "nca_pair"},
    Alias{"apo", "", "apo_zero or apo_down"},
    Alias{"reverse_kl", "TRL's ", "dpo"},
    Alias{"forward_kl", "TRL's ", "f_dpo_forward_kl"},
    Alias{"js_divergence", "TRL's ", "f_dpo_js"},
    Alias{"alpha_divergence", "TRL's ", "f_dpo_alpha"},
    Alias{"rso", "", "hinge"},
    Alias{"slic_hf", "", "slic"},
    Alias{"r_dpo", "", "dpo with length_alpha"},
    Alias{"ilr_dpo", "", "dpo with length_alpha"},
    Alias{"mmpo", "", "dpo with margin_gamma"},
    Alias{"tpo_l", "TRL's ", "tpo with contrast = \"length\""},
    Alias{"tpo_hinge", "", "tpo with contrast = \"hinge\""},
    Alias{"tpo_ipo", "", "tpo with contrast = \"ipo\""},
    Alias{"ln_gpo", "", "gpo with log_ratio = \"mean\""},
    Alias{"gspo", "", "grpo with ratio = \"sequence\""},
    Alias{"dapo", "TRL's ", "grpo with reduction = \"token_mean\""},
    Alias{"dr_grpo", "TRL's ", "grpo with scale = \"none\", reduction = \"fixed\""},
    Alias{"reinforce++", "", "reinforce_pp"},
    Alias{"nash", "", "nash_md"},
    Alias{"reward", "TRL's ", "bradley_terry"},
};

/// Where a loss has the parameter `here`.
constexpr std::array kParameters = {
    Alias{"desirable_weight", "TRL's ", "lambda_d"},
    Alias{"undesirable_weight", "TRL's ", "lambda_u"},
    Alias{"simpo_gamma", "TRL's ", "gamma"},
    Alias{"tpo_l_gamma", "TRL's ", "gamma"},
    Alias{"cpo_alpha", "TRL's ", "lambda"},
    Alias{"cpo_alpha", "TRL's ", "sft_weight"},
    Alias{"tpo_alpha", "TRL's ", "alpha"},
    Alias{"rpo_alpha", "TRL's ", "alpha"},
    Alias{"ld_alpha", "TRL's ", "alpha"},
    Alias{"f_alpha_divergence_coef", "TRL's ", "alpha"},
    Alias{"discopop_tau", "TRL's ", "tau"},
    Alias{"center_rewards_coefficient", "TRL's ", "center_coefficient"},
    Alias{"epsilon", "TRL's ", "clip"},
    Alias{"cliprange", "TRL's ", "clip"},
    Alias{"kl_coef", "TRL's ", "beta"},
    Alias{"scale_rewards", "TRL's ", "scale"},
    Alias{"importance_sampling_level", "TRL's ", "ratio"},
    Alias{"max_completion_length", "TRL's ", "max_length"},
};

struct OfLoss {
  std::string_view loss;
  std::string_view name;
  std::string_view text;
};

constexpr std::array kSpecial = {
    OfLoss{"dpo", "label_smoothing", "DPO with label smoothing is the loss cdpo"},
    OfLoss{"dpo", "ld_alpha", "TRL's \"ld_alpha\" is the loss ld_dpo"},
    OfLoss{"dpo", "rpo_alpha", "TRL's \"rpo_alpha\" is the loss rpo"},
    OfLoss{"dpo", "f_divergence_type",
           "each divergence is a loss of its own: f_dpo_forward_kl, f_dpo_js, f_dpo_alpha"},
    OfLoss{"dpo", "loss_type", "each loss_type of TRL is a loss of its own"},
    OfLoss{"grpo", "loss_type", "TRL's \"loss_type\" is reduction here"},
    OfLoss{"orpo", "beta", "TRL's \"beta\" is lambda here"},
    OfLoss{"ipo", "tau", "the paper's τ is beta here"},
};

std::string said(const Alias& alias) {
  return format("{}\"{}\" is {} here", alias.whose, alias.name, alias.here);
}

}  // namespace

std::string loss_hint(std::string_view name) {
  std::string wanted(name);
  std::ranges::replace(wanted, '-', '_');
  const auto* const found = std::ranges::find(kLosses, wanted, &Alias::name);
  return found == kLosses.end() ? "" : said(*found);
}

std::string parameter_hint(std::string_view loss,
                           std::string_view name,
                           std::span<const LossParameter> parameters) {
  for (const OfLoss& special : kSpecial) {
    if (special.loss == loss && special.name == name) {
      return std::string(special.text);
    }
  }
  for (const Alias& alias : kParameters) {
    if (alias.name == name &&
        std::ranges::find(parameters, alias.here, &LossParameter::name) != parameters.end()) {
      return said(alias);
    }
  }
  return "";
}

}  // namespace cupel::align
