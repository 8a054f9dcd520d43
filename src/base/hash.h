#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct XXH3_state_s;   // of xxhash.h
struct evp_md_ctx_st;  // of openssl/types.h

namespace cupel {

/// 128-bit XXH3 as 32 hex digits: cache keys and fingerprints, not security.
std::string fingerprint(std::string_view bytes);
/// The same of bytes that come in pieces: `fingerprint` of all of them, one after another.
class Fingerprint {
 public:
  Fingerprint();
  void add(std::span<const std::byte> bytes);
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

/// A digest of bytes that come in pieces: checksums that others publish.
class Digest {
 public:
  enum class Kind {
    kSha1,    ///< 40 hex digits; names of git objects, no proof against forgery
    kSha256,  ///< 64 hex digits
  };
  explicit Digest(Kind kind);
  void add(std::string_view bytes);
  /// Of all bytes so far; more may follow.
  [[nodiscard]] std::string hex() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* state) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> state_;
};

/// SHA-256 as 64 hex digits: checksums of files that others publish.
std::string sha256(std::string_view bytes);
Result<std::string> sha256_file(const std::string& path);

}  // namespace cupel
