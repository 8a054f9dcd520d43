#include "engine/tokenizer/json/frame.h"

#include <algorithm>

#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxIds = 4096;  // of one special token of a template
// Entries of "single" and of "special_tokens", which are looked up by each of the former: half a
// million of both would take an hour.
constexpr size_t kMaxEntries = 4096;

Result<Ok> check_entries(const JsonAt& json) {
  if (json.value().size() > kMaxEntries) {
    return corrupt_data("{} has {} entries; expected at most {}", json.path(), json.value().size(),
                        kMaxEntries);
  }
  return Ok{};
}

Result<TokenId> checked_id(const JsonAt& json, size_t size) {
  CUPEL_TRY(const int64_t id, json.integer());
  if (id < 0 || id >= static_cast<int64_t>(size)) {
    return corrupt_data("{} is {}, but the vocabulary has {} tokens", json.path(), id, size);
  }
  return static_cast<TokenId>(id);
}

/// The ids of a special token of a template.
Result<Ok> append_ids(const JsonAt& json,
                      const std::string& name,
                      size_t size,
                      std::vector<TokenId>& ids) {
  CUPEL_TRY(const JsonAt table, json.member("special_tokens"));
  CUPEL_TRY(const JsonAt entry, table.member(name));
  CUPEL_TRY(const JsonAt list, entry.member("ids"));
  CUPEL_TRY(const std::vector<JsonAt> items, list.items());
  if (items.size() > kMaxIds) {
    return corrupt_data("{} has {} ids; expected at most {}", list.path(), items.size(), kMaxIds);
  }
  for (const JsonAt& item : items) {
    CUPEL_TRY(const TokenId id, checked_id(item, size));
    ids.push_back(id);
  }
  return Ok{};
}

Result<TokenFrame> read_template(const JsonAt& json, size_t size) {
  CUPEL_TRY(const JsonAt single, json.member("single"));
  CUPEL_TRY_VOID(check_entries(single));
  if (const auto table = json.find("special_tokens")) {
    CUPEL_TRY_VOID(check_entries(*table));
  }
  CUPEL_TRY(const std::vector<JsonAt> items, single.items());
  TokenFrame frame;
  int texts = 0;
  for (const JsonAt& item : items) {
    if (const auto special = item.find("SpecialToken")) {
      CUPEL_TRY(const std::string name, special->text("id"));
      CUPEL_TRY_VOID(append_ids(json, name, size, texts == 0 ? frame.before : frame.after));
    } else if (const auto sequence = item.find("Sequence")) {
      CUPEL_TRY(const std::string name, sequence->text("id"));
      texts += name == "A" ? 1 : 2;
    } else {
      return item.mistyped("a SpecialToken or a Sequence");
    }
    if (frame.before.size() + frame.after.size() > kMaxIds) {
      return corrupt_data("{} adds more than {} tokens", single.path(), kMaxIds);
    }
  }
  if (texts != 1) {
    return unsupported("{} does not have the text (\"A\") exactly once", single.path());
  }
  return frame;
}

/// ["[CLS]", id] and the like.
Result<TokenId> read_pair(const JsonAt& json, std::string_view key, size_t size) {
  CUPEL_TRY(const JsonAt pair, json.member(key));
  CUPEL_TRY(const std::vector<JsonAt> items, pair.items());
  if (items.size() != 2) {
    return pair.mistyped("[\"text\", id]");
  }
  return checked_id(items[1], size);
}

Result<TokenFrame> read_pairs(const JsonAt& json, size_t size) {
  TokenFrame frame;
  CUPEL_TRY(const TokenId before, read_pair(json, "cls", size));
  CUPEL_TRY(const TokenId after, read_pair(json, "sep", size));
  frame.before.push_back(before);
  frame.after.push_back(after);
  return frame;
}

Result<TokenFrame> read_sequence(const JsonAt& json, size_t size) {
  CUPEL_TRY(const JsonAt list, json.member("processors"));
  CUPEL_TRY(const std::vector<JsonAt> items, list.items());
  TokenFrame frame;
  bool in_parts = false;
  for (const JsonAt& item : items) {
    CUPEL_TRY(const TokenFrame own, read_frame(item, size));
    const bool adds = !own.before.empty() || !own.after.empty();
    if (adds && in_parts) {
      return unsupported("{}: a processor that adds tokens follows a TemplateProcessing that does",
                         list.path());
    }
    // In the original the tokens of a template are texts of their own for the next processor.
    CUPEL_TRY(const std::string type, item.text("type"));
    in_parts = in_parts || (adds && type != "BertProcessing" && type != "RobertaProcessing");
    frame.before.insert(frame.before.begin(), own.before.begin(), own.before.end());
    frame.after.insert(frame.after.end(), own.after.begin(), own.after.end());
    if (frame.before.size() + frame.after.size() > kMaxIds) {
      return corrupt_data("{}: adds more than {} tokens", list.path(), kMaxIds);
    }
  }
  return frame;
}

}  // namespace

Result<TokenFrame> read_frame(const std::optional<JsonAt>& json, size_t size) {
  if (!json) {
    return TokenFrame{};
  }
  CUPEL_TRY(const std::string type, json->text("type"));
  if (type == "ByteLevel") {
    return TokenFrame{};  // it only moves offsets
  }
  if (type == "TemplateProcessing") {
    return read_template(*json, size);
  }
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    return read_pairs(*json, size);
  }
  if (type == "Sequence") {
    return read_sequence(*json, size);
  }
  return json->unknown("post-processor", type);
}

}  // namespace cupel::engine
