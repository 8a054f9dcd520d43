#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cupel::store {

class Database;

/// A prepared statement. Bind, then step until false, then reset. Parameters and columns count from
/// 1 and 0, as in SQLite. Not thread-safe; must not outlive its database.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Result<Ok> bind(int parameter, std::string_view text);
  Result<Ok> bind(int parameter, int64_t value);
  Result<Ok> bind(int parameter, double value);
  /// True: a row is there. False: done.
  Result<bool> step();
  void reset();

  /// Texts live until the next step.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] int64_t integer(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* handle) : database_(database), handle_(handle) {}
  Database* database_;
  sqlite3_stmt* handle_;
};

/// One connection to an SQLite file: WAL, foreign keys, waits for other processes' locks. Not
/// thread-safe.
class Database {
 public:
  /// Opens or creates. Errors: kCorruptData - no SQLite file, or a damaged one; kUnavailable - what
  /// the system or another process refuses, also after `busy_timeout_s`. All name the file.
  static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                double busy_timeout_s = 10);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements without results. Errors as of `open`; kExhausted - the disk is full.
  Result<Ok> execute(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);

  /// Brings the schema up to date: `steps[i]` leads from version i to i + 1 (`user_version`), each
  /// in one transaction, once, whatever other processes do. `application_id` marks the file as
  /// ours. Errors: kUnsupported - the file is of another application, or of a newer version.
  Result<Ok> migrate(uint32_t application_id, std::span<const std::string_view> steps);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Statement;
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  /// What a result code of SQLite means, with the file's name and the mend.
  [[nodiscard]] Error error(int code) const;
  Result<Ok> enable_wal(double busy_timeout_s);
  Result<int64_t> read_integer(std::string_view sql);
  Result<Ok> check_owner(uint32_t application_id, size_t newest);
  Result<bool> migrate_once(uint32_t application_id, std::span<const std::string_view> steps);

  std::string path_;
  sqlite3* handle_;
};

}  // namespace cupel::store
