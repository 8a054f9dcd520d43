// Proves: system 96
#include "align/objectives/sft_objective.h"

#include <cmath>
#include <numeric>

#include "align/objective_fixture.h"
#include "support/test_paths.h"
#include "train/data/truncation.h"

namespace cupel::align {
namespace {

using test::Computed;
using test::ObjectiveFixture;
using train::DataSet;
using train::Example;

constexpr double kExact = 1e-10;

DataSet texts(ObjectiveFixture& fixture) {
  std::vector<Example> examples;
  for (const auto& [tokens, learnt] :
       {std::pair{6, 2}, std::pair{9, 5}, std::pair{4, 3}, std::pair{12, 10}}) {
    examples.push_back(fixture.example(tokens, learnt));
  }
  examples[1].weights.back() = 0.5F;
  return test::data_of(std::move(examples));
}

Computed compute(ObjectiveFixture& fixture,
                 const DataSet& data,
                 const SftOptions& options,
                 int64_t micro = 4,
                 const train::BatchOptions& batch = {}) {
  SftObjective objective(fixture.learner(), data, nullptr, options);
  return test::compute(objective, fixture.parameters(), test::one_step(data, micro, batch));
}

/// Log-probs and weights of the labels of each text by the plain way.
struct Plain {
  std::vector<at::Tensor> logps;
  std::vector<at::Tensor> weights;
};
Plain plain(ObjectiveFixture& fixture, const DataSet& data) {
  Plain result;
  for (const Example& example : data.examples) {
    result.logps.push_back(test::plain_logps(fixture.learner().twin(), example));
    std::vector<float> weights;
    for (size_t i = 1; i < example.weights.size(); ++i) {
      if (example.weights[i] != 0) {
        weights.push_back(example.weights[i]);
      }
    }
    result.weights.push_back(train::float_tensor(weights).to(at::kDouble));
  }
  return result;
}

TEST(SftObjective, TokensAreAveragedOverTheWholeStep) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const Plain known = plain(fixture, data);
  at::Tensor sum = at::zeros({}, at::kDouble);
  double weight = 0;
  for (size_t i = 0; i < known.logps.size(); ++i) {
    sum = sum - (known.logps[i] * known.weights[i]).sum();
    weight += known.weights[i].sum().item<double>();
  }
  const at::Tensor loss = sum / weight;
  const std::vector<at::Tensor> parameters = fixture.parameters();
  std::vector<at::Tensor> expected = tensor::gradients({loss}, parameters, {{}});
  for (const int64_t micro : {1, 2, 4}) {  // 4×1, 2×2, 1×4
    const Computed found = compute(fixture, data, {}, micro);
    EXPECT_NEAR(found.result.loss, loss.item<double>(), kExact);
    test::expect_same(found.gradients, expected, kExact);
  }
}

TEST(SftObjective, PackedOrNotIsTheSame) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const Computed alone = compute(fixture, data, {});
  const Computed packed =
      compute(fixture, data, {}, 1, {.packing = train::Packing::kBfd, .max_length = 16});
  EXPECT_NEAR(packed.result.loss, alone.result.loss, kExact);
  test::expect_same(packed.gradients, alone.gradients, kExact);
  EXPECT_EQ(packed.result.size.labels, 20);
  EXPECT_EQ(packed.result.size.tokens, 31);
}

TEST(SftObjective, MeansOfSamplesAndOfRows) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const Plain known = plain(fixture, data);
  double samples = 0;
  std::vector<double> nll;
  std::vector<double> weight;
  for (size_t i = 0; i < known.logps.size(); ++i) {
    nll.push_back(-(known.logps[i] * known.weights[i]).sum().item<double>());
    weight.push_back(known.weights[i].sum().item<double>());
    samples += nll.back() / weight.back() / 4;
  }
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSamples}, 2).result.loss, samples,
              kExact);
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSequences}, 2).result.loss, samples,
              kExact);
  // Packed into [12 + 4], [9 + 6]: texts 3 and 2, texts 1 and 0.
  const double rows =
      ((nll[3] + nll[2]) / (weight[3] + weight[2]) + (nll[1] + nll[0]) / (weight[1] + weight[0])) /
      2;
  const train::BatchOptions packed{.packing = train::Packing::kBfd, .max_length = 16};
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSequences}, 1, packed).result.loss,
              rows, kExact);
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSamples}, 1, packed).result.loss,
              samples, kExact);
}

