// Folders of config.json and safetensors that are broken, half understood or hostile.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/model/description.h"
#include "engine/model/hf/open_folder.h"
#include "engine/model/hf/translation.h"
#include "engine/runtime/transformer.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using testing::HasSubstr;

class HfFolder : public testing::Test {
 protected:
  void SetUp() override {
    const auto fixture = read_json_file(test::test_data("oracles/families/llama.json"));
    ASSERT_TRUE(fixture.has_value()) << fixture.error().message;
    fixture_ = *fixture;
    config_ = *fixture_.find("config");
    ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
  }

  void write_config() {
    ASSERT_TRUE(write_file_atomic(folder_.file("config.json"), dump_json(config_)).has_value());
  }
  /// The error of opening the folder and loading what it holds.
  Error error() {
    auto file = hf::open_folder(folder_.path());
    if (!file) {
      return file.error();
    }
    const auto model = Transformer::load(*file, {.threads = 1});
    EXPECT_FALSE(model.has_value());
    return model ? Error{Code::kInternal, "loaded"} : model.error();
  }
  void use_family(const std::string& name) {
    const auto fixture = read_json_file(test::test_data("oracles/families/" + name + ".json"));
    ASSERT_TRUE(fixture.has_value()) << fixture.error().message;
    config_ = *fixture->find("config");
  }
  [[nodiscard]] Result<hf::TranslatedConfig> translated() const {
    return hf::translate_config(config_, "config.json");
  }
  Error error_with(std::string_view key, Json value) {
    config_.set(key, std::move(value));
    write_config();
    return error();
  }

  Json fixture_;
  Json config_;
  test::TemporaryFolder folder_;
};

TEST_F(HfFolder, RefusesAnUnknownModelTypeAndSaysWhatIsKnown) {
  const Error e = error_with("model_type", "mamba");
  EXPECT_EQ(e.code, Code::kUnsupported);
  EXPECT_THAT(e.message, HasSubstr("\"model_type\" is \"mamba\"; supported: "));
  EXPECT_THAT(e.message, HasSubstr("qwen2_moe"));
}

TEST_F(HfFolder, RefusesASettingThatIsNotUnderstoodByName) {
  const Error e = error_with("alibi_slopes", 8);
  EXPECT_EQ(e.code, Code::kUnsupported);
  EXPECT_THAT(e.message, HasSubstr("\"alibi_slopes\""));
}

// Settings that published files hold, of which the logits do not depend.
TEST_F(HfFolder, PassesOverWhatChangesNothing) {
  config_.set("transformers.js_config", Json::object().set("kv_cache_dtype", "float16"))
      .set("unsloth_fixed", true)
      .set("unsloth_version", "2025.1.1")
      .set("pretraining_tp", 2);
  EXPECT_TRUE(translated().has_value());
  use_family("gemma2");
  config_.set("sliding_window_size", 8);
  EXPECT_TRUE(translated().has_value());
  use_family("phi3");
  config_.set("full_attn_mod", 1).set("interpolate_factor", 1);
  EXPECT_TRUE(translated().has_value());
  config_.set("full_attn_mod", 2);
  const auto other = translated();
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kUnsupported);
  EXPECT_THAT(other.error().message, HasSubstr("\"full_attn_mod\" is 2; only 1"));
}

struct Default {
  const char* family;
  const char* key;
  Json value;
  Json other;
};

// The defaults of transformers' configuration classes, which differ from family to family.
TEST_F(HfFolder, TakesWhatTransformersAssumesWhereAKeyIsAbsent) {
  const Json null;
  const std::vector<Default> defaults = {{"gemma2", "attn_logit_softcapping", 50.0, null},
                                         {"gemma2", "final_logit_softcapping", 30.0, null},
                                         {"gemma3", "rope_theta", 1e6, 1e4},
                                         {"mistral", "sliding_window", 4096, null},
                                         {"mixtral", "rope_theta", 1e6, 1e4},
                                         {"phimoe", "rope_theta", 1e6, 1e4},
                                         {"qwen2_window", "use_sliding_window", false, true},
                                         {"qwen2_window", "max_window_layers", 28, 1},
                                         {"qwen3_moe", "norm_topk_prob", false, true},
                                         {"smollm3", "no_rope_layer_interval", 4, 2},
                                         {"smollm3", "rope_theta", 2e6, 1e4},
                                         {"stablelm", "partial_rotary_factor", 0.25, 1.0}};
  for (const Default& each : defaults) {
    SCOPED_TRACE(std::string(each.family) + ": " + each.key);
    use_family(each.family);
    for (const char* list : {"layer_types", "no_rope_layers", "rope_parameters"}) {
      config_.erase(list);  // they would decide alone
    }
    const auto header_with = [&](const Json& value) {
      config_.set(each.key, value);
      const auto config = translated();
      EXPECT_TRUE(config.has_value()) << config.error().message;
      return config ? config->translation.header.encode() : std::string();
    };
    const std::string stated = header_with(each.value);
    EXPECT_NE(stated, header_with(each.other));
    config_.erase(each.key);
    const auto silent = translated();
    ASSERT_TRUE(silent.has_value()) << silent.error().message;
    EXPECT_EQ(silent->translation.header.encode(), stated);
  }
}

