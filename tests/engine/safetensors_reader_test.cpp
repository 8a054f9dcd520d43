#include <cmath>
#include <cstring>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/rng.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/safetensors.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using cupel::test::TemporaryFolder;
using testing::AllOf;
using testing::HasSubstr;

std::string data_path(const std::string& name) {
  return test::test_data("oracles/safetensors/" + name);
}

std::string with_length(std::string_view header, std::string_view data = "") {
  const uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes.append(header).append(data);
}

Result<SafetensorsFile> parse(std::string_view bytes) {
  return SafetensorsFile::from_bytes(std::as_bytes(std::span(bytes)), "m.safetensors");
}

Error error_of(std::string_view bytes) {
  const auto file = parse(bytes);
  if (file) {
    ADD_FAILURE() << "the file was accepted: " << bytes;
    return {};
  }
  EXPECT_EQ(file.error().message.find('\n'), std::string::npos) << file.error().message;
  EXPECT_THAT(file.error().message, testing::StartsWith("m.safetensors: "));
  return file.error();
}

// One F32 tensor of two numbers.
std::string small_file() {
  return with_length(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "01234567");
}

/// Reads every byte that the file shows.
size_t touch(const SafetensorsFile& file) {
  size_t sum = 0;
  for (const SafetensorsTensor& tensor : file.tensors()) {
    for (const std::byte b : tensor.data) {
      sum += static_cast<size_t>(b);
    }
    sum += tensor.name.size() + tensor.shape_text().size() + tensor.rows() + tensor.columns();
  }
  return sum;
}

void check_tensors(const SafetensorsFile& file, const Json& expected) {
  ASSERT_EQ(file.tensors().size(), expected.size());
  for (const Json& want : expected.as_array()) {
    const std::string name = get_string(want, "name").value();
    const SafetensorsTensor* tensor = file.find_tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor_type_name(tensor->type), get_string(want, "dtype").value()) << name;
    std::vector<uint64_t> shape;
    for (const Json& dim : (*get_array(want, "shape"))->as_array()) {
      shape.push_back(static_cast<uint64_t>(dim.as_int()));
    }
    EXPECT_EQ(tensor->shape, shape) << name;
    const std::string_view bytes(reinterpret_cast<const char*>(tensor->data.data()),
                                 tensor->data.size());
    EXPECT_EQ(sha256(bytes), get_string(want, "sha256").value()) << name;
  }
}

TEST(SafetensorsReader, ReadsWhatTheReferenceWrote) {
  const auto expected = read_json_file(data_path("expected.json"));
  ASSERT_TRUE(expected.has_value()) << expected.error().message;
  for (const auto& [name, tensors] : expected->find("files")->as_object()) {
    const auto file = SafetensorsFile::open(data_path(name));
    ASSERT_TRUE(file.has_value()) << file.error().message;
    check_tensors(*file, tensors);
  }
}

TEST(SafetensorsReader, DecodesSmallFloats) {
  const auto expected = read_json_file(data_path("expected.json"));
  const auto file = SafetensorsFile::open(data_path("small_floats.safetensors"));
  ASSERT_TRUE(expected.has_value() && file.has_value());
  for (const std::string name : {"e4m3", "e5m2"}) {
    std::vector<float> numbers(256);
    const SafetensorsTensor* tensor = file->find_tensor("f8." + name);
    ASSERT_TRUE(dequantize_row(tensor->type, tensor->data, numbers).has_value());
    const Json::Array& want = expected->find("f8_" + name)->as_array();
    for (size_t code = 0; code < 256; ++code) {
      if (want[code].is_string()) {
        const std::string& word = want[code].as_string();
        EXPECT_TRUE(word == "nan" ? std::isnan(numbers[code])
                                  : numbers[code] == (word == "inf" ? INFINITY : -INFINITY))
            << name << " " << code;
      } else {
        EXPECT_EQ(numbers[code], want[code].as_double()) << name << " " << code;
      }
    }
  }
}

TEST(SafetensorsReader, OpensFoldersAndShards) {
  const auto single = SafetensorsFile::open(data_path("single"));
  ASSERT_TRUE(single.has_value()) << single.error().message;
  EXPECT_THAT(single->metadata(),
              testing::UnorderedElementsAre(testing::Pair("format", "np"),
                                            testing::Pair("made_by", "oracle")));
  EXPECT_EQ(single->find_tensor("scalar")->shape_text(), "[]");
  EXPECT_EQ(single->find_tensor("scalar")->rows(), 1U);
  EXPECT_EQ(single->find_tensor("empty")->rows(), 0U);
  const auto sharded = SafetensorsFile::open(data_path("sharded"));
  ASSERT_TRUE(sharded.has_value()) << sharded.error().message;
  EXPECT_EQ(sharded->paths().size(), 2U);
  EXPECT_EQ(sharded->tensors().size(), 3U);
  EXPECT_EQ(sharded->find_tensor("c")->shard, 1U);
  EXPECT_EQ(sharded->find_tensor("a")->rows(), 3U);
  EXPECT_EQ(sharded->get_tensor("a").value()->data.size(), 24U);
  EXPECT_THAT(sharded->get_tensor("d").error().message, HasSubstr("has no tensor \"d\""));
  sharded->expect(sharded->find_tensor("c")->data);
  sharded->release(sharded->find_tensor("c")->data);
  sharded->release_all();
  EXPECT_GT(touch(*sharded), 0U);  // released pages come back
}

