// Speed of the kernels on one thread, by format and CPU level: cupel_kernels_bench [level] [rows]
// [cols]. Times are this thread's CPU time, so that neighbours disturb them less than they would a
// clock.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/process_usage.h"
#include "base/rng.h"
#include "engine/kernels/bandwidth.h"
#include "engine/kernels/operators.h"
#include "engine/kernels/outliers.h"
#include "engine/runtime/workspace.h"

namespace cupel::engine {
namespace {

/// Best of several runs of at least a few milliseconds each.
template <typename F>
double best_seconds(F&& f) {
  f();
  double best = 1e9;
  for (int trial = 0; trial < 7; ++trial) {
    int runs = 0;
    const double start = thread_cpu_seconds();
    double elapsed = 0;
    do {
      f();
      ++runs;
      elapsed = thread_cpu_seconds() - start;
    } while (elapsed < 0.01);
    best = std::min(best, elapsed / runs);
  }
  return best;
}

struct Activations32 {
  Activations32(const Operators& ops, int64_t n, int64_t cols)
      : buffer(scratch.get(n, cols, {.int8 = true})) {
    Rng rng(1);
    for (int64_t i = 0; i < n * cols; ++i) {
      // 1% of the values stick out, about as many as in the layers' inputs.
      buffer.values[i] = static_cast<float>(rng.normal() * (rng.below(100) == 0 ? 6 : 1));
    }
    for (int64_t i = 0; i < n; ++i) {
      ops.quantise_row(buffer, i);
    }
    sort_outliers(buffer);
    rows = activation_rows(buffer);
  }
  ActivationScratch scratch;
  ActivationBuffer buffer;
  ActivationRows rows;
};

/// Matrices of one format that together exceed the caches, so that a pass over them reads memory.
std::vector<PackedMatrix> matrices(
    const Operators& ops, TensorType type, int64_t rows, int64_t cols, int64_t total_bytes) {
  const auto bytes = static_cast<size_t>(rows) * row_bytes(type, static_cast<uint64_t>(cols));
  std::vector<std::byte> file(bytes);
  Rng rng(2);
  for (std::byte& b : file) {
    b = static_cast<std::byte>(rng.below(64));  // finite scales
  }
  std::vector<PackedMatrix> all;
  for (int64_t done = 0; done < total_bytes; done += static_cast<int64_t>(bytes)) {
    all.push_back(ops.pack(type, rows, cols, file).value());
  }
  return all;
}

void bench_format(const Operators& ops, TensorType type, int64_t rows, int64_t cols) {
  const auto many = matrices(ops, type, rows, cols, int64_t{96} << 20);
  std::vector<float> out(static_cast<size_t>(512 * rows));
  const auto run = [&](const PackedMatrix& weight, const Activations32& a) {
    const LinearArgs args = {&weight, nullptr, a.rows, out.data(), rows, LinearEpilogue::kStore};
    ops.linear(args, 0, rows);
  };
  const double packed_bytes =
      static_cast<double>(row_bytes(type, static_cast<uint64_t>(cols))) * static_cast<double>(rows);
  const double macs = static_cast<double>(rows * cols);
  std::printf("%-6s", std::string(tensor_type_name(type)).c_str());
  const Activations32 one(ops, 1, cols);
  const double gemv = best_seconds([&] {
    for (const PackedMatrix& weight : many) {
      run(weight, one);
    }
  });
  std::printf("  gemv %6.1f GB/s", packed_bytes * static_cast<double>(many.size()) / gemv / 1e9);
  const double cached = best_seconds([&] { run(many[0], one); });
  std::printf(" (cached %6.1f)", packed_bytes / cached / 1e9);
  for (const int64_t n : {2, 4, 8, 16, 32, 64, 512}) {
    const Activations32 a(ops, n, cols);
    const double gemm = best_seconds([&] { run(many[0], a); });
    std::printf("  n=%ld %6.1f", static_cast<long>(n),
                2 * macs * static_cast<double>(n) / gemm / 1e9);
  }
  std::printf(" GOP/s\n");
}

void bench_attention(const Operators& ops, const AttentionShape& shape, int64_t length) {
  const int64_t pages = (length + kPageRows - 1) / kPageRows;
  const KvPageBytes bytes = kv_page_bytes(shape.cache, shape.kv_heads, shape.head_dim);
  const auto page_bytes = static_cast<size_t>(bytes.keys + bytes.values + 2 * bytes.scales);
  std::vector<std::byte> memory(static_cast<size_t>(pages) * page_bytes);
  std::vector<KvPage> table;
  const std::vector<float> row(static_cast<size_t>(shape.kv_heads * shape.head_dim), 0.1F);
  for (int64_t p = 0; p < pages; ++p) {
    std::byte* keys = memory.data() + static_cast<size_t>(p) * page_bytes;
    std::byte* scales = keys + bytes.keys + bytes.values;
    table.push_back({keys, keys + bytes.keys, reinterpret_cast<float*>(scales),
                     reinterpret_cast<float*>(scales + bytes.scales)});
    for (int64_t offset = 0; offset < kPageRows; ++offset) {
      ops.store_kv(row.data(), row.data(), shape, table.back(), offset);
    }
  }
  const int64_t width = shape.heads * shape.head_dim;
  std::vector<float> q(static_cast<size_t>(length * width), 0.1F);
  std::vector<float> out(q.size());
  std::vector<AttentionQuery> queries(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) {
    queries[static_cast<size_t>(i)] = {
        q.data() + i * width, out.data() + i * width, table.data(), i + 1, 0, nullptr, 0};
  }
  const auto run = [&](std::span<const AttentionQuery> some) {
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
      ops.attention(some, shape, head);
    }
  };
  const double one = best_seconds([&] { run(std::span(queries).last(1)); });
  const double all = best_seconds([&] { run(queries); });
  const double macs = 2.0 * static_cast<double>(width) * static_cast<double>(length);
  std::printf(
      "attention %ld/%ld heads of %ld, %ld keys: 1 query %.1f us, %.1f GOP/s; all %.1f GOP/s\n",
      static_cast<long>(shape.heads), static_cast<long>(shape.kv_heads),
      static_cast<long>(shape.head_dim), static_cast<long>(length), one * 1e6, 2 * macs / one / 1e9,
      macs * static_cast<double>(length) / all / 1e9);
}

void bench_rows(const Operators& ops, int64_t width) {
  Activations32 a(ops, 1, width);
  std::vector<float> weight(static_cast<size_t>(width), 1.0F);
  std::vector<float> gate(a.buffer.values, a.buffer.values + width);
  const ActivationBuffer& buffer = a.buffer;
  const double elements = static_cast<double>(width) / 1e9;
  const double norm = best_seconds([&] {
    ops.norm_quantise_row(gate.data(), {.weight = weight.data(), .epsilon = 1e-5F}, buffer, 0);
  });
  const double quantise = best_seconds([&] { ops.quantise_row(buffer, 0); });
  const double silu = best_seconds(
      [&] { ops.gate(gate.data(), weight.data(), width, GateKind::kSilu, gate.data()); });
  std::vector<float> logits(262144, 0.5F);
  const double lse = best_seconds([&] { ops.log_sum_exp(logits.data(), 262144); });
  std::printf(
      "rows of %ld, G elements/s: norm+quantise %.2f, quantise %.2f, silu gate %.2f, "
      "log_sum_exp %.2f\n",
      static_cast<long>(width), elements / norm, elements / quantise, elements / silu,
      262144e-9 / lse);
}

int run(int argc, char** argv) {
  const auto level = argc > 1 ? parse_cpu_level(argv[1]) : Result<CpuLevel>(best_cpu_level());
  if (!level.has_value()) {
    std::fprintf(stderr, "%s\n", level.error().message.c_str());
    return 2;
  }
  const auto ops = operators_for(level.value());
  if (!ops.has_value()) {
    std::fprintf(stderr, "%s\n", ops.error().message.c_str());
    return 1;
  }
  const int64_t rows = argc > 2 ? std::atoll(argv[2]) : 1536;
  const int64_t cols = argc > 3 ? std::atoll(argv[3]) : 768;
  std::printf("level %s, %ld x %ld; read bandwidth %.1f GB/s (1 thread), %.1f (2)\n",
              std::string(cpu_level_name(level.value())).c_str(), static_cast<long>(rows),
              static_cast<long>(cols), measure_read_bandwidth(1), measure_read_bandwidth(2));
  for (const TensorType type :
       {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0, TensorType::kQ5_1,
        TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kQ5_K, TensorType::kQ6_K,
        TensorType::kF16, TensorType::kF32}) {
    bench_format(*ops.value(), type, rows, cols);
  }
  bench_attention(*ops.value(), {9, 3, 64, 0.125F, 0}, 512);
  bench_attention(*ops.value(), {4, 1, 256, 0.0625F, 0}, 512);
  bench_rows(*ops.value(), 1536);
  return 0;
}

}  // namespace
}  // namespace cupel::engine

int main(int argc, char** argv) {
  return cupel::engine::run(argc, argv);
}