TEST_F(HfFolder, TakesTheHeadToBeTiedWhereTransformersDoes) {
  for (const auto& [family, tied] :
       {std::pair("gemma2", true), std::pair("gemma3", true), std::pair("smollm3", true),
        std::pair("llama", false), std::pair("qwen2", false)}) {
    use_family(family);
    config_.erase("tie_word_embeddings");
    const auto config = translated();
    ASSERT_TRUE(config.has_value()) << config.error().message;
    EXPECT_EQ(config->tied, tied) << family;
  }
}

// As google/gemma-3-4b-it is published: what is silent is the same as what is said.
TEST_F(HfFolder, TheTextModelOfAMultimodalFolderMayBeSilent) {
  const auto translated_text = [&](Json text) {
    config_ = Json::object()
                  .set("model_type", "gemma3")
                  .set("vision_config", Json::object().set("hidden_size", 1152))
                  .set("text_config", std::move(text));
    return translated();
  };
  const Json silent = Json::object()
                          .set("hidden_size", 2560)
                          .set("intermediate_size", 10240)
                          .set("model_type", "gemma3_text")
                          .set("num_hidden_layers", 34)
                          .set("sliding_window", 1024);
  Json said = silent;
  said.set("vocab_size", 262208)
      .set("num_attention_heads", 8)
      .set("num_key_value_heads", 4)
      .set("head_dim", 256)
      .set("max_position_embeddings", 131072)
      .set("rms_norm_eps", 1e-6)
      .set("rope_theta", 1e6)
      .set("hidden_activation", "gelu_pytorch_tanh")
      .set("query_pre_attn_scalar", 256);
  const auto one = translated_text(silent);
  ASSERT_TRUE(one.has_value()) << one.error().message;
  EXPECT_TRUE(one->tied);
  const auto other = translated_text(said);
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_EQ(one->translation.header.encode(), other->translation.header.encode());
  said.set("model_type", "qwen3");
  EXPECT_THAT(translated_text(said).error().message, HasSubstr("has the model_type \"qwen3\""));
  said.set("model_type", "gemma3_text").set("odd", 1);
  EXPECT_THAT(translated_text(said).error().message, HasSubstr("text_config"));
  EXPECT_THAT(translated_text(Json(1)).error().message, HasSubstr("expected an object"));
}

TEST_F(HfFolder, RefusesOtherActivationsAndScalings) {
  EXPECT_THAT(error_with("hidden_act", "relu2").message, HasSubstr("\"hidden_act\" is \"relu2\""));
  config_.set("hidden_act", "silu");
  const Json scaling = Json::object().set("rope_type", "spiral").set("factor", 2);
  EXPECT_THAT(error_with("rope_parameters", scaling).message,
              HasSubstr("\"rope_type\" is \"spiral\""));
  const Json extra = Json::object().set("rope_type", "linear").set("factor", 2).set("bend", 1);
  EXPECT_THAT(error_with("rope_parameters", extra).message, HasSubstr("\"bend\""));
}

TEST_F(HfFolder, RefusesAnotherMagnitudeBeyondTheOriginalLength) {
  Json factors = Json::array();
  for (int pair = 0; pair < 8; ++pair) {
    factors.push_back(1.5);
  }
  const Json scaling = Json::object()
                           .set("rope_type", "longrope")
                           .set("long_factor", factors)
                           .set("short_factor", factors)
                           .set("original_max_position_embeddings", 32)
                           .set("short_mscale", 1.1)
                           .set("long_mscale", 1.3);
  const Error e = error_with("rope_parameters", scaling);
  EXPECT_EQ(e.code, Code::kUnsupported);
  EXPECT_THAT(e.message, HasSubstr("\"long_mscale\" is 1.3 and \"short_mscale\" 1.1"));
}

