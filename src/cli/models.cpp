#include "cli/models.h"

#include "base/error.h"
#include "base/io.h"
#include "core/fixed_models.h"
#include "core/hub_reference.h"
#include "core/remote_model.h"
#include "store/hub/model_cache.h"

namespace cupel::cli {
namespace {

constexpr double kMostNoise = 100;  // far beyond what leaves anything of a model

Result<std::optional<engine::NoiseOptions>> noise_of(const ModelSpec& spec) {
  if (!spec.has("noise")) {
    if (spec.has("noise-seed") || spec.has("noise-fraction")) {
      return invalid_argument("model {}: noise-seed and noise-fraction need noise=SCALE",
                              spec.name);
    }
    return std::optional<engine::NoiseOptions>();
  }
  engine::NoiseOptions noise;
  CUPEL_TRY(noise.scale, number_option(spec, "noise", 0, kMostNoise, noise.scale));
  CUPEL_TRY(noise.fraction, number_option(spec, "noise-fraction", 0, 1, 1));
  CUPEL_TRY(const int64_t seed, integer_option(spec, "noise-seed", 0, INT64_MAX, 0));
  noise.seed = static_cast<uint64_t>(seed);
  return std::optional<engine::NoiseOptions>(noise);
}

Result<decode::LocalModelOptions> local_options(const ModelSpec& spec, const EngineFlags& flags) {
  decode::LocalModelOptions options;
  options.path = spec.target;
  options.name = spec.name;
  options.template_path = std::string(spec.option("template"));
  options.tokenizer_pre = std::string(spec.option("tokenizer-pre"));
  options.max_batch = static_cast<size_t>(flags.batch);
  options.context_length = flags.context;
  options.engine.threads = static_cast<size_t>(flags.threads);
  options.engine.activations =
      flags.activations == "f32" ? engine::Activations::kFloat32 : engine::Activations::kInt8;
  if (flags.level != "auto") {
    CUPEL_TRY(options.engine.level, engine::parse_cpu_level(flags.level));
  }
  CUPEL_TRY(options.engine.noise, noise_of(spec));
  return options;
}

}  // namespace

void EngineFlags::declare(Arguments& arguments) {
  arguments.integer("--threads", "N", threads, "Threads of the engine; 0 = all CPUs", 0, 1024);
  arguments.integer("--batch", "N", batch, "Sequences computed together", 1, 256);
  arguments.integer("--context", "N", context, "Context length; 0 = the model's own", 0, 1 << 24);
  declare_kernels(arguments);
}

void EngineFlags::declare_kernels(Arguments& arguments) {
  arguments.choice("--cpu-level", {"auto", "scalar", "avx2", "avx512", "amx"}, level,
                   "Kernels to use");
  arguments.choice("--activations", {"int8", "f32"}, activations,
                   "Arithmetic of the linear layers");
}

Result<ModelSpec> resolve_model_spec(const std::string& text) {
  CUPEL_TRY(ModelSpec spec, parse_model_spec(text));
  if (spec.kind != ModelKind::kHub) {
    return spec;
  }
  std::string path = spec.target;
  CUPEL_TRY(const bool exists, path_exists(path));
  if (!exists && path.find('/') == std::string::npos) {
    return invalid_argument(
        "model spec \"{}\": there is no folder \"{}\", and it does not end in .gguf; {}",
        shown_spec(text), path, kExpectedSpec);
  }
  if (!exists) {
    auto reference = parse_hub_reference(spec.target);
    if (!reference) {
      return not_found(
          "{}: there is no such folder; expected one with config.json and safetensors, "
          "a GGUF file, or ORG/MODEL",
          path);
    }
    CUPEL_TRY(const store::ModelCache cache, store::ModelCache::of_environment());
    CUPEL_TRY(path, cache.find(*reference));
  }
  CUPEL_TRY(const bool folder, is_folder(path));
  if (!folder && !path.ends_with(".gguf")) {
    return invalid_argument("{}: does not end in .gguf; expected a GGUF file or a folder", path);
  }
  spec.kind = ModelKind::kGguf;
  spec.target = std::move(path);
  return spec;
}

Result<decode::LocalModelOptions> local_model_options(const std::string& text,
                                                      const EngineFlags& flags) {
  CUPEL_TRY(const ModelSpec spec, resolve_model_spec(text));
  if (spec.kind != ModelKind::kGguf) {
    return invalid_argument(
        "model {}: this command needs a model file (NAME=FILE.gguf) or a folder", spec.name);
  }
  return local_options(spec, flags);
}

Result<std::unique_ptr<decode::LocalModel>> open_local_model(const std::string& text,
                                                             const EngineFlags& flags) {
  CUPEL_TRY(const decode::LocalModelOptions options, local_model_options(text, flags));
  return decode::LocalModel::open(options);
}

Result<OpenModel> open_model(const std::string& text, const EngineFlags& flags) {
  OpenModel open;
  open.text = shown_spec(text);
  CUPEL_TRY(open.spec, resolve_model_spec(text));
  switch (open.spec.kind) {
    case ModelKind::kGguf: {
      CUPEL_TRY(auto local, open_local_model(text, flags));
      open.local = local.get();
      open.scorer = local.get();
      open.model = std::move(local);
      break;
    }
    case ModelKind::kOpenAi: {
      CUPEL_TRY(auto remote, RemoteModel::open(open.spec));
      open.scorer = remote.get();
      open.model = std::move(remote);
      break;
    }
    case ModelKind::kNull:
      open.model = std::make_unique<NullModel>(open.spec.name, open.spec.target);
      break;
    case ModelKind::kAnswers: {
      CUPEL_TRY(open.model, RecordedModel::open(open.spec.name, open.spec.target));
      break;
    }
    case ModelKind::kHub:
      CUPEL_CHECK(false, "resolve_model_spec leaves no such kind");
  }
  return open;
}

MeteredModel::MeteredModel(OpenModel& open,
                           std::shared_ptr<store::CallCache> cache,
                           store::CostLedger& ledger)
    : metered_(*open.model, ledger), cached_(metered_, cache, &ledger) {
  if (open.scorer != nullptr) {
    const store::ModelIdentity identity = {.name = cached_.name(),
                                           .fingerprint = cached_.fingerprint()};
    metered_scorer_.emplace(*open.scorer, identity, ledger);
    cached_scorer_.emplace(*metered_scorer_, identity, std::move(cache), &ledger);
  }
}

}  // namespace cupel::cli
