#include "base/check.h"
#include "base/format.h"
#include "base/text.h"
#include "engine/checkpoint/inspect.h"

namespace cupel::engine {
namespace {

const Json& member(const Json& object, std::string_view key) {
  const Json* value = object.find(key);
  CUPEL_CHECK(value != nullptr, "inspect_text: not a report of inspect");
  return *value;
}

// 134515008 → "134.5 million".
std::string in_words(int64_t count) {
  const auto number = static_cast<double>(count);
  if (number >= 1e9) {
    return format("{:.2f} billion", number / 1e9);
  }
  if (number >= 1e6) {
    return format("{:.1f} million", number / 1e6);
  }
  return format("{}", count);
}

std::string in_bytes(int64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes >= 1024 * 1024) {
    return format("{:.1f} MiB", number / (1024.0 * 1024.0));
  }
  return bytes >= 1024 ? format("{:.1f} KiB", number / 1024.0) : format("{} bytes", bytes);
}

// A value as one would read it; "not given" for null.
std::string plain(const Json& value) {
  if (value.is_null()) {
    return "not given";
  }
  if (value.is_string()) {
    return value.as_string();
  }
  if (const Json* element = value.find("array_of"); element != nullptr) {
    return format("{} values of {}", member(value, "count").as_int(), element->as_string());
  }
  return dump_json(value);
}

void line(std::string& out, std::string_view label, std::string_view value) {
  out += format("{:<15} {}\n", label, value);
}

std::string tokenizer_line(const Json& tokenizer) {
  if (tokenizer.is_null()) {
    return "none";
  }
  const Json& pre = member(tokenizer, "pre");
  return format("{}{}, {} tokens", plain(member(tokenizer, "kind")),
                pre.is_null() ? "" : format(" (pre-tokenizer {})", plain(pre)),
                plain(member(tokenizer, "vocabulary_size")));
}

std::string format_name(const Json& report) {
  const Json& version = member(report, "version");
  return version.is_null() ? plain(member(report, "format"))
                           : format("GGUF version {}", plain(version));
}

/// What a sentence encoder makes of a text, which has no use for a chat template.
std::string vectors_line(const Json& embeddings) {
  std::vector<std::string> pooling;
  for (const Json& name : member(embeddings, "pooling").as_array()) {
    pooling.push_back(name.as_string());
  }
  return format("{} numbers, pooling {}, {}, at most {} tokens",
                plain(member(embeddings, "dimensions")), join(pooling, " + "),
                member(embeddings, "normalize").as_bool() ? "of length 1" : "not normalised",
                plain(member(embeddings, "max_tokens")));
}

void add_types(std::string& out, const Json& types) {
  out += format("\n{:<8} {:>8} {:>14} {:>12}\n", "type", "tensors", "parameters", "size");
  for (const Json& row : types.as_array()) {
    out += format("{:<8} {:>8} {:>14} {:>12}{}\n", member(row, "type").as_string(),
                  member(row, "tensors").as_int(), in_words(member(row, "parameters").as_int()),
                  in_bytes(member(row, "bytes").as_int()),
                  member(row, "readable").as_bool() ? "" : "  not supported by the engine");
  }
}

void add_tensors(std::string& out, const Json& tensors) {
  out += format("\n{:<40} {:<6} {:>12}  {}\n", "tensor", "type", "size", "shape");
  for (const Json& row : tensors.as_array()) {
    out += format("{:<40} {:<6} {:>12}  {}\n", member(row, "name").as_string(),
                  member(row, "type").as_string(), in_bytes(member(row, "bytes").as_int()),
                  dump_json(member(row, "shape"), {.item_separator = ", "}));
  }
}

}  // namespace

std::string inspect_text(const Json& report, const InspectTextOptions& options) {
  std::string out;
  line(out, "file", plain(member(report, "file")));
  line(out, "format",
       format("{}, {}", format_name(report), in_bytes(member(report, "size_bytes").as_int())));
  line(out, "fingerprint", plain(member(report, "fingerprint")));
  line(out, "architecture", plain(member(report, "architecture")));
  line(out, "name", plain(member(report, "name")));
  line(out, "license", plain(member(report, "license")));
  line(out, "parameters", in_words(member(report, "parameters").as_int()));
  line(out, "layers", plain(member(report, "layers")));
  line(out, "width",
       format("{}, feed-forward {}", plain(member(report, "width")),
              plain(member(report, "feed_forward"))));
  line(out, "heads",
       format("{}, key-value heads {}", plain(member(report, "heads")),
              plain(member(report, "kv_heads"))));
  line(out, "context", plain(member(report, "context_length")));
  line(out, "tokenizer", tokenizer_line(member(report, "tokenizer")));
  const Json& chat_template = member(report, "chat_template");
  if (const Json* embeddings = report.find("embeddings"); embeddings != nullptr) {
    line(out, "vectors", vectors_line(*embeddings));
  } else {
    line(out, "chat template",
         chat_template.is_null() ? "none: give one to chat with this model"
                                 : format("{} bytes", member(chat_template, "bytes").as_int()));
  }
  add_types(out, member(report, "types"));
  if (options.tensors) {
    add_tensors(out, member(report, "tensors"));
  }
  return out;
}

}  // namespace cupel::engine
