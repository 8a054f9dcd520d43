// The AVX-512 kernels once more, over emulated instructions; levels_test.cpp runs the
// suites on this table. Compiled with the AVX2 level's flags (cmake/CupelModule.cmake), so no
// header with inline library code is used but by the emulation's own internal functions.
#include "avx512_emulation.h"

#define avx512_kernels emulated_avx512_kernels
#define avx512_linear_int8 emulated_avx512_linear_int8
#include "engine/kernels/int8_avx512.cpp"
#include "engine/kernels/operators_avx512.cpp"
