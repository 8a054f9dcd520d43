#include "judge/benchmark.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::judge {
namespace {

namespace fs = std::filesystem;

// FastChat's temperature_config; MT-Bench's own categories.
const std::map<std::string, double> kMtBenchTemperatures = {
    {"writing", 0.7}, {"roleplay", 0.7},  {"extraction", 0.0}, {"math", 0.0},
    {"coding", 0.0},  {"reasoning", 0.0}, {"stem", 0.1},       {"humanities", 0.1}};
const std::set<std::string> kMtBenchNeedReference = {"math", "reasoning", "coding"};

Result<std::vector<std::string>> string_list(const Json& record, std::string_view key) {
  CUPEL_TRY(const Json* list, get_array(record, key));
  std::vector<std::string> texts;
  for (const Json& item : list->as_array()) {
    if (!item.is_string()) {
      return corrupt_data("\"{}\" holds {}; expected strings only", key, item.type_name());
    }
    texts.push_back(item.as_string());
  }
  return texts;
}

class Loader {
 public:
  explicit Loader(Benchmark& benchmark) : b_(benchmark) {}

  Result<Ok> load() {
    std::string questions = "question.jsonl";
    std::string prompts = "judge_prompts.jsonl";
    std::string checklists = "checklist.jsonl";
    std::string references;
    b_.name = fs::path(b_.folder).lexically_normal().filename().string();
    b_.default_protocol = "single";
    b_.temperatures = kMtBenchTemperatures;
    b_.need_reference = kMtBenchNeedReference;
    CUPEL_TRY(const bool has_manifest, path_exists(path("manifest.json")));
    if (has_manifest) {
      CUPEL_TRY(const Json manifest, read_manifest());
      CUPEL_TRY(questions, get_string_or(manifest, "questions", questions));
      CUPEL_TRY(prompts, get_string_or(manifest, "judge_prompts", prompts));
      CUPEL_TRY(checklists, get_string_or(manifest, "checklists", checklists));
      CUPEL_TRY(references, get_string_or(manifest, "references", references));
    }
    CUPEL_TRY_VOID(read_questions(questions));
    CUPEL_TRY_VOID(read_references(references));
    if (!b_.options.judge_prompts.empty()) {
      CUPEL_TRY(const std::string text, read_file(b_.options.judge_prompts));
      all_ += "judge prompts\n" + text;
      CUPEL_TRY_VOID(read_prompts(text, b_.options.judge_prompts));
    } else {
      CUPEL_TRY_VOID(read_own_prompts(prompts));
    }
    if (b_.options.without_references) {
      all_ += "without references\n";
      b_.need_reference.clear();
    }
    if (b_.options.constrain_verdicts) {
      all_ += "constrained verdicts\n";
    }
    CUPEL_TRY(const bool has_checklists, path_exists(path(checklists)));
    if (has_checklists) {
      CUPEL_TRY_VOID(read_checklists(checklists));
    }
    b_.fingerprint = cupel::fingerprint(all_);
    return Ok{};
  }

 private:
  [[nodiscard]] std::string path(const std::string& file) const { return b_.folder + "/" + file; }

  // Reads a file of the folder once, checks it against the manifest and adds it to the fingerprint.
  Result<std::string> read(const std::string& file) {
    if (file.find("..") != std::string::npos || file.starts_with('/')) {
      return corrupt_data("{}: names \"{}\"; files must lie below the benchmark's folder",
                          path("manifest.json"), printable(file));
    }
    CUPEL_TRY(std::string text, read_file(path(file)));
    if (const Json* expected = checksums_.find(file);
        expected != nullptr && *expected != Json(sha256(text))) {
      return corrupt_data(
          "{}: its SHA-256 is not the one in manifest.json; restore the file, or take its line out "
          "of the manifest if the change is yours",
          path(file));
    }
    all_ += file + "\n" + text;
    return text;
  }

  Result<Ok> read_lines(const std::string& file,
                        const std::function<Result<Ok>(const Json& record)>& record) {
    CUPEL_TRY(const std::string text, read(file));
    return for_each_jsonl(text, path(file), [&](Json&& json, size_t) { return record(json); });
  }

  Result<Json> read_manifest() {
    CUPEL_TRY(const std::string text, read("manifest.json"));
    auto manifest = parse_json(text);
    if (manifest) {
      if (auto filled = fill_from(*manifest); !filled) {
        return in_file(std::move(filled).error(), path("manifest.json"));
      }
      return manifest;
    }
    return in_file(std::move(manifest).error(), path("manifest.json"));
  }