TEST(SftObjective, UnitsCountByTheWeightsOfTheirRows) {
  ObjectiveFixture fixture;
  DataSet data = texts(fixture);
  const Plain known = plain(fixture, data);
  const std::vector<double> rows = {1, 3, 0.5, 2};
  std::vector<double> nll;
  std::vector<double> labels;
  double samples = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    nll.push_back(-(known.logps[i] * known.weights[i]).sum().item<double>());
    labels.push_back(known.weights[i].sum().item<double>());
    samples += rows[i] * nll[i] / labels[i];
    Example& example = data.examples[i];
    example.weight = rows[i];
    for (float& weight : example.weights) {
      weight *= static_cast<float>(rows[i]);
    }
  }
  samples /= 6.5;
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSamples}, 2).result.loss, samples,
              kExact);
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSequences}, 2).result.loss, samples,
              kExact);
  // Packed into [12 + 4], [9 + 6]: texts 3 and 2, texts 1 and 0.
  double sum = 0;
  double count = 0;
  for (const auto& [a, b] : {std::pair{3U, 2U}, std::pair{1U, 0U}}) {
    sum += (rows[a] * nll[a] + rows[b] * nll[b]) / (labels[a] + labels[b]);
    count += (rows[a] * labels[a] + rows[b] * labels[b]) / (labels[a] + labels[b]);
  }
  const train::BatchOptions packed{.packing = train::Packing::kBfd, .max_length = 16};
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSequences}, 1, packed).result.loss,
              sum / count, kExact);
  EXPECT_NEAR(compute(fixture, data, {.reduction = Reduction::kSamples}, 1, packed).result.loss,
              samples, kExact);
}

TEST(SftObjective, ATextInTwoRowsOfAStepIsOfEach) {
  ObjectiveFixture fixture;
  std::vector<Example> examples;
  for (const auto& [tokens, learnt] : {std::pair{6, 2}, std::pair{9, 5}, std::pair{12, 10}}) {
    examples.push_back(fixture.example(tokens, learnt));
  }
  const DataSet data = test::data_of(std::move(examples));
  const Plain known = plain(fixture, data);
  const auto nll = [&known](size_t i) { return -known.logps[i].sum().item<double>(); };
  // The first text twice, packed into [12 + 6], [9 + 6].
  const train::BatchOptions packed{.order = {.mixture = {{.begin = 0, .count = 1, .tokens = 12},
                                                         {.begin = 1, .count = 1, .tokens = 9},
                                                         {.begin = 2, .count = 1, .tokens = 12}}},
                                   .packing = train::Packing::kBfd,
                                   .max_length = 18};
  const double rows = ((nll(2) + nll(0)) / 12 + (nll(1) + nll(0)) / 7) / 2;
  for (const int64_t micro : {1, 3}) {
    const Computed found =
        compute(fixture, data, {.reduction = Reduction::kSequences}, micro, packed);
    EXPECT_EQ(found.result.size.samples, 4);
    EXPECT_NEAR(found.result.loss, rows, kExact);
  }
}

/// Σ w · label(logits, logps, id) ÷ Σ w over all labels, by the plain way.
template <typename Label>
at::Tensor plain_mean(ObjectiveFixture& fixture, const DataSet& data, const Label& label) {
  train::Twin& twin = fixture.learner().twin();
  at::Tensor sum = at::zeros({}, at::kDouble);
  double weight = 0;
  for (const Example& example : data.examples) {
    const std::vector<int64_t> ids(example.ids.begin(), example.ids.end());
    const at::Tensor logits = twin.logits(train::test::hidden_of(twin, ids));
    const at::Tensor logps = at::log_softmax(logits, -1);
    for (size_t i = 1; i < ids.size(); ++i) {
      const double w = example.weights[i];
      const auto row = static_cast<int64_t>(i) - 1;
      sum = sum + w * label(logits.select(0, row), logps.select(0, row), ids[i]);
      weight += w;
    }
  }
  return sum / weight;
}

TEST(SftObjective, ExtrasAreWhatTheirFormulasSay) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const auto smooth = [](const at::Tensor&, const at::Tensor& logps, int64_t id) {
    return -0.8 * logps.select(0, id) - 0.2 * logps.mean();
  };
  const auto z = [](const at::Tensor& logits, const at::Tensor& logps, int64_t id) {
    return 0.01 * logits.logsumexp(0).square() - logps.select(0, id);
  };
  const auto dft = [](const at::Tensor&, const at::Tensor& logps, int64_t id) {
    return -logps.select(0, id) * logps.select(0, id).detach().exp();
  };
  const std::vector<std::pair<SftOptions, at::Tensor>> cases = {
      {{.label_smoothing = 0.2}, plain_mean(fixture, data, smooth)},
      {{.z_loss = 0.01}, plain_mean(fixture, data, z)},
      {{.dft = true}, plain_mean(fixture, data, dft)}};
  for (const auto& [options, loss] : cases) {
    const Computed found = compute(fixture, data, options, 2);
    EXPECT_NEAR(found.result.loss, loss.item<double>(), kExact);
    test::expect_same(found.gradients, tensor::gradients({loss}, fixture.parameters(), {{}}),
                      kExact);
  }
}

