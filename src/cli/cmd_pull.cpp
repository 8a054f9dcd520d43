// cupel pull: models from a hub into the cache of this machine.
#include <cstdio>
#include <optional>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "report/progress.h"
#include "report/table.h"
#include "store/hub/pull.h"

namespace cupel::cli::command {
namespace {

std::string bytes_text(int64_t bytes) {
  const auto amount = static_cast<double>(bytes);
  return bytes >= 1'000'000 ? format("{:.1f} MB", amount / 1e6) : format("{:.1f} kB", amount / 1e3);
}

std::string_view check_text(store::Checked checked) {
  switch (checked) {
    case store::Checked::kSha256:
      return "SHA-256 checked";
    case store::Checked::kGitSha1:
      return "git's SHA-1 checked";
    case store::Checked::kSize:
      break;
  }
  return "size checked (the hub names no checksum)";
}

// On a terminal one bar over all bytes, and everywhere a line for each file.
class PullView {
 public:
  store::PullObserver observer() {
    return {.on_start = [this](const auto& files, int64_t done) { start(files, done); },
            .on_bytes = [this](int64_t bytes) { advance(bytes); },
            .on_file = [this](const auto& file, bool fetched) { show(file, fetched); }};
  }

 private:
  void start(const std::vector<store::HubFile>& files, int64_t done) {
    int64_t total = 0;
    for (const store::HubFile& file : files) {
      total += file.size;
    }
    done_ = done;
    if (report::detect_terminal(STDERR_FILENO).live && total > done) {
      progress_.emplace();
      bar_ = progress_->add(
          {.name = "pull", .total = total / kUnit, .initial = done / kUnit, .unit = "kB"});
    }
  }

  void advance(int64_t bytes) {
    const int64_t before = done_ / kUnit;
    done_ += bytes;
    if (progress_) {
      progress_->advance(bar_, done_ / kUnit - before);
    }
  }

  void show(const store::CachedFile& cached, bool fetched) {
    const std::string line =
        format("{}: {}, {}", printable(cached.file.path, 200), bytes_text(cached.file.size),
               fetched ? check_text(cached.checked) : "is here already");
    if (progress_) {
      progress_->print_line(line);
    } else {
      std::fprintf(stderr, "%s\n", line.c_str());
    }
  }

