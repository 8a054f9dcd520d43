// The int8 products of the AMX level over emulated instructions, as avx512_emulated_test.cpp.
#include "amx_emulation.h"

#define amx_linear_int8 emulated_amx_linear_int8
#define avx512_linear_int8 emulated_avx512_linear_int8
#include "engine/kernels/int8_amx.cpp"