  Result<Ok> fill_from(const Json& manifest) {
    CUPEL_TRY(b_.name, get_string(manifest, "name"));
    CUPEL_TRY(b_.title, get_string_or(manifest, "title", b_.name));
    CUPEL_TRY(b_.license, get_string_or(manifest, "license", ""));
    CUPEL_TRY(b_.default_protocol, get_string_or(manifest, "protocol", "single"));
    CUPEL_TRY(b_.max_tokens, get_int_or(manifest, "max_tokens", 1024));
    if (b_.max_tokens < 1) {
      return corrupt_data("\"max_tokens\" is {}; expected at least 1", b_.max_tokens);
    }
    CUPEL_TRY(const std::string history, get_string_or(manifest, "history", "own"));
    if (history != "own") {
      return unsupported("\"history\" is \"{}\"; supported: own", printable(history));
    }
    if (manifest.contains("temperatures")) {
      CUPEL_TRY(const Json* temperatures, get_object(manifest, "temperatures"));
      b_.temperatures.clear();
      for (const auto& [category, value] : temperatures->as_object()) {
        CUPEL_TRY(b_.temperatures[category], get_double(*temperatures, category));
      }
    }
    if (manifest.contains("need_reference")) {
      CUPEL_TRY(const auto categories, string_list(manifest, "need_reference"));
      b_.need_reference = {categories.begin(), categories.end()};
    }
    if (manifest.contains("sha256")) {
      CUPEL_TRY(const Json* checksums, get_object(manifest, "sha256"));
      checksums_ = *checksums;
    }
    return Ok{};
  }

  Result<Ok> read_questions(const std::string& file) {
    std::set<int64_t> ids;
    CUPEL_TRY_VOID(read_lines(file, [&](const Json& record) -> Result<Ok> {
      Question q;
      CUPEL_TRY(q.id, get_int(record, "question_id"));
      CUPEL_TRY(q.category, get_string(record, "category"));
      CUPEL_TRY(q.turns, string_list(record, "turns"));
      if (q.turns.empty()) {
        return corrupt_data("\"turns\" is empty; a question needs at least one");
      }
      if (record.contains("required_temperature")) {
        CUPEL_TRY(q.required_temperature, get_double(record, "required_temperature"));
      }
      if (!ids.insert(q.id).second) {
        return corrupt_data("question_id {} stands here a second time", q.id);
      }
      b_.questions.push_back(std::move(q));
      return Ok{};
    }));
    if (b_.questions.empty()) {
      return corrupt_data("{}: holds no question", path(file));
    }
    return Ok{};
  }

  Result<Ok> read_own_prompts(const std::string& file) {
    CUPEL_TRY(const bool there, path_exists(path(file)));
    if (!there) {
      return Ok{};
    }
    CUPEL_TRY(const std::string text, read(file));
    return read_prompts(text, path(file));
  }

