#include <cmath>
#include <csignal>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/rng.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/quantize.h"
#include "engine/gguf_sample.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using cupel::test::TemporaryFolder;
using testing::HasSubstr;

// Random weights in F32, and one matrix whose rows fit no block.
std::string model_of(float spoiled = 0.0F) {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  header.set("general.file_type", uint32_t{0});
  header.set_string("tokenizer.chat_template", "{{ messages }}");
  header.add_tensor({"token_embd.weight", TensorType::kF32, {64, 300}});
  header.add_tensor({"blk.0.attn_q.weight", TensorType::kF32, {64, 64}});
  header.add_tensor({"blk.0.attn_norm.weight", TensorType::kF32, {64}});
  header.add_tensor({"blk.0.attn_q.bias", TensorType::kF32, {64}});
  header.add_tensor({"blk.0.ffn_down.weight", TensorType::kF32, {40, 64}});
  header.add_tensor({"blk.0.ffn_gate_exps.weight", TensorType::kF32, {32, 4, 3}});
  std::string file = header.encode();
  Rng rng(5);
  for (const GgufTensorPlan& plan : header.tensors()) {
    std::vector<float> values(plan.size_bytes() / 4);
    for (float& value : values) {
      value = static_cast<float>(rng.normal());
    }
    if (spoiled != 0.0F && plan.name == "blk.0.attn_q.weight") {
      values[64 * 7 + 3] = spoiled;
      values[64 * 40] = spoiled;
    }
    file.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    file.resize(header.padded(file.size()));
  }
  return file;
}

class QuantizeFile : public testing::Test {
 protected:
  void SetUp() override { write(model_of()); }
  void write(const std::string& file) { ASSERT_TRUE(write_file_atomic(source_, file).has_value()); }
  Result<QuantizeReport> run(const QuantizeTarget& type, size_t threads = 2) {
    return quantize_file(source_, output_, type,
                         {.threads = threads, .importance_path = {}, .stop = {}, .progress = {}});
  }

  TemporaryFolder folder_;
  std::string source_ = folder_.file("in.gguf");
  std::string output_ = folder_.file("out.gguf");
};

TEST_F(QuantizeFile, ConvertsMatricesAndKeepsTheRest) {
  const auto report = run(TensorType::kQ8_0);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  const auto file = Checkpoint::open(output_);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->find_tensor("token_embd.weight")->type, TensorType::kQ8_0);
  EXPECT_EQ(file->find_tensor("blk.0.attn_q.weight")->type, TensorType::kQ8_0);
  EXPECT_EQ(file->find_tensor("blk.0.ffn_gate_exps.weight")->type, TensorType::kQ8_0);
  EXPECT_EQ(file->find_tensor("blk.0.ffn_gate_exps.weight")->shape(), "[32, 4, 3]");
  EXPECT_EQ(file->find_tensor("blk.0.attn_norm.weight")->type, TensorType::kF32);
  EXPECT_EQ(file->find_tensor("blk.0.attn_q.bias")->type, TensorType::kF32);
  EXPECT_EQ(file->find_tensor("blk.0.ffn_down.weight")->type, TensorType::kF16);
  EXPECT_EQ(file->get_u64("general.file_type").value(), 7U);
  EXPECT_EQ(file->get_u64("general.quantization_version").value(), 2U);
  EXPECT_EQ(file->get_string("tokenizer.chat_template").value(), "{{ messages }}");
  EXPECT_EQ(report->output_bytes, file->size_bytes());
  EXPECT_THAT(report->tensors[4].note, HasSubstr("rows of 40 are no multiple of 32"));
  EXPECT_EQ(report->tensors[0].note, "");
}

// The error of rounding to a grid of step h is h / sqrt(12) on the mean; a block of 32 standard
// normals spans about ±2.07 (its mean extreme), so Q8_0 has h ≈ 2.07 / 127 and Q4_1 h ≈ 4.14 / 15.
TEST_F(QuantizeFile, ReportsErrorsOfTheExpectedSize) {
  const auto error_of = [&](TensorType type) {
    const auto report = run(type);
    EXPECT_TRUE(report.has_value());
    return report->tensors[0];
  };
  const auto q8 = error_of(TensorType::kQ8_0);
  EXPECT_NEAR(q8.rmse, 2.3 / 127 / std::sqrt(12.0), 0.001);
  EXPECT_NEAR(q8.rms, 1.0, 0.02);
  EXPECT_LT(q8.max_error, 4.5 / 127 / 2 * 1.1);
  const auto q4 = error_of(TensorType::kQ4_1);
  EXPECT_LT(q4.rmse, 0.95 * 4.14 / 15 / std::sqrt(12.0));  // what the search takes off
  EXPECT_GT(q4.rmse, 0.8 * 4.14 / 15 / std::sqrt(12.0));
  EXPECT_EQ(error_of(TensorType::kF32).rmse, 0.0);
}

