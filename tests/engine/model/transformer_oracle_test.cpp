// The transformer on both test models against transformers on dequantised weights. The fixtures
// (bench/oracles/logits_oracle.py, perplexity_oracle.py) name its version.
//
// f32 activations: within 2e-3 of every logit shown. int8 activations: same likeliest token at 99%
// of the positions whose f32 top two lie 0.2 apart, log-probs within 0.03 nats on average,
// perplexity within 0.5%.
#include <algorithm>
#include <cmath>
#include <mutex>

#include <gtest/gtest.h>

#include "base/format.h"
#include "base/io.h"
#include "engine/runtime/transformer.h"
#include "engine/tokenizer/from_gguf.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

struct Model {
  const char* id;
  const char* file;
};

struct Loaded {
  Checkpoint file;
  std::unique_ptr<Transformer> transformer;
};

Result<Loaded> load(const Model& model, Activations activations) {
  CUPEL_TRY(Checkpoint file, Checkpoint::open(test::model_file(model.file)));
  EngineOptions options;
  options.activations = activations;
  CUPEL_TRY(auto transformer, Transformer::load(file, options));
  return Loaded{std::move(file), std::move(transformer)};
}

// Feeds ids and hands out the logits of every position.
Result<Ok> feed(Transformer& transformer,
                const std::vector<TokenId>& ids,
                const LogitsVisitor& visit) {
  SequenceState sequence = transformer.new_sequence();
  std::vector<StepRow> rows;
  for (const TokenId id : ids) {
    rows.push_back({.sequence = &sequence, .token = id, .logits = true});
  }
  return transformer.step(rows, visit);
}

// One position of the fixture and what the engine says there.
struct Position {
  Json expected;
  double max_error = 0;
  bool top1 = false;
  bool clear = false;  // the reference's top two lie at least 0.2 apart
  double logprob_error = 0;
};

struct Fixture {
  std::vector<TokenId> probes;
  struct Prompt {
    std::vector<TokenId> ids;  // one more than is fed
    std::vector<Json> positions;
  };
  std::vector<Prompt> prompts;
};

std::vector<TokenId> ids_of(const Json& list) {
  std::vector<TokenId> ids;
  for (const Json& id : list.as_array()) {
    ids.push_back(static_cast<TokenId>(id.as_int()));
  }
  return ids;
}

Result<Fixture> read_fixture(const Model& model) {
  Fixture fixture;
  const std::string path = test::test_data(format("oracles/logits_{}.jsonl", model.id));
  CUPEL_TRY_VOID(for_each_jsonl_file(path, [&](Json&& row, size_t) -> Result<Ok> {
    if (const Json* probes = row.find("probe_ids")) {
      fixture.probes = ids_of(*probes);
    } else if (const Json* ids = row.find("ids")) {
      fixture.prompts.push_back({ids_of(*ids), {}});
    } else {
      fixture.prompts.back().positions.push_back(std::move(row));
    }
    return Ok{};
  }));
  return fixture;
}

Position compare(const Json& expected,
                 const std::vector<TokenId>& probes,
                 TokenId next,
                 const Operators& operators,
                 std::span<const float> logits) {
  Position position;
  const auto check = [&](TokenId id, double value) {
    const double error = std::abs(static_cast<double>(logits[static_cast<size_t>(id)]) - value);
    position.max_error = std::max(position.max_error, error);
  };
  const auto top_ids = ids_of(*expected.find("top_ids"));
  const auto& top = expected.find("top_logits")->as_array();
  for (size_t i = 0; i < top_ids.size(); ++i) {
    check(top_ids[i], top[i].as_double());
  }
  const auto& probe_logits = expected.find("probe_logits")->as_array();
  for (size_t i = 0; i < probes.size(); ++i) {
    check(probes[i], probe_logits[i].as_double());
  }
  const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
  position.top1 = best == top_ids.front();
  position.clear = top[0].as_double() - top[1].as_double() >= 0.2;
  const double logprob = static_cast<double>(logits[static_cast<size_t>(next)]) -
                         operators.log_sum_exp(logits.data(), static_cast<int64_t>(logits.size()));
  position.logprob_error = std::abs(logprob - expected.find("next_logp")->as_double());
  return position;
}

