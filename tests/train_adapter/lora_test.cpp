// Low-rank adapters: closed forms, the numbers of the DoRA example worked by hand, the model's own
// logits before and after, and PEFT's layout of files.
#include "train/adapter/lora.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "base/io.h"
#include "engine/checkpoint/safetensors.h"
#include "train_model/engine_logits.h"
#include "train_model/twin_fixture.h"

namespace cupel::train {
namespace {

using test::distance;
using test::FamilyModel;
using testing::HasSubstr;

at::Tensor matrix(std::initializer_list<double> values, int64_t rows) {
  at::Tensor result = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::copy(values.begin(), values.end(), result.mutable_data_ptr<double>());
  return result.view({rows, -1});
}

Lora lora_of(const Model& model, const LoraOptions& options) {
  auto lora = Lora::create(model, options);
  CUPEL_CHECK(lora.has_value(), lora ? "" : lora.error().message);
  return std::move(*lora);
}

/// Gives every tensor of an adapter numbers as training would.
void disturb(const Lora& lora) {
  const tensor::RecordingGuard off(false);
  uint64_t seed = 100;
  for (const ParameterSet::Entry& entry : lora.parameters().entries()) {
    const at::Tensor noise = test::random_tensor(entry.tensor.sizes(), ++seed);
    entry.tensor.add_(noise.to(entry.tensor.scalar_type()), 0.1);
  }
}

at::Tensor logits_of(Twin& twin, std::span<const int64_t> ids, const ForwardOptions& options = {}) {
  const auto plan = twin.plan(test::layout_of({{static_cast<int64_t>(ids.size())}}));
  CUPEL_CHECK(plan.has_value(), "a plan");
  return twin.logits(twin.hidden(test::tensor_of(ids), *plan, options));
}
at::Tensor logits_of(const Lora& lora, std::span<const int64_t> ids) {
  auto twin = lora.twin({.compute = lora.parameters().entries().front().tensor.scalar_type()});
  CUPEL_CHECK(twin.has_value(), twin ? "" : twin.error().message);
  return logits_of(*twin, ids);
}
at::Tensor logits_of(const Model& model, std::span<const int64_t> ids) {
  const at::ScalarType type = model.parameters.entries().front().tensor.scalar_type();
  Twin twin = FamilyModel::twin_of(model, {.compute = type});
  return logits_of(twin, ids);
}

// training-core, Done 11: W = [[3,4],[0,2]], ΔW = [[1,0],[0,0]]: lengths 5 and 2 stay, the first
// row turns to (4,4)/√32.
TEST(LoraPart, DoraKeepsTheLengthOfRows) {
  LoraPart part{.weight = matrix({3, 4, 0, 2}, 2), .scale = 0.5};
  part.a = matrix({0, 0}, 1);
  part.b = matrix({0, 0}, 2);
  part.magnitude = row_norms(part);
  EXPECT_LE(distance(part.magnitude, matrix({5, 2}, 1).squeeze(0)), 1e-12);
  part.a = matrix({2, 0}, 1);  // s B A = 0.5 · (1, 0)ᵀ (2, 0)
  part.b = matrix({1, 0}, 2);
  const LoraLinear adapter(std::make_shared<LoraPart>(part));
  const at::Tensor unit = matrix({1, 0, 0, 1}, 2);  // rows of the output: columns of W'
  const at::Tensor found = adapter.apply(unit, part.weight, {}, {.compute = at::kDouble}).t();
  EXPECT_LE(distance(found, matrix({3.53553391, 3.53553391, 0, 2}, 2)), 1e-8);
}

TEST(LoraPart, AddsTheScaledProduct) {
  LoraPart part{.weight = matrix({1, 2, 3, 4}, 2), .scale = 2};
  part.a = matrix({1, 1}, 1);
  part.b = matrix({1, 3}, 2);
  const LoraLinear adapter(std::make_shared<LoraPart>(part));
  const at::Tensor x = matrix({1, 10}, 1);
  const at::Tensor bias = matrix({100, 200}, 1).squeeze(0);
  // W x = (21, 43); A x = 11; 2 B A x = (22, 66).
  EXPECT_LE(distance(adapter.apply(x, part.weight, bias, {.compute = at::kDouble}),
                     matrix({143, 309}, 1)),
            1e-12);
}

// The step in one against libtorch's own operations, in f64; the same tokens with dropout and
// without.
TEST(LoraLinear, GradientsAreThoseOfTheProductsOneByOne) {
  for (const double dropout : {0.0, 0.5}) {
    const auto part = std::make_shared<LoraPart>(LoraPart{.scale = 0.7, .dropout = dropout});
    part->a = test::random_tensor({3, 10}, 1).set_requires_grad(true);
    part->b = test::random_tensor({8, 3}, 2).set_requires_grad(true);
    const at::Tensor x = test::random_tensor({6, 10}, 3).set_requires_grad(true);
    const at::Tensor weight = test::random_tensor({8, 10}, 4);
    const at::Tensor bias = test::random_tensor({8}, 5);
    const Pass pass{.compute = at::kDouble, .dropout = 9};
    const at::Tensor found = LoraLinear(part).apply(x, weight, bias, pass);
    const at::Tensor kept = dropout > 0 ? x * dropout_mask(*part, 9, x) : x;
    const at::Tensor expected =
        at::linear(x, weight, bias) + at::linear(at::linear(kept, part->a), part->b) * 0.7;
    EXPECT_LE(distance(found, expected), 1e-12);
    const at::Tensor weights = test::random_tensor({6, 8}, 6);
    const std::vector<at::Tensor> inputs{x, part->a, part->b};
    const auto slopes = tensor::gradients({(found * weights).sum()}, inputs, {{}});
    const auto exact = tensor::gradients({(expected * weights).sum()}, inputs, {{}});
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_LE(distance(slopes[i], exact[i]), 1e-12) << "input " << i;
    }
  }
}

TEST(Lora, ScalesByRankOrItsRoot) {
  const FamilyModel model("llama", at::kDouble);
  const auto change = [&](bool rslora) {
    const Lora lora = lora_of(model.model(), {.rank = 4, .alpha = 8, .rslora = rslora});
    disturb(lora);
    const at::Tensor a = lora.parameters().entries()[0].tensor;
    const at::Tensor b = lora.parameters().entries()[1].tensor;
    const at::Tensor base = model.model().parameters.at("model.layers.0.self_attn.q_proj.weight");
    Lora merged = lora;
    const at::Tensor before = base.clone();
    CUPEL_CHECK(merged.merge().has_value(), "merge");
    const at::Tensor found = base - before;
    CUPEL_CHECK(merged.unmerge().has_value(), "unmerge");
    return std::pair(found, at::mm(b, a).detach());
  };
  const auto [plain, product] = change(false);
  EXPECT_LE(distance(plain, product * 2), 1e-12);  // 8 / 4
  const auto [root, same] = change(true);
  EXPECT_LE(distance(root, same * 4), 1e-12);  // 8 / √4
}

TEST(Lora, BeginsAsKaimingUniformTimesZero) {
  const FamilyModel model("llama");
  const Lora lora = lora_of(model.model(), {.rank = 8, .targets = {"down_proj"}});
  ASSERT_EQ(lora.parameters().size(), 4U);  // A and B of two layers
  const at::Tensor a = lora.parameters().entries()[0].tensor;
  EXPECT_EQ(lora.parameters().entries()[0].name,
            "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight");
  const double bound = 1 / std::sqrt(96.0);
  EXPECT_LE(a.abs().max().item<double>(), bound);
  EXPECT_GE(a.abs().max().item<double>(), bound * 0.98);  // of 768 numbers
  EXPECT_LE(std::abs(a.mean().item<double>()), bound * 0.1);
  EXPECT_EQ(lora.parameters().entries()[1].tensor.abs().max().item<double>(), 0);
  const Lora other = lora_of(model.model(), {.rank = 8, .targets = {"down_proj"}, .seed = 1});
  EXPECT_GT(distance(other.parameters().entries()[0].tensor, a), 0.01);
}

class LoraFamilies : public testing::TestWithParam<std::string> {};

TEST_P(LoraFamilies, FreshChangesNothingAndMergedIsTheSame) {
  const FamilyModel model(GetParam(), at::kDouble);
  const std::vector<int64_t> ids = model.ids();
  const tensor::RecordingGuard off(false);
  for (const bool dora : {false, true}) {
    const at::Tensor plain = logits_of(model.model(), ids);
    Lora lora = lora_of(model.model(), {.rank = 4, .alpha = 8, .dora = dora});
    EXPECT_LE(distance(logits_of(lora, ids), plain), dora ? 1e-11 : 0);
    disturb(lora);
    const at::Tensor adapted = logits_of(lora, ids);
    EXPECT_GT(distance(adapted, plain), 1e-3);
    EXPECT_EQ(distance(logits_of(model.model(), ids), plain), 0);  // the reference is untouched
    ASSERT_TRUE(lora.merge().has_value());
    EXPECT_LE(distance(logits_of(model.model(), ids), adapted), 1e-9);
    ASSERT_TRUE(lora.unmerge().has_value());
    EXPECT_LE(distance(logits_of(model.model(), ids), plain), 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Some,
    LoraFamilies,
    testing::Values("llama", "llama_mha_bias", "phi3", "gemma3", "qwen2_moe", "stablelm_parallel"),
    [](const auto& name) { return name.param; });

// f32: what training-core asks of a round trip.
TEST(Lora, MergesAndUnmergesWithin1e6) {
  const FamilyModel model("llama");
  const ParameterSet before = model.model().parameters.clone();
  for (const bool dora : {false, true}) {
    Lora lora = lora_of(model.model(), {.rank = 4, .alpha = 8, .dora = dora});
    disturb(lora);
    ASSERT_TRUE(lora.merge().has_value());
    EXPECT_EQ(lora.merge().error().code, Code::kFailedPrecondition);
    EXPECT_FALSE(lora.twin().has_value());
    ASSERT_TRUE(lora.unmerge().has_value());
    EXPECT_EQ(lora.unmerge().error().code, Code::kFailedPrecondition);
    for (const ParameterSet::Entry& entry : before.entries()) {
      EXPECT_LE(distance(entry.tensor, model.model().parameters.at(entry.name)), 1e-6)
          << entry.name;
    }
  }
}

// The engine runs the adapted model while it is merged.
TEST(Lora, TheEngineRunsAMergedModel) {
  const FamilyModel model("llama");
  const std::vector<int64_t> ids = model.ids();
  Lora lora = lora_of(model.model(), {.rank = 4, .alpha = 8, .dora = true});
  disturb(lora);
  const tensor::RecordingGuard off(false);
  const at::Tensor adapted = logits_of(lora, ids);
  ASSERT_TRUE(lora.merge().has_value());
  const auto live = checkpoint_of(model.model());
  ASSERT_TRUE(live.has_value()) << live.error().message;
  EXPECT_LE(distance(test::engine_logits(*live, ids), adapted), 1e-4);
}

TEST(Lora, SeveralLiveOverOneModel) {
  const FamilyModel model("llama");
  const std::vector<int64_t> ids = model.ids();
  const Lora one = lora_of(model.model(), {.rank = 4, .seed = 1});
  const Lora two = lora_of(model.model(), {.rank = 2, .targets = {"q_proj", "v_proj"}, .seed = 2});
  const tensor::RecordingGuard off(false);
  const at::Tensor plain = logits_of(model.model(), ids);
  disturb(one);
  EXPECT_EQ(distance(logits_of(two, ids), plain), 0);
  EXPECT_GT(distance(logits_of(one, ids), plain), 1e-3);
}

TEST(Lora, OnlyItsOwnTensorsGetGradients) {
  const FamilyModel model("llama", at::kDouble);
  const std::vector<int64_t> ids = model.ids();
  model.model().parameters.require_gradients(true);
  const Lora lora = lora_of(model.model(), {.rank = 4, .dora = true});
  disturb(lora);
  logits_of(lora, ids).square().sum().backward();
  for (const ParameterSet::Entry& entry : lora.parameters().entries()) {
    EXPECT_TRUE(entry.tensor.grad().defined()) << entry.name;
  }
  for (const ParameterSet::Entry& entry : model.model().parameters.entries()) {
    EXPECT_FALSE(entry.tensor.grad().defined()) << entry.name;
  }
}

// Central differences: A and B of plain LoRA, m of DoRA (whose norm is a constant by definition).
TEST(Lora, GradientsAreFiniteDifferences) {
  constexpr double kStep = 1e-5;
  const FamilyModel model("llama", at::kDouble);
  const std::vector<int64_t> ids = model.ids();
  for (const bool dora : {false, true}) {
    std::vector<std::string> targets = {"k_proj", "up_proj"};
    if (!dora) {
      targets.emplace_back("embed_tokens");
    }
    const Lora lora = lora_of(model.model(), {.rank = 3, .dora = dora, .targets = targets});
    disturb(lora);
    const auto loss = [&] { return logits_of(lora, ids).tanh().sum(); };
    loss().backward();
    const tensor::RecordingGuard off(false);
    for (const ParameterSet::Entry& entry : lora.parameters().entries()) {
      if (dora && entry.name.find("magnitude") == std::string::npos) {
        continue;
      }
      const at::Tensor gradient = entry.tensor.grad().flatten();
      const int64_t place = gradient.abs().argmax().item<int64_t>();
      at::Tensor element = entry.tensor.view(-1)[place];
      const double before = element.item<double>();
      element.fill_(before + kStep);
      const double above = loss().item<double>();
      element.fill_(before - kStep);
      const double below = loss().item<double>();
      element.fill_(before);
      const double expected = gradient[place].item<double>();
      EXPECT_NEAR((above - below) / (2 * kStep), expected, 1e-5 * std::max(1.0, std::abs(expected)))
          << entry.name;
    }
  }
}

TEST(LoraDropout, IsAFunctionOfSeedModuleAndPass) {
  LoraPart part{.dropout = 0.25, .seed = 3, .stream = 5};
  const at::Tensor like = at::zeros({301, 333}, at::kFloat);
  const at::Tensor mask = dropout_mask(part, 7, like);
  EXPECT_EQ(distance(mask, dropout_mask(part, 7, like)), 0);
  EXPECT_GT(distance(mask, dropout_mask(part, 8, like)), 0);
  // Passes of other steps are far apart (train/loop/step.cpp).
  for (const uint64_t step : {1, 2, 300}) {
    EXPECT_GT(distance(mask, dropout_mask(part, 7 + (step << 24U), like)), 0) << step;
  }
  // 100 233 draws, p = 1/4: six standard deviations of the mean are 0.011 (of 4/3 · Bernoulli).
  EXPECT_NEAR(mask.mean().item<double>(), 1.0, 0.011);
  const at::Tensor values = mask.eq(0).logical_or(mask.eq(static_cast<float>(1 / 0.75)));
  EXPECT_TRUE(values.all().item<bool>());
  LoraPart other = part;
  other.stream = 6;
  EXPECT_GT(distance(mask, dropout_mask(other, 7, like)), 0);
}

TEST(LoraDropout, RecomputedLayersDropTheSame) {
  const FamilyModel model("llama", at::kDouble);
  const std::vector<int64_t> ids = model.ids();
  for (const bool dora : {false, true}) {
    const Lora lora = lora_of(model.model(), {.rank = 4, .dropout = 0.3, .dora = dora});
    disturb(lora);
    const auto run = [&](bool recompute) {
      lora.parameters().clear_gradients();
      auto twin = lora.twin({.compute = at::kDouble, .recompute_layers = recompute});
      CUPEL_CHECK(twin.has_value(), "a twin");
      const at::Tensor first = logits_of(*twin, ids, {.dropout = 1});
      // Another pass in between must not change what the first one draws again.
      const at::Tensor second = logits_of(*twin, ids, {.dropout = 2});
      EXPECT_GT(distance(first, second), 1e-3);
      (first.square().sum() + second.sum()).backward();
      std::vector<at::Tensor> gradients;
      for (const ParameterSet::Entry& entry : lora.parameters().entries()) {
        gradients.push_back(entry.tensor.grad().clone());
      }
      return gradients;
    };
    const std::vector<at::Tensor> plain = run(false);
    const std::vector<at::Tensor> again = run(true);
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_LE(distance(plain[i], again[i]), 1e-12);
    }
  }
}

TEST(LoraTargets, AreNamesPartsOfNamesOrAnExpression) {
  const FamilyModel model("llama");
  const auto count = [&](const LoraOptions& options) {
    return lora_of(model.model(), options).parameters().size() / 2;
  };
  EXPECT_EQ(count({}), 14U);  // 7 of each of 2 layers
  EXPECT_EQ(count({.targets = {"q_proj", "mlp.up_proj"}}), 4U);
  EXPECT_EQ(count({.targets = {"layers.1.self_attn.q_proj"}}), 1U);
  EXPECT_EQ(count({.target_regex = R"(model\.layers\.\d+\.self_attn\.[qk]_proj)"}), 4U);
  EXPECT_EQ(count({.targets = {"all-linear", "embed_tokens"}}), 15U);
  // Routers choose; they are adapted only when they are named.
  const FamilyModel experts("qwen3_moe");
  const Lora all = lora_of(experts.model(), {});
  for (const ParameterSet::Entry& entry : all.parameters().entries()) {
    EXPECT_EQ(entry.name.find("mlp.gate."), std::string::npos) << entry.name;
  }
  EXPECT_EQ(lora_of(experts.model(), {.targets = {"mlp.gate"}}).parameters().size() / 2, 2U);
}

TEST(LoraTargets, SayWhatTheModelHas) {
  const FamilyModel model("llama");
  const auto error_of = [&](const LoraOptions& options) {
    const auto lora = Lora::create(model.model(), options);
    return lora ? Error{} : lora.error();
  };
  const Error unknown = error_of({.targets = {"query_proj"}});
  EXPECT_EQ(unknown.code, Code::kInvalidArgument);
  EXPECT_THAT(unknown.message, HasSubstr("q_proj, k_proj, v_proj, o_proj"));
  EXPECT_EQ(error_of({.targets = {"proj"}}).code, Code::kInvalidArgument);  // no whole part
  EXPECT_EQ(error_of({.target_regex = "q_proj"}).code, Code::kInvalidArgument);
  EXPECT_EQ(error_of({.target_regex = "("}).code, Code::kInvalidArgument);
  EXPECT_EQ(error_of({.rank = 0}).code, Code::kInvalidArgument);
  EXPECT_EQ(error_of({.alpha = -1}).code, Code::kInvalidArgument);
  EXPECT_EQ(error_of({.dropout = 1}).code, Code::kInvalidArgument);
  const Error nothing = error_of({.targets = {}});
  EXPECT_EQ(nothing.code, Code::kInvalidArgument);
  EXPECT_THAT(nothing.message, HasSubstr("nothing to train"));
  EXPECT_TRUE(
      Lora::create(model.model(), {.targets = {}, .modules_to_save = {"lm_head"}}).has_value());
  EXPECT_EQ(error_of({.modules_to_save = {"head"}}).code, Code::kInvalidArgument);
  EXPECT_EQ(error_of({.modules_to_save = {"q_proj"}}).code, Code::kInvalidArgument);
  const FamilyModel tied("llama_head_dim");
  EXPECT_EQ(Lora::create(tied.model(), {.modules_to_save = {"embed_tokens"}}).error().code,
            Code::kUnsupported);
}

// The head would keep the base's matrix in training, and the adapted one in what is merged.
TEST(LoraTargets, AreNoEmbeddingThatIsTheHeadAsWell) {
  const FamilyModel tied("llama_head_dim");
  for (const LoraOptions& options :
       {LoraOptions{.targets = {"all-linear", "embed_tokens"}},
        LoraOptions{.target_regex = R"(model\.(embed_tokens|layers\..*q_proj))"}}) {
    const auto lora = Lora::create(tied.model(), options);
    ASSERT_FALSE(lora.has_value());
    EXPECT_EQ(lora.error().code, Code::kUnsupported);
    EXPECT_THAT(lora.error().message, HasSubstr("model.embed_tokens is embedding and head"));
  }
  EXPECT_THAT(Lora::create(tied.model(), {.targets = {"lm_head"}}).error().message,
              HasSubstr("(its head is the embedding)"));
  // The head of a reward model is a matrix of its own.
  const auto rates = with_outputs(tied.model(), 1, 3);
  ASSERT_TRUE(rates.has_value()) << rates.error().message;
  const Lora lora = lora_of(*rates, {.targets = {"embed_tokens"}});
  const cupel::test::TemporaryFolder folder;
  ASSERT_TRUE(lora.save(folder.file("adapter")).has_value());
  EXPECT_TRUE(Lora::load(*rates, folder.file("adapter")).has_value());
  const auto loaded = Lora::load(tied.model(), folder.file("adapter"));
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, Code::kUnsupported);
  EXPECT_THAT(loaded.error().message, HasSubstr(folder.file("adapter") + ": lora.targets: model."));
}

TEST(LoraWhole, TrainsACopyAndLeavesTheModel) {
  const FamilyModel model("llama");
  const std::vector<int64_t> ids = model.ids();
  Lora lora = lora_of(model.model(), {.rank = 2, .modules_to_save = {"lm_head", "model.norm"}});
  const tensor::RecordingGuard off(false);
  const at::Tensor plain = logits_of(model.model(), ids);
  EXPECT_EQ(distance(logits_of(lora, ids), plain), 0);
  lora.parameters().at("base_model.model.lm_head.weight").mul_(2);
  EXPECT_LE(distance(logits_of(lora, ids), plain * 2), 1e-5);
  EXPECT_EQ(distance(logits_of(model.model(), ids), plain), 0);
  ASSERT_TRUE(lora.merge().has_value());
  EXPECT_LE(distance(logits_of(model.model(), ids), plain * 2), 1e-5);
  ASSERT_TRUE(lora.unmerge().has_value());
  EXPECT_EQ(distance(logits_of(model.model(), ids), plain), 0);
}

class PeftFiles : public testing::Test {
 protected:
  Json config() const { return *read_json_file(path_ + "/adapter_config.json"); }
  void change(std::string_view key, Json value) const {
    Json changed = config();
    changed.set(key, std::move(value));
    CUPEL_CHECK(write_file_atomic(path_ + "/adapter_config.json", dump_json(changed)).has_value(),
                "");
  }
  Error error() const {
    const auto lora = Lora::load(model_.model(), path_);
    return lora ? Error{} : lora.error();
  }
  void save(const LoraOptions& options) {
    const Lora lora = lora_of(model_.model(), options);
    disturb(lora);
    const auto saved = lora.save(path_);
    ASSERT_TRUE(saved.has_value()) << saved.error().message;
  }

