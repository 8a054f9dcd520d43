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
/// Also bounds what libtorch keeps of its products of bf16: machine code for each shape, of 1024
/// shapes a thread: 600 MB after four steps of rows of all lengths, with 64 shapes 40 MB after
/// eight (measured). It is 64 unless LRU_CACHE_CAPACITY and ONEDNN_PRIMITIVE_CACHE_CAPACITY say
/// otherwise. To be called before the first product.
void pool_tensor_memory();

/// What the pool has of the system, in bytes, and how much of it tensors have now.
struct PoolUse {
  size_t held = 0;
  size_t used = 0;
};
PoolUse pool_use();

}  // namespace cupel::tensor