TEST(SftObjective, DivergenceFromTheStartIsAddedByItsWeight) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const auto start = fixture.moved_learner(0.02);
  const auto reference = test::expect_value(ReferenceLogps::compute(
      start->twin(), data, {.cache = {}, .model_fingerprint = "m", .batch_tokens = 20}));
  SftObjective objective(fixture.learner(), data, &reference, {.kl_to_init = 0.3});
  const Computed found = test::compute(objective, fixture.parameters(), test::one_step(data, 2));
  const Plain known = plain(fixture, data);
  double sum = 0;
  double weight = 0;
  for (size_t i = 0; i < known.logps.size(); ++i) {
    const at::Tensor ratio = known.logps[i] - test::plain_logps(start->twin(), data.examples[i]);
    sum += ((0.3 * ratio - known.logps[i]) * known.weights[i]).sum().item<double>();
    weight += known.weights[i].sum().item<double>();
  }
  EXPECT_NEAR(found.result.loss, sum / weight, 1e-6);  // the reference is f32
}

double metric(const train::StepResult& result, std::string_view name) {
  for (const train::MetricSum& one : result.metrics) {
    if (one.name == name) {
      return one.sum / one.count;
    }
  }
  return std::nan("");
}

TEST(SftObjective, DivergenceIsOfThePiecesThatAreTrained) {
  ObjectiveFixture fixture;
  const auto start = fixture.moved_learner(0.02);
  std::vector<Example> examples;
  examples.push_back(fixture.example(20, 15));
  examples.push_back(fixture.example(5, 3));
  std::vector<Example> cut;
  for (const Example& example : examples) {
    EXPECT_EQ(train::truncate(example, 8, train::Truncation::kSplit, cut), train::Fit::kKept);
  }
  const DataSet whole = test::data_of(std::move(examples));
  const DataSet parts = test::data_of(std::move(cut));
  ASSERT_EQ(parts.examples.size(), 4U);
  const ReferenceLogps::Options options{
      .cache = {}, .model_fingerprint = "m", .piece_tokens = 8, .batch_tokens = 10};
  const auto of_whole = test::expect_value(ReferenceLogps::compute(start->twin(), whole, options));
  const auto of_parts = test::expect_value(ReferenceLogps::compute(start->twin(), parts, options));
  SftObjective packed(fixture.learner(), whole, &of_whole, {.kl_to_init = 0.3});
  SftObjective alone(fixture.learner(), parts, &of_parts, {.kl_to_init = 0.3});
  const Computed found = test::compute(
      packed, fixture.parameters(),
      test::one_step(whole, 1, {.packing = train::Packing::kBfdSplit, .max_length = 8}));
  const Computed expected =
      test::compute(alone, fixture.parameters(), test::one_step(parts, 4, {.max_length = 8}));
  EXPECT_EQ(found.result.size.labels, 16);  // first tokens of pieces are none
  EXPECT_NEAR(metric(found.result, "kl"), metric(expected.result, "kl"), 1e-6);
  EXPECT_NEAR(found.result.loss, expected.result.loss, 1e-6);
  test::expect_same(found.gradients, expected.gradients, 1e-6);
}

TEST(ReferenceLogps, AreReadBackForTheSameModelDataAndPieces) {
  ObjectiveFixture fixture;
  const DataSet data = texts(fixture);
  const cupel::test::TemporaryFolder folder;
  const ReferenceLogps::Options options{
      .cache = folder.file("reference.safetensors"), .model_fingerprint = "m", .piece_tokens = 8};
  EXPECT_FALSE(ReferenceLogps::read(data, options).has_value());
  test::expect_value(ReferenceLogps::compute(fixture.learner().twin(), data, options));
  EXPECT_TRUE(ReferenceLogps::read(data, options).has_value());
  ReferenceLogps::Options other = options;
  other.piece_tokens = 4;
  EXPECT_EQ(ReferenceLogps::read(data, other).error().code, Code::kNotFound);
  other = options;
  other.model_fingerprint = "n";
  EXPECT_EQ(ReferenceLogps::read(data, other).error().code, Code::kNotFound);
}

