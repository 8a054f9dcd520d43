#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "store/calls_in_flight.h"
#include "store/sqlite.h"

namespace cupel::store {

/// What a model call is filed under.
struct CallKey {
  std::string model;         ///< fingerprint of the model
  std::string request;       ///< canonical JSON: see `canonical_json`
  int64_t sample_index = 0;  ///< which of several samples of the request

  /// One short text for all three: a hash.
  [[nodiscard]] std::string id() const;
};

/// JSON on one line with the members of every object in order of their keys: equal requests are
/// equal bytes.
std::string canonical_json(const Json& value);

/// Answers of model calls by content, in an SQLite file that several processes may share.
/// Thread-safe. A value once written is kept: later ones for its key are dropped.
class CallCache {
 public:
  /// Opens or creates the file; its folder must exist. Errors: those of Database::open and migrate.
  static Result<std::shared_ptr<CallCache>> open(const std::string& path);

  /// The response, or nullopt. Errors: kCorruptData - a damaged file or row.
  Result<std::optional<Json>> find(const CallKey& key);
  Result<Ok> put(const CallKey& key, const Json& response);
  Result<int64_t> size();

  [[nodiscard]] const std::string& path() const { return database_->path(); }
  /// Calls that somebody makes at this moment to fill the cache.
  [[nodiscard]] CallsInFlight& in_flight() { return in_flight_; }

 private:
  CallCache(std::unique_ptr<Database> database, Statement find, Statement put)
      : database_(std::move(database)), find_(std::move(find)), put_(std::move(put)) {}
  Result<std::optional<Json>> read(const CallKey& key);

  CallsInFlight in_flight_;
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
  Statement find_;
  Statement put_;
};

}  // namespace cupel::store
