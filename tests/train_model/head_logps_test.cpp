// The head in chunks against the head in full, through libtorch's own log_softmax and gradients.
#include "train/model/head_logps.h"

#include <cmath>
#include <memory>

#include <gtest/gtest.h>

#include "base/process_usage.h"
#include "tensor/autograd.h"
#include "train_model/random_tensors.h"

namespace cupel::train {
namespace {

constexpr double kExact = 1e-12;  // f64, relative to numbers of size 1

struct Case {
  double softcap = 0;
  bool bias = false;
};

struct Problem {
  at::Tensor hidden;
  Head head;
  at::Tensor labels;
  std::vector<at::Tensor> inputs;  // what gradients are taken of
};

Problem problem_of(const Case& c, int64_t tokens, int64_t vocabulary, int64_t width) {
  Problem p;
  p.hidden = test::random_tensor({tokens, width}, 1).set_requires_grad(true);
  p.head = {.weight = test::random_tensor({vocabulary, width}, 2).set_requires_grad(true),
            .softcap = c.softcap};
  p.inputs = {p.hidden, p.head.weight};
  if (c.bias) {
    p.head.bias = test::random_tensor({vocabulary}, 3).set_requires_grad(true);
    p.inputs.push_back(p.head.bias);
  }
  const at::Tensor logits = at::linear(p.hidden, p.head.weight);
  p.labels = (p.head.bias.defined() ? logits + p.head.bias : logits).argmax(-1);
  for (int64_t i = 0; i < tokens; i += i % 6 == 5 ? 2 : 1) {  // every sixth is the likeliest token
    p.labels.mutable_data_ptr<int64_t>()[i] =
        i % 3 == 1 ? HeadLogpsOptions::kIgnored : (i * 7919) % vocabulary;
  }
  return p;
}

/// The same through the whole logits.
HeadLogps in_full(const Problem& p) {
  at::Tensor x = at::linear(p.hidden, p.head.weight);
  x = p.head.bias.defined() ? x + p.head.bias : x;
  x = p.head.softcap > 0 ? p.head.softcap * at::tanh(x / p.head.softcap) : x;
  const at::Tensor counts = p.labels != HeadLogpsOptions::kIgnored;
  const at::Tensor all = at::log_softmax(x, -1);
  const auto kept = [&](const at::Tensor& values) {
    return at::where(counts, values, at::zeros_like(values));
  };
  const at::Tensor labels = at::where(counts, p.labels, at::zeros_like(p.labels));
  return {.logps = kept(at::gather(all, -1, labels.unsqueeze(1)).squeeze(1)),
          .log_sums = kept(x.logsumexp(-1)),
          .mean_logps = kept(all.mean(-1)),
          .entropy = kept(-(all.exp() * all).sum(-1)),
          .log_sum_squares = kept((2 * all).logsumexp(-1)),
          .top = kept(all.argmax(-1).eq(labels).to(all.scalar_type()))};
}

/// A scalar that all three outputs with gradients go into, each position differently.
at::Tensor objective(const HeadLogps& out) {
  const at::Tensor weights = test::random_tensor({out.logps.size(0)}, 4);
  return (out.logps * weights).sum() + 0.3 * out.log_sums.square().sum() +
         0.7 * (out.mean_logps * weights.square()).sum();
}

class HeadLogpsCases : public testing::TestWithParam<Case> {};

TEST(HeadLogps, OfEquallyLikelyTokensTheFirstIsTop) {
  const Head head{.weight = at::zeros({300, 12}, at::kFloat)};
  at::Tensor labels = at::zeros({4}, at::kLong);
  labels.mutable_data_ptr<int64_t>()[1] = 1;
  labels.mutable_data_ptr<int64_t>()[2] = 299;
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const Head same{.weight = head.weight.to(type)};
    const HeadLogps found =
        head_logps(at::full({4, 12}, 1, type), same, labels, {.block_tokens = 128, .top = true});
    EXPECT_EQ(found.top.sum().item<double>(), 2) << "of labels 0, 1, 299, 0";
  }
}

TEST_P(HeadLogpsCases, EqualTheHeadInFull) {
  const Problem p = problem_of(GetParam(), 23, 211, 12);
  const HeadLogps expected = in_full(p);
  const std::vector<at::Tensor> slopes = tensor::gradients({objective(expected)}, p.inputs, {{}});
  for (const int64_t chunk : {1, 5, 100, 0}) {
    const HeadLogps found = head_logps(p.hidden, p.head, p.labels,
                                       {.chunk_rows = chunk,
                                        .mean_logps = true,
                                        .entropy = true,
                                        .log_sum_squares = true,
                                        .top = true});
    EXPECT_LE(test::distance(found.logps, expected.logps), kExact);
    EXPECT_LE(test::distance(found.log_sums, expected.log_sums), kExact);
    EXPECT_LE(test::distance(found.mean_logps, expected.mean_logps), kExact);
    EXPECT_LE(test::distance(found.entropy, expected.entropy), kExact);
    EXPECT_LE(test::distance(found.log_sum_squares, expected.log_sum_squares), kExact);
    EXPECT_EQ(test::distance(found.top, expected.top), 0);
    EXPECT_FALSE(found.entropy.requires_grad());
    const std::vector<at::Tensor> gradients = tensor::gradients({objective(found)}, p.inputs, {{}});
    for (size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_LE(test::distance(gradients[i], slopes[i]), kExact * 50) << "input " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         HeadLogpsCases,
                         testing::Values(Case{},
                                         Case{.bias = true},
                                         Case{.softcap = 3},
                                         Case{.softcap = 5, .bias = true}));

TEST(HeadLogps, IgnoredPositionsAreExactlyNothing) {
  Problem p = problem_of({}, 9, 50, 8);
  p.labels.fill_(HeadLogpsOptions::kIgnored);
  const HeadLogps out = head_logps(p.hidden, p.head, p.labels);
  EXPECT_TRUE(out.logps.eq(0).all().item<bool>());
  const auto gradients = tensor::gradients({out.logps.sum()}, p.inputs, {{}});
  EXPECT_TRUE(gradients[0].eq(0).all().item<bool>());
  EXPECT_TRUE(gradients[1].eq(0).all().item<bool>());
}

TEST(HeadLogps, FrozenHeadGetsNoGradientAndHiddenTheSame) {
  Problem p = problem_of({}, 9, 50, 8);
  const auto both =
      tensor::gradients({head_logps(p.hidden, p.head, p.labels).logps.sum()}, {p.hidden}, {{}});
  p.head.weight.set_requires_grad(false);
  const auto one =
      tensor::gradients({head_logps(p.hidden, p.head, p.labels).logps.sum()}, {p.hidden}, {{}});
  EXPECT_EQ(test::distance(both[0], one[0]), 0);
}

// Logits of ±1e4: no overflow, and the gradient stays a difference of probabilities.
TEST(HeadLogps, LargeLogitsStayFinite) {
  Problem p = problem_of({}, 6, 40, 8);
  const Head steep{.weight = (p.head.weight * 1e4).detach().set_requires_grad(true)};
  const HeadLogps out = head_logps(p.hidden, steep, p.labels);
  EXPECT_TRUE(out.logps.isfinite().all().item<bool>());
  const auto gradients = tensor::gradients({out.logps.sum()}, {p.hidden, steep.weight}, {{}});
  EXPECT_TRUE(gradients[0].isfinite().all().item<bool>());
  EXPECT_TRUE(gradients[1].isfinite().all().item<bool>());
}

// training-core, Done 8: V = 50 000; the logits of 1024 positions would take 205 MB in f32.
TEST(HeadLogps, HoldsTwoChunksOfLogitsAtMost) {
  constexpr int64_t kTokens = 1024;
  constexpr int64_t kVocabulary = 50'000;
  constexpr int64_t kWidth = 16;
  constexpr int64_t kChunk = 64;
  const at::Tensor hidden =
      test::random_tensor({kTokens, kWidth}, 1).to(at::kFloat).set_requires_grad(true);
  const Head head{
      .weight =
          test::random_tensor({kVocabulary, kWidth}, 2).to(at::kFloat).set_requires_grad(true)};
  const at::Tensor labels = at::arange(kTokens, at::kLong);
  const auto run = [&](int64_t tokens) {
    const HeadLogps out = head_logps(hidden.narrow(0, 0, tokens), head, labels.narrow(0, 0, tokens),
                                     {.chunk_rows = kChunk});
    return tensor::gradients({out.logps.sum()}, {hidden, head.weight}, {{}});
  };
  run(kChunk);  // what libtorch and its products keep for themselves
  if (!reset_peak_resident()) {
    GTEST_SKIP() << "the memory that the head takes: the system does not let its peak be reset";
  }
  const double before = static_cast<double>(peak_resident_bytes().value());
  const auto gradients = run(kTokens);
  const double grown = static_cast<double>(peak_resident_bytes().value()) - before;
  const double chunks = 2.0 * kChunk * kVocabulary * sizeof(float);
  const double results = 2.0 * kVocabulary * kWidth * sizeof(float);  // and their sum's operand
  EXPECT_LE(grown, chunks + results + (2 << 20));
  // The value at that size: in full, in f64.
  const at::Tensor all = at::log_softmax(
      at::linear(hidden.narrow(0, 0, 64).to(at::kDouble), head.weight.to(at::kDouble)), -1);
  const at::Tensor expected = at::gather(all, -1, labels.narrow(0, 0, 64).unsqueeze(1)).squeeze(1);
  const HeadLogps found = head_logps(hidden.narrow(0, 0, 64), head, labels.narrow(0, 0, 64));
  EXPECT_LE(test::distance(found.logps, expected), 1e-5);
}

/// Hands its input on: a step before the head that says whether the graph is still there.
class HandOn final : public tensor::Operation {
 public:
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& /*saved*/) override {
    return {inputs[0].clone()};
  }
  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& /*saved*/,
                                   const std::vector<bool>& /*needed*/) override {
    return {gradients[0]};
  }
};

// Nothing of a step may outlive it, or a long run would fill the memory.
TEST(HeadLogps, IsFreedWithItsResults) {
  const Problem p = problem_of({}, 23, 211, 12);
  std::weak_ptr<tensor::Operation> before_head;
  {
    const auto operation = std::make_shared<HandOn>();
    before_head = operation;
    const at::Tensor hidden = tensor::apply(operation, {p.hidden}).front();
    const HeadLogps out = head_logps(hidden, p.head, p.labels, {.mean_logps = true});
    objective(out).backward();
    EXPECT_FALSE(before_head.expired());
  }
  EXPECT_TRUE(before_head.expired());
}

}  // namespace
}  // namespace cupel::train
