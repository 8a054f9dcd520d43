// Folders of every family, broken in every way that a file can be: each ends with one clear line,
// or is a model that runs. None takes much memory or time.
#include <filesystem>
#include <functional>

#include "base/format.h"
#include "base/io.h"
#include "base/rng.h"
#include "engine/families_hostile_support.h"
#include "engine/model/hf/open_folder.h"
#include "support/family_fixtures.h"
#include "support/process_memory.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"

namespace cupel::engine::test {
namespace {

class HostileFamily : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const Json fixture = cupel::test::family_fixture(GetParam());
    config_ = *fixture.find("config");
    ASSERT_TRUE(cupel::test::write_seeded_checkpoint(fixture, folder_.path()).has_value());
    weights_ = read_file(folder_.file("model.safetensors")).value();
    ASSERT_TRUE(runs(hf::open_folder(folder_.path()), "unbroken"));
    cupel::test::reset_memory_peak();
    before_ = cupel::test::memory_status("VmHWM").value_or(0);
  }
  void TearDown() override {
    // A sanitizer keeps what was freed for a while: some hundred MiB.
    const size_t after = cupel::test::memory_status("VmHWM").value_or(0);
    EXPECT_LT(after, before_ + (size_t{1} << 30U)) << "broken files took memory";
  }

  bool runs_with_config(const std::string& text, const std::string& what) {
    write_quickly(folder_.file("config.json"), text);
    return runs(hf::open_folder(folder_.path()), what);
  }
  bool runs_with_weights(const std::string& bytes, const std::string& what) {
    write_quickly(folder_.file("model.safetensors"), bytes);
    return runs(hf::open_folder(folder_.path()), what);
  }

  /// Every key of `object`, without it and with values that make no sense; `whole` says how the
  /// configuration reads with the object changed.
  void break_every_key(const Json& object,
                       const std::string& place,
                       const std::function<Json(const Json&)>& whole) {
    const std::vector<Json> values = {Json(),
                                      Json(-1),
                                      Json(0),
                                      Json(1),
                                      Json(3),
                                      Json(int64_t{1} << 28U),
                                      Json(INT64_MAX),
                                      Json(1e308),
                                      Json(1e-320),
                                      Json(true),
                                      Json("x"),
                                      Json::array(),
                                      Json::array().push_back(1e30),
                                      Json::object()};
    for (const auto& [key, value] : object.as_object()) {
      Json changed = object;
      changed.erase(key);
      runs_with_config(dump_json(whole(changed)), place + key + " removed");
      for (const Json& other : values) {
        changed = object;
        changed.set(key, other);
        runs_with_config(dump_json(whole(changed)), place + key + " = " + dump_json(other));
      }
      if (value.is_object()) {
        break_every_key(value, place + key + ".", [&](const Json& inner) {
          Json outer = object;
          outer.set(key, inner);
          return whole(outer);
        });
      }
    }
  }

  cupel::test::TemporaryFolder folder_;
  Json config_;
  std::string weights_;
  size_t before_ = 0;
};

TEST_P(HostileFamily, EveryKeyOfTheConfigurationMayBeWrong) {
  break_every_key(config_, "", [](const Json& config) { return config; });
  for (const std::string_view needed : {"hidden_size", "num_attention_heads", "vocab_size"}) {
    const Json* inside = config_.find("text_config");
    Json config = inside == nullptr ? config_ : *inside;
    config.erase(needed);
    if (inside != nullptr && needed == "vocab_size") {
      continue;  // the one of published folders is meant; the embedding says how many there are
    }
    const Json whole =
        inside == nullptr ? config : Json(config_).set("text_config", std::move(config));
    EXPECT_FALSE(runs_with_config(dump_json(whole), std::string(needed))) << needed;
  }
}

TEST_P(HostileFamily, ConfigurationsWithChangedBytesEndCleanly) {
  const std::string whole = dump_json(config_);
  Rng rng(5);
  for (int round = 0; round < 150; ++round) {
    std::string text = whole;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      text[rng.below(text.size())] = static_cast<char>(32 + rng.below(96));
    }
    runs_with_config(text, text);
  }
}

