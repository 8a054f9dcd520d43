// Folders of encoders that are broken, or ask for what is not computed: an error that names file,
// place and mend.
#include "decode/embedder_support.h"

namespace cupel::decode {
namespace {

/// Changes a fixture, writes it and opens it.
class BrokenEncoder : public testing::Test {
 protected:
  void SetUp() override { fixture_ = test::encoder_fixture("mean"); }

  void set_config(std::string_view key, Json value) {
    Json config = *fixture_.find("config");
    config.set(key, std::move(value));
    fixture_.set("config", std::move(config));
  }
  void set_file(std::string_view name, Json content) {
    Json files = *fixture_.find("files");
    files.set(name, std::move(content));
    fixture_.set("files", std::move(files));
  }
  /// The tensors but those whose name holds `part`; with `shape`, those get it instead.
  void change_tensors(std::string_view part, const Json& shape = {}) {
    Json tensors = Json::array();
    for (const Json& tensor : fixture_.find("tensors")->as_array()) {
      const std::string& name = tensor.as_array()[0].as_string();
      if (name.find(part) == std::string::npos) {
        tensors.push_back(tensor);
      } else if (!shape.is_null()) {
        tensors.push_back(Json::array().push_back(name).push_back(shape));
      }
    }
    fixture_.set("tensors", std::move(tensors));
  }
  Error opened() {
    EXPECT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
    const auto embedder = LocalEmbedder::open({.path = folder_.path(), .name = "broken"});
    EXPECT_FALSE(embedder.has_value());
    return embedder ? Error{} : embedder.error();
  }
  void expect_refused(Code code, const std::vector<std::string>& says) {
    const Error error = opened();
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_TRUE(error.message.starts_with(folder_.path())) << error.message;
    for (const std::string& text : says) {
      EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
    }
  }

  Json fixture_;
  test::TemporaryFolder folder_;
};

TEST_F(BrokenEncoder, MissingTensors) {
  for (const char* part : {"word_embeddings", "position_embeddings", "embeddings.LayerNorm.bias",
                           "layer.1.attention.self.query.weight", "layer.0.output.dense.weight",
                           "layer.0.output.LayerNorm.weight"}) {
    SetUp();
    change_tensors(part);
    expect_refused(Code::kCorruptData, {});
  }
}

TEST_F(BrokenEncoder, TensorsOfAnotherShape) {
  change_tensors("layer.1.intermediate.dense.weight", Json::array().push_back(96).push_back(32));
  expect_refused(Code::kCorruptData, {"blk.1.ffn_up.weight", "[32, 96]", "[64, 96]"});
}

TEST_F(BrokenEncoder, TooFewPositions) {
  set_config("max_position_embeddings", 65);
  expect_refused(Code::kCorruptData, {"position_embd.weight has 64 rows", "65"});
}

TEST_F(BrokenEncoder, AbsurdSizes) {
  for (const char* key : {"hidden_size", "num_hidden_layers", "num_attention_heads",
                          "intermediate_size", "max_position_embeddings"}) {
    for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{1} << 40U, INT64_MAX}) {
      SetUp();
      set_config(key, value);
      expect_refused(Code::kCorruptData, {});
    }
  }
}

TEST_F(BrokenEncoder, SettingsThatAreNotComputed) {
  set_config("position_embedding_type", "relative_key");
  expect_refused(Code::kUnsupported, {"config.json", "position_embedding_type", "relative_key"});
  SetUp();
  set_config("is_decoder", true);
  expect_refused(Code::kUnsupported, {"is_decoder"});
  SetUp();
  set_config("hidden_act", "relu");
  expect_refused(Code::kUnsupported, {"relu", "gelu"});
  SetUp();
  set_config("sparse_attention", true);
  expect_refused(Code::kUnsupported, {"\"sparse_attention\" is a setting that is not understood"});
}

Json module_of(const char* type, const char* path) {
  return Json::object().set("type", type).set("path", path);
}

