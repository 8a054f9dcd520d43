// The BF16 products of the AMX level over emulated instructions, and the table of that level.
#include "amx_emulation.h"

#define amx_kernels emulated_amx_kernels
#define amx_linear_bf16 emulated_amx_linear_bf16
#define amx_linear_int8 emulated_amx_linear_int8
#define avx512_kernels emulated_avx512_kernels
#include "engine/kernels/bf16_amx.cpp"
#include "engine/kernels/operators_amx.cpp"