TEST_P(HostileFamily, EveryTensorIsNeededInItsShape) {
  const SafetensorsParts whole = SafetensorsParts::of(weights_);
  for (const auto& [name, tensor] : whole.header.as_object()) {
    if (cupel::test::is_unused_part(name)) {
      continue;
    }
    const auto with = [&](std::string_view member, Json value) {
      SafetensorsParts parts = whole;
      Json changed = tensor;
      changed.set(member, std::move(value));
      parts.header.set(name, changed);
      return parts.whole();
    };
    // Renamed, so that the data stays covered: one that is missing, and one too many.
    SafetensorsParts parts = whole;
    parts.header.erase(name);
    parts.header.set("model.layers.0.unknown.weight", tensor);
    EXPECT_FALSE(runs_with_weights(parts.whole(), name + " renamed")) << name;

    Json::Array shape = tensor.find("shape")->as_array();
    const int64_t last = shape.back().as_int();
    shape.back() = last / 2;
    shape.push_back(2);  // as many numbers
    // A vector, or a matrix of one row: its numbers count, not how they are laid out.
    const bool vector = shape.size() == 2 || shape.front().as_int() == 1;
    const bool accepted = runs_with_weights(with("shape", shape), name + " of another shape");
    EXPECT_TRUE(vector || !accepted) << name;
    EXPECT_FALSE(runs_with_weights(with("shape", Json::array().push_back(last)), name + " cut") &&
                 !vector)
        << name;
    EXPECT_FALSE(runs_with_weights(with("shape", Json::array().push_back(0)), name + " empty"));
    EXPECT_FALSE(runs_with_weights(with("dtype", "I32"), name + " of integers")) << name;
    EXPECT_FALSE(runs_with_weights(with("dtype", "U32"), name + " of integers")) << name;
    EXPECT_FALSE(runs_with_weights(with("dtype", "F16"), name + " too long")) << name;
    const int64_t begin = tensor.find("data_offsets")->as_array()[0].as_int();
    const int64_t end = tensor.find("data_offsets")->as_array()[1].as_int();
    const auto range = [&](int64_t low, int64_t high) {
      return with("data_offsets", Json::array().push_back(low).push_back(high));
    };
    EXPECT_FALSE(runs_with_weights(range(begin + 4, end + 4), name + " overlaps")) << name;
    EXPECT_FALSE(runs_with_weights(range(INT64_MAX - 8, INT64_MAX), name + " far away")) << name;
    EXPECT_FALSE(runs_with_weights(range(end, begin), name + " backwards")) << name;
  }
}

TEST_P(HostileFamily, WeightsCutAnywhereAreAnError) {
  const SafetensorsParts whole = SafetensorsParts::of(weights_);
  std::vector<size_t> places = {0, 1, 7, 8, 9, 100};
  const size_t data = weights_.size() - whole.data.size();
  for (const auto& [name, tensor] : whole.header.as_object()) {
    for (const int64_t by : {-1, 0, 1}) {
      const int64_t end = tensor.find("data_offsets")->as_array()[1].as_int();
      places.push_back(static_cast<size_t>(static_cast<int64_t>(data) + end + by));
    }
  }
  for (size_t at = 16; at < data; at += 61) {
    places.push_back(at);
  }
  for (const size_t place : places) {
    if (place < weights_.size()) {
      EXPECT_FALSE(runs_with_weights(weights_.substr(0, place), format("cut at {}", place)));
    }
  }
}

TEST_P(HostileFamily, WeightsWithChangedHeadersEndCleanly) {
  const size_t data = weights_.size() - SafetensorsParts::of(weights_).data.size();
  Rng rng(6);
  for (int round = 0; round < 100; ++round) {
    std::string bytes = weights_;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      bytes[rng.below(data)] = static_cast<char>(
          rng.below(3) == 0 ? rng.below(256) : "0123456789[]{},:\""[rng.below(17)]);
    }
    runs_with_weights(bytes, format("round {}", round));
  }
}

// Weights that are no numbers give logits that are none; nothing else happens.
TEST_P(HostileFamily, WeightsThatAreNoNumbersRun) {
  std::string bytes = weights_;
  const size_t data = weights_.size() - SafetensorsParts::of(weights_).data.size();
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity(), 3e38F, -3e38F, 1e-40F};
  Rng rng(7);
  for (size_t at = data; at + 4 <= bytes.size(); at += 4 * (1 + rng.below(50))) {
    std::memcpy(bytes.data() + at, &bad[rng.below(5)], sizeof(float));
  }
  EXPECT_TRUE(runs_with_weights(bytes, "no numbers"));
}

TEST_P(HostileFamily, AMissingHeadIsToldWhereItIsNotTied) {
  SafetensorsParts parts = SafetensorsParts::of(weights_);
  const bool there = parts.header.find("lm_head.weight") != nullptr;
  // Its bytes go to a tensor that is passed over by its name.
  if (there) {
    const Json head = *parts.header.find("lm_head.weight");
    parts.header.erase("lm_head.weight");
    parts.header.set("model.rotary_emb.inv_freq", head);
  }
  Json config = config_;
  config.set("tie_word_embeddings", false);
  write_quickly(folder_.file("config.json"), dump_json(config));
  EXPECT_FALSE(runs_with_weights(parts.whole(), "no head, not tied"));
  config.set("tie_word_embeddings", true);
  write_quickly(folder_.file("config.json"), dump_json(config));
  const bool biased = parts.header.find("lm_head.bias") != nullptr;
  EXPECT_TRUE(runs_with_weights(parts.whole(), "no head, tied") || biased);
}

