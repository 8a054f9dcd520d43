// Folders of safetensors as GGUF files and back: no bit of a weight changes on the way, what is
// damaged, hostile or in the way is refused, and nothing is left behind.
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/io.h"
#include "engine/checkpoint/quant.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/convert/convert.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/open_folder.h"
#include "support/family_fixtures.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"
#include "support/tiny_model.h"

namespace cupel::engine {
namespace {

using testing::HasSubstr;

std::string entries_of(const std::string& folder) {
  std::string names;
  const std::vector<std::string> entries = list_folder(folder).value();
  for (const std::string& name : entries) {
    names += name + " ";
  }
  return names;
}

void write_fixture(const std::string& name, const std::string& folder) {
  const auto fixture = read_json_file(test::test_data("oracles/families/" + name + ".json"));
  ASSERT_TRUE(fixture.has_value()) << fixture.error().message;
  ASSERT_TRUE(test::write_seeded_checkpoint(*fixture, folder).has_value());
}

class RoundTrip : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_directories(source_).has_value());
    write_fixture(GetParam(), source_);
  }
  void to_gguf(const std::string& folder, const std::string& path) {
    const auto file = hf::open_folder(folder);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    const auto written = write_gguf(*file, GgufHeader(), path);
    ASSERT_TRUE(written.has_value()) << written.error().message;
  }
  void to_folder(const std::string& path, const std::string& folder) {
    const auto file = Checkpoint::open(path);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    const auto written = write_folder(*file, folder);
    ASSERT_TRUE(written.has_value()) << written.error().message;
  }

  test::TemporaryFolder folder_;
  std::string source_ = folder_.file("source");
  std::string gguf_ = folder_.file("a.gguf");
  std::string back_ = folder_.file("back");
};

/// Largest difference; norms of Gemma lose the last bit of weights below 1/2 to the + 1 in f32.
double largest_difference(const SafetensorsTensor& a, const SafetensorsTensor& b) {
  std::vector<float> x(a.elements());
  std::vector<float> y(b.elements());
  EXPECT_TRUE(dequantize_row(a.type, a.data, x).has_value());
  EXPECT_TRUE(dequantize_row(b.type, b.data, y).has_value());
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(x[i]) - y[i]));
  }
  return largest;
}

TEST_P(RoundTrip, SafetensorsComeBackBitForBit) {
  to_gguf(source_, gguf_);
  to_folder(gguf_, back_);
  const auto before = SafetensorsFile::open(source_);
  const auto after = SafetensorsFile::open(back_);
  ASSERT_TRUE(before.has_value() && after.has_value());
  const auto used = std::count_if(
      before->tensors().begin(), before->tensors().end(),
      [](const SafetensorsTensor& tensor) { return !test::is_unused_part(tensor.name); });
  ASSERT_EQ(used, std::ssize(after->tensors()));
  const bool raised = GetParam().starts_with("gemma");
  for (const SafetensorsTensor& tensor : before->tensors()) {
    if (test::is_unused_part(tensor.name)) {
      continue;
    }
    const SafetensorsTensor* same = after->find_tensor(test::text_name(tensor.name));
    ASSERT_NE(same, nullptr) << tensor.name;
    EXPECT_EQ(same->shape, tensor.shape) << tensor.name;
    if (raised && tensor.name.ends_with("norm.weight")) {
      EXPECT_LE(largest_difference(tensor, *same), 0x1p-23) << tensor.name;
    } else {
      ASSERT_EQ(same->data.size(), tensor.data.size()) << tensor.name;
      EXPECT_EQ(std::memcmp(same->data.data(), tensor.data.data(), tensor.data.size()), 0)
          << tensor.name;
    }
  }
}

