#include "base/decompress.h"

#include <algorithm>
#include <climits>
#include <utility>
#include <vector>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/error.h"

namespace cupel {
namespace {

constexpr size_t kPackedBytes = size_t{128} << 10U;

/// Compressed bytes, a buffer at a time.
class PackedInput {
 public:
  explicit PackedInput(std::unique_ptr<ByteSource> source)
      : source_(std::move(source)), buffer_(kPackedBytes) {}

  /// The bytes not used yet; reads on when there are none. Empty at the end.
  Result<std::span<char>> bytes() {
    if (begin_ == end_) {
      CUPEL_TRY(const size_t got, source_->read(buffer_));
      begin_ = 0;
      end_ = got;
    }
    return std::span<char>(buffer_).subspan(begin_, end_ - begin_);
  }
  void used(size_t count) { begin_ += count; }

 private:
  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

Error cut_short(const std::string& name, std::string_view kind) {
  return corrupt_data("{}: the {} data ends in the middle; the file is cut, fetch it again", name,
                      kind);
}

class GzipSource : public ByteSource {
 public:
  GzipSource(std::unique_ptr<ByteSource> packed, std::string name)
      : input_(std::move(packed)), name_(std::move(name)) {}
  ~GzipSource() override {
    if (ready_) {
      inflateEnd(&stream_);
    }
  }
  Result<Ok> begin() {
    constexpr int kGzipOnly = 15 + 16;  // of zlib.h: the largest window, a gzip header expected
    ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK;
    return ready_ ? Result<Ok>(Ok{}) : exhausted("{}: no memory to decompress", name_);
  }

  Result<size_t> read(std::span<char> out) override {
    size_t filled = 0;
    while (filled < out.size()) {
      CUPEL_TRY(const std::span<char> packed, input_.bytes());
      if (packed.empty()) {
        // Output may still be waiting inside zlib, but never for an input that was used up.
        return in_member_ ? Result<size_t>(cut_short(name_, "gzip")) : filled;
      }
      CUPEL_TRY(const size_t got, inflate_some(packed, out.subspan(filled)));
      filled += got;
    }
    return filled;
  }

 private:
  Result<size_t> inflate_some(std::span<char> packed, std::span<char> out) {
    const auto room = static_cast<uInt>(std::min<size_t>(out.size(), UINT_MAX));
    stream_.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(packed.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    in_member_ = true;
    input_.used(packed.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      in_member_ = false;
      inflateReset(&stream_);
    } else if (status == Z_MEM_ERROR) {
      return exhausted("{}: no memory to decompress", name_);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      return corrupt_data("{}: the gzip data is damaged ({}); fetch the file again", name_,
                          stream_.msg != nullptr ? stream_.msg : "unknown reason");
    }
    return room - stream_.avail_out;
  }

  PackedInput input_;
  std::string name_;
  z_stream stream_{};
  bool ready_ = false;
  bool in_member_ = true;
};

class ZstdSource : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> packed, std::string name)
      : input_(std::move(packed)), name_(std::move(name)), stream_(ZSTD_createDStream()) {}
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  Result<Ok> begin() {
    constexpr int kWindowLog = 27;  // 128 MiB, also libzstd's own bound
    if (stream_ == nullptr ||
        ZSTD_isError(ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kWindowLog)) != 0) {
      return exhausted("{}: no memory to decompress", name_);
    }
    return Ok{};
  }

  Result<size_t> read(std::span<char> out) override {
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    while (to.pos < to.size) {
      CUPEL_TRY(const std::span<char> packed, input_.bytes());
      ZSTD_inBuffer from{packed.data(), packed.size(), 0};
      const size_t filled = to.pos;
      if (packed.empty() && !in_frame_) {
        break;
      }
      const size_t status = ZSTD_decompressStream(stream_, &to, &from);
      input_.used(from.pos);
      if (ZSTD_isError(status) != 0) {
        return failed(status);
      }
      in_frame_ = status != 0;
      if (packed.empty() && to.pos == filled) {  // nothing was waiting inside either
        return in_frame_ ? Result<size_t>(cut_short(name_, "zstd")) : to.pos;
      }
    }
    return to.pos;
  }

 private:
  Error failed(size_t status) const {
    const ZSTD_ErrorCode code = ZSTD_getErrorCode(status);
    if (code == ZSTD_error_memory_allocation) {
      return exhausted("{}: no memory to decompress", name_);
    }
    if (code == ZSTD_error_frameParameter_windowTooLarge) {
      return unsupported(
          "{}: its zstd window is larger than 128 MiB; compress it without --long or --ultra",
          name_);
    }
    return corrupt_data("{}: the zstd data is damaged ({}); fetch the file again", name_,
                        ZSTD_getErrorName(status));
  }

  PackedInput input_;
  std::string name_;
  ZSTD_DStream* stream_;
  bool in_frame_ = true;
};

template <typename Source>
Result<std::unique_ptr<ByteSource>> begun(std::unique_ptr<ByteSource> packed, std::string name) {
  auto source = std::make_unique<Source>(std::move(packed), std::move(name));
  CUPEL_TRY_VOID(source->begin());
  return std::unique_ptr<ByteSource>(std::move(source));
}

}  // namespace

Result<std::unique_ptr<ByteSource>> gunzip(std::unique_ptr<ByteSource> packed, std::string name) {
  return begun<GzipSource>(std::move(packed), std::move(name));
}

Result<std::unique_ptr<ByteSource>> unzstd(std::unique_ptr<ByteSource> packed, std::string name) {
  return begun<ZstdSource>(std::move(packed), std::move(name));
}

}  // namespace cupel