  FamilyModel model_{"llama"};
  cupel::test::TemporaryFolder folder_;
  std::string path_ = folder_.file("adapter");
};

TEST_F(PeftFiles, LoadBackTheSame) {
  const std::vector<int64_t> ids = model_.ids();
  int number = 0;
  for (const LoraOptions& options :
       {LoraOptions{.rank = 4},
        LoraOptions{.rank = 3, .alpha = 5, .rslora = true, .targets = {"q_proj", "down_proj"}},
        LoraOptions{.dropout = 0.1, .targets = {"all-linear", "embed_tokens"}},
        LoraOptions{.dropout = 0.1, .dora = true},
        LoraOptions{.target_regex = ".*[qv]_proj", .modules_to_save = {"lm_head", "norm"}}}) {
    const Lora lora = lora_of(model_.model(), options);
    disturb(lora);
    const std::string path = folder_.file(format("adapter{}", number++));
    const auto saved = lora.save(path);
    ASSERT_TRUE(saved.has_value()) << saved.error().message;
    const auto back = Lora::load(model_.model(), path);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    EXPECT_EQ(back->parameters().size(), lora.parameters().size());
    EXPECT_EQ(back->options().dropout, options.dropout);
    const tensor::RecordingGuard off(false);
    EXPECT_EQ(distance(logits_of(*back, ids), logits_of(lora, ids)), 0);
  }
}

// The names that PEFT 0.11 and later save, and what its configuration needs.
TEST_F(PeftFiles, HavePeftsNames) {
  save({.rank = 4, .alpha = 8, .targets = {"q_proj", "embed_tokens"}});
  const auto file = engine::SafetensorsFile::open(path_ + "/adapter_model.safetensors");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  std::vector<std::string> names;
  for (const engine::SafetensorsTensor& tensor : file->tensors()) {
    names.emplace_back(tensor.name);
  }
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.";
  EXPECT_THAT(names, testing::IsSupersetOf({q + "lora_A.weight", q + "lora_B.weight"}));
  EXPECT_THAT(names,
              testing::IsSupersetOf({"base_model.model.model.embed_tokens.lora_embedding_A",
                                     "base_model.model.model.embed_tokens.lora_embedding_B"}));
  EXPECT_EQ(file->find_tensor(q + "lora_A.weight")->shape, (std::vector<uint64_t>{4, 64}));
  EXPECT_EQ(file->find_tensor(q + "lora_B.weight")->shape, (std::vector<uint64_t>{64, 4}));
  const Json json = config();
  EXPECT_EQ(json.find("peft_type")->as_string(), "LORA");
  EXPECT_EQ(json.find("r")->as_int(), 4);
  EXPECT_EQ(json.find("lora_alpha")->as_double(), 8);
  EXPECT_FALSE(json.find("use_dora")->as_bool());
  EXPECT_EQ(json.find("target_modules")->size(), 3U);
}

TEST_F(PeftFiles, OfDoraHaveAMagnitudeOfEveryModule) {
  save({.rank = 4, .dora = true, .targets = {"q_proj"}});
  const auto file = engine::SafetensorsFile::open(path_ + "/adapter_model.safetensors");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->tensors().size(), 6U);  // three of each of two layers
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.";
  ASSERT_NE(file->find_tensor(q + "lora_magnitude_vector"), nullptr);
  EXPECT_TRUE(config().find("use_dora")->as_bool());
  // PEFT gives an embedding a magnitude as well, along its width: without one of ours in the file
  // it would begin one of its own.
  change("target_modules", Json::array().push_back("q_proj").push_back("embed_tokens"));
  EXPECT_EQ(error().code, Code::kUnsupported);
  EXPECT_THAT(error().message, HasSubstr("lora.dora: model.embed_tokens is an embedding"));
  EXPECT_EQ(Lora::create(model_.model(), {.dora = true, .targets = {"embed_tokens"}}).error().code,
            Code::kUnsupported);
}

