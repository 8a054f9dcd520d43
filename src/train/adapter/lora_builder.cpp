#include "train/adapter/lora_builder.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/regex.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/model/hf/translation.h"

namespace cupel::train {
namespace {

constexpr std::string_view kAllLinear = "all-linear";
constexpr int64_t kMostRank = 1 << 16;

/// A stream of draws of its own for every name.
uint64_t stream_of(std::string_view name) {
  uint64_t stream = 0;
  for (const char digit : fingerprint(name).substr(0, 16)) {
    stream = stream * 16 + static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return stream;
}

/// Uniform in ±bound.
at::Tensor uniform(at::IntArrayRef shape, double bound, uint64_t seed, uint64_t stream) {
  at::Tensor result = at::empty(shape, at::kDouble);
  for (int64_t i = 0; i < result.numel(); ++i) {
    result.mutable_data_ptr<double>()[i] =
        bound * (2 * random_unit(seed, stream, static_cast<uint64_t>(i)) - 1);
  }
  return result;
}

Result<Ok> check(const LoraOptions& options) {
  if (options.rank < 1 || options.rank > kMostRank) {
    return invalid_argument("lora.rank is {}; expected 1 to {}", options.rank, kMostRank);
  }
  if (!std::isfinite(options.alpha) || options.alpha <= 0) {
    return invalid_argument("lora.alpha is {}; expected a positive number", options.alpha);
  }
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    return invalid_argument("lora.dropout is {}; expected a number from 0 to less than 1",
                            options.dropout);
  }
  return Ok{};
}

bool names(std::string_view module, std::string_view target) {
  return module == target || (module.size() > target.size() && module.ends_with(target) &&
                              module[module.size() - target.size() - 1] == '.');
}

}  // namespace

double lora_scale(const LoraOptions& options) {
  const auto rank = static_cast<double>(options.rank);
  return options.alpha / (options.rslora ? std::sqrt(rank) : rank);
}

Result<LoraBuilder> LoraBuilder::create(const Model& model, const LoraOptions& options) {
  CUPEL_TRY_VOID(check(options));
  CUPEL_TRY(Twin twin, Twin::create(model));
  LoraBuilder builder;
  for (const Linear* linear : twin.linears()) {
    const std::string gguf =
        engine::hf::gguf_name(linear->name + ".weight", model.family->hf.names);
    builder.modules_.push_back({.name = linear->name,
                                .weight = linear->weight,
                                .routes = gguf.find(".ffn_gate_inp") != std::string::npos});
  }
  builder.modules_.push_back(
      {.name = twin.embedding().name, .weight = twin.embedding().weight, .embedding = true});
  builder.lora_.options_ = options;
  builder.lora_.model_ = model;
  return builder;
}

Result<std::vector<const LoraModule*>> LoraBuilder::targets() const {
  const LoraOptions& options = lora_.options_;
  std::vector<bool> chosen(modules_.size());
  if (!options.target_regex.empty()) {
    CUPEL_TRY(const Regex pattern,
              Regex::compile("^(?:" + options.target_regex + ")$", {.match_limit = 100'000}));
    for (size_t i = 0; i < modules_.size(); ++i) {
      chosen[i] = pattern.find(modules_[i].name).found;
    }
    if (std::find(chosen.begin(), chosen.end(), true) == chosen.end()) {
      return invalid_argument("lora.target_regex \"{}\" fits no module; they are called like {}",
                              printable(options.target_regex), modules_.front().name);
    }
  }
  for (const std::string& target :
       options.target_regex.empty() ? options.targets : std::vector<std::string>()) {
    bool found = false;
    for (size_t i = 0; i < modules_.size(); ++i) {
      const LoraModule& module = modules_[i];
      const bool fits =
          target == kAllLinear ? !module.embedding && !module.routes : names(module.name, target);
      chosen[i] = chosen[i] || fits;
      found = found || fits;
    }
    if (!found) {
      return invalid_argument("lora.targets: \"{}\" is no module of this model{}; it has: {}",
                              printable(target), head_note(), join(kinds(), ", "));
    }
  }
  std::vector<const LoraModule*> result;
  for (size_t i = 0; i < modules_.size(); ++i) {
    if (chosen[i]) {
      CUPEL_TRY_VOID(check_target(modules_[i]));
      result.push_back(&modules_[i]);
    }
  }
  return result;
}

Result<Ok> LoraBuilder::check_target(const LoraModule& module) const {
  // The adapter of an embedding does not change the head, and both are one matrix: merged, it would
  // be another model than the one that was trained.
  if (module.embedding && lora_.model_.description.tied_head) {
    return unsupported(
        "lora.targets: {} is embedding and head of this model in one matrix, and an adapter "
        "changes "
        "the embedding alone; leave it out, or train all parameters",
        printable(module.name));
  }
  if (module.embedding && lora_.options_.dora) {
    return unsupported(
        "lora.dora: {} is an embedding, of which DoRA is not computed; leave it out of "
        "lora.targets, "
        "or set lora.dora = false",
        printable(module.name));
  }
  return Ok{};
}

std::vector<std::string> LoraBuilder::kinds() const {
  std::vector<std::string> result;
  for (const LoraModule& module : modules_) {
    const std::string kind = module.name.substr(module.name.rfind('.') + 1);
    if (std::find(result.begin(), result.end(), kind) == result.end()) {
      result.push_back(kind);
    }
  }
  return result;
}

std::string_view LoraBuilder::head_note() const {
  return lora_.model_.description.tied_head ? " (its head is the embedding)" : "";
}

void LoraBuilder::add_fresh(const LoraModule& module) {
  const LoraOptions& options = lora_.options_;
  const int64_t inputs = module.weight.size(module.embedding ? 0 : 1);
  const int64_t outputs = module.weight.size(module.embedding ? 1 : 0);
  const auto number = module.weight.options().dtype(
      module.weight.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  LoraPart part = blank(module);
  part.a = uniform({options.rank, inputs}, bound, options.seed, part.stream).to(number);
  part.b = at::zeros({outputs, options.rank}, number);
  if (options.dora) {
    part.magnitude = row_norms(part);
  }
  add(std::move(part));
}

LoraPart LoraBuilder::blank(const LoraModule& module) const {
  const LoraOptions& options = lora_.options_;
  return {.module = module.name,
          .weight = module.weight,
          .embedding = module.embedding,
          .scale = lora_scale(options),
          .dropout = options.dropout,
          .seed = options.seed,
          .stream = stream_of(module.name)};
}

void LoraBuilder::add(LoraPart part) {
  const std::string name = "base_model.model." + part.module;
  part.a.set_requires_grad(true);
  part.b.set_requires_grad(true);
  lora_.parameters_.add(name + (part.embedding ? ".lora_embedding_A" : ".lora_A.weight"), part.a);
  lora_.parameters_.add(name + (part.embedding ? ".lora_embedding_B" : ".lora_B.weight"), part.b);
  if (part.magnitude.defined()) {
    part.magnitude.set_requires_grad(true);
    lora_.parameters_.add(name + ".lora_magnitude_vector", part.magnitude);
  }
  lora_.parts_.push_back(std::make_shared<LoraPart>(std::move(part)));
}

Result<std::vector<std::string>> LoraBuilder::whole_parameters() const {
  std::vector<std::string> result;
  const Model& model = lora_.model_;
  for (const std::string& wanted : lora_.options_.modules_to_save) {
    bool found = false;
    for (const ParameterSet::Entry& entry : model.parameters.entries()) {
      const std::string module = entry.name.substr(0, entry.name.rfind('.'));
      if (!names(module, wanted)) {
        continue;
      }
      found = true;
      for (const auto& part : lora_.parts_) {
        if (part->module == module) {
          return invalid_argument("lora.modules_to_save: {} is a target of adapters as well",
                                  printable(module));
        }
      }
      if (model.description.tied_head && entry.name == model.name_of("token_embd.weight")) {
        return unsupported(
            "lora.modules_to_save: {} is embedding and head of this model in one matrix, and a "
            "copy "
            "would part them; leave it out, or train all parameters",
            printable(module));
      }
      result.push_back(entry.name);
    }
    if (!found) {
      return invalid_argument("lora.modules_to_save: \"{}\" is no module of this model{}",
                              printable(wanted), head_note());
    }
  }
  return result;
}

void LoraBuilder::add_whole(const std::string& parameter, at::Tensor own) {
  own.set_requires_grad(true);
  lora_.parameters_.add("base_model.model." + parameter, own);
  lora_.whole_.push_back({.parameter = parameter,
                          .own = std::move(own),
                          .base = lora_.model_.parameters.at(parameter),
                          .before = {}});
}

Result<Lora> LoraBuilder::finish() {
  if (lora_.parameters_.size() == 0) {
    return invalid_argument(
        "lora.targets names no module, nor does lora.modules_to_save: there is nothing to train; "
        "set lora.targets, e.g. to [\"all-linear\"]");
  }
  lora_.model_.parameters.require_gradients(false);
  return std::move(lora_);
}

}  // namespace cupel::train
