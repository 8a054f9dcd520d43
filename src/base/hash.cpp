#include "base/hash.h"

#include <openssl/sha.h>
#include <xxhash.h>

#include "base/format.h"
#include "base/io.h"

namespace cupel {

std::string fingerprint(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return format("{:016x}{:016x}", static_cast<uint64_t>(hash.high64),
                static_cast<uint64_t>(hash.low64));
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += format("{:02x}", static_cast<unsigned>(byte));
  }
  return hex;
}

Result<std::string> sha256_file(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  return sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace cupel
