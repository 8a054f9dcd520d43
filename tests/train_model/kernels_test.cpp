// The twin's fused steps: forward and gradients are those of libtorch's own operations in f64, and
// every CPU level that this machine has computes the same.
#include "train/kernels/kernels.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/kernels/operators.h"
#include "tensor/autograd.h"
#include "train/model/attention.h"
#include "train/model/gate.h"
#include "train/model/head_logps.h"
#include "train/model/kernel_values.h"
#include "train/model/norm.h"
#include "train/model/rotary.h"
#include "train_model/random_tensors.h"
#include "train_model/twin_fixture.h"

namespace cupel::train {
namespace {

using engine::GateKind;
using engine::NormKind;
using test::distance;
using test::random_tensor;

// Of numbers of about one: f32's digits after sums of some hundred terms, and bf16's.
constexpr double kSingle = 2e-5;
constexpr double kHalf = 4e-2;

double allowed(at::ScalarType type) {
  return type == at::kFloat ? kSingle : kHalf;
}

/// Inputs in f64 and the same in another type, rounded there: both are then computed from the same.
struct Inputs {
  std::vector<at::Tensor> exact;
  std::vector<at::Tensor> narrow;
};
Inputs inputs_of(const std::vector<at::Tensor>& values, at::ScalarType type) {
  Inputs inputs;
  for (const at::Tensor& value : values) {
    inputs.narrow.push_back(value.to(type).set_requires_grad(true));
    inputs.exact.push_back(inputs.narrow.back().detach().to(at::kDouble).set_requires_grad(true));
  }
  return inputs;
}

/// Compares outputs and the gradients of their sum with random weights.
void expect_same(const std::vector<at::Tensor>& found,
                 const std::vector<at::Tensor>& expected,
                 const Inputs& inputs,
                 double tolerance) {
  at::Tensor loss = at::zeros({}, at::kDouble);
  at::Tensor exact_loss = at::zeros({}, at::kDouble);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_LE(distance(found[i], expected[i]), tolerance) << "output " << i;
    const at::Tensor weights = random_tensor(expected[i].sizes(), 90 + i).to(at::kBFloat16);
    loss = loss + (found[i].to(at::kDouble) * weights).sum();
    exact_loss = exact_loss + (expected[i] * weights).sum();
  }
  const auto gradients = tensor::gradients({loss}, inputs.narrow, {{}});
  const auto exact = tensor::gradients({exact_loss}, inputs.exact, {{}});
  for (size_t i = 0; i < exact.size(); ++i) {
    ASSERT_EQ(gradients[i].scalar_type(), inputs.narrow[i].scalar_type());
    const double size = std::max(1.0, exact[i].abs().max().item<double>());
    EXPECT_LE(distance(gradients[i], exact[i]), tolerance * size) << "gradient " << i;
  }
}

class FusedSteps : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override { tensor::set_threads(2); }
  void TearDown() override { tensor::set_threads(1); }
};

INSTANTIATE_TEST_SUITE_P(Types,
                         FusedSteps,
                         testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& name) { return at::toString(name.param); });

// Rows of 40 and of 64: with and without numbers beyond the last sixteen.
TEST_P(FusedSteps, NormsAreThoseOfTheFormula) {
  for (const int64_t width : {40, 64}) {
    for (const bool centred : {false, true}) {
      for (const bool plus_one : {false, true}) {
        const Inputs in = inputs_of(
            {random_tensor({300, width}, 1), random_tensor({width}, 2), random_tensor({width}, 3)},
            GetParam());
        const NormSettings settings{.kind = centred ? NormKind::kLayer : NormKind::kRms,
                                    .epsilon = 1e-5,
                                    .plus_one = plus_one};
        const auto of = [&](const std::vector<at::Tensor>& x) {
          return NormParameters{.weight = x[1], .bias = x[2]};
        };
        expect_same({norm(in.narrow[0], of(in.narrow), settings, GetParam())},
                    {plain_norm(in.exact[0], of(in.exact), settings, at::kDouble)}, in,
                    allowed(GetParam()));
      }
    }
  }
}

// The stream in f32, what a layer adds in the type of products.
TEST_P(FusedSteps, NormsOfSumsAreThoseOfTheFormula) {
  Inputs in = inputs_of({random_tensor({50, 48}, 1), random_tensor({48}, 2)}, at::kFloat);
  const Inputs addend = inputs_of({random_tensor({50, 48}, 3)}, GetParam());
  in.narrow.push_back(addend.narrow[0]);
  in.exact.push_back(addend.exact[0]);
  const AddedNorm found =
      added_norm(in.narrow[0], in.narrow[2], {.weight = in.narrow[1]}, {}, GetParam());
  EXPECT_EQ(found.sum.scalar_type(), at::kFloat);
  EXPECT_EQ(found.normed.scalar_type(), GetParam());
  const AddedNorm expected =
      added_norm(in.exact[0], in.exact[2], {.weight = in.exact[1]}, {}, at::kDouble);
  expect_same({found.sum, found.normed}, {expected.sum, expected.normed}, in, allowed(GetParam()));
}

