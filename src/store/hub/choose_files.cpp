#include "store/hub/choose_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <span>

#include "base/error.h"
#include "base/text.h"

namespace cupel::store {
namespace {

// Small and good first, then ever larger, then ever coarser: what a person would most likely take.
constexpr std::array<std::string_view, 12> kPreference = {"q4_k_m", "q8_0", "q5_k_m", "q4_k_s",
                                                          "q4_0",   "q4_1", "q6_k",   "q5_k_s",
                                                          "q5_0",   "q5_1", "bf16",   "f16"};

constexpr std::array<std::string_view, 17> kSafetensorsCompanions = {
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "vocab.txt", "spiece.model", "chat_template.jinja", "chat_template.json",
    // of sentence encoders
    "modules.json", "sentence_bert_config.json", "1_Pooling/config.json",
    "config_sentence_transformers.json"};

constexpr std::array<std::string_view, 9> kNeverByPattern = {
    ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".onnx", ".h5", ".msgpack"};

std::string file_name(std::string_view path) {
  return to_lower_ascii(path.substr(path.rfind('/') + 1));
}

bool ends_with_any(std::string_view name, std::span<const std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

bool is_gguf_model(std::string_view path) {
  const std::string name = file_name(path);
  return name.ends_with(".gguf") && name.find("mmproj") == std::string::npos &&
         name.find("imatrix") == std::string::npos;
}

bool is_word_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether a name holds the quantisation as a word of its own: "q4_k" is not in "a.q4_k_m.gguf".
bool names_quant(std::string_view path, std::string_view quant) {
  const std::string name = file_name(path);
  for (size_t at = name.find(quant); at != std::string::npos; at = name.find(quant, at + 1)) {
    const size_t end = at + quant.size();
    if ((at == 0 || !is_word_byte(name[at - 1])) &&
        (end == name.size() || !is_word_byte(name[end]))) {
      return true;
    }
  }
  return false;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 24;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i > 0 ? ", " : "") + printable(names[i], 120);
  }
  return names.size() > kShown ? text + format(" and {} more", names.size() - kShown) : text;
}

std::vector<std::string> paths_of(const std::vector<HubFile>& files) {
  std::vector<std::string> paths;
  for (const HubFile& file : files) {
    paths.push_back(file.path);
  }
  return paths;
}

Result<std::vector<HubFile>> by_pattern(const std::vector<HubFile>& files,
                                        const std::string& pattern) {
  std::vector<HubFile> chosen;
  for (const HubFile& file : files) {
    if (file.path == pattern) {
      return std::vector<HubFile>{file};
    }
    if (matches_pattern(file.path, pattern) &&
        !ends_with_any(file_name(file.path), kNeverByPattern)) {
      chosen.push_back(file);
    }
  }
  if (chosen.empty()) {
    const auto paths = paths_of(files);
    return not_found("no file \"{}\" there{}; it holds {}", printable(pattern, 120),
                     did_you_mean(pattern, paths), list_of(paths));
  }
  return chosen;
}

// All parts of the model whose first part that is.
std::vector<HubFile> parts_of(const std::vector<HubFile>& files, const std::string& model) {
  std::vector<HubFile> parts;
  for (const HubFile& file : files) {
    if (file.path == model || (unsplit_name(model) != model && file.path.ends_with(".gguf") &&
                               unsplit_name(file.path) == unsplit_name(model))) {
      parts.push_back(file);
    }
  }
  return parts;
}

Result<std::vector<HubFile>> by_quant(const std::vector<HubFile>& files,
                                      const std::vector<std::string>& models,
                                      const std::string& quant) {
  if (models.size() == 1 && quant.empty()) {
    return parts_of(files, models.front());
  }
  std::vector<std::string> wanted = {to_lower_ascii(quant)};
  if (quant.empty()) {
    wanted.assign(kPreference.begin(), kPreference.end());
  }
  for (const std::string& name : wanted) {
    std::vector<std::string> fitting;
    std::copy_if(models.begin(), models.end(), std::back_inserter(fitting),
                 [&](const std::string& path) { return names_quant(path, name); });
    if (fitting.size() == 1) {
      return parts_of(files, fitting.front());
    }
    if (fitting.size() > 1) {
      return invalid_argument("{} files are {}; name one as ORG/NAME:FILE: {}", fitting.size(),
                              name, list_of(fitting));
    }
  }
  if (!quant.empty()) {
    return not_found("no file of quantisation {} there; it holds {}", printable(quant, 32),
                     list_of(models));
  }
  return invalid_argument("holds {} GGUF files; choose with --quant or as ORG/NAME:FILE: {}",
                          models.size(), list_of(models));
}

bool is_consolidated(std::string_view path) {
  return path.starts_with("consolidated");
}

// Weights at the top, and what is needed to use them. Some repositories hold the same weights a
// second time, as consolidated*.safetensors.
std::vector<HubFile> safetensors_files(const std::vector<HubFile>& files) {
  const auto is_weights = [](const HubFile& file) {
    return file.path.ends_with(".safetensors") && file.path.find('/') == std::string::npos;
  };
  const bool has_other = std::any_of(files.begin(), files.end(), [&](const HubFile& file) {
    return is_weights(file) && !is_consolidated(file.path);
  });
  std::vector<HubFile> chosen;
  bool has_weights = false;
  for (const HubFile& file : files) {
    const bool weights = is_weights(file) && !(has_other && is_consolidated(file.path));
    const bool index =
        file.path.ends_with(".safetensors.index.json") && file.path.find('/') == std::string::npos;
    const bool companion = std::find(kSafetensorsCompanions.begin(), kSafetensorsCompanions.end(),
                                     file.path) != kSafetensorsCompanions.end();
    if (weights || index || companion) {
      chosen.push_back(file);
    }
    has_weights = has_weights || weights;
  }
  return has_weights ? chosen : std::vector<HubFile>{};
}

}  // namespace

