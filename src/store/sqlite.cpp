#include "store/sqlite.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <sqlite3.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::store {
namespace {

Error no_space(const std::string& path) {
  return exhausted("{}: cannot write: {}; free some space and run the same command again", path,
                   std::strerror(ENOSPC));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Result<Ok> Statement::bind(int parameter, std::string_view text) {
  const int code =
      sqlite3_bind_text64(handle_, parameter, text.data() == nullptr ? "" : text.data(),
                          text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return code == SQLITE_OK ? Result<Ok>(Ok{}) : database_->error(code);
}

Result<Ok> Statement::bind(int parameter, int64_t value) {
  const int code = sqlite3_bind_int64(handle_, parameter, value);
  return code == SQLITE_OK ? Result<Ok>(Ok{}) : database_->error(code);
}

Result<Ok> Statement::bind(int parameter, double value) {
  const int code = sqlite3_bind_double(handle_, parameter, value);
  return code == SQLITE_OK ? Result<Ok>(Ok{}) : database_->error(code);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    return code == SQLITE_ROW;
  }
  return database_->error(code);
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, static_cast<size_t>(size));
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, double busy_timeout_s) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) {
    return database->error(code);
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(std::clamp(busy_timeout_s, 0.0, 3600.0) * 1000));
  // Reads the header first, so that a file of another kind is named as such and left as it is.
  CUPEL_TRY_VOID(database->read_integer("PRAGMA schema_version"));
  CUPEL_TRY_VOID(database->enable_wal(busy_timeout_s));
  CUPEL_TRY_VOID(
      database->execute("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; "
                        "PRAGMA trusted_schema = OFF"));
  return database;
}

// Changing a new file to WAL upgrades a read lock. Where several processes do so at once SQLite
// answers "busy" without waiting, since waiting could deadlock: so the waiting is ours.
Result<Ok> Database::enable_wal(double busy_timeout_s) {
  const Stopwatch watch;
  while (true) {
    auto done = execute("PRAGMA journal_mode = WAL");
    if (done || done.error().code != Code::kUnavailable || watch.seconds() >= busy_timeout_s) {
      return done;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Error Database::error(int code) const {
  const std::string said =
      printable(handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_), 120);
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return corrupt_data(
          "{}: no SQLite database, or a damaged one ({}); move it away to start a new one", path_,
          said);
    case SQLITE_CANTOPEN:
      return unavailable("{}: cannot be opened or created ({}); check the folder and its rights{}",
                         path_, said, path_hint(path_));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return unavailable("{}: cannot be written ({}); check the rights of file and folder", path_,
                         said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable("{}: another process keeps it locked ({})", path_, said);
    case SQLITE_FULL:
      return no_space(path_);
    case SQLITE_IOERR:
      if (handle_ != nullptr && sqlite3_system_errno(handle_) == ENOSPC) {
        return no_space(path_);
      }
      return unavailable("{}: reading or writing failed ({})", path_, said);
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return exhausted("{}: too large for memory or for SQLite ({})", path_, said);
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_SCHEMA:
      return corrupt_data("{}: not as this version of Cupel wrote it ({})", path_, said);
    default:
      return internal_error("{}: SQLite error {} ({})", path_, code, said);
  }
}

Result<Ok> Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Result<Ok>(Ok{}) : error(code);
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    return error(code);
  }
  return Statement(this, statement);
}

Result<int64_t> Database::read_integer(std::string_view sql) {
  CUPEL_TRY(Statement statement, prepare(sql));
  CUPEL_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<Ok> Database::check_owner(uint32_t application_id, size_t newest) {
  CUPEL_TRY(const int64_t owner, read_integer("PRAGMA application_id"));
  CUPEL_TRY(const int64_t version, read_integer("PRAGMA user_version"));
  CUPEL_TRY(const int64_t tables, read_integer("SELECT count(*) FROM sqlite_schema"));
  const bool empty = owner == 0 && version == 0 && tables == 0;
  if (!empty && owner != static_cast<int64_t>(application_id)) {
    return unsupported("{}: a database of another program; name another file", path_);
  }
  if (version < 0 || version > static_cast<int64_t>(newest)) {
    return unsupported(
        "{}: its schema has version {}, this Cupel knows up to {}; use a newer Cupel", path_,
        version, newest);
  }
  return Ok{};
}

// One step, under a lock that keeps other processes from taking the same one. False: nothing to do.
Result<bool> Database::migrate_once(uint32_t application_id,
                                    std::span<const std::string_view> steps) {
  CUPEL_TRY_VOID(check_owner(application_id, steps.size()));
  CUPEL_TRY(const int64_t version, read_integer("PRAGMA user_version"));
  if (version == static_cast<int64_t>(steps.size())) {
    return false;
  }
  CUPEL_TRY_VOID(execute(std::string(steps[static_cast<size_t>(version)])));
  CUPEL_TRY_VOID(execute(
      format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, version + 1)));
  return true;
}

Result<Ok> Database::migrate(uint32_t application_id, std::span<const std::string_view> steps) {
  while (true) {
    CUPEL_TRY_VOID(execute("BEGIN IMMEDIATE"));
    auto again = migrate_once(application_id, steps);
    if (!again) {
      (void)execute("ROLLBACK");
      return std::move(again).error();
    }
    CUPEL_TRY_VOID(execute("COMMIT"));
    if (!*again) {
      return Ok{};
    }
  }
}

}  // namespace cupel::store
