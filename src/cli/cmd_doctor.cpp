// cupel doctor: what this machine offers.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/machine.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/kernels/bandwidth.h"
#include "engine/kernels/operators.h"
#include "judge/benchmark.h"

namespace cupel::cli::command {
namespace {

namespace fs = std::filesystem;

class Doctor : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--models", "DIR", models_, "Folder with model files");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    Json levels = Json::array();
    for (const engine::CpuLevel level : engine::available_cpu_levels()) {
      levels.push_back(engine::cpu_level_name(level));
    }
    const size_t cpus = available_cpus();
    const Machine machine = describe_machine(usable_cpus());
    const double bandwidth = engine::measure_read_bandwidth(cpus);
    const auto touchstone = judge::find_benchmark("touchstone");
    Json json = Json::object();
    json.set("version", CUPEL_VERSION)
        .set("cpu", machine.cpu)
        .set("cpus", cpus)
        .set("cpu_levels", levels)
        .set("cpu_level", engine::cpu_level_name(engine::best_cpu_level()))
        .set("memory_bytes", machine.memory_bytes)
        .set("read_bandwidth_gb_s", bandwidth)
        .set("models", models(bandwidth))
        .set("benchmark", touchstone ? Json(*touchstone) : Json())
        .set("optional", optional_parts());
    if (format_ == "json") {
      print_pretty(json);
    } else {
      print_text(json);
    }
    return 0;
  }

 private:
  // Every weight is read once for a token, so that bandwidth over size bounds the speed.
  [[nodiscard]] Json models(double bandwidth) const {
    std::vector<std::string> files;
    std::error_code ec;
    for (fs::directory_iterator it(models_, ec), end; !ec && it != end; it.increment(ec)) {
      if (it->path().extension() == ".gguf") {
        files.push_back(it->path().string());
      }
    }
    std::sort(files.begin(), files.end());
    Json list = Json::array();
    for (const std::string& file : files) {
      const auto bytes = static_cast<int64_t>(fs::file_size(file, ec));
      list.push_back(Json::object()
                         .set("file", file)
                         .set("bytes", bytes)
                         .set("tokens_per_second_limit",
                              bytes > 0 ? bandwidth * 1e9 / static_cast<double>(bytes) : 0.0));
    }
    return list;
  }

  // Programs that parts of Cupel use when they are there.
  static Json optional_parts() {
    Json parts = Json::object();
    for (const std::string_view program : {"cupel-train", "ffmpeg"}) {
      parts.set(program, found_in_path(program));
    }
    return parts;
  }
  static bool found_in_path(std::string_view program) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
      const size_t colon = rest.find(':');
      std::error_code ec;
      if (fs::exists(fs::path(rest.substr(0, colon)) / program, ec)) {
        return true;
      }
      rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    }
    return false;
  }

  void print_text(const Json& json) const {
    print(format("cupel {}\n", CUPEL_VERSION));
    print(format("CPU          {}, {} usable\n", json.find("cpu")->as_string(),
                 json.find("cpus")->as_int()));
    print(format("kernels      {}\n", json.find("cpu_level")->as_string()));
    print(format("memory       {:.1f} GiB, read at {:.1f} GB/s\n",
                 static_cast<double>(json.find("memory_bytes")->as_int()) / (1U << 30U),
                 json.find("read_bandwidth_gb_s")->as_double()));
    const Json* benchmark = json.find("benchmark");
    print(format("benchmark    {}\n", benchmark->is_string()
                                          ? benchmark->as_string()
                                          : "touchstone not found: install or run from the tree"));
    const Json* files = json.find("models");
    for (const Json& file : files->as_array()) {
      print(format("model        {} ({} MiB; memory bounds decoding to about {:.0f} tokens/s)\n",
                   file.find("file")->as_string(), file.find("bytes")->as_int() >> 20U,
                   file.find("tokens_per_second_limit")->as_double()));
    }
    if (files->size() == 0) {
      print(format("model        none in {}/ (make demo fetches one)\n", models_));
    }
    for (const auto& [program, found] : json.find("optional")->as_object()) {
      print(format("{:<12} {}\n", program, found.as_bool() ? "found" : "not found (optional)"));
    }
  }

  std::string models_ = "models";
  std::string format_ = "text";
};

}  // namespace

CommandInfo doctor() {
  return {.name = "doctor",
          .group = "Inspect",
          .summary = "What this machine offers",
          .examples = "  cupel doctor\n",
          .make = &make_command<Doctor>};
}

}  // namespace cupel::cli::command
