#include "curate/pair_folder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/io.h"

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

/// A folder of something else stays as it is.
Result<Ok> check_folder(const std::string& path) {
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return Ok{};
  }
  CUPEL_TRY(const std::vector<std::string> names, list_folder(path));
  if (!names.empty() && std::ranges::find(names, kManifest) == names.end()) {
    return failed_precondition("{}: is not empty and holds no pairs; name a new folder", path);
  }
  return Ok{};
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
  const Json* const sampling = then.find("sampling");
  if (sampling == nullptr || !(*sampling == *now.find("sampling"))) {
    return failed_precondition(
        "{}: its answers were sampled with {}, not {}; use another --out, "
        "or the same values",
        path, sampling == nullptr ? "?" : dump_json(*sampling), dump_json(*now.find("sampling")));
  }
  return Ok{};
}

}  // namespace

Result<PairFolder> PairFolder::open(const std::string& path, const SamplerOf& sampler) {
  CUPEL_TRY_VOID(check_folder(path));
  const std::string manifest = path + "/" + kManifest;
  CUPEL_TRY(const bool there, path_exists(manifest));
  if (there) {
    CUPEL_TRY(const Json then, read_json_file(manifest));
    CUPEL_TRY_VOID(check_manifest(path, then, sampler));
  } else {
    CUPEL_TRY_VOID(make_directories(path));
    CUPEL_TRY_VOID(
        write_file_atomic(manifest, dump_json(manifest_of(sampler), {.indent = 2}) + "\n"));
  }
  CUPEL_TRY(auto journal, flow::Journal::open(path + "/" + kJournal));
  return PairFolder(path, std::move(journal));
}

}  // namespace cupel::curate
