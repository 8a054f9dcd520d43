#include "train/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/partial_folder.h"
#include "train/checkpoint/tensor_file.h"
#include "train/model/export.h"

namespace cupel::train {
namespace {

constexpr std::string_view kStep = "step-";
constexpr std::string_view kOptimizer = "optimizer-";
constexpr std::string_view kSteps = "steps_of_optimizer";

std::optional<int64_t> step_of(std::string_view name) {
  if (!name.starts_with(kStep)) {
    return std::nullopt;
  }
  int64_t step = -1;
  const char* const end = name.data() + name.size();
  const auto [stop, ec] = std::from_chars(name.data() + kStep.size(), end, step);
  return ec == std::errc() && stop == end && step >= 0 ? std::optional(step) : std::nullopt;
}

Result<Ok> save_trained(const Learner& learner, const std::string& folder) {
  if (learner.lora() != nullptr) {
    return learner.lora()->save(folder + "/adapter");
  }
  CUPEL_TRY_VOID(save_folder(learner.model(), folder + "/model"));
  return Ok{};
}

std::vector<NamedTensor> named(const ParameterSet& parameters) {
  std::vector<NamedTensor> result;
  for (const ParameterSet::Entry& entry : parameters.entries()) {
    result.push_back({.name = entry.name, .tensor = entry.tensor});
  }
  return result;
}

Result<Ok> load_trained(const Learner& learner, const std::string& folder) {
  const Lora* const lora = learner.lora();
  return lora != nullptr
             ? read_into(folder + "/adapter/adapter_model.safetensors", named(lora->parameters()))
             : read_into(folder + "/model", named(learner.model().parameters));
}

}  // namespace

Result<std::vector<int64_t>> CheckpointFolder::steps() const {
  std::vector<int64_t> result;
  CUPEL_TRY(const bool there, path_exists(folder_));
  if (!there) {
    return result;
  }
  CUPEL_TRY(const std::vector<std::string> names, list_folder(folder_));
  for (const std::string& name : names) {
    if (const auto step = step_of(name)) {
      result.push_back(*step);
    }
  }
  std::ranges::sort(result);
  return result;
}

std::string CheckpointFolder::path_of(int64_t step) const {
  return format("{}/{}{}", folder_, kStep, step);
}

Result<Ok> CheckpointFolder::save(int64_t step,
                                  const Learner& learner,
                                  const Optimiser& optimiser,
                                  const Json& state,
                                  Collective& collective) const {
  const std::string what = format("the checkpoint of step {}", step);
  std::optional<PartialFolder> folder;
  std::string path;
  Result<Ok> begun = Ok{};
  if (collective.rank() == 0) {
    begun = make_directories(folder_);
    if (begun) {
      auto made = PartialFolder::create(path_of(step));
      if (made) {
        folder.emplace(std::move(*made));
        path = folder->path();
      } else {
        begun = std::move(made).error();
      }
    }
  }
  CUPEL_TRY(path, collective.broadcast(path, what));
  CUPEL_TRY_VOID(begun);
  if (path.empty()) {
    return failed_precondition("{}: process 0 could not begin it", what);
  }
  Result<Ok> written =
      write_tensors(path, format("{}{:05}", kOptimizer, collective.rank() + 1), optimiser.state());
  if (written && collective.rank() == 0) {
    written = save_trained(learner, path);
    if (written) {
      Json whole = state;
      whole.set(kSteps, optimiser.steps());
      written = folder->write_json("state.json", whole, 2);
    }
  }
  std::array<double, 1> failures = {written ? 0.0 : 1.0};
  CUPEL_TRY_VOID(collective.sum(failures, what));
  CUPEL_TRY_VOID(written);
  if (failures[0] > 0) {
    return failed_precondition("{}: another process could not write its part", what);
  }
  return collective.rank() == 0 ? folder->commit() : Result<Ok>(Ok{});
}

Result<Json> CheckpointFolder::state(int64_t step) const {
  return read_json_file(path_of(step) + "/state.json");
}

Result<Ok> CheckpointFolder::load(int64_t step,
                                  const Learner& learner,
                                  Optimiser& optimiser) const {
  const std::string path = path_of(step);
  CUPEL_TRY(const Json state, this->state(step));
  CUPEL_TRY(const int64_t steps, get_int(state, kSteps));
  CUPEL_TRY(const std::vector<std::string> names, list_folder(path));
  std::unordered_map<std::string, at::Tensor> all;
  for (const std::string& name : names) {
    if (name.starts_with(kOptimizer)) {
      CUPEL_TRY(std::vector<NamedTensor> part, read_tensors(format("{}/{}", path, name)));
      for (NamedTensor& one : part) {
        all.emplace(std::move(one.name), std::move(one.tensor));
      }
    }
  }
  std::vector<NamedTensor> own;
  for (const NamedTensor& one : optimiser.state()) {
    const auto found = all.find(one.name);
    if (found == all.end()) {
      return corrupt_data("{}: the optimiser's state has no {}", path, one.name);
    }
    own.push_back({.name = one.name, .tensor = found->second});
  }
  CUPEL_TRY_VOID(load_trained(learner, path));
  auto restored = optimiser.restore(steps, own);
  return restored ? std::move(restored) : Result<Ok>(in_context(restored.error(), path));
}

Result<Ok> CheckpointFolder::prune(int64_t keep, std::optional<int64_t> best) const {
  CUPEL_TRY(const std::vector<int64_t> all, steps());
  std::error_code ec;
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i) {
    if (all[i] != best) {
      // Killed meanwhile, it is gone or still whole.
      std::filesystem::rename(path_of(all[i]), path_of(all[i]) + ".partial", ec);
    }
  }
  CUPEL_TRY(const bool there, path_exists(folder_));
  if (!there) {
    return Ok{};
  }
  CUPEL_TRY(const std::vector<std::string> names, list_folder(folder_));
  for (const std::string& name : names) {
    if (name.ends_with(".partial")) {
      std::filesystem::remove_all(format("{}/{}", folder_, name), ec);
    }
  }
  return Ok{};
}

}  // namespace cupel::train