TEST_F(QuantizeFile, OutputDoesNotDependOnThreads) {
  ASSERT_TRUE(run(TensorType::kQ4_0, 1).has_value());
  const std::string one = read_file(output_).value();
  ASSERT_TRUE(run(TensorType::kQ4_0, 3).has_value());
  EXPECT_EQ(read_file(output_).value(), one);
}

// One layer of 256 columns in F32.
std::string wide_model() {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  header.add_tensor({"token_embd.weight", TensorType::kF32, {256, 40}});
  header.add_tensor({"blk.0.attn_q.weight", TensorType::kF32, {256, 64}});
  header.add_tensor({"blk.0.ffn_down_exps.weight", TensorType::kF32, {256, 8, 3}});
  std::string file = header.encode();
  Rng rng(6);
  for (const GgufTensorPlan& plan : header.tensors()) {
    std::vector<float> values(plan.size_bytes() / 4);
    for (float& value : values) {
      value = static_cast<float>(rng.normal());
    }
    file.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
    file.resize(header.padded(file.size()));
  }
  return file;
}

TEST_F(QuantizeFile, MixesTypesForAnyNumberOfThreads) {
  write(wide_model());
  const QuantizeTarget mixed(TensorType::kQ4_K, true);
  std::string one;
  for (const size_t threads : {1U, 2U, 5U}) {
    const auto report =
        quantize_file(source_, output_, mixed,
                      {.threads = threads, .importance_path = {}, .stop = {}, .progress = {}});
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_EQ(report->tensors[0].to, TensorType::kQ6_K);  // it is the output too
    EXPECT_EQ(report->tensors[1].to, TensorType::kQ4_K);
    EXPECT_LT(report->tensors[0].rmse, 0.4 * report->tensors[1].rmse);
    EXPECT_GT(report->relative_error(), report->tensors[0].rmse);
    EXPECT_LT(report->relative_error(), report->tensors[1].rmse);
    const std::string bytes = read_file(output_).value();
    EXPECT_TRUE(one.empty() || bytes == one) << threads;
    one = bytes;
  }
  const auto file = Checkpoint::open(output_);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->get_u64("general.file_type").value(), 15U);
}