Result<std::vector<Position>> compare_all(const Model& model, Activations activations) {
  CUPEL_TRY(const Fixture fixture, read_fixture(model));
  CUPEL_TRY(const Loaded loaded, load(model, activations));
  std::vector<Position> all;
  for (const Fixture::Prompt& prompt : fixture.prompts) {
    const std::vector<TokenId> fed(prompt.ids.begin(), prompt.ids.end() - 1);
    const auto first = prompt.positions.front().find("position")->as_int();
    std::mutex mutex;
    CUPEL_TRY_VOID(feed(*loaded.transformer, fed, [&](size_t row, std::span<float> logits) {
      const int64_t index = static_cast<int64_t>(row) - first;
      if (index < 0 || index >= static_cast<int64_t>(prompt.positions.size())) {
        return;
      }
      const Position position =
          compare(prompt.positions[static_cast<size_t>(index)], fixture.probes, prompt.ids[row + 1],
                  loaded.transformer->operators(), logits);
      const std::lock_guard lock(mutex);
      all.push_back(position);
    }));
  }
  return all;
}

Result<double> mean_nll(const Model& model, Activations activations) {
  CUPEL_TRY(const Loaded loaded, load(model, activations));
  CUPEL_TRY(const auto tokenizer, load_tokenizer(loaded.file));
  CUPEL_TRY(const std::string text, read_file(test::test_data("oracles/perplexity_text.txt")));
  const std::vector<TokenId> ids = tokenizer->encode(text, {.add_special = true});
  std::vector<double> nll(ids.size(), 0);
  CUPEL_TRY_VOID(feed(*loaded.transformer, ids, [&](size_t row, std::span<float> logits) {
    if (row + 1 < ids.size()) {
      const double normaliser = loaded.transformer->operators().log_sum_exp(
          logits.data(), static_cast<int64_t>(logits.size()));
      nll[row] = normaliser - static_cast<double>(logits[static_cast<size_t>(ids[row + 1])]);
    }
  }));
  double sum = 0;
  for (const double value : nll) {
    sum += value;
  }
  return sum / static_cast<double>(ids.size() - 1);
}

class TransformerOracle : public ::testing::TestWithParam<Model> {};

TEST_P(TransformerOracle, LogitsNearTransformersInF32) {
  CUPEL_SKIP_UNLESS(test::model_file(GetParam().file),
                    "the model was not fetched: logits not shown");
  const auto all = compare_all(GetParam(), Activations::kFloat32);
  ASSERT_TRUE(all.has_value()) << all.error().message;
  ASSERT_GE(all->size(), 3U * 64U);
  double worst = 0;
  for (const Position& position : *all) {
    worst = std::max(worst, position.max_error);
  }
  RecordProperty("max_logit_error", std::to_string(worst));
  EXPECT_LE(worst, 2e-3);
}

TEST_P(TransformerOracle, Int8ActivationsStayNearF32) {
  CUPEL_SKIP_UNLESS(test::model_file(GetParam().file), "the model was not fetched: int8 not shown");
  const auto all = compare_all(GetParam(), Activations::kInt8);
  ASSERT_TRUE(all.has_value()) << all.error().message;
  double clear = 0;
  double agree = 0;
  double error = 0;
  for (const Position& position : *all) {
    clear += position.clear ? 1 : 0;
    agree += position.clear && position.top1 ? 1 : 0;
    error += position.logprob_error;
  }
  RecordProperty("top1_agreement", std::to_string(agree / clear));
  RecordProperty("mean_logprob_error", std::to_string(error / static_cast<double>(all->size())));
  EXPECT_GE(agree / clear, 0.99);
  EXPECT_LE(error / static_cast<double>(all->size()), 0.03);
}

TEST_P(TransformerOracle, PerplexityWithinHalfAPercent) {
  CUPEL_SKIP_UNLESS(test::model_file(GetParam().file),
                    "the model was not fetched: perplexity not shown");
  const auto text = read_file(test::test_data("oracles/perplexity.json"));
  ASSERT_TRUE(text.has_value()) << text.error().message;
  const auto fixture = parse_json(*text);
  ASSERT_TRUE(fixture.has_value());
  const double expected =
      fixture->find("models")->find(GetParam().id)->find("mean_nll")->as_double();
  const auto nll = mean_nll(GetParam(), Activations::kInt8);
  ASSERT_TRUE(nll.has_value()) << nll.error().message;
  RecordProperty("perplexity_ratio", std::to_string(std::exp(*nll - expected)));
  EXPECT_NEAR(std::exp(*nll - expected), 1.0, 0.005);
}

INSTANTIATE_TEST_SUITE_P(Models,
                         TransformerOracle,
                         ::testing::Values(Model{"smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"},
                                           Model{"gemma3", "gemma-3-270m.Q4_K_M.gguf"}),
                         [](const auto& param) { return std::string(param.param.id); });

}  // namespace
}  // namespace cupel::engine
