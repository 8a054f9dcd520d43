#include "judge/run_folder.h"

#include <algorithm>

#include "base/error.h"
#include "base/io.h"

namespace cupel::judge {
namespace {

constexpr int64_t kManifestVersion = 2;

Json member_to_json(const RunMember& member) {
  return Json::object()
      .set("name", member.name)
      .set("fingerprint", member.fingerprint)
      .set("spec", member.spec)
      .set("control", member.is_control);
}

Result<std::vector<RunMember>> members_from_json(const Json& manifest, std::string_view key) {
  CUPEL_TRY(const Json* list, get_array(manifest, key));
  std::vector<RunMember> members;
  for (const Json& json : list->as_array()) {
    RunMember member;
    CUPEL_TRY(member.name, get_string(json, "name"));
    CUPEL_TRY(member.fingerprint, get_string(json, "fingerprint"));
    CUPEL_TRY(member.spec, get_string(json, "spec"));
    CUPEL_TRY(member.is_control, get_bool_or(json, "control", false));
    members.push_back(std::move(member));
  }
  return members;
}

Result<std::map<std::string, store::Price>> prices_from_json(const Json& manifest) {
  CUPEL_TRY(const Json* json, get_object(manifest, "prices"));
  std::map<std::string, store::Price> prices;
  for (const auto& [name, member] : json->as_object()) {
    store::Price& price = prices[name];
    CUPEL_TRY(price.prompt, get_double(member, "prompt"));
    CUPEL_TRY(price.completion, get_double(member, "completion"));
  }
  return prices;
}

Result<Ok> add_member(std::vector<RunMember>& members,
                      const RunMember& member,
                      const std::string& run) {
  const auto known = std::find_if(members.begin(), members.end(),
                                  [&](const RunMember& m) { return m.name == member.name; });
  if (known == members.end()) {
    members.push_back(member);
    return Ok{};
  }
  if (known->fingerprint != member.fingerprint) {
    const std::string how =
        known->spec == member.spec
            ? "the same spec, but its file, its template, --activations, --context or cupel's own "
              "arithmetic has changed"
            : known->spec;
    return failed_precondition(
        "{}: \"{}\" is another model in this run ({}); give the new one another name or use "
        "another --out",
        run, member.name, how);
  }
  return Ok{};
}

// A folder of something else stays as it is.
Result<Ok> check_folder(const std::string& path) {
  CUPEL_TRY(const std::vector<std::string> names, list_folder(path));
  const auto holds = [&](std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!names.empty() && !holds("manifest.json") && !holds("results.jsonl")) {
    return failed_precondition("{}: is not empty and holds no run; name a new folder", path);
  }
  return Ok{};
}

std::string on_off(bool on) {
  return on ? "on" : "off";
}

Error differs(const std::string& run,
              std::string_view what,
              const std::string& then,
              const std::string& now) {
  return failed_precondition(
      "{}: this run was made with {} {}, not {}; use another --out, or the same value", run, what,
      then, now);
}

}  // namespace

Json prices_to_json(const std::map<std::string, store::Price>& prices) {
  Json json = Json::object();
  for (const auto& [name, price] : prices) {
    json.set(name, Json::object().set("prompt", price.prompt).set("completion", price.completion));
  }
  return json;
}

std::string answer_key(const std::string& model, int64_t question, int turn) {
  return format("answer/{}/{}/{}", model, question, turn);
}

std::string verdict_key(const std::string& judge,
                        std::string_view protocol,
                        const JudgeItem& item) {
  std::string models;
  for (const Side& side : item.sides) {
    models += side.model + "/";
  }
  return format("verdict/{}/{}/{}{}/{}", judge, protocol, models, item.question->id, item.turn);
}

std::vector<std::string> answer_keys(const JudgeItem& item) {
  std::vector<std::string> keys;
  for (const Side& side : item.sides) {
    for (int turn = 1; turn <= item.turn; ++turn) {
      keys.push_back(answer_key(side.model, item.question->id, turn));
    }
  }
  return keys;
}

JudgeScope judge_scope(const Benchmark& benchmark, const RunFolder& run) {
  JudgeScope scope{.benchmark = &benchmark,
                   .questions = run_questions(benchmark, run.settings().limit),
                   .models = {},
                   .baseline = run.last_baseline()};
  for (const RunMember& member : run.models()) {
    scope.models.push_back(member.name);
  }
  return scope;
}

std::vector<const Question*> run_questions(const Benchmark& benchmark, int64_t limit) {
  std::vector<const Question*> questions;
  for (const Question& question : benchmark.questions) {
    if (limit > 0 && static_cast<int64_t>(questions.size()) >= limit) {
      break;
    }
    questions.push_back(&question);
  }
  return questions;
}

Result<RunFolder> RunFolder::open(const std::string& path,
                                  const Benchmark& benchmark,
                                  const RunSettings& settings) {
  RunFolder run;
  run.path_ = path;
  CUPEL_TRY_VOID(make_directories(path));
  CUPEL_TRY_VOID(check_folder(path));
  // The journal first: its lock makes this process the only writer, so that nobody can write a
  // manifest between this one's reading and writing it.
  CUPEL_TRY(run.journal_, flow::Journal::open(path + "/results.jsonl"));
  CUPEL_TRY(const bool resumed, path_exists(path + "/manifest.json"));
  if (resumed) {
    CUPEL_TRY_VOID(run.read_manifest(&benchmark));
    const RunSettings& then = run.settings_;
    if (then.seed != settings.seed) {
      return differs(path, "seed", format("{}", then.seed), format("{}", settings.seed));
    }
    if (then.max_tokens != settings.max_tokens) {
      return differs(path, "max-tokens", format("{}", then.max_tokens),
                     format("{}", settings.max_tokens));
    }
    run.settings_.limit = settings.limit;  // a run may grow or be looked at in part
  } else {
    run.settings_ = settings;
    run.benchmark_name_ = benchmark.name;
    CUPEL_TRY(run.benchmark_folder_, absolute_path(benchmark.folder));
    run.benchmark_fingerprint_ = benchmark.fingerprint;
    run.benchmark_options_ = benchmark.options;
    if (std::string& prompts = run.benchmark_options_.judge_prompts; !prompts.empty()) {
      CUPEL_TRY(prompts, absolute_path(prompts));
    }
  }
  CUPEL_TRY_VOID(run.write_manifest());
  return run;
}

Result<RunFolder> RunFolder::open_existing(const std::string& path, Benchmark& benchmark) {
  RunFolder run;
  run.path_ = path;
  CUPEL_TRY(const bool is_run, path_exists(path + "/manifest.json"));
  if (!is_run) {
    return not_found("{}: holds no run (no manifest.json){}", path, path_hint(path));
  }
  CUPEL_TRY_VOID(run.read_manifest(nullptr));
  CUPEL_TRY(benchmark, load_benchmark(run.benchmark_folder_, run.benchmark_options_));
  if (benchmark.fingerprint != run.benchmark_fingerprint_) {
    return failed_precondition(
        "{}: the benchmark {} has changed since this run was made; evaluate again into another "
        "folder",
        path, run.benchmark_folder_);
  }
  CUPEL_TRY(run.journal_, flow::Journal::read(path + "/results.jsonl"));
  return run;
}

Result<Ok> RunFolder::read_manifest(const Benchmark* benchmark) {
  const std::string file = path_ + "/manifest.json";
  CUPEL_TRY(const Json manifest, read_json_file(file));
  const auto read = [&]() -> Result<Ok> {
    CUPEL_TRY(const int64_t version, get_int(manifest, "version"));
    if (version != kManifestVersion) {
      return unsupported(
          "\"version\" is {}; this cupel reads {}: evaluate again into another folder", version,
          kManifestVersion);
    }
    CUPEL_TRY(const Json* bench, get_object(manifest, "benchmark"));
    CUPEL_TRY(benchmark_name_, get_string(*bench, "name"));
    CUPEL_TRY(benchmark_folder_, get_string(*bench, "folder"));
    CUPEL_TRY(benchmark_fingerprint_, get_string(*bench, "fingerprint"));
    CUPEL_TRY(benchmark_options_.judge_prompts, get_string(*bench, "judge_prompts"));
    CUPEL_TRY(benchmark_options_.without_references, get_bool(*bench, "without_references"));
    CUPEL_TRY(benchmark_options_.constrain_verdicts,
              get_bool_or(*bench, "constrain_verdicts", false));
    CUPEL_TRY(const int64_t seed, get_int(manifest, "seed"));
    settings_.seed = static_cast<uint64_t>(seed);
    CUPEL_TRY(settings_.limit, get_int(manifest, "limit"));
    CUPEL_TRY(settings_.max_tokens, get_int(manifest, "max_tokens"));
    CUPEL_TRY(models_, members_from_json(manifest, "models"));
    CUPEL_TRY(judges_, members_from_json(manifest, "judges"));
    CUPEL_TRY(prices_, prices_from_json(manifest));
    CUPEL_TRY(last_judge_, get_string(manifest, "judge"));
    CUPEL_TRY(last_protocol_, get_string(manifest, "protocol"));
    CUPEL_TRY(last_baseline_, get_string_or(manifest, "baseline", ""));
    return Ok{};
  };
  if (auto done = read(); !done) {
    return in_file(std::move(done).error(), file);
  }
  if (benchmark != nullptr &&
      benchmark->options.constrain_verdicts != benchmark_options_.constrain_verdicts) {
    return differs(path_, "--constrain-verdicts", on_off(benchmark_options_.constrain_verdicts),
                   on_off(benchmark->options.constrain_verdicts));
  }
  if (benchmark != nullptr && benchmark->fingerprint != benchmark_fingerprint_) {
    return differs(path_, "benchmark", benchmark_name_ + " (" + benchmark_folder_ + ")",
                   benchmark->name + " as it is in " + benchmark->folder);
  }
  return Ok{};
}

Result<Ok> RunFolder::write_manifest() const {
  Json models = Json::array();
  for (const RunMember& model : models_) {
    models.push_back(member_to_json(model));
  }
  Json judges = Json::array();
  for (const RunMember& judge : judges_) {
    judges.push_back(member_to_json(judge));
  }
  Json manifest = Json::object();
  manifest.set("version", kManifestVersion)
      .set("benchmark", Json::object()
                            .set("name", benchmark_name_)
                            .set("folder", benchmark_folder_)
                            .set("fingerprint", benchmark_fingerprint_)
                            .set("judge_prompts", benchmark_options_.judge_prompts)
                            .set("without_references", benchmark_options_.without_references)
                            .set("constrain_verdicts", benchmark_options_.constrain_verdicts))
      .set("seed", static_cast<int64_t>(settings_.seed))
      .set("limit", settings_.limit)
      .set("max_tokens", settings_.max_tokens)
      .set("protocol", last_protocol_)
      .set("judge", last_judge_)
      .set("baseline", last_baseline_)
      .set("models", std::move(models))
      .set("judges", std::move(judges))
      .set("prices", prices_to_json(prices_));
  return write_file_atomic(path_ + "/manifest.json", dump_json(manifest, {.indent = 2}) + "\n");
}

Result<Ok> RunFolder::add_model(const RunMember& model) {
  CUPEL_TRY_VOID(add_member(models_, model, path_));
  return write_manifest();
}

Result<Ok> RunFolder::add_judge(const RunMember& judge,
                                const std::string& protocol,
                                const std::string& baseline) {
  CUPEL_TRY_VOID(add_member(judges_, judge, path_));
  last_judge_ = judge.name;
  last_protocol_ = protocol;
  last_baseline_ = baseline;
  return write_manifest();
}

Result<Ok> RunFolder::set_prices(const std::map<std::string, store::Price>& prices) {
  if (prices.empty()) {
    return Ok{};
  }
  for (const auto& [name, price] : prices) {
    prices_[name] = price;
  }
  return write_manifest();
}

}  // namespace cupel::judge