TEST_F(PeftFiles, AreTrainedFurtherAsWhatTheyAre) {
  const LoraOptions begun{.rank = 4,
                          .alpha = 8,
                          .dropout = 0.1,
                          .targets = {"q_proj", "v_proj"},
                          .modules_to_save = {"norm"},
                          .seed = 1};
  save(begun);
  LoraOptions further = begun;
  further.dropout = 0.3;
  further.seed = 9;
  further.targets.clear();
  further.target_regex = ".*[qv]_proj";  // the same modules in other words
  const auto lora = Lora::resume(model_.model(), path_, further);
  ASSERT_TRUE(lora.has_value()) << lora.error().message;
  EXPECT_EQ(lora->options().dropout, 0.3);
  EXPECT_EQ(lora->options().seed, 9U);
  const tensor::RecordingGuard off(false);
  const auto loaded = Lora::load(model_.model(), path_);
  EXPECT_EQ(distance(logits_of(*lora, model_.ids()), logits_of(*loaded, model_.ids())), 0);
}

TEST_F(PeftFiles, AreNotTrainedFurtherAsSomethingElse) {
  const LoraOptions begun{.rank = 4, .alpha = 8, .targets = {"q_proj", "v_proj"}};
  save(begun);
  const auto message = [&](const std::function<void(LoraOptions&)>& change) {
    LoraOptions other = begun;
    change(other);
    const auto lora = Lora::resume(model_.model(), path_, other);
    EXPECT_FALSE(lora.has_value());
    return lora ? std::string() : lora.error().message;
  };
  EXPECT_THAT(message([](LoraOptions& o) { o.rank = 16; }),
              HasSubstr("lora.rank is 16, and the adapter " + path_ + " has 4"));
  EXPECT_THAT(message([](LoraOptions& o) { o.alpha = 16; }), HasSubstr("lora.alpha is 16"));
  EXPECT_THAT(message([](LoraOptions& o) { o.rslora = true; }), HasSubstr("lora.rslora is true"));
  EXPECT_THAT(message([](LoraOptions& o) { o.dora = true; }), HasSubstr("lora.dora is true"));
  EXPECT_THAT(message([](LoraOptions& o) { o.targets = {"all-linear"}; }),
              HasSubstr("lora.targets names model.layers.0.mlp.down_proj"));
  EXPECT_THAT(message([](LoraOptions& o) { o.targets = {"q_proj"}; }),
              HasSubstr("has model.layers.0.self_attn.v_proj, which lora.targets does not name"));
  EXPECT_THAT(message([](LoraOptions& o) { o.modules_to_save = {"norm"}; }),
              HasSubstr("lora.modules_to_save names model.norm.weight"));
  EXPECT_THAT(Lora::resume(model_.model(), folder_.file("none"), begun).error().message,
              HasSubstr("is no adapter (it has no adapter_config.json)"));
}