TEST_F(HfFolder, WhatIsAbsentMeansWhatItMeansToTransformers) {
  // Llama rotates whole heads; a bias comes with its key; the head is tied where the key says so.
  EXPECT_THAT(error_with("partial_rotary_factor", 0.5).message,
              HasSubstr("\"partial_rotary_factor\" is 0.5"));
  config_.set("partial_rotary_factor", Json());
  EXPECT_THAT(error_with("attention_bias", true).message,
              HasSubstr("\"attention_bias\" is true, but the weights have no such bias"));
  config_.set("attention_bias", false);
  EXPECT_THAT(error_with("tie_word_embeddings", true).message,
              HasSubstr("lm_head.weight is not the embedding"));
}

TEST_F(HfFolder, RefusesAWindowThatKeysContradict) {
  Json types = Json::array();
  types.push_back("sliding_attention");
  types.push_back("full_attention");
  config_.set("layer_types", types);
  EXPECT_THAT(error_with("use_sliding_window", false).message,
              HasSubstr("but \"use_sliding_window\" is false"));
  EXPECT_THAT(error_with("use_sliding_window", true).message,
              HasSubstr("but \"sliding_window\" is not set"));
}

TEST_F(HfFolder, RefusesScalingThatIsSaidTwiceAndDifferently) {
  Json scaling = Json::object().set("rope_type", "yarn").set("factor", 2);
  scaling.set("original_max_position_embeddings", 64);
  config_.set("original_max_position_embeddings", 32);
  EXPECT_THAT(error_with("rope_parameters", scaling).message,
              HasSubstr("\"original_max_position_embeddings\" is 64, but 32 beside it"));
  EXPECT_THAT(error_with("rope_scaling", scaling).message,
              HasSubstr("both \"rope_parameters\" and \"rope_scaling\""));
}

TEST_F(HfFolder, RefusesAStretchOfLongRopeThatTheContextDoesNotHave) {
  Json factors = Json::array();
  for (int pair = 0; pair < 8; ++pair) {
    factors.push_back(1.5);
  }
  Json scaling = Json::object().set("rope_type", "longrope").set("factor", 3);
  scaling.set("original_max_position_embeddings", 64);
  scaling.set("long_factor", factors).set("short_factor", factors);
  EXPECT_THAT(error_with("rope_parameters", scaling).message,
              HasSubstr("\"factor\" is 3, but max_position_embeddings is 2 times"));
}

TEST_F(HfFolder, NamesTheKeyOfAnAbsurdNumber) {
  for (const Json& value : {Json(0), Json(-4), Json("64"), Json(int64_t{1} << 60), Json(1.5)}) {
    const Error e = error_with("hidden_size", value);
    EXPECT_EQ(e.code, Code::kCorruptData) << dump_json(value);
    EXPECT_TRUE(e.message.find("hidden_size") != std::string::npos ||
                e.message.find("embedding_length") != std::string::npos)
        << e.message;
  }
}

TEST_F(HfFolder, NamesATensorThatIsMissingOrOfAnotherShape) {
  config_.set("num_hidden_layers", 3);
  write_config();
  EXPECT_THAT(error().message, HasSubstr("blk.2."));
  config_.set("num_hidden_layers", 2).set("intermediate_size", 128);
  write_config();
  EXPECT_THAT(error().message, HasSubstr("has shape [64, 96]"));
}

TEST_F(HfFolder, RefusesATensorThatItHasNoPlaceFor) {
  Json tensors = *fixture_.find("tensors");
  tensors.push_back(Json::array()
                        .push_back("model.layers.0.self_attn.sinks.weight")
                        .push_back(Json::array().push_back(4)));
  fixture_.set("tensors", tensors);
  ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
  EXPECT_THAT(error().message, HasSubstr("model.layers.0.self_attn.sinks.weight"));
}

TEST_F(HfFolder, MissesAHeadThatIsNotTied) {
  Json::Array tensors = fixture_.find("tensors")->as_array();
  std::erase_if(tensors, [](const Json& tensor) {
    return tensor.as_array()[0].as_string() == "lm_head.weight";
  });
  fixture_.set("tensors", tensors);
  ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
  EXPECT_THAT(error_with("tie_word_embeddings", false).message, HasSubstr("lm_head.weight"));
  config_.set("tie_word_embeddings", true);
  write_config();
  EXPECT_TRUE(hf::open_folder(folder_.path()).has_value());
}

TEST_F(HfFolder, EveryTruncationAndABrokenConfigAreErrors) {
  const auto config = read_file(folder_.file("config.json"));
  ASSERT_TRUE(config.has_value());
  for (size_t length = 0; length < config->size(); length += 7) {
    ASSERT_TRUE(
        write_file_atomic(folder_.file("config.json"), config->substr(0, length)).has_value());
    EXPECT_FALSE(hf::open_folder(folder_.path()).has_value()) << length;
  }
  ASSERT_TRUE(write_file_atomic(folder_.file("config.json"), "[1]").has_value());
  EXPECT_THAT(error().message, HasSubstr("expected an object"));
  std::filesystem::remove(folder_.file("config.json"));
  EXPECT_EQ(error().code, Code::kNotFound);
}

