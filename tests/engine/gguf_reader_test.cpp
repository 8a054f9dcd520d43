#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/gguf_sample.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using cupel::test::TemporaryFolder;
using test::bytes_of;
using test::RawGguf;
using test::sample_file;
using test::touch_everything;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Result<Checkpoint> parse(std::string_view file) {
  return Checkpoint::from_bytes(bytes_of(file), "m.gguf");
}

// The error of a broken file; its message names the file first and stays on one line.
Error error_of(std::string_view file) {
  const auto result = parse(file);
  if (result) {
    ADD_FAILURE() << "the file was accepted";
    return {};
  }
  EXPECT_THAT(result.error().message, StartsWith("m.gguf: "));
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
  return result.error();
}

#define EXPECT_CORRUPT(file, ...)                   \
  do {                                              \
    const Error error = error_of(file);             \
    EXPECT_EQ(error.code, Code::kCorruptData);      \
    EXPECT_THAT(error.message, AllOf(__VA_ARGS__)); \
  } while (false)

TEST(GgufReader, ReadsEveryMetadataType) {
  const std::string bytes = sample_file();
  const auto file = parse(bytes);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->version(), 3U);
  EXPECT_EQ(file->get_u64("a.u8").value(), 200U);
  EXPECT_EQ(file->get_i64("a.i8").value(), -7);
  EXPECT_EQ(file->get_u64("a.u16").value(), 60000U);
  EXPECT_EQ(file->get_i64("a.i16").value(), -3000);
  EXPECT_EQ(file->get_u64("a.u32").value(), 4000000000U);
  EXPECT_EQ(file->get_i64("a.i32").value(), -5);
  EXPECT_EQ(file->get_u64("a.u64").value(), uint64_t{1} << 40U);
  EXPECT_EQ(file->get_i64("a.i64").value(), -6);
  EXPECT_EQ(file->get_f64("a.f32").value(), 0.5);
  EXPECT_EQ(file->get_f64("a.f64").value(), 1e-5);
  EXPECT_EQ(file->get_f64("a.i32").value(), -5.0);
  EXPECT_TRUE(file->get_bool("a.bool").value());
  EXPECT_EQ(file->get_string("general.name").value(), "Sample");
  EXPECT_THAT(file->get_string_array("tokenizer.ggml.tokens").value(),
              testing::ElementsAre("<s>", "", "\xC4\xA0the"));
  EXPECT_THAT(file->get_f32_array("tokenizer.ggml.scores").value(),
              testing::ElementsAre(0.0F, -1.0F, -2.5F));
  EXPECT_THAT(file->get_i32_array("tokenizer.ggml.token_type").value(),
              testing::ElementsAre(3, 1, 1));
  EXPECT_EQ(file->find("a.nested")->type_name(), "array of 2 array");
  EXPECT_EQ(file->metadata().front().key, "general.architecture");
}

TEST(GgufReader, TypedReadersNameFileKeyAndFinding) {
  const std::string bytes = sample_file();
  const auto file = parse(bytes);
  ASSERT_TRUE(file.has_value());
  EXPECT_THAT(file->get_u64("x.y").error().message,
              HasSubstr("m.gguf: metadata key \"x.y\" is missing"));
  EXPECT_THAT(file->get_u64("a.i32").error().message,
              HasSubstr("\"a.i32\" is i32; expected an integer"));
  EXPECT_THAT(file->get_u64("general.name").error().message, HasSubstr("is string"));
  EXPECT_THAT(file->get_bool("a.u8").error().message, HasSubstr("expected bool"));
  EXPECT_THAT(file->get_string_array("tokenizer.ggml.scores").error().message,
              HasSubstr("array of 3 f32; expected array of string"));
  EXPECT_FALSE(file->get_i32_array("tokenizer.ggml.scores").has_value());
  EXPECT_FALSE(file->get_f32_array("tokenizer.ggml.tokens").has_value());
  EXPECT_FALSE(file->get_f32_array("a.nested").has_value());
  EXPECT_EQ(file->get_u64_or("x.y", 9).value(), 9U);
  EXPECT_FALSE(file->get_u64_or("general.name", 9).has_value());
  EXPECT_EQ(file->get_string_or("x.y", "none").value(), "none");
  EXPECT_THAT(file->get_tensor("nope").error().message, HasSubstr("has no tensor \"nope\""));
}