TEST_F(PeftFiles, OfOtherProgramsLoad) {
  save({.rank = 4, .targets = {"q_proj"}});
  change("target_modules", Json::array().push_back("q_proj"));
  change("rank_pattern", Json::object());
  change("megatron_core", "megatron.core");
  change("layers_to_transform", Json());
  EXPECT_TRUE(Lora::load(model_.model(), path_).has_value()) << error().message;
}

TEST_F(PeftFiles, BesideAChangedBaseAreRefused) {
  save({.rank = 4, .targets = {"q_proj"}});
  for (const Json& plain : {Json(true), Json(false), Json(), Json("gaussian"), Json("Gaussian"),
                            Json("eva"), Json("orthogonal"), Json("mica")}) {
    change("init_lora_weights", plain);
    EXPECT_TRUE(Lora::load(model_.model(), path_).has_value()) << error().message;
  }
  for (const std::string_view other :
       {"pissa", "pissa_niter_16", "olora", "corda", "lora_ga", "loftq", "of_next_year"}) {
    change("init_lora_weights", Json(other));
    EXPECT_EQ(error().code, Code::kUnsupported) << other;
    EXPECT_THAT(error().message, HasSubstr(format("\"init_lora_weights\" is \"{}\"", other)));
    EXPECT_THAT(error().message, HasSubstr("path_initial_model_for_weight_conversion"));
  }
  change("init_lora_weights", 1);
  EXPECT_EQ(error().code, Code::kUnsupported);
}

