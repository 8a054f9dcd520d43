#include "base/parquet.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <dlfcn.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "base/system_error.h"
#include "base/text.h"

namespace cupel {
namespace {

/// Where the module may stand: beside the program, or where `make install` puts it.
std::vector<std::string> module_places() {
  std::error_code ec;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (ec) {
    return {};
  }
  const std::filesystem::path folder = program.parent_path();
  return {(folder / "cupel-parquet.so").string(),
          (folder.parent_path() / "lib/cupel/cupel-parquet.so").string()};
}

Result<const CupelParquetApi*> load_module() {
  for (const std::string& place : module_places()) {
    if (::access(place.c_str(), F_OK) != 0) {
      continue;
    }
    // Never unloaded: Arrow keeps threads and thread-local memory.
    void* library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return failed_precondition(
          "{}: cannot be loaded: {}; run `scripts/setup.sh parquet`, then "
          "build again",
          place, ::dlerror());
    }
    const auto entry = reinterpret_cast<CupelParquetEntry>(::dlsym(library, CUPEL_PARQUET_ENTRY));
    const CupelParquetApi* api = entry != nullptr ? entry() : nullptr;
    if (api == nullptr || api->version != CUPEL_PARQUET_VERSION) {
      return failed_precondition("{}: is of another version of cupel; build both again", place);
    }
    return api;
  }
  return failed_precondition(
      "this program was built without Parquet; run `scripts/setup.sh parquet`, then `make build` "
      "or, "
      "for cupel-train, `make train` again, or save the file as JSONL");
}

const Result<const CupelParquetApi*>& parquet_module() {
  static const Result<const CupelParquetApi*> api = load_module();
  return api;
}

Error problem_of(const std::string& path, const CupelParquetProblem& problem) {
  // Arrow's words, without the line end that some come with.
  const std::string text = printable(trim(problem.text), sizeof problem.text);
  switch (problem.kind) {
    case kCupelParquetUnsupported:
      return unsupported("{}: {}", path, text);
    case kCupelParquetMemory:
      return exhausted("{}: {}", path, text);
    default:
      return corrupt_data("{}: is damaged or no Parquet file ({})", path, text);
  }
}

}  // namespace

Result<ParquetFile> ParquetFile::open(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) {
    return system_error(path, "open");
  }
  const Result<const CupelParquetApi*>& module = parquet_module();
  if (!module.has_value()) {
    return in_file(module.error(), path);
  }
  const CupelParquetApi* api = *module;
  CupelParquetProblem problem{};
  void* const opened = api->open(path.c_str(), &problem);
  if (opened == nullptr) {
    return problem_of(path, problem);
  }
  ParquetFile file(path, api, opened);
  for (size_t i = 0; i < api->column_count(opened); ++i) {
    file.columns_.emplace_back(api->column_name(opened, i));
  }
  return file;
}

Result<Ok> ParquetFile::select(std::span<const std::string> columns) {
  std::vector<size_t> places;
  for (const std::string& name : columns) {
    const auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found == columns_.end()) {
      return invalid_argument("{}: no column \"{}\"{}", path_, name, did_you_mean(name, columns_));
    }
    places.push_back(static_cast<size_t>(found - columns_.begin()));
  }
  CupelParquetProblem problem{};
  if (api_->select(file_.get(), places.data(), places.size(), &problem) != 0) {
    return problem_of(path_, problem);
  }
  chosen_.resize(places.size());
  return Ok{};
}

Result<Ok> ParquetFile::select_rows(std::span<const std::string> columns) {
  std::vector<const char*> names;
  for (const std::string& name : columns) {
    names.push_back(name.c_str());
  }
  CupelParquetProblem problem{};
  const int64_t found = api_->select_rows(file_.get(), names.data(), names.size(), &problem);
  if (found < 0) {
    return problem_of(path_, problem);
  }
  if (found == 0) {
    return invalid_argument("{}: has none of the columns {}; it has {}", path_, join(columns, ", "),
                            printable(join(columns_, ", "), 300));
  }
  chosen_.resize(1);
  return Ok{};
}

Result<size_t> ParquetFile::next() {
  CupelParquetProblem problem{};
  const int64_t rows = api_->next(file_.get(), chosen_.data(), &problem);
  if (rows < 0) {
    return problem_of(path_, problem);
  }
  return static_cast<size_t>(rows);
}

}  // namespace cupel
