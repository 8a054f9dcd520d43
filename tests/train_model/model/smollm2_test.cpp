// A real model, its 4-bit weights decoded: the twin against the engine in its exact mode.
#include <filesystem>

#include "base/io.h"
#include "engine/model/open_checkpoint.h"
#include "train_model/engine_logits.h"
#include "train_model/twin_fixture.h"

namespace cupel::train {
namespace {

constexpr double kDequantised = 1e-3;

class SmolLm2 : public testing::Test {
 protected:
  void SetUp() override {
    path_ = cupel::test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
    CUPEL_SKIP_UNLESS(path_, "parity on a real model: SmolLM2 is not in models/ (make demo)");
    ids_ = longest_text();
  }

  /// The longest of the texts that the tokenizer's fixture has, at most 200 tokens of it.
  static std::vector<int64_t> longest_text() {
    const auto file = MappedFile::open(cupel::test::test_data("oracles/tokens_smollm2.jsonl"));
    CUPEL_CHECK(file.has_value(), "tests/data/oracles/tokens_smollm2.jsonl");
    const std::string_view text(reinterpret_cast<const char*>(file->bytes().data()),
                                file->bytes().size());
    std::vector<int64_t> longest;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      const auto row = parse_json(text.substr(begin, end - begin));
      begin = end + 1;
      if (!row || row->find("ids") == nullptr || row->find("ids")->size() <= longest.size()) {
        continue;
      }
      longest.clear();
      for (const Json& id : row->find("ids")->as_array()) {
        longest.push_back(id.as_int());
      }
    }
    longest.resize(std::min<size_t>(longest.size(), 200));
    return longest;
  }

  std::string path_;
  std::vector<int64_t> ids_;
};

TEST_F(SmolLm2, FollowsTheEngine) {
  ASSERT_GE(ids_.size(), 50U);
  const auto model = load_model(path_);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const tensor::RecordingGuard off(false);
  Twin twin = test::FamilyModel::twin_of(*model);
  const at::Tensor hidden = test::hidden_of(twin, ids_);
  std::vector<int64_t> labels(ids_.begin() + 1, ids_.end());
  labels.push_back(HeadLogpsOptions::kIgnored);
  const at::Tensor logps = head_logps(hidden, twin.head(), test::tensor_of(labels)).logps;
  const auto expected_of = [&](const engine::Checkpoint& file) {
    return test::next_logps(test::engine_logits(file, ids_), ids_);
  };
  const at::Tensor found = logps.narrow(0, 0, logps.size(0) - 1);
  // The engine's kernels over 4-bit blocks, and over the decoded weights.
  EXPECT_LE(test::distance(found, expected_of(*model->source)), kDequantised);
  const auto live = checkpoint_of(*model);
  ASSERT_TRUE(live.has_value()) << live.error().message;
  EXPECT_LE(test::distance(found, expected_of(*live)), 1e-4);
}

// bf16 products over f32 parameters: as far from f32 as 8 bits of mantissa say.
TEST_F(SmolLm2, MixedPrecisionFollowsFloat32) {
  const auto model = load_model(path_);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const tensor::RecordingGuard off(false);
  Twin exact = test::FamilyModel::twin_of(*model);
  Twin mixed = test::FamilyModel::twin_of(*model, {.compute = at::kBFloat16});
  const at::Tensor labels = test::tensor_of(std::span(ids_).subspan(1));
  const int64_t counted = labels.size(0);
  const auto logps = [&](Twin& twin) {
    const at::Tensor hidden = test::hidden_of(twin, ids_).narrow(0, 0, counted);
    return head_logps(hidden, twin.head(), labels, {.compute = twin.options().compute}).logps;
  };
  const at::Tensor difference = (logps(exact) - logps(mixed)).abs();
  EXPECT_LE(difference.mean().item<double>(), 4e-2);
}

// The model as a folder and as a GGUF file again: the engine computes the same of both.
TEST_F(SmolLm2, SavedModelsAreTheModel) {
  const auto model = load_model(path_);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const cupel::test::TemporaryFolder folder;
  const std::vector<int64_t> few(ids_.begin(), ids_.begin() + 24);
  const auto live = checkpoint_of(*model);
  ASSERT_TRUE(live.has_value()) << live.error().message;
  const at::Tensor expected = test::engine_logits(*live, few);
  const auto saved = save_folder(*model, folder.file("saved"));
  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  const auto opened = engine::open_checkpoint(folder.file("saved"));
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  EXPECT_EQ(test::distance(test::engine_logits(*opened, few), expected), 0);
  const auto gguf = save_gguf(*model, folder.file("saved.gguf"));
  ASSERT_TRUE(gguf.has_value()) << gguf.error().message;
  const auto file = engine::Checkpoint::open(folder.file("saved.gguf"));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_LE(test::distance(test::engine_logits(*file, few), expected), kDequantised);
  EXPECT_TRUE(file->contains("tokenizer.chat_template"));
  // From the folder: its tokenizer and template go into a GGUF file as well.
  const auto again = load_model(folder.file("saved"));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  const auto small = save_gguf(*again, folder.file("small.gguf"), engine::TensorType::kQ8_0);
  ASSERT_TRUE(small.has_value()) << small.error().message;
  EXPECT_LT(small->output_bytes, gguf->output_bytes / 3);
  const auto quantised = engine::Checkpoint::open(folder.file("small.gguf"));
  ASSERT_TRUE(quantised.has_value()) << quantised.error().message;
  EXPECT_TRUE(quantised->contains("tokenizer.chat_template"));
  EXPECT_TRUE(std::filesystem::exists(folder.file("saved") + "/tokenizer.json"));
}

}  // namespace
}  // namespace cupel::train