TEST_P(FusedSteps, GatesAreThoseOfTheFormula) {
  for (const GateKind kind : {GateKind::kSilu, GateKind::kGeluTanh, GateKind::kGeluErf}) {
    const Inputs in =
        inputs_of({6 * random_tensor({90, 56}, 1), random_tensor({90, 56}, 2)}, GetParam());
    expect_same({gated(in.narrow[0], in.narrow[1], kind)},
                {plain_gated(in.exact[0], in.exact[1], kind)}, in, 6 * allowed(GetParam()));
    const Inputs alone = inputs_of({6 * random_tensor({9, 40}, 1)}, GetParam());
    expect_same({gated(alone.narrow[0], {}, kind)}, {plain_gated(alone.exact[0], {}, kind)}, alone,
                6 * allowed(GetParam()));
    const std::vector<at::Tensor> halves = alone.exact[0].chunk(2, -1);
    expect_same({gated_halves(alone.narrow[0], kind)}, {plain_gated(halves[0], halves[1], kind)},
                alone, 6 * allowed(GetParam()));
  }
}

struct AttentionCase {
  int64_t window;
  int64_t rotary_dim;
  bool interleaved;
};

Rotation random_rotation(int64_t tokens, const AttentionCase& one) {
  const at::Tensor angles =
      3 * random_tensor({tokens, 1, std::max<int64_t>(one.rotary_dim / 2, 1)}, 7);
  return {.cos = angles.cos().to(at::kFloat),
          .sin = angles.sin().to(at::kFloat),
          .rotary_dim = one.rotary_dim,
          .interleaved = one.interleaved};
}

// A prompt longer than a block with two branches, one of which has a branch itself, and a text.
TEST_P(FusedSteps, AttentionIsThatOfEachDocument) {
  const PackedLayout layout =
      test::layout_of({{140, 9, 133, 4, 30}}, std::vector<int32_t>{-1, 0, 0, 2, -1});
  const int64_t tokens = layout.tokens();
  for (const AttentionCase& one :
       {AttentionCase{0, 32, false}, AttentionCase{0, 8, true}, AttentionCase{50, 0, false}}) {
    Inputs in = inputs_of({random_tensor({tokens, 6, 32}, 1), random_tensor({tokens, 2, 32}, 2),
                           random_tensor({tokens, 2, 32}, 3)},
                          GetParam());
    const engine::AttentionDescription description{
        .heads = 6, .kv_heads = 2, .head_dim = 32, .scale = 0.7, .window = one.window};
    const Rotation rotation = random_rotation(tokens, one);
    const auto run = [&](const std::vector<at::Tensor>& x, at::ScalarType type) {
      AttentionPlan plan(layout, type, at::kCPU);
      plan.prepare(description);
      return attend(x[0], x[1], x[2], description, rotation, plan);
    };
    expect_same({run(in.narrow, GetParam())}, {run(in.exact, at::kDouble)}, in,
                4 * allowed(GetParam()));
  }
}

// Of slices of one wider tensor, as fused layers have them.
TEST_P(FusedSteps, AttentionTakesViews) {
  const PackedLayout layout = test::layout_of({{20, 15}});
  const Inputs in = inputs_of({random_tensor({35, 4 * 16 + 2 * 2 * 16}, 1)}, GetParam());
  const engine::AttentionDescription description{
      .heads = 4, .kv_heads = 2, .head_dim = 16, .scale = 1};
  const Rotation rotation = random_rotation(35, {0, 16, false});
  const auto run = [&](const at::Tensor& x) {
    const auto parts = x.split_with_sizes({64, 32, 32}, -1);
    AttentionPlan plan(layout, x.scalar_type(), at::kCPU);
    plan.prepare(description);
    return attend(parts[0].unflatten(-1, {4, 16}), parts[1].unflatten(-1, {2, 16}),
                  parts[2].unflatten(-1, {2, 16}), description, rotation, plan);
  };
  expect_same({run(in.narrow[0])}, {run(in.exact[0])}, in, 4 * allowed(GetParam()));
}

TEST_P(FusedSteps, LogProbsAreThoseOfTheFormula) {
  const at::Tensor labels = at::arange(30, at::kLong) * 10;
  for (const double softcap : {0.0, 3.0}) {
    const Inputs in = inputs_of(
        {random_tensor({30, 24}, 1), 2 * random_tensor({331, 24}, 2), random_tensor({331}, 3)},
        GetParam());
    const auto run = [&](const std::vector<at::Tensor>& x, int64_t rows, int64_t columns) {
      const HeadLogps out =
          head_logps(x[0], {.weight = x[1], .bias = x[2], .softcap = softcap}, labels,
                     {.chunk_rows = rows,
                      .block_tokens = columns,
                      .compute = x[0].scalar_type(),
                      .mean_logps = true,
                      .entropy = true,
                      .log_sum_squares = true});
      EXPECT_FALSE(out.entropy.requires_grad());
      return std::vector{out.logps, out.log_sums, out.mean_logps, out.entropy, out.log_sum_squares};
    };
    for (const int64_t columns : {0, 37, 64}) {
      expect_same(run(in.narrow, 13, columns), run(in.exact, 0, 0), in, 6 * allowed(GetParam()));
    }
  }
}

