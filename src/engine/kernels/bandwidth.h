#pragma once

#include <cstddef>

namespace cupel::engine {

/// Memory read bandwidth of this machine with `threads` threads, in GB/s (10^9 bytes a second): the
/// limit of decoding. Best of five passes over 128 MiB, more than the caches hold; takes about 0.1
/// s. 0 when there is no memory for it.
double measure_read_bandwidth(size_t threads);

}  // namespace cupel::engine