TEST(GgufReader, ReadsTensors) {
  const std::string bytes = sample_file();
  const auto file = parse(bytes);
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(file->tensors().size(), 6U);
  const CheckpointTensor* tensor = file->find_tensor("blk.0.attn_q.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->type, TensorType::kQ4_1);
  EXPECT_EQ(tensor->shape(), "[64, 2]");
  EXPECT_EQ(tensor->rows(), 2U);
  EXPECT_EQ(tensor->row_bytes(), 40U);
  EXPECT_EQ(tensor->data.size(), 80U);
  EXPECT_EQ(tensor->offset % 32, 0U);
  EXPECT_EQ(tensor->row(1).data(), tensor->data.data() + 40);
  EXPECT_EQ(tensor->data.data(), bytes_of(bytes).data() + tensor->offset);  // nothing was copied
}

TEST(GgufReader, AcceptsVersion2) {
  std::string bytes = sample_file();
  bytes[4] = 2;
  EXPECT_EQ(parse(bytes)->version(), 2U);
}

TEST(GgufReader, AcceptsHeadersWithoutTensors) {
  EXPECT_TRUE(
      parse(RawGguf().header(0, 1).key("k", GgufType::kU8).put(uint8_t{1}).str()).has_value());
  EXPECT_TRUE(parse(RawGguf().header(0, 0).str()).has_value());
}

TEST(GgufReader, FingerprintCoversEveryByte) {
  std::string bytes = sample_file();
  const std::string before = parse(bytes)->fingerprint();
  EXPECT_EQ(before.size(), 32U);
  EXPECT_EQ(parse(bytes)->fingerprint(), before);
  const uint64_t data = parse(bytes)->data_offset();
  for (size_t i = data; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    ASSERT_NE(parse(bytes)->fingerprint(), before) << i;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
  }
}

TEST(GgufReader, RejectsTruncationAtEveryByte) {
  const std::string bytes = sample_file();
  const auto whole = parse(bytes);
  ASSERT_TRUE(whole.has_value());
  const CheckpointTensor& last = whole->tensors().back();
  const size_t end = last.offset + last.data.size();
  for (size_t length = 0; length < end; ++length) {
    // A copy of exactly that length, so that a sanitizer sees any read past it.
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const auto file = Checkpoint::from_bytes(std::as_bytes(std::span(cut)), "m.gguf");
    ASSERT_FALSE(file.has_value()) << length;
    ASSERT_EQ(file.error().code, Code::kCorruptData) << length << ": " << file.error().message;
  }
  EXPECT_TRUE(parse(std::string_view(bytes).substr(0, end)).has_value());
}

// Each header byte with each bit flipped, all clear and all set: a clean error or a load whose
// views all lie inside the file.
TEST(GgufReader, SurvivesSingleByteMutations) {
  std::string bytes = sample_file();
  const uint64_t header = parse(bytes)->data_offset();
  size_t loads = 0;
  for (size_t i = 0; i < header; ++i) {
    const char original = bytes[i];
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, original & 255, ~original & 255}) {
      bytes[i] = static_cast<char>(original ^ flip);
      const auto file = parse(bytes);
      if (file) {
        ++loads;
        touch_everything(*file);
      } else {
        ASSERT_THAT(file.error().message, StartsWith("m.gguf: "));
        ASSERT_TRUE(file.error().code == Code::kCorruptData ||
                    file.error().code == Code::kUnsupported);
        ASSERT_EQ(file.error().message.find('\n'), std::string::npos) << file.error().message;
      }
    }
    bytes[i] = original;
  }
  EXPECT_GT(loads, 0U);  // values of free keys may change without harm
}

TEST(GgufReader, NamesForeignFormats) {
  EXPECT_CORRUPT("", HasSubstr("the file is empty"));
  EXPECT_CORRUPT("GGU", HasSubstr("no GGUF magic at byte 0; expected the bytes \"GGUF\""));
  EXPECT_CORRUPT("version https://git-lfs.github.com/spec/v1\n", HasSubstr("Git LFS pointer"));
  EXPECT_CORRUPT("<!DOCTYPE html>", HasSubstr("web page"));
  EXPECT_CORRUPT("PK\x03\x04zip", HasSubstr("zip archive"));
  EXPECT_CORRUPT(std::string("\x40\0\0\0\0\0\0\0{\"__meta", 15), HasSubstr("safetensors"));
}

