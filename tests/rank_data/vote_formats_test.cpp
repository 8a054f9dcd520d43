// JSONL, compression, threads: what must not change the votes that are read.
#include <algorithm>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/format.h"
#include "base/rng.h"
#include "rank/vote_reader.h"
#include "support/packed.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

struct Row {
  std::string a, b, winner, user, language;
};

std::vector<Row> sample_rows(size_t count) {
  Rng rng(3);
  const std::string winners[] = {"model_a", "model_b", "tie", "tie (bothbad)"};
  std::vector<Row> rows;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t a = rng.below(40);
    // The later a row, the newer its models: so each block brings some.
    rows.push_back({format("model-{}", a + i / 50), format("model \"{}\"", rng.below(40) + i / 50),
                    winners[rng.below(4)], format("user{}", rng.below(300)),
                    rng.below(5) == 0 ? "" : format("lang,{}", rng.below(9))});
  }
  return rows;
}

std::string quoted(std::string text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' ? "\"\"" : std::string(1, c);
  }
  return out + "\"";
}

std::string as_csv(const std::vector<Row>& rows) {
  std::string text = "language,model_a,model_b,user,winner\n";
  for (const Row& row : rows) {
    text += format("{},{},{},{},{}\n", row.language.empty() ? "" : quoted(row.language), row.a,
                   quoted(row.b), row.user, row.winner);
  }
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '"' ? "\\\"" : std::string(1, c);
  }
  return out;
}

std::string as_jsonl(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    text += format(R"({{"model_a": "{}", "model_b": "{}", "winner": "{}", "user": "{}", )", row.a,
                   escaped(row.b), row.winner, row.user);
    text += format(R"("turns": [1, {{"x": "y"}}], "language": {}}})",
                   row.language.empty() ? "null" : "\"" + row.language + "\"") +
            "\n";
  }
  return text;
}

void expect_same(const VoteFile& left, const VoteFile& right) {
  ASSERT_EQ(left.table.rows(), right.table.rows());
  EXPECT_EQ(left.table.models().names(), right.table.models().names());
  EXPECT_EQ(left.table.clusters().names(), right.table.clusters().names());
  for (size_t i = 0; i < left.table.rows(); ++i) {
    const Battle x = left.table.row(i);
    const Battle y = right.table.row(i);
    ASSERT_TRUE(x.a == y.a && x.b == y.b && x.outcome == y.outcome && x.cluster == y.cluster) << i;
  }
  ASSERT_EQ(left.kept.size(), right.kept.size());
  for (size_t i = 0; i < left.kept.size(); ++i) {
    EXPECT_EQ(left.kept[i].values.names(), right.kept[i].values.names());
    EXPECT_EQ(left.kept[i].ids, right.kept[i].ids);
  }
  EXPECT_EQ(left.wins_a, right.wins_a);
  EXPECT_EQ(left.both_bad, right.both_bad);
  EXPECT_EQ(left.skipped, right.skipped);
  EXPECT_EQ(left.first_skipped, right.first_skipped);
}

VoteReadOptions options_with(size_t threads, size_t block_bytes) {
  return {.cluster = "user",
          .keep = {"language", "user"},
          .threads = threads,
          .limits = {block_bytes, size_t{1} << 20U}};
}

