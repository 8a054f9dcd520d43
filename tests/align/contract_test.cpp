// From logits to the loss, and from the loss to the policy that it asks for.
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "align/fixtures.h"
#include "align/losses/registry.h"
#include "align/losses/run_loss.h"
#include "tensor/token_logps.h"

namespace cupel::align {
namespace {

constexpr int64_t kVocabulary = 11;
constexpr int64_t kPrompt = 2;

/// Logits [1,T,V] under which the tokens after a prompt of two have these log-probs; all other
/// tokens share the rest.
at::Tensor logits_of(const std::vector<double>& logps, int64_t length) {
  at::Tensor logits = at::zeros({1, length, kVocabulary}, at::kDouble);
  for (size_t k = 0; k < logps.size(); ++k) {
    const at::Tensor row = logits.select(0, 0).select(0, kPrompt + static_cast<int64_t>(k) - 1);
    row.fill_(std::log(-std::expm1(logps[k])) - std::log(kVocabulary - 1.0));
    row.select(0, 3).fill_(logps[k]);
  }
  return logits;
}

/// One sequence of policy and reference, right-padded to `length`.
RoleBatch role_of(const std::vector<double>& policy,
                  const std::vector<double>& reference,
                  int64_t length) {
  const at::Tensor ids = at::full({1, length}, 3, at::kLong);
  at::Tensor mask = at::zeros({1, length}, at::kBool);
  mask.narrow(1, kPrompt, static_cast<int64_t>(policy.size())).fill_(true);
  RoleBatch role;
  role.policy = *tensor::token_logps(logits_of(policy, length), ids, mask);
  role.reference = *tensor::token_logps(logits_of(reference, length), ids, mask);
  role.mask = mask.narrow(1, 1, length - 1);
  return role;
}

double dpo_of(const LossBatch& batch) {
  const LossInfo& dpo = **find_loss("dpo");
  const LossOptions options(dpo.parameters);
  EXPECT_TRUE(check_batch(dpo, batch, options).has_value());
  return mean_loss(*run_loss(dpo, batch, options)).item<double>();
}

TEST(LogitsToLoss, GiveFixtureP) {
  for (const int64_t padding : {0, 1, 6}) {
    LossBatch batch;
    batch[Role::kChosen] = role_of(kPolicyW, kReferenceW, kPrompt + 3 + padding);
    batch[Role::kRejected] = role_of(kPolicyL, kReferenceL, kPrompt + 5 + padding);
    EXPECT_NEAR(dpo_of(batch), 0.65442710, 1e-8) << padding;
  }
}

// Four answers with rewards r and labels from Bradley-Terry: the policy that minimises the exact
// expectation of dpo is ref·exp(r/β), normalised (Rafailov et al. 2023, eq. 4). All ordered pairs
// as one batch of one-token answers.
TEST(TabularDpo, EndsInTheClosedForm) {
  const std::vector<double> rewards = {0.0, 0.4, 1.1, -0.3};
  const std::vector<double> reference = {0.4, 0.3, 0.1, 0.2};
  const double beta = 0.7;
  const LossInfo& dpo = **find_loss("dpo");
  LossOptions options(dpo.parameters);
  ASSERT_TRUE(options.set("dpo", "beta", beta).has_value());

  std::vector<int64_t> first;
  std::vector<int64_t> second;
  std::vector<double> preferred;
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = i + 1; j < 4; ++j) {
      first.push_back(static_cast<int64_t>(i));
      second.push_back(static_cast<int64_t>(j));
      preferred.push_back(1 / (1 + std::exp(rewards[j] - rewards[i])));
    }
  }
  const auto indices = [](const std::vector<int64_t>& values) {
    at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
    std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<int64_t>());
    return tensor;
  };
  const auto doubles = [](const std::vector<double>& values) {
    at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
    std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<double>());
    return tensor;
  };
  const at::Tensor log_reference = at::log(doubles(reference));
  at::Tensor theta = log_reference.clone();
  theta.set_requires_grad(true);
  for (int step = 0; step < 500; ++step) {
    const at::Tensor logps = at::log_softmax(theta, 0);
    LossBatch batch;
    batch.target_prob = doubles(preferred);
    for (const auto& [role, rows] :
         {std::pair{Role::kChosen, first}, std::pair{Role::kRejected, second}}) {
      batch[role].policy = logps.index_select(0, indices(rows)).unsqueeze(1);
      batch[role].reference = log_reference.index_select(0, indices(rows)).unsqueeze(1);
      batch[role].mask = at::full({6, 1}, true, at::kBool);
    }
    const at::Tensor loss = mean_loss(*run_loss(dpo, batch, options));
    loss.backward();
    at::Tensor next = (theta - 20 * theta.grad()).detach();
    next.set_requires_grad(true);
    theta = next;
  }
  const at::Tensor expected = at::log_softmax(log_reference + doubles(rewards) / beta, 0);
  EXPECT_LT((at::log_softmax(theta, 0) - expected).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace cupel::align