TEST(SafetensorsReader, FingerprintCoversEveryByte) {
  std::string bytes = small_file();
  const std::string before = parse(bytes)->fingerprint();
  EXPECT_EQ(before, fingerprint(bytes));
  bytes.back() ^= 1;
  EXPECT_NE(parse(bytes)->fingerprint(), before);
  const std::string sharded = SafetensorsFile::open(data_path("sharded"))->fingerprint();
  EXPECT_EQ(sharded, SafetensorsFile::open(data_path("sharded"))->fingerprint());
}

TEST(SafetensorsReader, RejectsTruncationAtEveryByte) {
  const std::string single = read_file(data_path("single/model.safetensors")).value();
  for (const std::string& bytes : {small_file(), single}) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
      const auto file = SafetensorsFile::from_bytes(std::as_bytes(std::span(cut)), "m.safetensors");
      ASSERT_FALSE(file.has_value()) << length;
      ASSERT_EQ(file.error().code, Code::kCorruptData) << length << file.error().message;
    }
    EXPECT_TRUE(parse(bytes).has_value());
    EXPECT_FALSE(parse(bytes + "x").has_value());
  }
}

TEST(SafetensorsReader, SurvivesMutations) {
  const std::string whole = read_file(data_path("single/model.safetensors")).value();
  Rng rng(11);
  size_t accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = whole;
    for (uint64_t i = 0; i < 1 + rng.below(4); ++i) {
      // Mostly in the header, where it hurts.
      const size_t range = rng.below(8) == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 1400);
      bytes[rng.below(range)] = static_cast<char>(
          rng.below(3) == 0 ? rng.below(256) : "0123456789[]{},:\""[rng.below(17)]);
    }
    const std::vector<char> copy(bytes.begin(), bytes.end());
    const auto file = SafetensorsFile::from_bytes(std::as_bytes(std::span(copy)), "m.safetensors");
    accepted += file ? 1 + 0 * touch(*file) : 0;
  }
  EXPECT_GT(accepted, 0U);  // changes inside data and names are no errors
}

#define EXPECT_CORRUPT(bytes, ...)                  \
  do {                                              \
    const Error error = error_of(bytes);            \
    EXPECT_EQ(error.code, Code::kCorruptData);      \
    EXPECT_THAT(error.message, AllOf(__VA_ARGS__)); \
  } while (false)

TEST(SafetensorsReader, RejectsHostileHeaders) {
  std::string bytes = with_length("{}");
  EXPECT_EQ(parse(bytes)->tensors().size(), 0U);
  bytes[7] = 127;
  EXPECT_CORRUPT(bytes, HasSubstr("length at byte 0 is"));
  EXPECT_CORRUPT(with_length("[]"), HasSubstr("does not begin with"));
  EXPECT_CORRUPT(with_length("{"), HasSubstr("the header at byte 8"));
  EXPECT_CORRUPT(with_length(R"({"a":1})"), HasSubstr("tensor \"a\" is integer"));
  EXPECT_CORRUPT(with_length(R"({"":{}})"), HasSubstr("empty name"));
  EXPECT_CORRUPT(with_length(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "1234"),
                 HasSubstr("has no dtype"));
  EXPECT_CORRUPT(with_length(R"({"__metadata__":{"a":1}})"), HasSubstr("expected a string"));
  EXPECT_CORRUPT("GGUF\x03", HasSubstr("this is a GGUF file"));
  std::string deep = R"({"a":)" + std::string(100000, '[');
  EXPECT_CORRUPT(with_length(deep), HasSubstr("nested deeper"));
  const Error error =
      error_of(with_length(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}})", "1"));
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("dtype \"F4\""));
}

