#include "engine/checkpoint/quantize_plan.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/format.h"
#include "engine/checkpoint/gguf_writer.h"

namespace cupel::engine {
namespace {

struct Shape {
  uint64_t layers = 8;
  uint64_t columns = 256;
  bool output = true;
  uint64_t experts = 0;
  uint64_t heads = 8;
};

std::string model_of(const Shape& shape) {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  header.set("llama.block_count", static_cast<uint32_t>(shape.layers));
  header.set("llama.attention.head_count", static_cast<uint32_t>(shape.heads));
  header.set("llama.attention.head_count_kv", uint32_t{8});
  header.set("llama.expert_count", static_cast<uint32_t>(shape.experts));
  header.add_tensor({"token_embd.weight", TensorType::kF16, {shape.columns, 1}});
  if (shape.output) {
    header.add_tensor({"output.weight", TensorType::kF16, {shape.columns, 1}});
  }
  for (uint64_t i = 0; i < shape.layers; ++i) {
    for (const char* part :
         {"attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_down"}) {
      header.add_tensor(
          {format("blk.{}.{}.weight", i, part), TensorType::kF16, {shape.columns, 1}});
    }
  }
  std::string file = header.encode();
  for (const GgufTensorPlan& plan : header.tensors()) {
    file.resize(header.padded(file.size() + plan.size_bytes()));
  }
  return file;
}

class Planned {
 public:
  Planned(const Shape& shape, const QuantizeTarget& target) : bytes_(model_of(shape)) {
    auto file = Checkpoint::from_bytes(std::as_bytes(std::span(bytes_)), "model");
    EXPECT_TRUE(file) << file.error().message;
    const auto plans = plan_tensors(ModelSource(*file), target);
    EXPECT_TRUE(plans) << plans.error().message;
    for (size_t i = 0; i < plans->size(); ++i) {
      plans_.emplace(std::string(file->tensors()[i].name), (*plans)[i]);
    }
  }
  [[nodiscard]] const TensorPlan& of(const std::string& name) const { return plans_.at(name); }
  // One letter a layer: 4, 5, 6, 8 by the bits of the type.
  [[nodiscard]] std::string bits(const std::string& part) const {
    std::string text;
    for (int i = 0; plans_.contains(format("blk.{}.{}.weight", i, part)); ++i) {
      text += tensor_type_name(of(format("blk.{}.{}.weight", i, part)).type)[1];
    }
    return text;
  }

 private:
  std::string bytes_;
  std::map<std::string, TensorPlan> plans_;
};

const QuantizeTarget kMixed(TensorType::kQ4_K, true);

// Worked by hand from the rule: of 8 layers 0 and 7, and i - 1 = 2, 5; of 30 those below 3, from 26
// on, and i - 3 = 2, 5, …
TEST(QuantizePlan, GivesMoreBitsToTheLayersOfTheRule) {
  const Planned small({}, kMixed);
  EXPECT_EQ(small.bits("attn_v"), "64464466");
  EXPECT_EQ(small.bits("ffn_down"), small.bits("attn_v"));
  EXPECT_EQ(small.bits("attn_q"), "44444444");
  EXPECT_EQ(small.bits("attn_output"), "44444444");
  EXPECT_EQ(small.of("output.weight").type, TensorType::kQ6_K);
  EXPECT_EQ(small.of("token_embd.weight").type, TensorType::kQ4_K);
  EXPECT_EQ(small.of("blk.0.attn_norm.weight").type, TensorType::kF16);
  Shape thirty;
  thirty.layers = 30;
  EXPECT_EQ(Planned(thirty, kMixed).bits("ffn_down"), "666446446446446446446446446666");
}

TEST(QuantizePlan, TreatsAnEmbeddingThatIsTheOutputAsTheOutput) {
  Shape tied;
  tied.output = false;
  EXPECT_EQ(Planned(tied, kMixed).of("token_embd.weight").type, TensorType::kQ6_K);
}

TEST(QuantizePlan, KnowsExpertsAndTheLargeLlama) {
  Shape experts;
  experts.experts = 8;
  const Planned mixed(experts, kMixed);
  EXPECT_EQ(mixed.bits("attn_v"), "88888888");
  EXPECT_EQ(mixed.bits("attn_k"), "88888888");
  EXPECT_EQ(mixed.bits("attn_output"), "55555555");
  Shape large;
  large.layers = 80;
  large.heads = 64;
  EXPECT_EQ(Planned(large, kMixed).bits("attn_v").substr(0, 16), "6666666666556556");
  large.heads = 8;  // as many as there are for keys: another model of 80 layers
  EXPECT_EQ(Planned(large, kMixed).bits("attn_v").substr(0, 16), "6666666666446446");
}

TEST(QuantizePlan, FallsBackWhereRowsDoNotFit) {
  Shape narrow;
  narrow.columns = 96;
  const Planned mixed(narrow, kMixed);
  EXPECT_EQ(mixed.of("blk.1.attn_q.weight").type, TensorType::kQ5_0);
  EXPECT_EQ(mixed.of("blk.1.attn_q.weight").note, "Q5_0: rows of 96 are no multiple of 256");
  EXPECT_EQ(mixed.of("output.weight").type, TensorType::kQ8_0);
  EXPECT_EQ(Planned(narrow, TensorType::kQ5_K).of("blk.0.attn_q.weight").type, TensorType::kQ5_1);
  EXPECT_EQ(Planned(narrow, TensorType::kQ6_K).of("blk.0.attn_q.weight").type, TensorType::kQ8_0);
  narrow.columns = 40;
  EXPECT_EQ(Planned(narrow, kMixed).of("blk.0.attn_q.weight").type, TensorType::kF16);
}

TEST(QuantizePlan, ReadsItsNames) {
  for (const std::string& name : quantize_target_names()) {
    const auto target = parse_quantize_target(name);
    ASSERT_TRUE(target) << name;
    EXPECT_EQ(target->mixture, name == "q4_k_m");
  }
  EXPECT_EQ(file_type_id(*parse_quantize_target("Q4_K_M")), 15U);
  EXPECT_EQ(file_type_id(*parse_quantize_target("q6_k")), 18U);
  for (const char* name : {"", "q2_k", "q8_1", "iq4_nl", "q4_k_s"}) {
    EXPECT_EQ(parse_quantize_target(name).error().code, Code::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace cupel::engine
