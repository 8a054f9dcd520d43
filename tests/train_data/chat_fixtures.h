#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/from_json.h"
#include "train/data/loss_mask.h"

namespace cupel::train::test {

/// The control tokens of the templates that the tests use.
inline const std::vector<std::string>& control_tokens() {
  static const std::vector<std::string> kTokens = {
      "<s>",          "</s>",          "<|im_start|>",        "<|im_end|>",
      "<|eot_id|>",   "<|eom_id|>",    "<|begin_of_text|>",   "<|start_header_id|>",
      "<|user|>",     "<|assistant|>", "<|end_header_id|>",   "<|system|>",
      "<|end|>",      "<bos>",         "<start_of_turn>",     "<end_of_turn>",
      "[INST]",       "[/INST]",       "<|tool_call_start|>", "<|tool_call_end|>",
      "<|endoftext|>"};
  return kTokens;
}

/// A byte-level BPE vocabulary: 256 bytes, a few merges (so that tokens straddle borders: " a",
/// "\n\n", "lo", ":a"), and the control tokens above. `eos` ends generation, as do all others that
/// end a turn.
inline std::unique_ptr<Tokenizer> tiny_tokenizer(const std::string& bos = "<s>",
                                                 const std::string& eos = "</s>",
                                                 const Json& normalizer = {}) {
  const auto spelled = [](std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
      append_utf8(text, engine::byte_to_char(static_cast<uint8_t>(c)));
    }
    return text;
  };
  Json vocabulary = Json::object();
  int64_t next = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    vocabulary.set(spelled({&c, 1}), next++);
  }
  Json merges = Json::array();
  for (const std::string_view pair : {" a", "\n\n", "lo", ":a"}) {
    vocabulary.set(spelled(pair), next++);
    merges.push_back(spelled(pair.substr(0, 1)) + " " + spelled(pair.substr(1)));
  }
  Json added = Json::array();
  std::vector<int64_t> ends;
  for (const std::string& token : control_tokens()) {
    if (token == "<|im_end|>" || token == "<|eot_id|>" || token == "<|end|>" ||
        token == "<end_of_turn>" || token == "</s>") {
      ends.push_back(next);
    }
    Json entry = Json::object();
    entry.set("id", next++).set("content", token).set("special", true);
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      entry.set(flag, false);
    }
    added.push_back(std::move(entry));
  }
  Json byte_level = *parse_json(
      R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false})");
  Json model = Json::object();
  model.set("type", "BPE").set("vocab", vocabulary).set("merges", merges);
  Json root = Json::object();
  root.set("added_tokens", added).set("normalizer", normalizer).set("pre_tokenizer", byte_level);
  root.set("post_processor", Json()).set("decoder", byte_level).set("model", model);
  auto tokenizer = engine::tokenizer_from_json_value(
      root, {.bos = bos, .eos = eos, .end_ids = ends, .add_bos = true, .add_eos = false});
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(tokenizer).value();
}

inline engine::ChatTemplate parse_template(std::string_view source) {
  auto parsed = engine::ChatTemplate::parse(source);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return std::move(parsed).value();
}

inline Json message(std::string_view role, std::string_view content) {
  Json json = Json::object();
  json.set("role", role).set("content", content);
  return json;
}

/// The text of all tokens of a role, control tokens spelled out.
inline std::string text_of(const Tokenizer& tokenizer,
                           const LabelledTokens& tokens,
                           TokenRole role) {
  std::string text;
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    if (tokens.roles[i] == role) {
      text += tokenizer.token_bytes(tokens.ids[i], true);
    }
  }
  return text;
}

}  // namespace cupel::train::test
