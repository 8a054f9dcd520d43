// What a rating costs once the votes are in memory: cupel_rank_fit_bench FILE METHOD [THREADS].
// Reads the file, times one fit by the library, and prints one JSON line with the seconds of both,
// the file's size and the ratings.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/io.h"
#include "base/json.h"
#include "rank/battle_reader.h"
#include "rank/methods/registry.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

cupel::Result<cupel::Json> measure(const std::string& path, const std::string& name) {
  CUPEL_TRY(const cupel::rank::RatingMethod* method, cupel::rank::find_rating_method(name));
  const auto read_start = Clock::now();
  CUPEL_TRY(const cupel::rank::BattleFile file, cupel::rank::read_battles_csv(path));
  const double read_s = seconds_since(read_start);
  const auto fit_start = Clock::now();
  CUPEL_TRY(const cupel::rank::Ratings ratings, cupel::rank::fit_ratings(*method, file.table));
  const double fit_s = seconds_since(fit_start);
  cupel::Json values = cupel::Json::object();
  for (size_t i = 0; i < ratings.values.size(); ++i) {
    values.set(file.table.models().names()[i], ratings.values[i]);
  }
  return cupel::Json::object()
      .set("read_s", read_s)
      .set("fit_s", fit_s)
      .set("rows", file.table.rows())
      .set("iterations", ratings.report.iterations)
      .set("ratings", std::move(values));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: cupel_rank_fit_bench FILE METHOD\n", stderr);
    return 2;
  }
  const auto measured = measure(argv[1], argv[2]);
  if (!measured.has_value()) {
    std::fprintf(stderr, "%s\n", measured.error().message.c_str());
    return cupel::exit_code(measured.error().code);
  }
  std::printf("%s\n", cupel::dump_json(*measured).c_str());
}