std::string unsplit_name(std::string_view path) {
  // "…-00001-of-00003.gguf"
  constexpr std::string_view kEnding = "-00001-of-00003.gguf";
  if (path.size() <= kEnding.size()) {
    return std::string(path);
  }
  const std::string_view tail = path.substr(path.size() - kEnding.size());
  for (size_t i = 0; i < tail.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(kEnding[i])) != 0;
    if (digit ? std::isdigit(static_cast<unsigned char>(tail[i])) == 0 : tail[i] != kEnding[i]) {
      return std::string(path);
    }
  }
  return std::string(path.substr(0, path.size() - kEnding.size())) + ".gguf";
}

std::vector<std::string> gguf_models(const std::vector<std::string>& paths) {
  std::vector<std::string> models;
  for (const std::string& path : paths) {
    const bool later_part =
        unsplit_name(path) != path && path.find("-00001-of-") == std::string::npos;
    if (is_gguf_model(path) && !later_part) {
      models.push_back(path);
    }
  }
  return models;
}

Result<std::vector<HubFile>> choose_files(const std::vector<HubFile>& files, const FileWish& wish) {
  if (!wish.pattern.empty()) {
    return by_pattern(files, wish.pattern);
  }
  const auto paths = paths_of(files);
  if (const auto models = gguf_models(paths); !models.empty()) {
    return by_quant(files, models, wish.quant);
  }
  if (!wish.quant.empty()) {
    return not_found("no file of quantisation {} there: it holds no GGUF files",
                     printable(wish.quant, 32));
  }
  auto chosen = safetensors_files(files);
  if (chosen.empty()) {
    return unsupported("holds neither GGUF nor safetensors weights: {}",
                       paths.empty() ? "no files" : list_of(paths));
  }
  return chosen;
}

}  // namespace cupel::store
