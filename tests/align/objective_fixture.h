#pragma once

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "align/objectives/preference_objective.h"
#include "base/rng.h"
#include "tensor/autograd.h"
#include "train/data/batcher.h"
#include "train/loop/batch_pass.h"
#include "train/loop/learner.h"
#include "train/loop/step.h"
#include "train_model/twin_fixture.h"

namespace cupel::align::test {

using train::test::FamilyModel;

template <typename T>
T expect_value(Result<T> result) {
  CUPEL_CHECK(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}

/// A tiny llama in f64 to be trained, and rows of random ids.
class ObjectiveFixture {
 public:
  explicit ObjectiveFixture(std::string_view family = "llama") : family_(family, at::kDouble) {
    learner_ = make_learner(family_.model());
  }

  static std::unique_ptr<train::Learner> make_learner(const train::Model& model) {
    return expect_value(
        train::Learner::create(model, {.lora = {}, .twin = {.compute = at::kDouble}}));
  }
  /// A model of its own, moved a little: a reference that is not the policy.
  std::unique_ptr<train::Learner> moved_learner(double by) const {
    train::Model model = family_.model();
    model.parameters = family_.model().parameters.clone();
    uint64_t seed = 50;
    for (const train::ParameterSet::Entry& entry : model.parameters.entries()) {
      const std::vector<int64_t> shape(entry.tensor.sizes().begin(), entry.tensor.sizes().end());
      entry.tensor.detach().add_(train::test::random_tensor(shape, ++seed) * by);
    }
    return make_learner(model);
  }

  [[nodiscard]] train::Learner& learner() { return *learner_; }
  [[nodiscard]] std::vector<at::Tensor> parameters() const {
    std::vector<at::Tensor> tensors;
    for (const train::ParameterSet::Entry& entry : learner_->trained().entries()) {
      tensors.push_back(entry.tensor);
    }
    return tensors;
  }

  /// A text of that many ids, the last `learnt` of them with weight 1.
  train::Example example(int64_t tokens, int64_t learnt) {
    train::Example example;
    const auto vocabulary = static_cast<uint64_t>(family_.model().description.vocabulary_size);
    for (int64_t i = 0; i < tokens; ++i) {
      example.ids.push_back(static_cast<int32_t>(rng_.below(vocabulary)));
      example.weights.push_back(i < tokens - learnt ? 0.0F : 1.0F);
    }
    example.id = "row " + std::to_string(++rows_);
    return example;
  }
  /// Answers of those lengths to a prompt.
  train::ExampleGroup group(int64_t prompt, const std::vector<int64_t>& answers) {
    train::ExampleGroup group;
    const train::Example start = example(prompt, 0);
    group.prompt_tokens = prompt;
    group.id = start.id;
    for (const int64_t length : answers) {
      const train::Example end = example(length, length);
      train::Example& answer = group.answers.emplace_back(start);
      answer.ids.insert(answer.ids.end(), end.ids.begin(), end.ids.end());
      answer.weights.insert(answer.weights.end(), end.weights.begin(), end.weights.end());
    }
    return group;
  }

 private:
  FamilyModel family_;
  std::unique_ptr<train::Learner> learner_;
  Rng rng_{7};
  int rows_ = 0;
};

inline train::DataSet data_of(std::vector<train::ExampleGroup> groups) {
  train::DataSet data;
  for (const train::ExampleGroup& group : groups) {
    data.lengths.push_back(train::group_tokens(group));
    data.characters.push_back(1);
  }
  data.groups = std::move(groups);
  return data;
}
inline train::DataSet data_of(std::vector<train::Example> examples) {
  train::DataSet data;
  for (const train::Example& example : examples) {
    data.lengths.push_back(static_cast<int64_t>(example.ids.size()));
    data.characters.push_back(1);
  }
  data.examples = std::move(examples);
  return data;
}

/// All rows as one step, `micro` at once.
inline train::StepPlan one_step(const train::DataSet& data,
                                int64_t micro,
                                train::BatchOptions options = {}) {
  options.order.shuffle = false;
  options.micro_batch = micro;
  // Items that are cut have several bins, each with a token at least.
  options.batch = micro * std::accumulate(data.lengths.begin(), data.lengths.end(), int64_t{0});
  options.whole_items = data.examples.empty();
  return expect_value(train::Batcher::create(options, data.lengths)).next();
}

struct Computed {
  train::StepResult result;
  std::vector<at::Tensor> gradients;
};

inline Computed compute(train::Objective& objective,
                        const std::vector<at::Tensor>& parameters,
                        const train::StepPlan& plan) {
  const auto alone = train::single_process();
  train::StepRunner runner(objective, parameters, *alone);
  Computed computed{.result = expect_value(runner.train(plan, 1)), .gradients = {}};
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor& gradient = runner.gradients()[i];
    computed.gradients.push_back(gradient.defined() ? gradient.clone()
                                                    : at::zeros_like(parameters[i]));
  }
  return computed;
}

inline void expect_same(const std::vector<at::Tensor>& a,
                        const std::vector<at::Tensor>& b,
                        double allowed) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_LE((a[i] - b[i]).abs().max().item<double>(), allowed) << "parameter " << i;
  }
}

/// Log-probs [n] of the trained tokens of a text by the plain way: alone, all logits, log-softmax.
inline at::Tensor plain_logps(train::Twin& twin, const train::Example& text) {
  std::vector<int64_t> ids(text.ids.begin(), text.ids.end());
  const at::Tensor hidden = train::test::hidden_of(twin, ids);
  const at::Tensor all = at::log_softmax(twin.logits(hidden), -1);  // [T, V]
  std::vector<at::Tensor> found;
  for (size_t i = 1; i < ids.size(); ++i) {
    if (text.weights[i] != 0) {
      found.push_back(all.select(0, static_cast<int64_t>(i) - 1).select(0, ids[i]));
    }
  }
  return at::stack(found, 0);
}

}  // namespace cupel::align::test