TEST_F(PeftFiles, ThatDoNotFitAreRefused) {
  save({.rank = 4, .targets = {"q_proj"}});
  EXPECT_EQ(lora_of(model_.model(), {}).save(path_).error().code, Code::kFailedPrecondition);
  change("r", 5);
  EXPECT_EQ(error().code, Code::kCorruptData);
  EXPECT_THAT(error().message, HasSubstr("lora_A.weight has shape [4, 64]; expected [5, 64]"));
  change("r", 4);
  change("target_modules", Json::array().push_back("q_proj").push_back("v_proj"));
  EXPECT_EQ(error().code, Code::kCorruptData);  // no tensors of v_proj
  change("target_modules", Json::array().push_back("layers.0.self_attn.q_proj"));
  EXPECT_THAT(error().message, HasSubstr("belongs to no module"));
  change("target_modules", Json::array());
  EXPECT_THAT(error().message, HasSubstr("belongs to no module"));
  change("target_modules", Json::array().push_back("q_proj"));
  EXPECT_TRUE(Lora::load(model_.model(), path_).has_value()) << error().message;
  change("bias", "all");
  EXPECT_EQ(error().code, Code::kUnsupported);
  change("bias", "none");
  change("rank_pattern", Json::object().set("q_proj", 8));
  EXPECT_EQ(error().code, Code::kUnsupported);
  change("rank_pattern", Json::object());
  change("peft_type", "LOHA");
  EXPECT_EQ(error().code, Code::kUnsupported);
  change("peft_type", "LORA");
  change("use_something_new", true);
  EXPECT_THAT(error().message, HasSubstr("use_something_new"));
  ASSERT_TRUE(std::filesystem::remove(path_ + "/adapter_config.json"));
  EXPECT_EQ(error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel::train
