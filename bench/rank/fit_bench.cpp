// What a rating costs once the votes are in memory: cupel_rank_fit_bench FILE METHOD [THREADS].
// Reads the file on THREADS threads (0 or absent: all that there are), times one fit by the
// library, and prints one JSON line with the seconds of both (of the fit also those of all
// processors together) and the ratings.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "base/json.h"
#include "rank/methods/registry.h"
#include "rank/vote_reader.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

cupel::Result<cupel::Json> measure(const std::string& path,
                                   const std::string& name,
                                   size_t threads) {
  CUPEL_TRY(const cupel::rank::RatingMethod* method, cupel::rank::find_rating_method(name));
  const auto read_start = Clock::now();
  CUPEL_TRY(const cupel::rank::VoteFile votes,
            cupel::rank::read_votes({.paths = {path}, .threads = threads}));
  const double read_s = seconds_since(read_start);
  const std::clock_t cpu_start = std::clock();
  const auto fit_start = Clock::now();
  CUPEL_TRY(const cupel::rank::Ratings ratings, cupel::rank::fit_ratings(*method, votes.table));
  const double fit_s = seconds_since(fit_start);
  const double fit_cpu_s = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  cupel::Json values = cupel::Json::object();
  for (size_t i = 0; i < ratings.values.size(); ++i) {
    values.set(votes.table.models().names()[i], ratings.values[i]);
  }
  return cupel::Json::object()
      .set("read_s", read_s)
      .set("fit_s", fit_s)
      .set("fit_cpu_s", fit_cpu_s)
      .set("rows", votes.table.rows())
      .set("iterations", ratings.report.iterations)
      .set("ratings", std::move(values));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fputs("usage: cupel_rank_fit_bench FILE METHOD [THREADS]\n", stderr);
    return 2;
  }
  const auto threads = argc > 3 ? static_cast<size_t>(std::atoi(argv[3])) : size_t{0};
  const auto measured = measure(argv[1], argv[2], threads);
  if (!measured.has_value()) {
    std::fprintf(stderr, "%s\n", measured.error().message.c_str());
    return cupel::exit_code(measured.error().code);
  }
  std::printf("%s\n", cupel::dump_json(*measured).c_str());
}
