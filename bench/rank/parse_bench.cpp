// Reading votes: cupel_parse_bench FILE [rows]. Writes FILE with that many votes of 200 models
// (fixed seed) when it is absent, then says what each stage and the whole reading cost on one
// thread and on all, how often memory was asked for and how much was resident at most.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "base/csv.h"
#include "base/format.h"
#include "base/process_usage.h"
#include "base/record_blocks.h"
#include "base/rng.h"
#include "base/thread_pool.h"
#include "rank/vote_reader.h"

namespace {

std::atomic<size_t> allocations = 0;

}  // namespace

// Counts what the programs asks for; all other forms of new call this one.
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace {

using cupel::format;
using Clock = std::chrono::steady_clock;

bool write_votes(const std::string& path, size_t rows, bool wide) {
  cupel::Rng rng(20261126);
  std::ofstream file(path);
  file << "model_a,model_b,winner" << (wide ? ",judge,turn,anony,language,tstamp,id\n" : "\n");
  for (size_t i = 0; i < rows; ++i) {
    const uint64_t a = rng.below(200);
    const uint64_t b = (a + 1 + rng.below(199)) % 200;
    const uint64_t draw = rng.below(8);
    file << format("model-{:03d},model-{:03d},{}", a, b,
                   draw < 3   ? "model_a"
                   : draw < 6 ? "model_b"
                              : "tie");
    if (wide) {
      file << format(",arena_user_{},1,True,English,{}.{:04d},{:016x}", rng.below(100'000),
                     1'700'000'000 + i, rng.below(10'000), rng.bits());
    }
    file << '\n';
  }
  return file.good();
}

/// The shortest of some times: on the clock, and of the processors, which busy neighbours lengthen
/// less.
template <typename Body>
void report(const char* what, double megabytes, int rounds, Body body) {
  double best = 1e9;
  double best_cpu = 1e9;
  size_t asked = 0;
  for (int round = 0; round < rounds; ++round) {
    const size_t before = allocations;
    const double cpu_start = cupel::process_cpu_seconds();
    const auto start = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    best_cpu = std::min(best_cpu, cupel::process_cpu_seconds() - cpu_start);
    asked = allocations - before;
  }
  std::printf("%-20s %7.1f ms %6.0f MB/s, processors %7.1f ms %6.0f MB/s, %6zu allocations\n", what,
              best * 1e3, megabytes / best, best_cpu * 1e3, megabytes / best_cpu, asked);
}

double file_megabytes(const std::string& path) {
  return static_cast<double>(std::ifstream(path, std::ios::ate | std::ios::binary).tellg()) / 1e6;
}

void read_blocks(const std::string& path, bool records) {
  cupel::RecordBlocks blocks(std::move(*cupel::open_source(path)));
  blocks.set_kind(cupel::RecordKind::kCsv);
  cupel::RecordBlock block;
  size_t rows = 0;
  while (*blocks.next(block)) {
    cupel::CsvReader reader(block.text());
    while (records && reader.next() == cupel::CsvReader::Step::kRecord) {
      ++rows;
    }
  }
  if (records && rows == 0) {
    std::abort();
  }
}

void read_votes(const std::string& path, size_t threads) {
  const auto votes = cupel::rank::read_votes({.paths = {path}, .threads = threads});
  if (!votes.has_value()) {
    std::fprintf(stderr, "%s\n", votes.error().message.c_str());
    std::exit(1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: cupel_parse_bench FILE [rows [wide|narrow [rounds]]]\n");
    return 2;
  }
  const std::string path = argv[1];
  const size_t rows = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2'000'000;
  const bool wide = argc > 3 && std::string(argv[3]) == "wide";
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 7;
  if (!std::ifstream(path).good() && !write_votes(path, rows, wide)) {
    std::fprintf(stderr, "%s: cannot be written\n", path.c_str());
    return 1;
  }
  const double megabytes = file_megabytes(path);
  std::printf("%s: %.1f MB\n", path.c_str(), megabytes);
  report("bytes alone", megabytes, rounds, [&] {
    auto source = cupel::open_source(path);
    std::vector<char> buffer(size_t{1} << 20U);
    while (*source->bytes->read(buffer) == buffer.size()) {
    }
  });
  report("blocks of records", megabytes, rounds, [&] { read_blocks(path, false); });
  report("fields", megabytes, rounds, [&] { read_blocks(path, true); });
  report("votes, 1 thread", megabytes, rounds, [&] { read_votes(path, 1); });
  const size_t cpus = cupel::available_cpus();
  report(format("votes, {} threads", cpus).c_str(), megabytes, rounds,
         [&] { read_votes(path, cpus); });
  if (const auto peak = cupel::peak_resident_bytes()) {
    std::printf("peak resident: %.0f MiB\n", static_cast<double>(*peak) / (1 << 20));
  }
}