INSTANTIATE_TEST_SUITE_P(All,
                         HostileFamily,
                         testing::ValuesIn(cupel::test::family_fixtures()),
                         [](const auto& name) { return name.param; });

/// A folder in two shards; its index can be written anew.
class HostileIndex : public testing::Test {
 protected:
  void SetUp() override {
    const Json fixture = cupel::test::family_fixture("llama");
    ASSERT_TRUE(cupel::test::write_seeded_checkpoint(fixture, folder_.path()).has_value());
    const std::string weights = read_file(folder_.file("model.safetensors")).value();
    std::filesystem::remove(folder_.file("model.safetensors"));
    const SafetensorsParts whole = SafetensorsParts::of(weights);
    SafetensorsParts parts[2];
    for (const auto& [name, tensor] : whole.header.as_object()) {
      const size_t shard = map_.size() % 2;
      map_.set(name, kFiles[shard]);
      const auto begin = static_cast<size_t>(tensor.find("data_offsets")->as_array()[0].as_int());
      const auto end = static_cast<size_t>(tensor.find("data_offsets")->as_array()[1].as_int());
      Json moved = tensor;
      const size_t at = parts[shard].data.size();
      moved.set("data_offsets", Json::array().push_back(at).push_back(at + end - begin));
      parts[shard].header.set(name, moved);
      parts[shard].data += whole.data.substr(begin, end - begin);
    }
    write_quickly(folder_.file(kFiles[0]), parts[0].whole());
    write_quickly(folder_.file(kFiles[1]), parts[1].whole());
  }
  Error error_with(const std::string& index) {
    write_quickly(folder_.file("model.safetensors.index.json"), index);
    const auto file = hf::open_folder(folder_.path());
    if (!file) {
      expect_clean(file.error(), index.substr(0, 100));
      return file.error();
    }
    const auto model = Transformer::load(*file, {.threads = 1});
    return model ? Error{Code::kInternal, "it was accepted"} : model.error();
  }
  [[nodiscard]] static std::string index_of(const Json& map) {
    return dump_json(Json::object().set("metadata", Json::object()).set("weight_map", map));
  }

  static constexpr const char* kFiles[] = {"model-00001-of-00002.safetensors",
                                           "model-00002-of-00002.safetensors"};
  cupel::test::TemporaryFolder folder_;
  Json map_ = Json::object();
};

TEST_F(HostileIndex, NamesTheShardThatIsAbsent) {
  write_quickly(folder_.file("model.safetensors.index.json"), index_of(map_));
  EXPECT_TRUE(runs(hf::open_folder(folder_.path()), "two shards"));
  std::filesystem::remove(folder_.file(kFiles[1]));
  const Error absent = error_with(index_of(map_));
  EXPECT_EQ(absent.code, Code::kNotFound);
  EXPECT_NE(absent.message.find(kFiles[1]), std::string::npos) << absent.message;
}

TEST_F(HostileIndex, EveryTensorStandsInOneShard) {
  const std::string index = index_of(map_);
  const std::string entry = format("\"model.norm.weight\":\"{}\"", kFiles[0]);
  std::string twice = index;
  twice.insert(twice.find("\"weight_map\":{") + 14, entry + ",");
  EXPECT_NE(error_with(twice).message.find("twice"), std::string::npos);
  for (const auto& [name, file] : map_.as_object()) {
    Json map = map_;
    map.set(name, kFiles[file.as_string() == kFiles[0] ? 1 : 0]);
    EXPECT_NE(error_with(index_of(map)).message.find("\"" + name + "\""), std::string::npos);
    map.erase(name);  // in its shard, but no part of the checkpoint
    EXPECT_EQ(error_with(index_of(map)).code, Code::kCorruptData) << name;
  }
}

TEST_F(HostileIndex, MayNameManyFilesOrNone) {
  Json map = map_;
  for (int i = 0; i < 100'000; ++i) {
    map.as_object().emplace_back(format("t{}", i), format("shard-{}.safetensors", i));
  }
  EXPECT_EQ(error_with(index_of(map)).code, Code::kCorruptData);
  EXPECT_EQ(error_with(index_of(Json::object())).code, Code::kCorruptData);
  EXPECT_EQ(error_with(std::string(200'000, '[')).code, Code::kCorruptData);
}

}  // namespace
}  // namespace cupel::engine::test