TEST(SafetensorsReader, RejectsHostileShapesAndRanges) {
  const auto one = [](std::string_view shape, std::string_view range, std::string_view data) {
    return with_length(
        format(R"({{"a":{{"dtype":"F32","shape":{},"data_offsets":{}}}}})", shape, range), data);
  };
  EXPECT_TRUE(parse(one("[1]", "[0,4]", "1234")).has_value());
  EXPECT_CORRUPT(one("[2]", "[0,4]", "1234"), HasSubstr("has 4 bytes of data; its shape"));
  EXPECT_CORRUPT(one("[1]", "[0,8]", "1234"), HasSubstr("the data section has 4 bytes"));
  EXPECT_CORRUPT(one("[1]", "[4,0]", "1234"), HasSubstr("data_offsets [4, 0]"));
  EXPECT_CORRUPT(one("[1]", "[-4,0]", "1234"), HasSubstr("data_offsets [-4, 0]"));
  EXPECT_CORRUPT(one("[1]", "[0]", "1234"), HasSubstr("expected [begin, end]"));
  EXPECT_CORRUPT(one("[1]", "[0,18446744073709551615]", "1234"), HasSubstr("data_offsets"));
  EXPECT_CORRUPT(one("[-1]", "[0,4]", "1234"), HasSubstr("size -1"));
  EXPECT_CORRUPT(one("[1.0]", "[0,4]", "1234"), HasSubstr("size number"));
  EXPECT_CORRUPT(one("[4294967296,4294967296]", "[0,4]", "1234"), HasSubstr("fit in a file"));
  EXPECT_CORRUPT(one("[0,4294967296,4294967296]", "[0,0]", ""), HasSubstr("fit in a file"));
  EXPECT_CORRUPT(one("[1,1,1,1,1,1,1,1,1]", "[0,4]", "1234"), HasSubstr("at most 8"));
  EXPECT_CORRUPT(one("[1]", "[4,8]", "12345678"), HasSubstr("leaves a gap after \"the header\""));
  EXPECT_CORRUPT(one("[1]", "[0,4]", "12345678"), HasSubstr("4 bytes after the last tensor"));
}

TEST(SafetensorsReader, RejectsDuplicatesAndOverlaps) {
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  EXPECT_CORRUPT(with_length("{" + a + "," + a + "}", "1234"), HasSubstr("key \"a\" twice"));
  const std::string b = R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]})";
  EXPECT_CORRUPT(with_length("{" + a + "," + b + "}", "123456"), HasSubstr("overlaps \"a\""));
}

class SafetensorsIndex : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
      std::filesystem::copy_file(data_path(std::string("sharded/") + name), folder_.file(name));
    }
  }
  Error error_with(std::string_view index) {
    EXPECT_TRUE(write_file_atomic(folder_.file("model.safetensors.index.json"), index).has_value());
    const auto file = SafetensorsFile::open(folder_.path());
    if (file) {
      ADD_FAILURE() << "accepted " << index;
      return {};
    }
    EXPECT_THAT(file.error().message, HasSubstr("model.safetensors.index.json"));
    return file.error();
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsIndex, RefusesPathsOutOfTheFolder) {
  for (const std::string name : {"../model-00001-of-00002.safetensors", "/etc/passwd", "..", ".",
                                 "", "a\\\\b", "a\\u0000b"}) {
    const Error error = error_with(format(R"({{"weight_map":{{"a":"{}"}}}})", name));
    EXPECT_EQ(error.code, Code::kCorruptData);
    EXPECT_THAT(error.message, HasSubstr("expected the name of a file in the same folder"));
  }
}

TEST_F(SafetensorsIndex, NamesWhatIsAbsent) {
  EXPECT_EQ(error_with(R"({"weight_map":{"a":"model-00003-of-00002.safetensors"}})").code,
            Code::kNotFound);
  EXPECT_THAT(error_with(R"({"weight_map":{"z":"model-00001-of-00002.safetensors"}})").message,
              HasSubstr("holds the tensor \"z\", but it does not"));
  EXPECT_THAT(error_with(R"({"weight_map":{"c":"model-00001-of-00002.safetensors"}})").message,
              HasSubstr("\"c\""));
  EXPECT_THAT(error_with("{}").message, HasSubstr("has no \"weight_map\""));
  EXPECT_THAT(error_with("[").message, HasSubstr("json error"));
  EXPECT_THAT(error_with(R"({"weight_map":{"a":3}})").message, HasSubstr("is integer"));
}

TEST_F(SafetensorsIndex, DecidesWhichTensorsBelong) {
  ASSERT_TRUE(write_file_atomic(folder_.file("model.safetensors.index.json"),
                                R"({"weight_map":{"a":"model-00001-of-00002.safetensors"}})")
                  .has_value());
  const auto file = SafetensorsFile::open(folder_.path());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_NE(file->find_tensor("a"), nullptr);
  EXPECT_EQ(file->find_tensor("b"), nullptr);
}

TEST(SafetensorsReader, NamesWhatAFolderLacks) {
  const TemporaryFolder folder;
  EXPECT_EQ(SafetensorsFile::open(folder.path()).error().code, Code::kNotFound);
  EXPECT_EQ(SafetensorsFile::open(folder.file("none.safetensors")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel::engine
