#include "engine/checkpoint/gguf_writer.h"

#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "engine/gguf_sample.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using cupel::test::TemporaryFolder;
using test::sample_data;
using test::sample_file;
using test::sample_header;

Result<Ok> write_sample(const std::string& path, size_t piece_bytes) {
  const GgufHeader header = sample_header();
  CUPEL_TRY(GgufWriter writer, GgufWriter::create(path, header));
  for (const GgufTensorPlan& plan : header.tensors()) {
    const std::vector<std::byte> data = sample_data(plan);
    for (size_t at = 0; at < data.size(); at += piece_bytes) {
      const size_t size = std::min(piece_bytes, data.size() - at);
      CUPEL_TRY_VOID(writer.write(std::span(data).subspan(at, size)));
    }
  }
  return writer.close();
}

TEST(GgufWriter, WritesTheSameBytesInAnyPieces) {
  const TemporaryFolder folder;
  for (const size_t piece : {1U, 7U, 1000000U}) {
    ASSERT_TRUE(write_sample(folder.file("out.gguf"), piece).has_value());
    EXPECT_EQ(read_file(folder.file("out.gguf")).value(), sample_file()) << piece;
  }
}

TEST(GgufWriter, CopiedMetadataIsEqualByteForByte) {
  const std::string bytes = sample_file();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "sample");
  ASSERT_TRUE(file.has_value());
  GgufHeader copy(file->alignment());
  for (const GgufEntry& entry : file->metadata()) {
    copy.set_value(entry.key, entry.value);
  }
  const GgufHeader original = sample_header();
  for (const GgufTensorPlan& plan : original.tensors()) {
    copy.add_tensor(plan);
  }
  EXPECT_EQ(copy.encode(), original.encode());
}

TEST(GgufWriter, SettingAKeyAgainReplacesIt) {
  GgufHeader header;
  header.set("k", uint32_t{1});
  header.set_string("other", "x");
  header.set("k", 2.5F);
  const std::string bytes = header.encode();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "sample");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->metadata().size(), 2U);
  EXPECT_EQ(file->get_f64("k").value(), 2.5);
}

TEST(GgufWriter, OtherAlignmentsAreRecorded) {
  const TemporaryFolder folder;
  GgufHeader header(64);
  header.add_tensor({"a", TensorType::kF32, {3}});
  header.add_tensor({"b", TensorType::kF32, {1}});
  auto writer = GgufWriter::create(folder.file("out.gguf"), header);
  ASSERT_TRUE(writer.has_value());
  const std::vector<std::byte> data(12, std::byte{1});
  ASSERT_TRUE(writer->write(data).has_value());
  ASSERT_TRUE(writer->write(std::span(data).first(4)).has_value());
  ASSERT_TRUE(writer->close().has_value());
  const auto file = Checkpoint::open(folder.file("out.gguf"));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->alignment(), 64U);
  EXPECT_EQ(file->find_tensor("b")->offset - file->find_tensor("a")->offset, 64U);
  EXPECT_EQ(writer->bytes_written(), file->size_bytes());
}

TEST(GgufWriter, FullDiskLeavesNoFile) {
  const TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{sample_header().encode().size() + 10, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto done = write_sample(folder.file("out.gguf"), 64);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kExhausted);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(GgufWriterDeathTest, CrossingTensorsIsABug) {
  const TemporaryFolder folder;
  auto writer = GgufWriter::create(folder.file("out.gguf"), sample_header());
  ASSERT_TRUE(writer.has_value());
  const std::vector<std::byte> big(1000);
  EXPECT_DEATH((void)writer->write(big), "crosses into the next tensor");
  EXPECT_DEATH((void)writer->close(), "closed before the last tensor");
}

}  // namespace
}  // namespace cupel::engine