// The whole file: metadata, order and padding too, but for the name, which is the folder's.
TEST_P(RoundTrip, GgufComesBackBitForBit) {
  to_gguf(source_, gguf_);
  to_folder(gguf_, back_);
  const std::string again = folder_.file("again.gguf");
  to_gguf(back_, again);
  const auto before = Checkpoint::open(gguf_);
  const auto after = Checkpoint::open(again);
  ASSERT_TRUE(before.has_value() && after.has_value());
  ASSERT_EQ(before->tensors().size(), after->tensors().size());
  for (const CheckpointTensor& tensor : before->tensors()) {
    const CheckpointTensor* same = after->find_tensor(tensor.name);
    ASSERT_NE(same, nullptr) << tensor.name;
    ASSERT_EQ(same->data.size(), tensor.data.size()) << tensor.name;
    EXPECT_EQ(std::memcmp(same->data.data(), tensor.data.data(), tensor.data.size()), 0)
        << tensor.name;
  }
  std::map<std::string, std::string> values;
  for (const GgufEntry& entry : before->metadata()) {
    values.emplace(entry.key, std::string(reinterpret_cast<const char*>(entry.value.bytes.data()),
                                          entry.value.bytes.size()));
  }
  for (const GgufEntry& entry : after->metadata()) {
    if (entry.key != "general.name") {
      EXPECT_EQ(values[std::string(entry.key)],
                std::string(reinterpret_cast<const char*>(entry.value.bytes.data()),
                            entry.value.bytes.size()))
          << entry.key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllFamilies,
                         RoundTrip,
                         testing::ValuesIn(test::family_fixtures()),
                         [](const auto& name) { return name.param; });

/// Tiny models with a tokenizer: convert as a user does.
class ConvertModel : public testing::Test {
 protected:
  Result<ConvertReport> run(const std::string& input,
                            const std::string& output,
                            std::optional<TensorType> type = {}) {
    return convert_model(input, output, {.type = type, .threads = 1, .observer = {}});
  }
  Error error(const std::string& input, const std::string& output) {
    const auto done = run(input, output);
    EXPECT_FALSE(done.has_value());
    return done ? Error{} : done.error();
  }

  test::TemporaryFolder folder_;
  std::string hf_ = folder_.file("hf");
  std::string gguf_ = folder_.file("a.gguf");
};

TEST_F(ConvertModel, TinyModelsSurviveWithTheirTokenizers) {
  for (const std::string family : {"llama", "gemma3"}) {
    test::TinyModelOptions options;
    options.family = family;
    options.chat_template = std::string(test::kTinyTemplate);
    const test::TinyModel model(options);
    const auto out = run(model.path(), hf_);
    ASSERT_TRUE(out.has_value()) << family << ": " << out.error().message;
    EXPECT_EQ(entries_of(hf_),
              "config.json generation_config.json model.safetensors tokenizer.json "
              "tokenizer_config.json ");
    const auto back = run(hf_, gguf_);
    ASSERT_TRUE(back.has_value()) << family << ": " << back.error().message;
    const auto before = Checkpoint::open(model.path());
    const auto after = Checkpoint::open(gguf_);
    ASSERT_TRUE(before.has_value() && after.has_value());
    for (const std::string_view key :
         {"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type",
          "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", "tokenizer.chat_template",
          "tokenizer.ggml.model"}) {
      const GgufValue* a = before->find(key);
      const GgufValue* b = after->find(key);
      ASSERT_EQ(a == nullptr, b == nullptr) << key;
      if (a != nullptr) {
        EXPECT_TRUE(std::ranges::equal(a->bytes, b->bytes)) << family << " " << key;
      }
    }
    std::filesystem::remove_all(hf_);
  }
}

TEST_F(ConvertModel, HalvesRoundOnceAndThenStay) {
  const test::TinyModel model;
  ASSERT_TRUE(run(model.path(), hf_, TensorType::kBF16).has_value());
  const auto there = run(hf_, gguf_);
  ASSERT_TRUE(there.has_value()) << there.error().message;
  const std::string back = folder_.file("back");
  const auto report = run(gguf_, back);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  const auto before = SafetensorsFile::open(hf_);
  const auto after = SafetensorsFile::open(back);
  for (const SafetensorsTensor& tensor : before->tensors()) {
    const SafetensorsTensor* same = after->find_tensor(tensor.name);
    ASSERT_NE(same, nullptr);
    EXPECT_EQ(same->type, TensorType::kBF16);
    EXPECT_TRUE(std::ranges::equal(same->data, tensor.data)) << tensor.name;
  }
  for (const QuantizedTensor& tensor : report->tensors) {
    EXPECT_EQ(tensor.rmse, 0) << tensor.name;
  }
}

TEST_F(ConvertModel, QuantisedWeightsAreDecoded) {
  test::TinyModelOptions options;
  options.type = TensorType::kQ8_0;
  options.family = "gemma3";  // its rows keep their order
  const test::TinyModel model(options);
  ASSERT_TRUE(run(model.path(), hf_).has_value());
  const auto file = Checkpoint::open(model.path());
  const auto written = SafetensorsFile::open(hf_);
  const CheckpointTensor* tensor = file->find_tensor("blk.1.ffn_down.weight");
  const SafetensorsTensor* same = written->find_tensor("model.layers.1.mlp.down_proj.weight");
  ASSERT_TRUE(tensor != nullptr && same != nullptr);
  std::vector<float> expected(tensor->elements());
  ASSERT_TRUE(dequantize_row(tensor->type, tensor->data, expected).has_value());
  EXPECT_TRUE(std::ranges::equal(same->data, std::as_bytes(std::span(expected))));
}

// What a configuration says that no description holds, and a template that nobody parsed, stay.
TEST_F(ConvertModel, KeepsTheTextsOfAFolder) {
  const std::string source = folder_.file("source");
  ASSERT_TRUE(make_directories(source).has_value());
  write_fixture("llama", source);
  auto config = read_json_file(source + "/config.json");
  ASSERT_TRUE(config.has_value());
  config->set("initializer_range", 0.125);
  ASSERT_TRUE(write_file_atomic(source + "/config.json", dump_json(*config)).has_value());
  ASSERT_TRUE(write_file_atomic(source + "/chat_template.jinja", "{{ messages }}").has_value());
  const auto file = hf::open_folder(source);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto report = write_folder(*file, hf_, {.type = TensorType::kBF16});
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(entries_of(hf_), "chat_template.jinja config.json model.safetensors ");
  const auto written = read_json_file(hf_ + "/config.json");
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->find("initializer_range")->as_double(), 0.125);
  EXPECT_EQ(written->find("dtype")->as_string(), "bfloat16");
  EXPECT_TRUE(hf::open_folder(hf_).has_value());
  // Texts that are missing: no folder.
  ASSERT_TRUE(std::filesystem::remove(source + "/config.json"));
  const auto none = write_folder(*file, folder_.file("none"));
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("none")));
}