TEST_F(BrokenEncoder, OtherModules) {
  const Json transformer = module_of("sentence_transformers.models.Transformer", "");
  const Json pooling = module_of("sentence_transformers.models.Pooling", "1_Pooling");
  const auto modules = [&](const Json& first, const Json& second, const Json& third) {
    SetUp();
    set_file("modules.json", Json::array().push_back(first).push_back(second).push_back(third));
  };
  modules(transformer, pooling, module_of("sentence_transformers.models.Dense", "2_Dense"));
  expect_refused(Code::kUnsupported, {"modules.json", "module 2 is a Dense"});
  modules(pooling, transformer, pooling);
  expect_refused(Code::kUnsupported, {"module 0 is a Pooling"});
  modules(module_of("sentence_transformers.models.Transformer", "0_BERT"), pooling, pooling);
  expect_refused(Code::kUnsupported, {"0_BERT"});
  modules(transformer, module_of("a.Pooling", "../../etc"), pooling);
  expect_refused(Code::kCorruptData, {"../../etc"});
  modules(transformer, module_of("a.Pooling", "/etc"), pooling);
  expect_refused(Code::kCorruptData, {"\"/etc\""});
  modules(transformer, module_of("a.Pooling", "9_Pooling"), module_of("a.Normalize", ""));
  expect_refused(Code::kNotFound, {"9_Pooling/config.json"});
  modules(transformer, Json("Pooling"), pooling);
  expect_refused(Code::kCorruptData, {"modules.json"});
  SetUp();
  set_file("modules.json", Json::object());
  expect_refused(Code::kCorruptData, {"modules.json"});
}

TEST_F(BrokenEncoder, OtherPoolings) {
  set_file("1_Pooling/config.json", Json::object().set("pooling_mode", "attention"));
  expect_refused(Code::kUnsupported, {"1_Pooling/config.json", "\"attention\"", "weightedmean"});
  SetUp();
  set_file("1_Pooling/config.json",
           Json::object().set("pooling_mode", "mean").set("include_prompt", false));
  expect_refused(Code::kUnsupported, {"include_prompt"});
  SetUp();
  set_file("1_Pooling/config.json", Json::object().set("pooling_mode_mean_tokens", "yes"));
  expect_refused(Code::kCorruptData, {"pooling_mode_mean_tokens"});
}

TEST_F(BrokenEncoder, OtherLengthsAndPrompts) {
  set_file("sentence_bert_config.json", Json::object().set("max_seq_length", -3));
  expect_refused(Code::kCorruptData, {"sentence_bert_config.json", "\"max_seq_length\" is -3"});
  SetUp();
  set_file("config_sentence_transformers.json", Json::object().set("default_prompt_name", "none"));
  expect_refused(Code::kCorruptData, {"config_sentence_transformers.json", "\"none\""});
  SetUp();
  set_file("config_sentence_transformers.json", Json::object().set("truncate_dim", 32));
  expect_refused(Code::kUnsupported, {"truncate_dim"});
}

TEST_F(BrokenEncoder, AVocabularyBeyondTheEmbedding) {
  set_config("vocab_size", 20);
  change_tensors("word_embeddings", Json::array().push_back(20).push_back(64));
  expect_refused(Code::kCorruptData, {"only 20 rows"});
}

TEST_F(BrokenEncoder, WeightsCutOffAtAnyPlace) {
  ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
  const std::string path = folder_.file("model.safetensors");
  const std::string whole = *read_file(path);
  for (size_t size = 0; size < whole.size(); size += size < 3000 ? 97 : 20011) {
    ASSERT_TRUE(write_file_atomic(path, whole.substr(0, size)).has_value());
    const auto embedder = LocalEmbedder::open({.path = folder_.path(), .name = "cut"});
    ASSERT_FALSE(embedder.has_value()) << size;
    EXPECT_EQ(embedder.error().code, Code::kCorruptData) << embedder.error().message;
  }
}

// The last weights of the last layer are NaN: its norm passes them on to all numbers.
TEST_F(BrokenEncoder, VectorsThatAreNotFinite) {
  change_tensors("pooler");  // it would be the last of the file
  ASSERT_TRUE(test::write_seeded_checkpoint(fixture_, folder_.path()).has_value());
  const std::string path = folder_.file("model.safetensors");
  std::string bytes = *read_file(path);
  for (size_t i = bytes.size() - 64; i < bytes.size(); ++i) {
    bytes[i] = '\xff';
  }
  ASSERT_TRUE(write_file_atomic(path, bytes).has_value());
  const auto embedder = test::open_embedder(folder_.path());
  ASSERT_NE(embedder, nullptr);
  const auto embeddings = embedder->embed(std::vector<std::string>{"rain"}, {});
  ASSERT_FALSE(embeddings.has_value());
  EXPECT_EQ(embeddings.error().code, Code::kCorruptData);
  EXPECT_NE(embeddings.error().message.find("not finite"), std::string::npos);
}

}  // namespace
}  // namespace cupel::decode