  static constexpr int64_t kUnit = 1000;
  std::optional<report::Progress> progress_;
  report::Progress::BarId bar_ = 0;
  int64_t done_ = 0;
};

Json to_json(const store::CachedFile& cached, const std::string& path) {
  return Json::object()
      .set("path", cached.file.path)
      .set("size", cached.file.size)
      .set("checked", store::checked_name(cached.checked))
      .set("file", path);
}

class Pull : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("MODEL", model_, "ORG/NAME, ORG/NAME:FILE or ORG/NAME@REVISION", false);
    a.text("--quant", "TYPE", quant_, "Of several GGUF files the one of that type, e.g. q8_0");
    a.text("--revision", "REV", revision_, "Branch, tag or commit (as ORG/NAME@REV)");
    a.text("--hub", "URL", hub_, "Where to ask (default: CUPEL_HUB, HF_ENDPOINT, the public hub)");
    a.flag("--list", list_, "Show what is in the cache");
    a.flag("--remove", remove_, "Remove MODEL from the cache");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const store::ModelCache cache, store::ModelCache::of_environment());
    if (list_) {
      return list(cache);
    }
    CUPEL_TRY(const HubReference reference, read_reference());
    return remove_ ? remove(cache, reference) : fetch(cache, reference);
  }

 private:
  [[nodiscard]] Result<HubReference> read_reference() const {
    if (model_.empty()) {
      return invalid_argument("pull: name a model as ORG/NAME, or ask for --list");
    }
    CUPEL_TRY(HubReference reference, parse_hub_reference(model_));
    if (!revision_.empty()) {
      if (!reference.revision.empty()) {
        return invalid_argument("pull: {} names a revision already; leave --revision out", model_);
      }
      reference.revision = revision_;
      CUPEL_TRY_VOID(parse_hub_reference(reference.text()));
    }
    return reference;
  }

  [[nodiscard]] Result<int> fetch(const store::ModelCache& cache,
                                  const HubReference& reference) const {
    CUPEL_TRY(store::HubOptions options, store::hub_options(hub_));
    options.stop = stop_on_interrupt();
    CUPEL_TRY(const auto hub, store::Hub::open(std::move(options)));
    auto report = [&] {
      PullView view;  // off the screen before anything else is printed there
      return store::pull(*hub, cache, reference, quant_, view.observer());
    }();
    if (!report && report.error().code == Code::kCancelled) {
      return cancelled("pull: stopped; the same command goes on from there");
    }
    CUPEL_TRY(const store::PullReport done, std::move(report));
    show(cache, done);
    return 0;
  }

  void show(const store::ModelCache& cache, const store::PullReport& done) const {
    if (format_ == "text") {
      print((done.files.size() == 1 ? cache.file_path(done.model, done.files.front().file.path)
                                    : cache.folder(done.model)) +
            "\n");
      return;
    }
    Json files = Json::array();
    for (const store::CachedFile& cached : done.files) {
      files.push_back(to_json(cached, cache.file_path(done.model, cached.file.path)));
    }
    print_pretty(Json::object()
                     .set("repository", done.model.reference.repository())
                     .set("commit", done.model.commit)
                     .set("folder", cache.folder(done.model))
                     .set("fetched", done.fetched)
                     .set("files", std::move(files)));
  }

  [[nodiscard]] Result<int> list(const store::ModelCache& cache) const {
    if (!model_.empty() || remove_) {
      return invalid_argument("pull: --list shows everything; leave the rest out");
    }
    CUPEL_TRY(const auto models, cache.list());
    if (format_ == "json") {
      print_json_list(cache, models);
      return 0;
    }
    report::Table table({{.header = "model"},
                         {.header = "revision"},
                         {.header = "commit"},
                         {.header = "size", .align = report::Align::kRight},
                         {.header = "file", .min_width = 20}});
    int64_t total = 0;
    for (const store::CachedModel& model : models) {
      add_rows(table, model);
      total += model.bytes() + model.partial_bytes;
    }
    print((models.empty() ? "" : table.render(report::detect_terminal(STDOUT_FILENO))) +
          format("{} in {}\n", bytes_text(total), cache.root()));
    return 0;
  }

  static void add_rows(report::Table& table, const store::CachedModel& model) {
    const std::vector<std::string> head = {model.reference.repository(),
                                           join(model.revisions, ", "), model.commit.substr(0, 10)};
    const auto add = [&](int64_t bytes, const std::string& file) {
      table.add_row({head[0], head[1], head[2], bytes_text(bytes), file});
    };
    for (const store::CachedFile& cached : model.files) {
      add(cached.file.size, cached.file.path);
    }
    if (model.partial_bytes > 0) {
      add(model.partial_bytes, "(incomplete; pull again to go on)");
    }
  }

  static void print_json_list(const store::ModelCache& cache,
                              const std::vector<store::CachedModel>& models) {
    Json list = Json::array();
    for (const store::CachedModel& model : models) {
      Json files = Json::array();
      for (const store::CachedFile& cached : model.files) {
        files.push_back(to_json(cached, cache.file_path(model, cached.file.path)));
      }
      Json revisions = Json::array();
      for (const std::string& revision : model.revisions) {
        revisions.push_back(revision);
      }
      list.push_back(Json::object()
                         .set("repository", model.reference.repository())
                         .set("commit", model.commit)
                         .set("revisions", std::move(revisions))
                         .set("bytes", model.bytes())
                         .set("partial_bytes", model.partial_bytes)
                         .set("files", std::move(files)));
    }
    print_pretty(Json::object().set("cache", cache.root()).set("models", std::move(list)));
  }

  static Result<int> remove(const store::ModelCache& cache, const HubReference& reference) {
    CUPEL_TRY(const int64_t bytes, cache.remove(reference));
    print(format("removed {}: {} are free again\n", reference.text(), bytes_text(bytes)));
    return 0;
  }

  std::string model_;
  std::string quant_;
  std::string revision_;
  std::string hub_;
  std::string format_ = "text";
  bool list_ = false;
  bool remove_ = false;
};

}  // namespace

CommandInfo pull() {
  return {.name = "pull",
          .group = "Run",
          .summary = "Fetch a model from a hub into the cache",
          .examples =
              "  cupel pull my-org/my-model-GGUF --quant q4_k_m\n"
              "  cupel generate --model my-org/my-model-GGUF --prompt Hello\n"
              "  cupel pull --list\n",
          .make = &make_command<Pull>};
}

}  // namespace cupel::cli::command
