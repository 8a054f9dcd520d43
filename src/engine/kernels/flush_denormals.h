#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cupel::engine::kernels {
namespace {

/// While it lives, this thread's float operations take and give zero for numbers below 2^-126.
/// The arithmetic belongs into a function that is not inlined: the compiler knows nothing of modes.
class FlushDenormals {
 public:
  FlushDenormals() : before_(read()) { write(before_ | kFlush); }
  ~FlushDenormals() { write(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  using Mode = uint32_t;
  static constexpr Mode kFlush = 0x8040;  // FTZ and DAZ
  static Mode read() {
    return _mm_getcsr();
  }
  static void write(Mode mode) {
    asm volatile("" ::: "memory");
    _mm_setcsr(mode);
    asm volatile("" ::: "memory");
  }
#elif defined(__aarch64__)
  using Mode = uint64_t;
  static constexpr Mode kFlush = Mode{1} << 24U;  // FPCR.FZ
  static Mode read() {
    Mode mode = 0;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void write(Mode mode) {
    asm volatile("msr fpcr, %0" : : "r"(mode) : "memory");
  }
#else
#error "flush_denormals.h: say how this processor flushes denormal numbers"
#endif
  Mode before_;
};

}  // namespace
}  // namespace cupel::engine::kernels
