#include "engine/checkpoint/importance.h"

#include <cmath>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/checkpoint/gguf_writer.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

void put(std::string& out, int32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_entry(std::string& out,
               const std::string& name,
               int32_t calls,
               std::vector<float> values) {
  put(out, static_cast<int32_t>(name.size()));
  out += name;
  put(out, calls);
  put(out, static_cast<int32_t>(values.size()));
  out.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
}

// Two entries, and what llama-imatrix writes behind them: the last chunk and the text's name.
std::string binary_sample() {
  std::string out;
  put(out, 2);
  put_entry(out, "blk.0.attn_q.weight", 4, {4, 8, 12});
  put_entry(out, "output.weight", 0, {1, 0});
  put(out, 7);
  put(out, 4);
  return out + "text";
}

std::string gguf_sample(std::vector<float> sums, std::vector<float> counts) {
  GgufHeader header;
  header.set_string("general.type", "imatrix");
  header.add_tensor({"blk.0.ffn_up.weight.in_sum2", TensorType::kF32, {2, sums.size() / 2}});
  header.add_tensor({"blk.0.ffn_up.weight.counts", TensorType::kF32, {1, counts.size()}});
  std::string file = header.encode();
  for (const auto& values : {sums, counts}) {
    file.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    file.resize(header.padded(file.size()));
  }
  return file;
}

class ImportanceFile : public testing::Test {
 protected:
  Result<Importance> read(const std::string& content) {
    EXPECT_TRUE(write_file_atomic(path_, content));
    return Importance::open(path_);
  }
  test::TemporaryFolder folder_;
  std::string path_ = folder_.file("a.imatrix");
};

std::vector<float> found(const Importance& importance, std::string_view name) {
  const auto values = importance.find(name);
  return {values.begin(), values.end()};
}

TEST_F(ImportanceFile, ReadsTheBinaryForm) {
  const auto importance = read(binary_sample());
  ASSERT_TRUE(importance) << importance.error().message;
  EXPECT_EQ(importance->tensors(), 2U);
  EXPECT_EQ(found(*importance, "blk.0.attn_q.weight"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(found(*importance, "output.weight"), (std::vector<float>{1, 0}));
  EXPECT_TRUE(importance->find("other").empty());
}

// A stack of two matrices, of which the second saw nothing.
TEST_F(ImportanceFile, ReadsTheGgufForm) {
  const auto importance = read(gguf_sample({6, 9, 0, 0}, {3, 0}));
  ASSERT_TRUE(importance) << importance.error().message;
  EXPECT_EQ(found(*importance, "blk.0.ffn_up.weight"), (std::vector<float>{2, 3, 1, 1}));
}

TEST_F(ImportanceFile, RefusesEveryCut) {
  const std::string binary = binary_sample();
  const size_t entries_end = binary.size() - 12;
  for (size_t length = 0; length < entries_end; ++length) {
    const auto importance = read(binary.substr(0, length));
    ASSERT_FALSE(importance) << length;
    EXPECT_EQ(importance.error().code, Code::kCorruptData) << importance.error().message;
    EXPECT_TRUE(importance.error().message.starts_with(path_));
  }
  const std::string gguf = gguf_sample({6, 9, 0, 0}, {3, 0});
  for (size_t length = 4; length + 32 < gguf.size(); ++length) {
    ASSERT_FALSE(read(gguf.substr(0, length))) << length;
  }
}

TEST_F(ImportanceFile, RefusesWhatCannotBe) {
  std::string twice;
  put(twice, 2);
  put_entry(twice, "a", 1, {1});
  put_entry(twice, "a", 1, {1});
  std::string negative;
  put(negative, 1);
  put_entry(negative, "a", 1, {1, -1});
  std::string not_finite;
  put(not_finite, 1);
  put_entry(not_finite, "a", 1, {NAN});
  std::string absurd;
  put(absurd, INT32_MAX);
  std::string endless;  // values that the file does not have
  put(endless, 1);
  put(endless, 1);
  endless += "a";
  put(endless, 1);
  put(endless, INT32_MAX);
  endless += "1234";
  for (const std::string& content :
       {twice, negative, not_finite, absurd, endless, gguf_sample({6, 9}, {3, 0}),
        gguf_sample({-6, 9}, {3}), std::string("no importance at all")}) {
    const auto importance = read(content);
    ASSERT_FALSE(importance);
    EXPECT_EQ(importance.error().code, Code::kCorruptData) << importance.error().message;
    EXPECT_TRUE(importance.error().message.starts_with(path_)) << importance.error().message;
    EXPECT_EQ(importance.error().message.find(path_, 1), std::string::npos);
  }
  EXPECT_EQ(Importance::open(folder_.file("none")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel::engine