TEST(GgufReader, RejectsOtherVersions) {
  const auto of = [](uint32_t version) { return error_of(RawGguf().header(0, 0, version).str()); };
  EXPECT_EQ(of(1).code, Code::kUnsupported);
  EXPECT_THAT(of(1).message, HasSubstr("GGUF version 1 at byte 4; expected 2 or 3"));
  EXPECT_EQ(of(4).code, Code::kUnsupported);
  EXPECT_EQ(of(0x03000000).code, Code::kUnsupported);
  EXPECT_THAT(of(0x03000000).message, HasSubstr("big-endian"));
  EXPECT_EQ(of(0).code, Code::kCorruptData);
  EXPECT_EQ(of(0x12345).code, Code::kCorruptData);
}

TEST(GgufReader, RejectsAbsurdCountsAndLengths) {
  constexpr uint64_t kHuge = UINT64_MAX - 3;
  EXPECT_CORRUPT(RawGguf().header(kHuge, 0).data(99).str(), HasSubstr("tensor count"),
                 HasSubstr("byte 8"));
  EXPECT_CORRUPT(RawGguf().header(0, kHuge).data(99).str(), HasSubstr("metadata count"));
  EXPECT_CORRUPT(RawGguf().header(0, 1).put(kHuge).data(99).str(),
                 HasSubstr("a metadata key at byte 24 claims"));
  EXPECT_CORRUPT(RawGguf().header(0, 1).key("k", GgufType::kString).put(kHuge).data(99).str(),
                 HasSubstr("a metadata string at byte 45 runs past the end"));
  for (const GgufType type :
       {GgufType::kU64, GgufType::kString, GgufType::kArray, GgufType::kBool}) {
    EXPECT_CORRUPT(RawGguf()
                       .header(0, 1)
                       .key("k", GgufType::kArray)
                       .put(static_cast<uint32_t>(type))
                       .put(kHuge)
                       .data(99)
                       .str(),
                   HasSubstr("does not fit"));
  }
}

TEST(GgufReader, RejectsBrokenMetadata) {
  EXPECT_CORRUPT(RawGguf().header(0, 1).key("", GgufType::kU8).put(uint8_t{1}).data(9).str(),
                 HasSubstr("empty metadata key"));
  EXPECT_CORRUPT(RawGguf().header(0, 1).text("k").put(uint32_t{13}).data(9).str(),
                 HasSubstr("metadata value type 13 at byte 33"));
  EXPECT_CORRUPT(RawGguf().header(0, 1).key("k", GgufType::kBool).put(uint8_t{2}).str(),
                 HasSubstr("boolean 2 at byte 37; expected 0 or 1"));
  RawGguf twice;
  twice.header(0, 2);
  twice.key("k\n", GgufType::kU8).put(uint8_t{1}).key("k\n", GgufType::kU8).put(uint8_t{1});
  EXPECT_CORRUPT(twice.str(), HasSubstr("second metadata key \"k?\""));
  RawGguf deep;
  deep.header(0, 1).key("k", GgufType::kArray);
  for (int i = 0; i < 100; ++i) {
    deep.put(static_cast<uint32_t>(GgufType::kArray)).put(uint64_t{1});
  }
  EXPECT_CORRUPT(deep.data(32).str(), HasSubstr("nested deeper than 4"));
}

TEST(GgufReader, RejectsBrokenAlignment) {
  // 3 << 30: a copy of so small a file would be padded to 3 GiB.
  for (const uint32_t alignment : {0U, 4U, 7U, 12U, 24U, 1U << 21U, 3U << 30U}) {
    EXPECT_CORRUPT(
        RawGguf().header(0, 1).key("general.alignment", GgufType::kU32).put(alignment).str(),
        HasSubstr("general.alignment at byte 53"), HasSubstr("power of two from 8 to 1048576"));
  }
  EXPECT_CORRUPT(
      RawGguf().header(0, 1).key("general.alignment", GgufType::kString).text("32").str(),
      HasSubstr("is string"));
  EXPECT_TRUE(parse(RawGguf()
                        .header(1, 1)
                        .key("general.alignment", GgufType::kU32)
                        .put(uint32_t{64})
                        .tensor("t", {2}, 0, 64)
                        .data(64 + 8, 64)
                        .str())
                  .has_value());
}

