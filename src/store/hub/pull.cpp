#include "store/hub/pull.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/guard.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::store {
namespace {

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// One pull under way: files are taken by whichever thread is free.
class Pull {
 public:
  Pull(Hub& hub, const ModelCache& cache, CachedModel& model, const PullObserver& observer)
      : hub_(hub), cache_(cache), model_(model), observer_(observer) {}

  Result<Ok> run(const std::vector<HubFile>& wanted);
  [[nodiscard]] size_t fetched() const { return fetched_; }

 private:
  Result<Ok> sort_out(const std::vector<HubFile>& wanted);
  Result<bool> is_there(const HubFile& file);
  Result<Ok> check_room() const;
  Result<Ok> fetch_all();
  void work();
  std::optional<HubFile> take();
  Result<Ok> fetch(const HubFile& file);
  Result<Ok> complete(const HubFile& file, Checked checked);

  Hub& hub_;
  const ModelCache& cache_;
  CachedModel& model_;
  const PullObserver& observer_;
  std::vector<HubFile> missing_;
  std::mutex mutex_;  // of all below, of `model_` and of the observer
  size_t next_ = 0;
  size_t fetched_ = 0;
  std::optional<Error> failure_;
};

Result<Ok> Pull::run(const std::vector<HubFile>& wanted) {
  CUPEL_TRY_VOID(make_directories(parent_of(cache_.partial_path(model_, ""))));
  CUPEL_TRY_VOID(sort_out(wanted));
  CUPEL_TRY_VOID(check_room());
  return fetch_all();
}

Result<Ok> Pull::sort_out(const std::vector<HubFile>& wanted) {
  int64_t done_bytes = 0;
  std::vector<HubFile> there;
  for (const HubFile& file : wanted) {
    CUPEL_TRY(const bool complete, is_there(file));
    (complete ? there : missing_).push_back(file);
    done_bytes += complete ? file.size : 0;
  }
  if (observer_.on_start) {
    observer_.on_start(wanted, done_bytes);
  }
  for (const HubFile& file : there) {
    if (observer_.on_file) {
      observer_.on_file(*model_.find(file.path), false);
    }
  }
  return Ok{};
}

// Complete, and so in the manifest: a kill may have come between the two.
Result<bool> Pull::is_there(const HubFile& file) {
  const std::string path = cache_.file_path(model_, file.path);
  CUPEL_TRY(const bool exists, path_exists(path));
  const CachedFile* known = model_.find(file.path);
  if (!exists) {
    std::erase_if(model_.files, [&](const auto& cached) { return cached.file.path == file.path; });
    return false;
  }
  std::error_code ec;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path, ec));
  if (known != nullptr && !ec && size == file.size) {
    return true;
  }
  CUPEL_TRY(const bool intact, is_intact(path, file));
  if (intact) {
    CUPEL_TRY_VOID(complete(file, file.sha256.empty() ? Checked::kGitSha1 : Checked::kSha256));
  }
  return intact;
}

Result<Ok> Pull::check_room() const {
  int64_t needed = -model_.partial_bytes;
  for (const HubFile& file : missing_) {
    needed += file.size;
  }
  std::error_code ec;
  const auto space = std::filesystem::space(cache_.root(), ec);
  if (!ec && needed > 0 && static_cast<uint64_t>(needed) > space.available) {
    return exhausted(
        "{}: {:.1f} MB are needed and {:.1f} MB are free; make room, see cupel pull --list, or "
        "name another folder in CUPEL_CACHE",
        cache_.root(), static_cast<double>(needed) / 1e6,
        static_cast<double>(space.available) / 1e6);
  }
  return Ok{};
}

Result<Ok> Pull::fetch_all() {
  const size_t count = std::min(hub_.options().connections, missing_.size());
  std::vector<std::thread> threads;
  for (size_t i = 1; i < count; ++i) {
    auto thread = start_thread([this] { work(); });
    if (!thread) {
      break;  // then fewer work
    }
    threads.push_back(std::move(*thread));
  }
  work();
  for (std::thread& thread : threads) {
    thread.join();
  }
  return failure_ ? Result<Ok>(*failure_) : Result<Ok>(Ok{});
}

void Pull::work() {
  while (const auto file = take()) {
    auto done = guard([&] { return fetch(*file); });
    const std::lock_guard lock(mutex_);
    if (!done && !failure_) {
      failure_ = std::move(done).error();
    }
  }
}

// After a failure what is under way ends, and nothing new begins.
std::optional<HubFile> Pull::take() {
  const std::lock_guard lock(mutex_);
  if (failure_ || next_ == missing_.size()) {
    return std::nullopt;
  }
  return missing_[next_++];
}

Result<Ok> Pull::fetch(const HubFile& file) {
  const Download download = {.reference = model_.reference,
                             .commit = model_.commit,
                             .file = file,
                             .partial_path = cache_.partial_path(model_, file.path),
                             .path = cache_.file_path(model_, file.path)};
  CUPEL_TRY_VOID(make_directories(parent_of(download.path)));
  CUPEL_TRY(const Checked checked, fetch_file(hub_, download, [&](int64_t bytes) {
              const std::lock_guard lock(mutex_);
              if (observer_.on_bytes) {
                observer_.on_bytes(bytes);
              }
            }));
  const std::lock_guard lock(mutex_);
  CUPEL_TRY_VOID(complete(file, checked));
  ++fetched_;
  if (observer_.on_file) {
    observer_.on_file(*model_.find(file.path), true);
  }
  return Ok{};
}

Result<Ok> Pull::complete(const HubFile& file, Checked checked) {
  std::erase_if(model_.files, [&](const auto& cached) { return cached.file.path == file.path; });
  model_.files.push_back({.file = file, .checked = checked});
  std::sort(model_.files.begin(), model_.files.end(),
            [](const auto& a, const auto& b) { return a.file.path < b.file.path; });
  return cache_.save(model_);
}

Result<std::vector<HubFile>> choose(const HubListing& listing,
                                    const HubReference& reference,
                                    const std::string& quant) {
  auto chosen = choose_files(listing.files, {.pattern = reference.file, .quant = quant});
  if (!chosen) {
    return in_context(std::move(chosen).error(), reference.repository());
  }
  return chosen;
}

}  // namespace

Result<PullReport> pull(Hub& hub,
                        const ModelCache& cache,
                        const HubReference& reference,
                        const std::string& quant,
                        const PullObserver& observer) {
  if (!reference.file.empty() && !quant.empty()) {
    return invalid_argument("{}: names a file already; leave --quant out", reference.text());
  }
  CUPEL_TRY(const HubListing listing, hub.list(reference));
  CUPEL_TRY(const auto wanted, choose(listing, reference, quant));
  CUPEL_TRY(const FileLock held, cache.lock(reference));
  PullReport report;
  CUPEL_TRY(report.model, cache.load(reference, listing.commit));
  report.model.hub = hub.options().url;
  Pull run(hub, cache, report.model, observer);
  CUPEL_TRY_VOID(run.run(wanted));
  CUPEL_TRY_VOID(
      cache.note_revision(report.model, reference.revision.empty() ? "main" : reference.revision));
  for (const HubFile& file : wanted) {
    report.files.push_back(*report.model.find(file.path));
  }
  report.fetched = run.fetched();
  return report;
}

}  // namespace cupel::store