// Importance of one tensor, in the binary form: all of it at the first column, or of a wrong size.
std::string importance_of(const std::string& tensor, size_t count) {
  std::string out;
  const auto put = [&](int32_t value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(1);
  put(static_cast<int32_t>(tensor.size()));
  out += tensor;
  put(1);
  put(static_cast<int32_t>(count));
  for (size_t i = 0; i < count; ++i) {
    const float value = i % 256 == 0 ? 1e6F : 1.0F;
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return out;
}

TEST_F(QuantizeFile, WeighsErrorsByTheImportanceOfInputs) {
  write(wide_model());
  const std::string path = folder_.file("a.imatrix");
  const auto first_column_error = [&](const std::string& importance_path) {
    const auto report = quantize_file(
        source_, output_, TensorType::kQ4_K,
        {.threads = 2, .importance_path = importance_path, .stop = {}, .progress = {}});
    EXPECT_TRUE(report.has_value()) << report.error().message;
    const auto before = Checkpoint::open(source_);
    const auto after = Checkpoint::open(output_);
    double error = 0;
    for (uint64_t row = 0; row < 64; ++row) {
      std::vector<float> a(256);
      std::vector<float> b(256);
      EXPECT_TRUE(dequantize_row(TensorType::kF32, before->tensors()[1].row(row), a).has_value());
      EXPECT_TRUE(dequantize_row(TensorType::kQ4_K, after->tensors()[1].row(row), b).has_value());
      error += std::fabs(a[0] - b[0]);
    }
    EXPECT_EQ(report->tensors[2].note, importance_path.empty() ? "" : "no importance known");
    return error;
  };
  ASSERT_TRUE(write_file_atomic(path, importance_of("blk.0.attn_q.weight", 256)).has_value());
  EXPECT_LT(first_column_error(path), 0.5 * first_column_error(""));
}

TEST_F(QuantizeFile, RefusesTheImportanceOfAnotherModel) {
  write(wide_model());
  const std::string path = folder_.file("a.imatrix");
  for (const auto& [tensor, count, fits] : {std::tuple("blk.0.attn_q.weight", 255, false),
                                            std::tuple("blk.0.attn_q.weight", 512, false),
                                            std::tuple("blk.0.ffn_down_exps.weight", 768, true),
                                            std::tuple("blk.0.ffn_down_exps.weight", 256, true)}) {
    ASSERT_TRUE(write_file_atomic(path, importance_of(tensor, count)).has_value());
    const auto report =
        quantize_file(source_, output_, TensorType::kQ4_K,
                      {.threads = 2, .importance_path = path, .stop = {}, .progress = {}});
    ASSERT_EQ(report.has_value(), fits) << tensor << count;
    if (!fits) {
      EXPECT_EQ(report.error().code, Code::kInvalidArgument);
      EXPECT_THAT(report.error().message, HasSubstr("a.imatrix: tensor \"blk.0.attn_q.weight\""));
      EXPECT_FALSE(std::filesystem::exists(output_));
    } else {
      std::filesystem::remove(output_);
    }
  }
}

TEST_F(QuantizeFile, SameTypeIsACopy) {
  ASSERT_TRUE(run(TensorType::kQ4_1).has_value());
  std::filesystem::rename(output_, source_);
  const std::string before = read_file(source_).value();
  const auto report = run(TensorType::kQ4_1);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->tensors[0].rmse, 0.0);
  EXPECT_EQ(report->tensors[4].to, TensorType::kF16);
  EXPECT_EQ(read_file(output_).value(), before);
}

TEST_F(QuantizeFile, RefusesWhatMakesNoSense) {
  const auto onto_itself = quantize_file(source_, folder_.path() + "/./in.gguf", TensorType::kQ8_0);
  EXPECT_EQ(onto_itself.error().code, Code::kInvalidArgument);
  EXPECT_THAT(onto_itself.error().message, HasSubstr("is the source itself"));
  EXPECT_EQ(run(TensorType::kQ2_K).error().code, Code::kUnsupported);
  EXPECT_EQ(quantize_file(folder_.file("none"), output_, TensorType::kQ8_0).error().code,
            Code::kNotFound);
  EXPECT_EQ(quantize_file(source_, folder_.file("no/out"), TensorType::kQ8_0).error().code,
            Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(QuantizeFile, RefusesAFileWithoutTensors) {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  write(header.encode());
  const auto report = run(TensorType::kQ8_0);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Code::kUnsupported);
  EXPECT_THAT(report.error().message, HasSubstr("holds no tensors"));
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(QuantizeFile, NamesTensorAndFirstRowOfABrokenWeight) {
  write(model_of(NAN));
  for (const size_t threads : {1U, 3U}) {
    const auto report = run(TensorType::kQ8_0, threads);
    ASSERT_FALSE(report.has_value());
    EXPECT_EQ(report.error().code, Code::kCorruptData);
    EXPECT_THAT(report.error().message,
                HasSubstr("in.gguf: tensor \"blk.0.attn_q.weight\" row 7: number 3"));
  }
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(QuantizeFile, StopsWithoutAFile) {
  std::stop_source stop;
  stop.request_stop();
  const auto report = quantize_file(
      source_, output_, TensorType::kQ8_0,
      {.threads = 1, .importance_path = {}, .stop = stop.get_token(), .progress = {}});
  EXPECT_EQ(report.error().code, Code::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(QuantizeFile, FullDiskLeavesOnlyTheSource) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{4000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto report = run(TensorType::kQ8_0);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(report.error().code, Code::kExhausted);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(QuantizeFile, ReportIsJson) {
  const auto report = run(TensorType::kQ4_0);
  ASSERT_TRUE(report.has_value());
  const Json json = to_json(*report);
  EXPECT_EQ(json.find("tensors")->size(), 6U);
  EXPECT_EQ(json.find("tensors")->as_array()[1].find("to")->as_string(), "Q4_0");
  EXPECT_EQ(json.find("output_bytes")->as_int(), static_cast<int64_t>(report->output_bytes));
}

}  // namespace
}  // namespace cupel::engine
