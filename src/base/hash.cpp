#include "base/hash.h"

#include <new>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/format.h"
#include "base/io.h"

namespace cupel {

namespace {

std::string hex_of(const XXH128_hash_t& hash) {
  return format("{:016x}{:016x}", static_cast<uint64_t>(hash.high64),
                static_cast<uint64_t>(hash.low64));
}

std::string hex_of(std::span<const unsigned char> digest) {
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += format("{:02x}", static_cast<unsigned>(byte));
  }
  return hex;
}

}  // namespace

std::string fingerprint(std::string_view bytes) {
  return hex_of(XXH3_128bits(bytes.data(), bytes.size()));
}

Fingerprint::Fingerprint() : state_(XXH3_createState()) {
  if (state_ == nullptr) {
    throw std::bad_alloc();
  }
  XXH3_128bits_reset(state_.get());
}

void Fingerprint::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

void Fingerprint::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

std::string Fingerprint::hex() const {
  return hex_of(XXH3_128bits_digest(state_.get()));
}

Digest::Digest(Kind kind) : state_(EVP_MD_CTX_new()) {
  if (state_ == nullptr ||
      EVP_DigestInit_ex(state_.get(), kind == Kind::kSha1 ? EVP_sha1() : EVP_sha256(), nullptr) !=
          1) {
    throw std::bad_alloc();
  }
}

void Digest::Free::operator()(evp_md_ctx_st* state) const {
  EVP_MD_CTX_free(state);
}

void Digest::add(std::string_view bytes) {
  CUPEL_CHECK(EVP_DigestUpdate(state_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() const {
  const std::unique_ptr<evp_md_ctx_st, Free> copy(EVP_MD_CTX_new());
  if (copy == nullptr || EVP_MD_CTX_copy_ex(copy.get(), state_.get()) != 1) {
    throw std::bad_alloc();
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CUPEL_CHECK(EVP_DigestFinal_ex(copy.get(), digest, &size) == 1);
  return hex_of(std::span(digest).first(size));
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return hex_of(digest);
}

Result<std::string> sha256_file(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  const auto bytes = file.bytes();
  return sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace cupel