// With whole tiles, and with what is left over of them.
TEST(Turned, IsTheTransposedMatrix) {
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{128, 64}, {77, 201}, {3, 5}}) {
    const at::Tensor x = random_tensor({rows, cols}, 1).to(at::kBFloat16);
    EXPECT_TRUE(turned(x).equal(x.t()));
    EXPECT_TRUE(turned(x.t()).equal(x));
  }
}

// What every level writes of the same numbers, kernel after kernel.
std::vector<at::Tensor> outputs_of(const kernels::KernelTable& table, at::ScalarType type) {
  constexpr int64_t kRows = 5;
  constexpr int64_t kWidth = 37;
  const auto number = type == at::kFloat ? kernels::Number::kFloat32 : kernels::Number::kBfloat16;
  const at::Tensor x = random_tensor({kRows, kWidth}, 1).to(type);
  const at::Tensor y = random_tensor({kRows, kWidth}, 2).to(type);
  const at::Tensor weight = random_tensor({kWidth}, 3).to(at::kFloat);
  const auto empty = [&] { return at::zeros({kRows, kWidth}, type); };
  const auto in = [&](const at::Tensor& t) { return kernels::Values{t.const_data_ptr(), number}; };
  const auto out = [&](const at::Tensor& t) {
    return kernels::Results{t.mutable_data_ptr(), number};
  };
  const auto floats = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
  const at::Tensor sum = empty();
  const at::Tensor normed = empty();
  const at::Tensor of_x = empty();
  const at::Tensor scales = at::zeros({kRows}, at::kFloat);
  const at::Tensor means = at::zeros({kRows}, at::kFloat);
  const at::Tensor of_weight = at::zeros({kWidth}, at::kFloat);
  table.norm({.end = kRows,
              .width = kWidth,
              .epsilon = 1e-5F,
              .center = true,
              .x = in(x),
              .addend = in(y),
              .weight = floats(weight),
              .sum = out(sum),
              .y = out(normed),
              .scales = floats(scales),
              .means = floats(means)});
  table.norm_gradient({.end = kRows,
                       .width = kWidth,
                       .center = true,
                       .x = in(x),
                       .of_y = in(y),
                       .weight = floats(weight),
                       .scales = floats(scales),
                       .means = floats(means),
                       .of_x = out(of_x),
                       .of_weight = floats(of_weight)});
  std::vector<at::Tensor> results{sum, normed, of_x, scales, of_weight};
  for (const auto activation : {kernels::Activation::kSilu, kernels::Activation::kGeluTanh,
                                kernels::Activation::kGeluErf}) {
    const at::Tensor value = empty();
    const at::Tensor of_gate = empty();
    const at::Tensor of_up = empty();
    table.gate({.end = kRows,
                .width = kWidth,
                .stride = kWidth,
                .activation = activation,
                .gate = in(x),
                .up = in(y),
                .output = out(value)});
    table.gate_gradient({.end = kRows,
                         .width = kWidth,
                         .stride = kWidth,
                         .activation = activation,
                         .gate = in(x),
                         .up = in(y),
                         .of_output = in(x),
                         .of_gate = out(of_gate),
                         .of_up = out(of_up)});
    results.insert(results.end(), {value, of_gate, of_up});
  }
  const at::Tensor scores = random_tensor({kRows, kWidth}, 4).to(at::kFloat);
  const at::Tensor sums = at::zeros({kRows}, at::kFloat);
  const at::Tensor weights = empty();
  const at::Tensor of_weights = random_tensor({kRows, kWidth}, 5).to(at::kFloat);
  const at::Tensor of_scores = empty();
  const kernels::ScoreRows rows{.end = kRows,
                                .period = kRows,
                                .keys = kWidth,
                                .rows_per_query = 2,
                                .first = 20,
                                .window = 19,
                                .scale = 2};
  table.softmax(
      {.rows = rows, .scores = floats(scores), .weights = out(weights), .log_sums = floats(sums)});
  table.softmax_gradient({.rows = rows,
                          .scores = floats(scores),
                          .log_sums = floats(sums),
                          .of_weights = floats(of_weights),
                          .weights = out(weights),
                          .of_scores = out(of_scores)});
  results.insert(results.end(), {sums, weights, of_scores});
  return results;
}

TEST(KernelLevels, ComputeTheSame) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const auto expected = outputs_of(kernels::kernels_of(engine::CpuLevel::kScalar), type);
    for (const engine::CpuLevel level : engine::available_cpu_levels()) {
      const auto found = outputs_of(kernels::kernels_of(level), type);
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_LE(distance(found[i], expected[i]), type == at::kFloat ? 2e-6 : 1e-2)
            << engine::cpu_level_name(level) << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace cupel::train