TEST(SftObjective, NoiseOfEmbeddingsIsBoundedAndOnlyInTraining) {
  ObjectiveFixture fixture;
  std::vector<Example> examples;
  for (int i = 0; i < 4; ++i) {
    examples.push_back(fixture.example(16, 8));
  }
  const DataSet data = test::data_of(std::move(examples));
  SftObjective plain_objective(fixture.learner(), data, nullptr, {});
  SftObjective noisy(fixture.learner(), data, nullptr, {.neftune_alpha = 5, .seed = 3});
  const auto alone = train::single_process();
  const train::StepPlan plan = test::one_step(data, 4);
  train::StepRunner a(plain_objective, {}, *alone);
  train::StepRunner b(noisy, {}, *alone);
  EXPECT_EQ(test::expect_value(a.evaluate(plan, 0)).loss,
            test::expect_value(b.evaluate(plan, 0)).loss);
  EXPECT_NE(test::compute(plain_objective, fixture.parameters(), plan).result.loss,
            test::compute(noisy, fixture.parameters(), plan).result.loss);

  const train::PackedBatch packed = train::pack_examples(data.examples, plan.micro_batches[0][0]);
  const at::Tensor noise = embedding_noise(packed, 64, 5, /*seed=*/3, /*draw=*/9);
  const double bound = 5 / std::sqrt(16.0 * 64.0);
  EXPECT_LE(noise.abs().max().item<double>(), bound);
  const double variance = noise.to(at::kDouble).square().mean().item<double>();
  EXPECT_NEAR(variance, 25.0 / (16 * 64) / 3, 0.02 * 25.0 / (16 * 64) / 3);
  EXPECT_TRUE(noise.equal(embedding_noise(packed, 64, 5, 3, 9)));
  EXPECT_FALSE(noise.equal(embedding_noise(packed, 64, 5, 3, 10)));
}

TEST(SftObjective, EvaluationTellsInstructionsFromCompletions) {
  ObjectiveFixture fixture;
  std::vector<Example> examples;
  examples.push_back(fixture.example(6, 2));
  examples.push_back(fixture.example(5, 3));
  using enum train::TokenRole;
  examples[0].roles = {kTemplate, kInstruction, kInstruction, kTemplate, kCompletion, kCompletion};
  examples[1].roles = {kInstruction, kTemplate, kCompletion, kCompletion, kCompletion};
  std::vector<double> sums(3);
  for (Example whole : examples) {
    std::fill(whole.weights.begin(), whole.weights.end(), 1.0F);
    const at::Tensor logps = test::plain_logps(fixture.learner().twin(), whole);
    for (size_t i = 1; i < whole.ids.size(); ++i) {
      sums[static_cast<size_t>(whole.roles[i])] -=
          logps.select(0, static_cast<int64_t>(i) - 1).item<double>();
    }
  }
  const DataSet data = test::data_of(std::move(examples));
  SftObjective objective(fixture.learner(), data, nullptr, {});
  const auto alone = train::single_process();
  train::StepRunner runner(objective, {}, *alone);
  const train::StepPlan plan =
      test::one_step(data, 1, {.packing = train::Packing::kBfd, .max_length = 16});
  const train::StepResult found = test::expect_value(runner.evaluate(plan, 0));
  EXPECT_NEAR(metric(found, "nll/completion"), sums[2] / 5, kExact);
  EXPECT_NEAR(metric(found, "nll/instruction"), sums[1] / 2, kExact);  // a first token is no label
  EXPECT_NEAR(found.loss, sums[2] / 5, kExact);
}

TEST(SftObjective, AveragesOfMicroBatchesWouldBeAnotherLoss) {
  // training-core, Done 7: sums 10 over 10 tokens and 2 over 1 give 12/11, not 1.5.
  EXPECT_NEAR((10.0 + 2.0) / (10 + 1), 1.09090909, 1e-8);
  ObjectiveFixture fixture;
  std::vector<Example> examples;
  examples.push_back(fixture.example(12, 10));
  examples.push_back(fixture.example(4, 1));
  const DataSet data = test::data_of(std::move(examples));
  const Plain known = plain(fixture, data);
  const double a = -known.logps[0].sum().item<double>();
  const double b = -known.logps[1].sum().item<double>();
  EXPECT_NEAR(compute(fixture, data, {}, 1).result.loss, (a + b) / 11, kExact);
  EXPECT_GT(std::abs((a / 10 + b) / 2 - (a + b) / 11), 1e-3);
}

}  // namespace
}  // namespace cupel::align
