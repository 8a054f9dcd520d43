#pragma once

#include <cstddef>

namespace cupel::tensor {

/// Takes the memory of tensors on the CPU, from 32 KiB on, from a pool of the process's own, from
/// now on. What one training step frees the next one takes again: else each large tensor is new
/// memory from the system, with a page fault for every 4 KiB (a fifth of the time of a step,
/// measured), and the C library's heap is in pieces after one step (1.6 times the memory,
/// measured). The pool's pages are huge where the system grants it; it never gives them back. Once
/// is enough.
///
/// Also bounds what libtorch keeps of its products of bf16: machine code for each shape. By default
/// it is that of 1024 shapes, of which each micro-batch of texts of all lengths brings some dozens
/// of new ones: 45 MB a step. oneDNN's cache has 256 here: with 64, fewer than a micro-batch has,
/// every layer made its code anew, and a step took 8.0 s instead of 4.0 (measured, 16 pairs of 150
/// tokens); memory stays within 60 MB from the fourth step on. libtorch's own, which gains no time,
/// has 64. ONEDNN_PRIMITIVE_CACHE_CAPACITY and LRU_CACHE_CAPACITY say otherwise. To be called
/// before the first product.
void pool_tensor_memory();

/// What the pool has of the system, in bytes, and how much of it tensors have now.
struct PoolUse {
  size_t held = 0;
  size_t used = 0;
};
PoolUse pool_use();

}  // namespace cupel::tensor
