// A flat batch of documents and branches gives each what it gives alone: logits and gradients, in
// f64, for every family.
#include <numeric>

#include "base/io.h"
#include "train_model/twin_fixture.h"

namespace cupel::train {
namespace {

using test::distance;
using test::FamilyModel;

constexpr double kExact = 1e-10;  // training-core, Done 5

/// Gradients of all parameters, in order; zeros where nothing flows.
std::vector<at::Tensor> gradients_of(const Model& model, const at::Tensor& loss) {
  std::vector<at::Tensor> parameters;
  for (const ParameterSet::Entry& entry : model.parameters.entries()) {
    parameters.push_back(entry.tensor);
  }
  std::vector<at::Tensor> found = tensor::gradients({loss}, parameters, {{}});
  for (size_t i = 0; i < found.size(); ++i) {
    found[i] = found[i].defined() ? found[i] : at::zeros_like(parameters[i]);
  }
  return found;
}

/// A loss that weighs every logit of every row differently: row `i` of a text as if it stood at row
/// `row + i` of the batch.
at::Tensor loss_of(const at::Tensor& logits, int64_t row) {
  const at::Tensor weights = test::random_tensor({64, logits.size(1)}, 9);
  return (logits.tanh() * weights.narrow(0, row, logits.size(0))).sum();
}

void expect_same_gradients(const Model& model,
                           const std::vector<at::Tensor>& a,
                           const std::vector<at::Tensor>& b,
                           double allowed) {
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_LE(distance(a[i], b[i]), allowed) << model.parameters.entries()[i].name;
  }
}

std::vector<int64_t> joined(std::span<const std::vector<int64_t>> texts) {
  std::vector<int64_t> all;
  for (const std::vector<int64_t>& text : texts) {
    all.insert(all.end(), text.begin(), text.end());
  }
  return all;
}

class TwinPacking : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { model_.model().parameters.require_gradients(true); }

  /// Text `i` of several: part of the fixture's ids.
  [[nodiscard]] std::vector<int64_t> part(size_t begin, size_t length) const {
    const std::vector<int64_t> ids = model_.ids();
    return {ids.begin() + static_cast<int64_t>(begin),
            ids.begin() + static_cast<int64_t>(begin + length)};
  }

  FamilyModel model_{GetParam(), at::kDouble};
};

TEST_P(TwinPacking, DocumentsDoNotSeeEachOther) {
  Twin twin = model_.twin({.compute = at::kDouble});
  const std::vector<std::vector<int64_t>> texts{part(0, 17), part(17, 3), part(20, 12)};
  const at::Tensor packed = twin.logits(
      test::hidden_of(twin, test::tensor_of(joined(texts)), test::layout_of({{17, 3, 12}})));
  at::Tensor loss = at::zeros({}, at::kDouble);
  int64_t row = 0;
  for (const std::vector<int64_t>& text : texts) {
    const at::Tensor alone = twin.logits(test::hidden_of(twin, text));
    EXPECT_LE(distance(packed.narrow(0, row, alone.size(0)), alone), kExact);
    loss = loss + loss_of(alone, row);
    row += alone.size(0);
  }
  expect_same_gradients(model_.model(), gradients_of(model_.model(), loss_of(packed, 0)),
                        gradients_of(model_.model(), loss), kExact * 100);
}

// One pass over the prompt, with two answers as its branches, and another text behind them.
TEST_P(TwinPacking, BranchesAreTheSameAsWholeTexts) {
  Twin twin = model_.twin({.compute = at::kDouble});
  const std::vector<int64_t> prompt = part(0, 11);
  const std::vector<std::vector<int64_t>> parts{prompt, part(11, 9), part(20, 5), part(30, 4)};
  const at::Tensor tree = twin.logits(
      test::hidden_of(twin, test::tensor_of(joined(parts)),
                      test::layout_of({{11, 9, 5, 4}}, std::vector<int32_t>{-1, 0, 0, -1})));
  const at::Tensor chosen = twin.logits(
      test::hidden_of(twin, joined(std::vector<std::vector<int64_t>>{prompt, parts[1]})));
  const at::Tensor rejected = twin.logits(
      test::hidden_of(twin, joined(std::vector<std::vector<int64_t>>{prompt, parts[2]})));
  const at::Tensor other = twin.logits(test::hidden_of(twin, parts[3]));
  EXPECT_LE(distance(tree.narrow(0, 0, 20), chosen), kExact);
  EXPECT_LE(distance(tree.narrow(0, 20, 5), rejected.narrow(0, 11, 5)), kExact);
  EXPECT_LE(distance(tree.narrow(0, 25, 4), other), kExact);
  const at::Tensor apart =
      loss_of(chosen, 0) + loss_of(rejected.narrow(0, 11, 5), 20) + loss_of(other, 25);
  expect_same_gradients(model_.model(), gradients_of(model_.model(), loss_of(tree, 0)),
                        gradients_of(model_.model(), apart), kExact * 100);
}

