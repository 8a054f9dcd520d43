#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decode/bench/advice.h"
#include "decode/bench/report_json.h"

namespace cupel::decode::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(BenchSummary, IsMedianAndRange) {
  const Summary odd = summarise({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 3);
  EXPECT_EQ(summarise({4, 1, 3, 2}).median, 2.5);
  EXPECT_EQ(summarise({7}).median, 7);
}

TEST(BenchShare, IsTheMedianOverTheLimit) {
  Figure figure{.values = {50, 60, 100}, .limit = 120};
  EXPECT_DOUBLE_EQ(*share_of_limit(figure), 0.5);
  figure.limit = std::nullopt;
  EXPECT_FALSE(share_of_limit(figure));
  EXPECT_FALSE(share_of_limit({.limit = 120}));
}

TEST(BenchParts, HaveNamesOfTheirOwn) {
  std::vector<std::string_view> names;
  for (const Part part : all_parts()) {
    names.push_back(part_name(part));
  }
  EXPECT_THAT(names, ElementsAre("bandwidth", "load", "first-token", "memory", "prefill", "decode",
                                 "context", "streams", "cost"));
}

Figure decode_figure(int64_t sequences, double tokens_per_second, double limit) {
  return {.part = Part::kDecode,
          .size_of = "sequences",
          .size = sequences,
          .settings = {{"prompt", 16}, {"tokens", 64}},
          .unit = "tokens/s",
          .values = {tokens_per_second},
          .limit = limit,
          .bytes_per_step = 1e8};
}

Run run_with(int64_t threads, std::vector<Figure> figures) {
  Run run{.model = ModelFacts{.name = "a",
                              .file = "a.gguf",
                              .architecture = "llama",
                              .types = {{.type = "Q4_1", .tensors = 2, .bytes = 40}}},
          .threads = threads,
          .bandwidth_gb_s = 30,
          .cpu_level = "avx2",
          .activations = "int8"};
  run.figures = std::move(figures);
  return run;
}

Report report_of(std::vector<Run> runs) {
  Report report{.machine = {.cpu = "a CPU", .flags = {"avx2"}, .cpus = 2, .cores = 1}, .rounds = 1};
  report.runs = std::move(runs);
  return report;
}

TEST(BenchJson, HoldsEveryFigureWithLimitAndShare) {
  const Json json = report_json(report_of({run_with(2, {decode_figure(4, 75, 300)})}), "1.2");
  EXPECT_EQ(json.find("schema")->as_string(), "cupel.bench/1");
  EXPECT_EQ(json.find("version")->as_string(), "1.2");
  EXPECT_FALSE(json.find("busy")->as_bool());
  EXPECT_EQ(dump_json(*json.find("machine")),
            R"({"cpu":"a CPU","flags":["avx2"],"cpus":2,"cores":1,"last_level_cache_bytes":0,)"
            R"("memory_bytes":0})");
  const Json& run = json.find("runs")->as_array()[0];
  EXPECT_EQ(run.find("threads")->as_int(), 2);
  EXPECT_EQ(dump_json(*run.find("model")->find("types")),
            R"([{"type":"Q4_1","tensors":2,"bytes":40}])");
  EXPECT_EQ(dump_json(run.find("figures")->as_array()[0]),
            R"({"part":"decode","sequences":4,"prompt":16,"tokens":64,"unit":"tokens/s",)"
            R"("median":75.0,"min":75.0,"max":75.0,"values":[75.0],"limit":300.0,"share":0.25,)"
            R"("bytes_per_step":1e+08})");
}

TEST(BenchJson, HasNullForWhatIsNotThere) {
  const auto run = bench::Run{.threads = 1, .figures = {{.part = Part::kMemory, .unit = "bytes"}}};
  const Json json = report_json(report_of({run}), "1");
  const Json& written = json.find("runs")->as_array()[0];
  EXPECT_TRUE(written.find("model")->is_null());
  EXPECT_TRUE(written.find("cpu_level")->is_null());
  EXPECT_EQ(dump_json(written.find("figures")->as_array()[0]),
            R"({"part":"memory","unit":"bytes","median":null,"min":null,"max":null,"values":[],)"
            R"("limit":null,"share":null})");
}

TEST(BenchReport, IsBusyWhenOthersTakeMoreThanAFewOfTheCpus) {
  auto run = run_with(1, {});
  run.others_share = 0.15;
  EXPECT_FALSE(report_of({run}).busy());
  run.others_share = 0.16;
  EXPECT_TRUE(report_of({run}).busy());
}

TEST(BenchAdvice, SaysWhatLimitsDecoding) {
  const auto limit_of = [](double tokens_per_second) {
    const auto lines = advice(report_of({run_with(1, {decode_figure(1, tokens_per_second, 100)})}));
    return lines.size() == 1 ? lines.front() : "not one line";
  };
  EXPECT_THAT(limit_of(80), HasSubstr("80% of what the memory allows: only fewer bytes"));
  EXPECT_THAT(limit_of(30), HasSubstr("30% of what the memory allows: computing"));
  EXPECT_THAT(limit_of(130), HasSubstr("the caches hold"));
  EXPECT_THAT(advice(report_of({run_with(1, {})})), IsEmpty());
}

TEST(BenchAdvice, SaysWhatABatchBrings) {
  const auto lines =
      advice(report_of({run_with(1, {decode_figure(1, 50, 100), decode_figure(16, 200, 1600)})}));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1], "16 sequences together write 4.0 times as much as 1");
}

TEST(BenchAdvice, NamesTheFewestThreadsThatAreFastest) {
  // 4 threads are no faster than 2 by more than noise; 1 thread is slower.
  const auto lines = advice(report_of({run_with(4, {decode_figure(2, 101, 300)}),
                                       run_with(1, {decode_figure(2, 60, 300)}),
                                       run_with(2, {decode_figure(2, 100, 300)})}));
  EXPECT_THAT(lines, ElementsAre("a: decoding is fastest with 2 threads, of those measured"));
}

}  // namespace
}  // namespace cupel::decode::bench
