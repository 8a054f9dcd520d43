#include "support/packed.h"

#include <zlib.h>
#include <zstd.h>

#include "base/check.h"

namespace cupel::test {

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  CUPEL_CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
              Z_OK);
  std::string input(bytes);
  std::string packed(deflateBound(&stream, input.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CUPEL_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(std::string_view bytes, int window_log) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  if (window_log > 0) {
    // A streamed frame of unknown length keeps the window that was asked for.
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer to{packed.data(), packed.size(), 0};
  if (window_log > 0) {
    ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue);
  }
  CUPEL_CHECK(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end) == 0);
  packed.resize(to.pos);
  ZSTD_freeCCtx(context);
  return packed;
}

}  // namespace cupel::test