TEST_P(TwinPacking, RecomputedLayersHaveTheSameGradients) {
  const auto run = [&](bool recompute) {
    Twin twin = model_.twin({.compute = at::kDouble, .recompute_layers = recompute});
    const at::Tensor logits = twin.logits(
        test::hidden_of(twin, test::tensor_of(part(0, 24)),
                        test::layout_of({{10, 8, 6}}, std::vector<int32_t>{-1, 0, -1})));
    return gradients_of(model_.model(), loss_of(logits, 0));
  };
  const std::vector<at::Tensor> plain = run(false);
  const std::vector<at::Tensor> again = run(true);
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(distance(plain[i], again[i]), 0) << model_.model().parameters.entries()[i].name;
  }
}

// Central differences in f64 of one element of every parameter, so of every kind of layer.
TEST_P(TwinPacking, GradientsAreFiniteDifferences) {
  constexpr double kStep = 1e-5;
  Twin twin = model_.twin({.compute = at::kDouble});
  const at::Tensor ids = test::tensor_of(part(0, 24));
  const PackedLayout layout = test::layout_of({{10, 8, 6}}, std::vector<int32_t>{-1, 0, -1});
  const auto loss = [&] { return loss_of(twin.logits(test::hidden_of(twin, ids, layout)), 0); };
  const std::vector<at::Tensor> gradients = gradients_of(model_.model(), loss());
  const tensor::RecordingGuard off(false);
  size_t index = 0;
  for (const ParameterSet::Entry& entry : model_.model().parameters.entries()) {
    // The element with the steepest slope, so that the difference is of the parameter.
    const int64_t place = gradients[index].abs().argmax().item<int64_t>();
    const double expected = gradients[index].flatten()[place].item<double>();
    at::Tensor element = entry.tensor.view(-1)[place];
    const double before = element.item<double>();
    element.fill_(before + kStep);
    const double above = loss().item<double>();
    element.fill_(before - kStep);
    const double below = loss().item<double>();
    element.fill_(before);
    EXPECT_NEAR((above - below) / (2 * kStep), expected, 1e-5 * std::max(1.0, std::abs(expected)))
        << entry.name;
    ++index;
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         TwinPacking,
                         testing::ValuesIn(cupel::test::family_fixtures()),
                         [](const auto& name) { return name.param; });

TEST(PackedLayout, CountsPositionsFromWhatABranchContinues) {
  const PackedLayout layout =
      test::layout_of({{3, 2, 2, 1, 2}}, std::vector<int32_t>{-1, 0, 0, 2, -1});
  EXPECT_EQ(layout.positions(), (std::vector<int64_t>{0, 1, 2, 3, 4, 3, 4, 5, 0, 1}));
  EXPECT_EQ(layout.ancestors(3), (std::vector<size_t>{0, 2}));
  EXPECT_EQ(layout.tokens(), 10);
}

TEST(PackedLayout, ReadsTheDocumentOfEachToken) {
  const std::vector<int32_t> document{0, 0, 1, 2, 2};
  const auto layout = PackedLayout::of_tokens(document, std::vector<int32_t>{-1, 0, -1});
  ASSERT_TRUE(layout.has_value()) << layout.error().message;
  EXPECT_EQ(layout->lengths(), (std::vector<int64_t>{2, 1, 2}));
  EXPECT_EQ(layout->documents()[1].parent, 0);
}

TEST(PackedLayout, RefusesWhatIsNoTree) {
  const auto of = [](std::vector<DocumentSpan> documents) {
    const auto layout = PackedLayout::create(std::move(documents));
    return layout ? Code::kInternal : layout.error().code;
  };
  EXPECT_EQ(of({{.begin = 0, .length = 0}}), Code::kInvalidArgument);
  EXPECT_EQ(of({{.begin = 1, .length = 2}}), Code::kInvalidArgument);
  EXPECT_EQ(of({{.begin = 0, .length = 2, .parent = 0}}), Code::kInvalidArgument);
  EXPECT_EQ(of({{.begin = 0, .length = 2, .parent = -2}}), Code::kInvalidArgument);
  const std::vector<int32_t> gap{0, 2};
  EXPECT_FALSE(PackedLayout::of_tokens(gap).has_value());
  const std::vector<int32_t> back{0, 1, 0};
  EXPECT_FALSE(PackedLayout::of_tokens(back).has_value());
  const std::vector<int32_t> two{0, 1};
  EXPECT_FALSE(PackedLayout::of_tokens(two, std::vector<int32_t>{-1}).has_value());
  EXPECT_FALSE(PackedLayout::of_tokens(two, std::vector<int32_t>{-1, 0, 0}).has_value());
}

// The factors of a prompt are those of its answers, which must agree.
TEST(Twin, RefusesBranchesOnBothSidesOfLongRopesBorder) {
  const FamilyModel model("phi3_long_beyond");  // beyond 30 positions
  Twin twin = model.twin();
  const auto plan = [&](std::vector<int64_t> lengths) {
    return twin.plan(test::layout_of(lengths, std::vector<int32_t>{-1, 0, 0}));
  };
  EXPECT_TRUE(plan({20, 10, 9}).has_value());
  EXPECT_TRUE(plan({20, 11, 12}).has_value());
  const auto mixed = plan({20, 11, 10});
  ASSERT_FALSE(mixed.has_value());
  EXPECT_EQ(mixed.error().code, Code::kUnsupported);
}

TEST(Twin, RefusesParametersThatDoNotFit) {
  const FamilyModel model("llama");
  const auto error_of = [](const Model& changed) {
    const auto twin = Twin::create(changed);
    return twin ? Error{} : twin.error();
  };
  const auto without = [&](std::string_view name, const at::Tensor& instead) {
    Model changed = model.model();
    changed.parameters = ParameterSet();
    for (const ParameterSet::Entry& entry : model.model().parameters.entries()) {
      if (entry.name != name) {
        changed.parameters.add(entry.name, entry.tensor);
      } else if (instead.defined()) {
        changed.parameters.add(entry.name, instead);
      }
    }
    return changed;
  };
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  EXPECT_EQ(error_of(without(name, {})).code, Code::kCorruptData);
  EXPECT_NE(error_of(without(name, {})).message.find(name), std::string::npos);
  EXPECT_EQ(error_of(without(name, at::zeros({3, 4}))).code, Code::kCorruptData);
  Model more = model.model();
  more.parameters = model.model().parameters.clone();
  more.parameters.add("model.layers.1.mlp.up_proj.bias2", at::zeros({3}));
  EXPECT_EQ(error_of(more).code, Code::kUnsupported);
}

TEST(Twin, RefusesDualChunkAttention) {
  Json fixture = cupel::test::family_fixture("qwen2");
  Json config = *fixture.find("config");
  config.set("dual_chunk_attention_config",
             Json::object().set("chunk_size", 10).set("local_size", 4));
  fixture.set("config", config);
  const FamilyModel model(at::kFloat, fixture);
  const auto twin = Twin::create(model.model());
  ASSERT_FALSE(twin.has_value());
  EXPECT_EQ(twin.error().code, Code::kUnsupported);
}

TEST(LoadModel, RefusesAnEncoder) {
  const auto files = list_folder(cupel::test::test_data("oracles/encoders"));
  ASSERT_TRUE(files.has_value() && !files->empty());
  const auto fixture = read_json_file(cupel::test::test_data("oracles/encoders/" + files->front()));
  ASSERT_TRUE(fixture.has_value());
  const cupel::test::TemporaryFolder folder;
  ASSERT_TRUE(cupel::test::write_seeded_checkpoint(*fixture, folder.path()).has_value());
  const auto model = load_model(folder.path());
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace cupel::train