TEST(GgufReader, RejectsBrokenTensorTables) {
  const auto one = [](const std::vector<uint64_t>& dims, uint32_t type, uint64_t offset) {
    return RawGguf().header(1, 0).tensor("t", dims, type, offset).data(512).str();
  };
  EXPECT_TRUE(parse(one({32, 4}, 0, 0)).has_value());
  EXPECT_CORRUPT(one({}, 0, 0), HasSubstr("\"t\" has 0 dimensions"));
  EXPECT_CORRUPT(one({1, 1, 1, 1, 1}, 0, 0), HasSubstr("expected 1 to 4"));
  EXPECT_CORRUPT(one({32, 0}, 0, 0), HasSubstr("dimension 1 of tensor \"t\" at byte 45 is 0"));
  EXPECT_CORRUPT(one({uint64_t{1} << 63U}, 0, 0), HasSubstr("dimension 0"));
  EXPECT_CORRUPT(one({uint64_t{1} << 32U, uint64_t{1} << 32U}, 0, 0), HasSubstr("dimension 1"));
  EXPECT_CORRUPT(one({31, 4}, 2, 0), HasSubstr("expected a multiple of 32 for Q4_0"));
  EXPECT_CORRUPT(one({32}, 0, 8), HasSubstr("offset 8"), HasSubstr("multiple of 32"));
  EXPECT_CORRUPT(one({32, 5}, 0, 0), HasSubstr("expected 640 bytes, the data section holds 512"));
  EXPECT_CORRUPT(one({32, 4}, 0, 32), HasSubstr("runs past the end"));
  EXPECT_CORRUPT(one({32}, 0, UINT64_MAX - 31), HasSubstr("runs past the end"));
  EXPECT_CORRUPT(RawGguf().header(1, 0).tensor("", {2}, 0, 0).data(99).str(),
                 HasSubstr("empty tensor name"));
  EXPECT_CORRUPT(RawGguf().header(1, 0).tensor(std::string(65, 'n'), {2}, 0, 0).data(99).str(),
                 HasSubstr("claims 65 bytes; expected at most 64"));
}

TEST(GgufReader, RejectsOverlappingAndRepeatedTensors) {
  const auto two = [](std::string_view name, uint64_t offset) {
    return RawGguf()
        .header(2, 0)
        .tensor("b", {32}, 0, offset)
        .tensor(name, {32}, 0, 64)
        .data(512)
        .str();
  };
  EXPECT_TRUE(parse(two("c", 192)).has_value());
  EXPECT_CORRUPT(two("c", 96), HasSubstr("\"b\" at byte"), HasSubstr("overlaps \"c\""));
  EXPECT_CORRUPT(two("c", 64), HasSubstr("overlaps"));
  EXPECT_CORRUPT(two("b", 192), HasSubstr("second tensor \"b\""));
}

TEST(GgufReader, NamesUnsupportedTensorTypes) {
  const auto of = [](uint32_t type) {
    return error_of(RawGguf().header(1, 0).tensor("blk.0.x", {256}, type, 0).data(512).str());
  };
  EXPECT_EQ(of(20).code, Code::kUnsupported);
  EXPECT_THAT(of(20).message, HasSubstr("unsupported tensor type 20 (IQ4_NL) of \"blk.0.x\""));
  EXPECT_THAT(of(4).message, HasSubstr("type 4 (Q4_2, removed from the format)"));
  EXPECT_THAT(of(777).message, HasSubstr("unsupported tensor type 777 (unknown)"));
}

TEST(GgufReader, OpensFilesOnDisk) {
  const TemporaryFolder folder;
  const std::string bytes = sample_file();
  ASSERT_TRUE(write_file_atomic(folder.file("sample.gguf"), bytes).has_value());
  auto file = Checkpoint::open(folder.file("sample.gguf"));
  ASSERT_TRUE(file.has_value());
  const Checkpoint moved = std::move(*file);
  EXPECT_EQ(moved.fingerprint(), parse(bytes)->fingerprint());
  EXPECT_EQ(moved.get_string("general.name").value(), "Sample");
  const auto missing = Checkpoint::open(folder.file("smaple.gguf"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("did you mean"));
  EXPECT_EQ(Checkpoint::open(folder.path()).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::engine
