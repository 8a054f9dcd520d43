#include "align/losses/policy_gradient.h"

#include "align/losses/common.h"
#include "base/error.h"
#include "tensor/masked.h"

namespace cupel::align {
at::Tensor reduce_tokens(const at::Tensor& values,
                         const RoleBatch& role,
                         const LossOptions& options) {
  const at::Tensor sum = tensor::masked_sum(values, role.mask, role.weights);  // [B]
  const std::string_view reduction = options.word("reduction");
  if (reduction == "seq_mean") {
    return sum / token_count(role);
  }
  return reduction == "fixed" ? sum / options["max_length"] : sum;
}

std::vector<TermSpec> policy_term(const LossOptions& options) {
  return {{.name = "policy",
           .per_token = options.word("reduction") == "token_mean",
           .role = Role::kResponse}};
}

Result<Ok> check_reduction(std::string_view loss, const LossOptions& options) {
  if (options.word("reduction") == "fixed" && !options.is_set("max_length")) {
    return invalid_argument("{}: the reduction fixed needs max_length", loss);
  }
  return Ok{};
}

LossReads reads_reference_by_beta(LossReads reads, const LossOptions& options) {
  reads.reference = options["beta"] == 0 ? Use::kNo : Use::kMust;
  return reads;
}

ClippedSurrogate clipped_surrogate(const at::Tensor& log_ratio,
                                   const at::Tensor& advantage,
                                   double clip) {
  const at::Tensor ratio = capped_exp(log_ratio);
  const at::Tensor held = at::clamp_min(at::clamp_max(ratio, 1 + clip), 1 - clip);
  const at::Tensor free = ratio * advantage;
  const at::Tensor bound = held * advantage;
  return {.values = -at::minimum(free, bound), .clipped = (bound < free).detach()};
}

at::Tensor ratio_to_old(const RoleBatch& role) {
  return role.policy - role.old.detach();
}

at::Tensor drift_of_old(const RoleBatch& role) {
  return (role.old - role.reference).detach();
}

at::Tensor k3(const RoleBatch& role) {
  const at::Tensor rho = role.policy - role.reference.detach();
  return capped_exp(-rho) - 1 + rho;
}

GroupMean group_mean(const at::Tensor& values, const at::Tensor& group) {
  const at::Tensor sizes = group.bincount().to(values.scalar_type());         // [G]
  const at::Tensor sums = at::zeros_like(sizes).index_add(0, group, values);  // [G]
  const auto per_row = [&](const at::Tensor& of_group) {
    return of_group.index_select(0, group);
  };  // [B]
  return {.mean = per_row(sums / sizes), .size = per_row(sizes)};
}

at::Tensor in_level_group(const at::Tensor& values, const at::Tensor& group) {
  const at::Tensor sizes = group.bincount();               // [G]
  const at::Tensor begins = sizes.cumsum(0) - sizes;       // [G]: groups ascend
  const at::Tensor first = begins.index_select(0, group);  // [B]
  const at::Tensor differs = (values != values.index_select(0, first)).to(at::kLong);
  const at::Tensor count = at::zeros_like(sizes).index_add(0, group, differs);  // [G]
  return count.index_select(0, group) == 0;
}

}  // namespace cupel::align