  // The only .jsonl file of the folder, as FastChat lays references out; empty without one.
  Result<std::string> find_references(const std::string& folder) {
    CUPEL_TRY(const bool there, is_folder(path(folder)));
    if (!there) {
      return std::string();
    }
    CUPEL_TRY(std::vector<std::string> names, list_folder(path(folder)));
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".jsonl"); });
    if (names.size() > 1) {
      return invalid_argument("{}: holds several reference files; name one in a manifest.json",
                              path(folder));
    }
    return names.empty() ? std::string() : folder + "/" + names.front();
  }

  Result<Ok> read_references(std::string file) {
    if (file.empty()) {
      CUPEL_TRY(file, find_references("reference_answer"));
    }
    if (file.empty()) {
      return Ok{};
    }
    return read_lines(file, [&](const Json& record) -> Result<Ok> {
      CUPEL_TRY(const int64_t id, get_int(record, "question_id"));
      CUPEL_TRY(const Json* choices, get_array(record, "choices"));
      if (choices->size() == 0) {
        return corrupt_data("\"choices\" is empty; expected one with \"turns\"");
      }
      CUPEL_TRY(auto turns, string_list(choices->as_array().front(), "turns"));
      if (!b_.references.emplace(id, std::move(turns)).second) {
        return corrupt_data("question {} has a second reference", id);
      }
      return Ok{};
    });
  }

  Result<Ok> read_prompts(const std::string& text, const std::string& file) {
    return for_each_jsonl(text, file, [&](Json&& record, size_t) -> Result<Ok> {
      JudgePrompt p;
      CUPEL_TRY(p.name, get_string(record, "name"));
      CUPEL_TRY(p.type, get_string(record, "type"));
      CUPEL_TRY(p.system_prompt, get_string(record, "system_prompt"));
      CUPEL_TRY(p.prompt_template, get_string(record, "prompt_template"));
      CUPEL_TRY(p.output_format, get_string_or(record, "output_format", ""));
      const std::string name = p.name;
      if (!b_.prompts.emplace(name, std::move(p)).second) {
        return corrupt_data("judge prompt \"{}\" stands here a second time", printable(name));
      }
      return Ok{};
    });
  }

  Result<Ok> read_checklists(const std::string& file) {
    return read_lines(file, [&](const Json& record) -> Result<Ok> {
      CUPEL_TRY(const int64_t id, get_int(record, "question_id"));
      CUPEL_TRY(const int64_t turn, get_int(record, "turn"));
      CUPEL_TRY(const Json* items, get_array(record, "items"));
      std::vector<ChecklistItem> list;
      for (const Json& json : items->as_array()) {
        ChecklistItem item;
        CUPEL_TRY(item.id, get_string(json, "id"));
        CUPEL_TRY(item.question, get_string(json, "question"));
        if (const Json* program = json.find("program")) {
          item.program = *program;
        }
        list.push_back(std::move(item));
      }
      if (!b_.checklists.emplace(std::pair(id, static_cast<int>(turn)), std::move(list)).second) {
        return corrupt_data("question {}, turn {} has a second checklist", id, turn);
      }
      return Ok{};
    });
  }

  Benchmark& b_;
  Json checksums_;
  std::string all_;
};

// Beside the binary: bin/cupel → share/cupel/benchmarks/, build/release/cupel → benchmarks/.
std::vector<fs::path> bundled_roots() {
  std::error_code ec;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ec).parent_path();
  return {folder / "../share/cupel/benchmarks", folder / "../../benchmarks"};
}

}  // namespace

double Benchmark::temperature(const Question& question) const {
  if (question.required_temperature) {
    return *question.required_temperature;
  }
  const auto found = temperatures.find(question.category);
  return found == temperatures.end() ? kOtherTemperature : found->second;
}

std::vector<std::string> Benchmark::categories() const {
  std::vector<std::string> names;
  for (const Question& question : questions) {
    if (std::find(names.begin(), names.end(), question.category) == names.end()) {
      names.push_back(question.category);
    }
  }
  return names;
}

const std::string* Benchmark::reference(int64_t question, int turn) const {
  const auto found = references.find(question);
  if (found == references.end() || turn < 1 || turn > static_cast<int>(found->second.size())) {
    return nullptr;
  }
  return &found->second[static_cast<size_t>(turn - 1)];
}

Result<Benchmark> load_benchmark(const std::string& folder, const BenchmarkOptions& options) {
  Benchmark benchmark;
  benchmark.folder = folder;
  benchmark.options = options;
  CUPEL_TRY(const bool there, is_folder(folder));
  if (!there) {
    return not_found("{}: no such folder{}; expected a benchmark with question.jsonl", folder,
                     path_hint(folder));
  }
  CUPEL_TRY_VOID(Loader(benchmark).load());
  if (benchmark.title.empty()) {
    benchmark.title = benchmark.name;
  }
  return benchmark;
}

Result<std::string> find_benchmark(const std::string& name_or_folder) {
  std::error_code ec;
  if (fs::is_directory(name_or_folder, ec)) {
    return name_or_folder;
  }
  std::vector<std::string> names;
  if (name_or_folder.find('/') == std::string::npos) {
    for (const fs::path& root : bundled_roots()) {
      const fs::path candidate = root / name_or_folder;
      if (fs::is_directory(candidate, ec)) {
        return candidate.lexically_normal().string();
      }
      for (fs::directory_iterator it(root, ec), end; !ec && it != end; it.increment(ec)) {
        names.push_back(it->path().filename().string());
      }
    }
  }
  const std::string bundled = did_you_mean(name_or_folder, names);
  return not_found("{}: no such benchmark folder{}", name_or_folder,
                   bundled.empty() ? path_hint(name_or_folder) : bundled);
}

}  // namespace cupel::judge
