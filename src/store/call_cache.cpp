#include "store/call_cache.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"

namespace cupel::store {
namespace {

constexpr uint32_t kApplicationId = 0x43504C43;  // "CPLC"

// Never edit a step that has been released; append one.
constexpr std::array<std::string_view, 1> kSchema = {
    "CREATE TABLE calls ("
    "  key TEXT PRIMARY KEY,"   // hash of model, request and sample index
    "  model TEXT NOT NULL,"    // fingerprint
    "  request TEXT NOT NULL,"  // canonical JSON
    "  sample_index INTEGER NOT NULL,"
    "  response TEXT NOT NULL,"  // JSON
    "  created_s REAL NOT NULL"  // Unix time
    ") STRICT, WITHOUT ROWID",
};

void sort_members(Json& value) {
  if (value.is_array()) {
    for (Json& item : value.as_array()) {
      sort_members(item);
    }
  } else if (value.is_object()) {
    auto& members = value.as_object();
    std::sort(members.begin(), members.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [name, member] : members) {
      sort_members(member);
    }
  }
}

}  // namespace

std::string CallKey::id() const {
  return fingerprint(model + "\n" + std::to_string(sample_index) + "\n" + request);
}

std::string canonical_json(const Json& value) {
  Json sorted = value;
  sort_members(sorted);
  return dump_json(sorted);
}

Result<std::shared_ptr<CallCache>> CallCache::open(const std::string& path) {
  CUPEL_TRY(auto database, Database::open(path));
  CUPEL_TRY_VOID(database->migrate(kApplicationId, kSchema));
  CUPEL_TRY(Statement find,
            database->prepare("SELECT request, response FROM calls WHERE key = ?1"));
  CUPEL_TRY(Statement put,
            database->prepare("INSERT OR IGNORE INTO calls VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  return std::shared_ptr<CallCache>(
      new CallCache(std::move(database), std::move(find), std::move(put)));
}

Result<std::optional<Json>> CallCache::read(const CallKey& key) {
  CUPEL_TRY_VOID(find_.bind(1, key.id()));
  CUPEL_TRY(const bool found, find_.step());
  if (!found || find_.text(0) != key.request) {
    return std::optional<Json>();
  }
  auto response = parse_json(find_.text(1));
  if (!response) {
    return corrupt_data(
        "{}: a stored response is no JSON ({}); move the file away to start a new one", path(),
        response.error().message);
  }
  return std::optional<Json>(std::move(*response));
}

Result<std::optional<Json>> CallCache::find(const CallKey& key) {
  const std::lock_guard lock(mutex_);
  auto response = read(key);
  find_.reset();  // ends the read transaction: a writer's log can be emptied
  return response;
}

Result<Ok> CallCache::put(const CallKey& key, const Json& response) {
  const std::lock_guard lock(mutex_);
  const auto write = [&]() -> Result<Ok> {
    CUPEL_TRY_VOID(put_.bind(1, key.id()));
    CUPEL_TRY_VOID(put_.bind(2, key.model));
    CUPEL_TRY_VOID(put_.bind(3, key.request));
    CUPEL_TRY_VOID(put_.bind(4, key.sample_index));
    CUPEL_TRY_VOID(put_.bind(5, dump_json(response)));
    CUPEL_TRY_VOID(put_.bind(6, unix_seconds()));
    CUPEL_TRY_VOID(put_.step());
    return Ok{};
  };
  auto written = write();
  put_.reset();
  return written;
}

Result<int64_t> CallCache::size() {
  const std::lock_guard lock(mutex_);
  CUPEL_TRY(Statement count, database_->prepare("SELECT count(*) FROM calls"));
  CUPEL_TRY_VOID(count.step());
  return count.integer(0);
}

}  // namespace cupel::store
