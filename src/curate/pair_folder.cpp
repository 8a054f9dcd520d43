#include "curate/pair_folder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::curate {
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kJournal = "answers.journal.jsonl";

Json manifest_of(const SamplerOf& sampler) {
  return Json::object()
      .set("kind", "pairs")
      .set("version", 1)
      .set("model", Json::object()
                        .set("name", sampler.model)
                        .set("spec", sampler.spec)
                        .set("fingerprint", sampler.fingerprint))
      .set("sampling", sampling_to_json(sampler.sampling));
}

/// A folder of something else stays as it is. One with a journal and no manifest is what a kill
/// left between the two.
Result<Ok> check_folder(const std::string& path) {
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return Ok{};
  }
  CUPEL_TRY(const std::vector<std::string> names, list_folder(path));
  const bool begun = names == std::vector<std::string>{kJournal};
  if (!names.empty() && !begun && std::ranges::find(names, kManifest) == names.end()) {
    return failed_precondition("{}: is not empty and holds no pairs; name a new folder", path);
  }
  return Ok{};
}

/// "temperature 0.8, not 1; seed 0, not 7".
std::string differences(const Json& then, const Json& now) {
  std::vector<std::string> out;
  const auto shown = [](const Json* value) {
    return value == nullptr ? "none" : dump_json(*value);
  };
  const auto compare = [&](const std::string& key) {
    const Json* const before = then.find(key);
    const Json* const after = now.find(key);
    if (before == nullptr || after == nullptr || !(*before == *after)) {
      out.push_back(format("{} {}, not {}", key, shown(before), shown(after)));
    }
  };
  for (const auto& [key, value] : now.as_object()) {
    compare(key);
  }
  for (const auto& [key, value] : then.as_object()) {
    if (!now.contains(key)) {
      compare(key);
    }
  }
  return join(out, "; ");
}

Result<Ok> check_manifest(const std::string& path, const Json& then, const SamplerOf& sampler) {
  CUPEL_TRY(const std::string kind, get_string_or(then, "kind", ""));
  if (kind != "pairs") {
    return failed_precondition("{}: is no folder of cupel pairs; name a new one", path);
  }
  const Json now = manifest_of(sampler);
  const Json* const model = then.find("model");
  if (model == nullptr || model->find("fingerprint") == nullptr ||
      !(*model->find("fingerprint") == *now.find("model")->find("fingerprint"))) {
    return failed_precondition("{}: its answers are those of another model ({}); use another --out",
                               path, model == nullptr ? "unknown" : dump_json(*model));
  }
  CUPEL_TRY(const Json* const sampling, get_object(then, "sampling"));
  if (!(*sampling == *now.find("sampling"))) {
    return failed_precondition(
        "{}: its answers were sampled with {}; use another --out, or the same values", path,
        differences(*sampling, *now.find("sampling")));
  }
  return Ok{};
}

/// Whether there is a manifest; it must be that of this sampler.
Result<bool> has_manifest(const std::string& path, const SamplerOf& sampler) {
  const std::string manifest = path + "/" + kManifest;
  CUPEL_TRY(const bool there, path_exists(manifest));
  if (there) {
    CUPEL_TRY(const Json then, read_json_file(manifest));
    CUPEL_TRY_VOID(check_manifest(path, then, sampler));
  }
  return there;
}

}  // namespace

Result<PairFolder> PairFolder::open(const std::string& path, const SamplerOf& sampler) {
  CUPEL_TRY_VOID(check_folder(path));
  CUPEL_TRY_VOID(has_manifest(path, sampler));  // no journal appears in another one's folder
  CUPEL_TRY_VOID(make_directories(path));
  CUPEL_TRY(auto journal, flow::Journal::open(path + "/" + kJournal));
  CUPEL_TRY(const bool there, has_manifest(path, sampler));
  if (!there && journal->size() > 0) {
    return failed_precondition("{}: holds answers but no {}, which says whose; name a new folder",
                               path, kManifest);
  }
  if (!there) {
    CUPEL_TRY_VOID(write_file_atomic(path + "/" + kManifest,
                                     dump_json(manifest_of(sampler), {.indent = 2}) + "\n"));
  }
  return PairFolder(path, std::move(journal));
}

}  // namespace cupel::curate