TEST_F(ConvertModel, ShardsWithAnIndex) {
  const test::TinyModel model;
  const auto file = Checkpoint::open(model.path());
  const auto report = write_folder(*file, hf_, {.shard_bytes = 40'000});
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_TRUE(std::filesystem::exists(hf_ + "/model.safetensors.index.json"));
  const auto written = SafetensorsFile::open(hf_);
  ASSERT_TRUE(written.has_value()) << written.error().message;
  EXPECT_GT(written->paths().size(), 1U);
  std::map<uint32_t, std::pair<size_t, size_t>> shards;  // tensors and bytes
  for (const SafetensorsTensor& tensor : written->tensors()) {
    ++shards[tensor.shard].first;
    shards[tensor.shard].second += tensor.data.size();
  }
  for (const auto& [shard, held] : shards) {  // a tensor that is larger stands alone
    EXPECT_TRUE(held.first == 1 || held.second <= 40'000U) << shard;
  }
  const auto again = run(hf_, gguf_);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(Checkpoint::open(gguf_)->tensors().size(), file->tensors().size());
}

TEST_F(ConvertModel, QuantisesAFolderAsItsGguf) {
  const test::TinyModel model;
  ASSERT_TRUE(run(model.path(), hf_).has_value());
  ASSERT_TRUE(run(hf_, gguf_).has_value());
  const auto source = open_source(hf_);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  const std::string direct = folder_.file("direct.gguf");
  const std::string indirect = folder_.file("indirect.gguf");
  ASSERT_TRUE(quantize_model(*source->model, direct, TensorType::kQ4_0).has_value());
  ASSERT_TRUE(quantize_file(gguf_, indirect, TensorType::kQ4_0).has_value());
  EXPECT_EQ(read_file(direct).value(), read_file(indirect).value());
}

TEST_F(ConvertModel, RefusesWhatMakesNoSense) {
  const test::TinyModel model;
  const Error missing = error(folder_.file("none"), gguf_);
  EXPECT_EQ(missing.code, Code::kNotFound);
  const Error already = error(model.path(), gguf_);
  EXPECT_EQ(already.code, Code::kInvalidArgument);
  EXPECT_THAT(already.message, HasSubstr("is a GGUF file already; name another --type"));
  ASSERT_TRUE(run(model.path(), hf_).has_value());
  const Error unnamed = error(hf_, folder_.file("out"));
  EXPECT_EQ(unnamed.code, Code::kInvalidArgument);
  EXPECT_THAT(unnamed.message, HasSubstr("ends in .gguf"));
  const Error there = error(model.path(), hf_);
  EXPECT_EQ(there.code, Code::kFailedPrecondition);
  EXPECT_THAT(there.message, HasSubstr("is there already"));
  EXPECT_EQ(error(model.path(), model.path()).code, Code::kInvalidArgument);
  EXPECT_EQ(run(model.path(), model.path(), TensorType::kF16).error().code, Code::kInvalidArgument);
  EXPECT_EQ(error(model.path(), folder_.file("no/folder")).code, Code::kNotFound);
  EXPECT_EQ(error(hf_, folder_.file("no/a.gguf")).code, Code::kNotFound);
  EXPECT_EQ(entries_of(folder_.path()), "hf ");
}

TEST_F(ConvertModel, AFolderWithoutTokenizerIsNamed) {
  ASSERT_TRUE(make_directories(hf_).has_value());
  write_fixture("llama", hf_);
  const Error without = error(hf_, gguf_);
  EXPECT_EQ(without.code, Code::kNotFound);
  EXPECT_THAT(without.message, HasSubstr("holds no tokenizer.json"));
  EXPECT_FALSE(std::filesystem::exists(gguf_));
}

TEST_F(ConvertModel, AnEmptyFolderIsTakenAndAFullOneIsNot) {
  const test::TinyModel model;
  ASSERT_TRUE(make_directories(hf_).has_value());
  EXPECT_TRUE(run(model.path(), hf_).has_value());
  const std::string other = folder_.file("file");
  ASSERT_TRUE(write_file_atomic(other, "x").has_value());
  EXPECT_EQ(error(model.path(), other).code, Code::kFailedPrecondition);
  EXPECT_EQ(read_file(other).value(), "x");
}

TEST_F(ConvertModel, AStopOrAFullDiskLeavesNothing) {
  const test::TinyModel model;
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = convert_model(
      model.path(), hf_,
      {.type = {}, .threads = 1, .observer = {.stop = stop.get_token(), .progress = {}}});
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
  EXPECT_EQ(entries_of(folder_.path()), "");

  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{30'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto full = run(model.path(), hf_);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(full.error().code, Code::kExhausted);
  EXPECT_EQ(entries_of(folder_.path()), "");
}

// What a GGUF file says and config.json cannot: named, and nothing is written.
TEST_F(ConvertModel, SettingsWithoutAWordAreRefusedByName) {
  const test::TinyModel model;
  const auto rewritten = [&](auto change) {
    const auto file = Checkpoint::open(model.path());
    const ModelSource plain(*file);
    GgufHeader metadata = plain.metadata();
    std::vector<SourceTensor> tensors;
    for (const SourceTensor& tensor : plain.tensors()) {
      tensors.push_back({.name = tensor.name,
                         .type = tensor.type,
                         .dims = tensor.dims,
                         .parts = tensor.parts,
                         .values = nullptr});
    }
    change(metadata, tensors);
    const std::string path = folder_.file("changed.gguf");
    EXPECT_TRUE(
        write_model(ModelSource(*file, std::move(metadata), std::move(tensors)), path).has_value());
    return error(path, hf_);
  };
  const Error window = rewritten([](GgufHeader& metadata, auto&) {
    metadata.set("llama.attention.sliding_window", uint32_t{8});
    metadata.set("llama.attention.sliding_window_pattern", uint32_t{2});
  });
  EXPECT_EQ(window.code, Code::kUnsupported);
  EXPECT_THAT(window.message, HasSubstr("only some layers have a sliding window"));
  const Error scale =
      rewritten([](GgufHeader& metadata, auto&) { metadata.set("llama.attention.scale", 0.5F); });
  EXPECT_THAT(scale.message, HasSubstr("config.json cannot say the scale of queries"));
  const std::vector<float> bias(64, 0.5F);
  const Error one_bias = rewritten([&](GgufHeader&, std::vector<SourceTensor>& tensors) {
    tensors.push_back({.name = "blk.0.ffn_down.bias",
                       .dims = {bias.size()},
                       .parts = {std::as_bytes(std::span(bias))},
                       .values = nullptr});
  });
  EXPECT_EQ(one_bias.code, Code::kUnsupported);
  EXPECT_THAT(one_bias.message, HasSubstr("ffn"));
  EXPECT_FALSE(std::filesystem::exists(hf_));
}

TEST_F(ConvertModel, HeadsThatDoNotFitTheirTensorAreRefused) {
  ASSERT_TRUE(make_directories(hf_).has_value());
  const auto fixture = read_json_file(test::test_data("oracles/families/llama.json"));
  Json changed = *fixture;
  Json config = *changed.find("config");
  config.set("head_dim", 24);  // the tensors have heads of 16
  changed.set("config", config);
  ASSERT_TRUE(test::write_seeded_checkpoint(changed, hf_).has_value());
  const auto file = hf::open_folder(hf_);
  ASSERT_TRUE(file.has_value());
  const auto written = write_gguf(*file, GgufHeader(), gguf_);
  EXPECT_EQ(written.error().code, Code::kCorruptData);
  EXPECT_THAT(written.error().message, HasSubstr("heads of 24 rows"));
}

}  // namespace
}  // namespace cupel::engine