/// What the rows say, row by row.
void expect_rows(const VoteFile& file, const std::vector<Row>& rows) {
  ASSERT_EQ(file.table.rows(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Battle battle = file.table.row(i);
    ASSERT_EQ(file.table.models().name(battle.a), rows[i].a);
    ASSERT_EQ(file.table.models().name(battle.b), rows[i].b);
    ASSERT_EQ(battle.outcome, rows[i].winner == "model_a"   ? kWinA
                              : rows[i].winner == "model_b" ? kWinB
                                                            : kTie);
    ASSERT_EQ(file.table.clusters().name(battle.cluster), rows[i].user);
    ASSERT_EQ(file.kept[0].values.name(file.kept[0].ids[i]), rows[i].language);
    ASSERT_EQ(file.kept[1].values.name(file.kept[1].ids[i]), rows[i].user);
  }
}

TEST(VoteFormats, CsvAndJsonlHoldTheSameVotes) {
  const std::vector<Row> rows = sample_rows(2000);
  const auto csv = parse_votes(as_csv(rows), "v", options_with(1, 4096));
  const auto jsonl = parse_votes(as_jsonl(rows), "v", options_with(1, 4096));
  ASSERT_TRUE(csv.has_value()) << csv.error().message;
  ASSERT_TRUE(jsonl.has_value()) << jsonl.error().message;
  expect_rows(*csv, rows);
  expect_same(*csv, *jsonl);
}

TEST(VoteFormats, ThreadsAndBlocksChangeNothing) {
  const std::vector<Row> rows = sample_rows(3000);
  for (const std::string& text : {as_csv(rows), as_jsonl(rows)}) {
    const auto one = parse_votes(text, "v", options_with(1, size_t{1} << 20U));
    ASSERT_TRUE(one.has_value()) << one.error().message;
    for (const size_t threads : {1, 2, 3, 8}) {
      for (const size_t bytes : {size_t{100}, size_t{777}, size_t{5000}}) {
        const auto many = parse_votes(text, "v", options_with(threads, bytes));
        ASSERT_TRUE(many.has_value()) << many.error().message;
        expect_same(*one, *many);
      }
    }
  }
}

TEST(VoteFormats, BadRowsAreTheSameWhateverTheThreads) {
  std::string text = "model_a,model_b,user,winner,language\n";
  for (int i = 0; i < 2000; ++i) {
    text += i % 37 == 5    ? "x,\"y\"z,u,tie,\n"
            : i % 41 == 7  ? "x,\"y\n\",u\n"
            : i % 101 == 9 ? "only-here,y,u,lost,\n"
                           : format("m{},n{},u{},tie,\n", i % 90, i % 70, i % 11);
  }
  VoteReadOptions options = options_with(1, size_t{1} << 20U);
  options.skip_bad = true;
  const auto one = parse_votes(text, "v", options);
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_GT(one->skipped, 100);
  EXPECT_FALSE(one->table.models().find("only-here").has_value());
  const std::string first =
      parse_votes(text, "v", options_with(1, size_t{1} << 20U)).error().message;
  EXPECT_TRUE(first.starts_with("v:7: text follows the closing quote")) << first;
  for (const size_t threads : {2, 5}) {
    options.threads = threads;
    options.limits.block_bytes = 300;
    const auto many = parse_votes(text, "v", options);
    ASSERT_TRUE(many.has_value()) << many.error().message;
    expect_same(*one, *many);
    EXPECT_EQ(parse_votes(text, "v", options_with(threads, 300)).error().message, first);
  }
}

TEST(VoteFormats, GzipAndZstdAreReadUnderAnyName) {
  const std::vector<Row> rows = sample_rows(1000);
  const test::TemporaryFolder folder;
  const std::string csv = as_csv(rows);
  const std::string half = csv.substr(0, csv.size() / 2);
  const std::string rest = csv.substr(csv.size() / 2);
  std::ofstream(folder.file("a.csv.gz")) << test::gzip(half) + test::gzip(rest);
  std::ofstream(folder.file("b")) << test::zstd(half) + test::zstd(rest);
  std::ofstream(folder.file("c.jsonl.zst")) << test::zstd(as_jsonl(rows));
  for (const std::string name : {"a.csv.gz", "b", "c.jsonl.zst"}) {
    VoteReadOptions options = options_with(2, 4096);
    options.paths = {folder.file(name)};
    const auto file = read_votes(options);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    expect_rows(*file, rows);
  }
  std::ofstream(folder.file("cut.csv.gz")) << test::gzip(csv).substr(0, 2000);
  // In blocks, so that votes come before the cut; the block of the error has no kept columns.
  VoteReadOptions in_blocks = options_with(2, 300);
  in_blocks.paths = {folder.file("cut.csv.gz")};
  const auto cut = read_votes(in_blocks);
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().message,
            folder.file("cut.csv.gz") +
                ": the gzip data ends in the middle; the file is cut, fetch it "
                "again");
}

/// Standard input made of a pipe, until the object ends.
class PipedInput {
 public:
  explicit PipedInput(const std::string& bytes) : saved_(::dup(STDIN_FILENO)) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe(ends), 0);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    // In small pieces, so that reads find less than they ask for.
    writer_ = std::thread([bytes, to = ends[1]] {
      for (size_t at = 0; at < bytes.size(); at += 1000) {
        const size_t size = std::min<size_t>(1000, bytes.size() - at);
        EXPECT_EQ(::write(to, bytes.data() + at, size), static_cast<ssize_t>(size));
      }
      ::close(to);
    });
  }
  ~PipedInput() {
    writer_.join();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
  std::thread writer_;
};

TEST(VoteFormats, StandardInputIsReadOnce) {
  const std::vector<Row> rows = sample_rows(1000);
  for (const std::string& bytes : {as_csv(rows), test::zstd(as_jsonl(rows))}) {
    const PipedInput input(bytes);
    VoteReadOptions options = options_with(2, 4096);
    options.paths = {"-"};
    const auto file = read_votes(options);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    expect_rows(*file, rows);
  }
  const PipedInput input("model_a,model_b,winner\nx,y,lost\n");
  const auto wrong = read_votes({.paths = {"-"}});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_TRUE(wrong.error().message.starts_with("standard input:2: winner is \"lost\""));
}

TEST(VoteFormats, JsonlErrorsNameTheLine) {
  const std::string good = R"({"model_a":"x","model_b":"y","winner":"tie","n":1})";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {good + "\n\n" + R"({"model_a":"x","model_b":"y"})", "v.jsonl:3: winner is empty"},
      {good + "\n{\"model_a\":\"x\",", "v.jsonl:2: json error at column 16"},
      {good + "\n[1]\n", "v.jsonl:2: json error at column 1: expected an object"},
      {"{\"model_a\":\n", "v.jsonl:1: json error"},
      {R"({"model_a":"x","model_b":"y"})", "v.jsonl:1: no column \"winner\"; columns are: model_a"},
      {good + "\n" + R"({"model_a":"x","model_b":"y","winner":"tie","winner":"model_a"})",
       "v.jsonl:2: json error at column 45: the key \"winner\" stands in its object twice"},
      {R"({"model_a":"x","model_b":"y","winner":"tie","model_b":"z"})",
       "v.jsonl:1: json error at column 45: the key \"model_b\" stands"},
      {"[" + good + "]", "v.jsonl: is one JSON array; expected an object on each line"},
      {"model_a,model_b,winner\nx,y,tie\n", "v.jsonl:1: json error"},
      {"", "v.jsonl: no votes"}};
  for (const auto& [text, message] : cases) {
    const auto file = parse_votes(text, "v.jsonl");
    ASSERT_FALSE(file.has_value()) << text;
    EXPECT_TRUE(file.error().message.starts_with(message)) << file.error().message;
  }
  const auto skipped = parse_votes("{broken\n" + good + "\n", "v.jsonl", {.skip_bad = true});
  ASSERT_TRUE(skipped.has_value()) << skipped.error().message;
  EXPECT_EQ(skipped->skipped, 1);
}

}  // namespace
}  // namespace cupel::rank