// Every number of an 8-bit float is a BF16, and every BF16 an F32: the same model in another size.
TEST_F(HfFolder, FloatTypesOfFewerBitsGiveTheSameLogitsAsTheirNumbersInF32) {
  const auto logits_of = [&] {
    std::vector<float> logits;
    const auto file = hf::open_folder(folder_.path());
    EXPECT_TRUE(file.has_value()) << file.error().message;
    const auto model =
        Transformer::load(*file, {.threads = 1, .activations = Activations::kFloat32});
    EXPECT_TRUE(model.has_value()) << model.error().message;
    SequenceState sequence = (*model)->new_sequence();
    const std::vector<StepRow> rows = {{.sequence = &sequence, .token = 3},
                                       {.sequence = &sequence, .token = 5, .logits = true}};
    const auto keep = [&](size_t, std::span<float> values) {
      logits.assign(values.begin(), values.end());
    };
    EXPECT_TRUE((*model)->step(rows, keep).has_value());
    return logits;
  };
  std::vector<std::vector<float>> different;
  for (const TensorType type :
       {TensorType::kF16, TensorType::kBF16, TensorType::kF8E4M3, TensorType::kF8E5M2}) {
    ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path(), type, type).has_value());
    const std::vector<float> small = logits_of();
    ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path(), type).has_value());
    EXPECT_EQ(small, logits_of()) << tensor_type_name(type);
    ASSERT_FALSE(small.empty());
    different.push_back(small);
  }
  EXPECT_NE(different[0], different[2]);
}

/// The description of a family's seeded checkpoint with `key` set to null, which is as absent.
ModelDescription described_without(std::string_view fixture, std::string_view key) {
  const test::TemporaryFolder folder;
  const auto json =
      read_json_file(test::test_data("oracles/families/" + std::string(fixture) + ".json"));
  EXPECT_TRUE(json.has_value());
  EXPECT_TRUE(test::write_seeded_checkpoint(*json, folder.path()).has_value());
  Json config = *json->find("config");
  config.set(key, Json());
  EXPECT_TRUE(write_file_atomic(folder.file("config.json"), dump_json(config)).has_value());
  const auto file = hf::open_folder(folder.path());
  EXPECT_TRUE(file.has_value()) << file.error().message;
  const auto model = describe_model(*file);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return *model;
}

TEST(AbsentKeys, MeanWhatTheClassOfTheModelTakes) {
  const auto base = [](std::string_view fixture) {
    const ModelDescription model = described_without(fixture, "rope_parameters");
    return model.layers.front().attention.rope.base;
  };
  EXPECT_EQ(base("llama"), 1e4);
  EXPECT_EQ(base("mixtral"), 1e6);
  EXPECT_EQ(base("phimoe"), 1e6);
  EXPECT_EQ(base("smollm3"), 2e6);
  const ModelDescription stablelm = described_without("stablelm", "rope_parameters");
  EXPECT_EQ(stablelm.layers.front().attention.rope.rotary_dim, 4);
  const ModelDescription qwen2 = described_without("qwen2", "use_sliding_window");
  EXPECT_EQ(qwen2.layers.back().attention.window, 0);
  const ModelDescription experts = described_without("qwen3_moe", "norm_topk_prob");
  EXPECT_FALSE(experts.layers.front().feed_forward.experts.renormalise);
}

TEST(GgufName, FillsInNumbersAndLeavesOthersAlone) {
  EXPECT_EQ(hf::gguf_name("model.layers.12.self_attn.q_proj.bias", {}), "blk.12.attn_q.bias");
  EXPECT_EQ(hf::gguf_name("model.layers.0.mlp.experts.7.up_proj.weight", {}),
            "blk.0.ffn_up.7.weight");
  EXPECT_EQ(hf::gguf_name("model.layers.x.self_attn.q_proj.weight", {}), "");
  EXPECT_EQ(hf::gguf_name("model.layers.1.self_attn.q_proj2.weight", {}), "");
  EXPECT_EQ(hf::gguf_name("", {}), "");
  const std::vector<hf::TensorName> own = {{"model.norm", "token_embd_norm"}};
  EXPECT_EQ(hf::gguf_name("model.norm.weight", own), "token_embd_norm.weight");
}

}  // namespace
}  // namespace cupel::engine
