#include "core/model_spec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <type_traits>

#include "base/error.h"
#include "base/text.h"
#include "core/hub_reference.h"

namespace cupel {
namespace {

const std::vector<std::string>& options_of(ModelKind kind) {
  static const std::vector<std::string> gguf = {"template", "tokenizer-pre", "noise", "noise-seed",
                                                "noise-fraction"};
  static const std::vector<std::string> openai = {"key-env", "concurrency", "timeout", "body"};
  static const std::vector<std::string> none;
  return kind == ModelKind::kGguf || kind == ModelKind::kHub ? gguf
         : kind == ModelKind::kOpenAi                        ? openai
                                                             : none;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

std::string to_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    name += is_name(std::string(1, c)) || (c == '.' && !name.empty()) ? c : '-';
  }
  return name;
}

std::string stem(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  return to_name(file.substr(0, file.rfind('.')));
}

// Cuts ",key=value" pieces off the end as long as the key is an option of this kind; a path may
// hold commas of its own.
Result<std::string_view> take_options(std::string_view rest,
                                      std::string_view spec,
                                      ModelSpec& out) {
  const auto& known = options_of(out.kind);
  const auto pieces = split(rest, ',');
  size_t first = pieces.size();
  for (size_t i = pieces.size(); i-- > 1;) {
    const size_t equals = pieces[i].find('=');
    if (equals == std::string_view::npos) {
      break;
    }
    const std::string key(pieces[i].substr(0, equals));
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      if (known.empty()) {
        break;
      }
      return invalid_argument("model spec \"{}\": unknown option \"{}\"{}; options here: {}", spec,
                              key, did_you_mean(key, known), join(known, ", "));
    }
    if (!out.option(key).empty()) {
      return invalid_argument("model spec \"{}\": option \"{}\" is given twice", spec, key);
    }
    out.options.emplace_back(key, std::string(pieces[i].substr(equals + 1)));
    first = i;
  }
  std::reverse(out.options.begin(), out.options.end());
  return first == pieces.size()
             ? rest
             : rest.substr(0, static_cast<size_t>(pieces[first].data() - rest.data()) - 1);
}

Result<Ok> fill_endpoint(std::string_view rest, std::string_view spec, ModelSpec& out) {
  const size_t at = rest.find('@');
  out.target = std::string(rest.substr(0, at));
  out.url = at == std::string_view::npos ? "" : std::string(rest.substr(at + 1));
  const bool http = out.url.starts_with("http://") || out.url.starts_with("https://");
  if (out.target.empty() || !http) {
    return invalid_argument(
        "model spec \"{}\": expected NAME=openai:MODEL@URL, for example "
        "judge=openai:my-model@http://localhost:8000/v1",
        spec);
  }
  if (out.name.empty()) {
    out.name = to_name(out.target);
  }
  return Ok{};
}

// A file, or a model of the cache: which one a path with a slash means shows on disk only.
Result<Ok> fill_file(std::string_view spec, ModelSpec& out) {
  if (out.target.empty()) {
    return invalid_argument("model spec \"{}\" names no file; {}", spec, kExpectedSpec);
  }
  std::string default_name = stem(out.target);
  const bool plain_file =
      out.target.ends_with(".gguf") && out.target.find(':') == std::string::npos;
  if (const auto reference = parse_hub_reference(out.target);
      out.kind == ModelKind::kGguf && !plain_file && reference) {
    out.kind = ModelKind::kHub;
    const bool one_file = reference->file.ends_with(".gguf") &&
                          reference->file.find_first_of("*?") == std::string::npos;
    default_name = one_file ? stem(reference->file) : reference->name;
  }
  if (out.kind == ModelKind::kGguf && !out.target.ends_with(".gguf")) {
    if (out.target.find(':') != std::string::npos) {
      return invalid_argument(
          "model spec \"{}\": \"{}\" does not end in .gguf and is no ORG/NAME:FILE of a hub; {}",
          spec, out.target, kExpectedSpec);
    }
    out.kind = ModelKind::kHub;  // a folder, if there is one
  }
  if (out.name.empty()) {
    out.name = default_name;
  }
  return Ok{};
}

// How long the query is that `text` begins with, up to an option that endpoints have.
size_t query_length(std::string_view text) {
  size_t end = text.size();
  for (const std::string& key : options_of(ModelKind::kOpenAi)) {
    end = std::min(end, text.find("," + key + "="));
  }
  return end;
}

template <typename T>
Result<T> read_option(const ModelSpec& spec, std::string_view key, T low, T high, T fallback) {
  if (!spec.has(key)) {
    return fallback;
  }
  const std::string_view text = spec.option(key);
  T value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || !(value >= low && value <= high)) {
    return invalid_argument("model {}: {} is \"{}\"; expected {} from {} to {}", spec.name, key,
                            printable(text, 24),
                            std::is_integral_v<T> ? "a whole number" : "a number", low, high);
  }
  return value;
}

}  // namespace

std::string_view ModelSpec::option(std::string_view key) const {
  for (const auto& [known, value] : options) {
    if (known == key) {
      return value;
    }
  }
  return {};
}

bool ModelSpec::has(std::string_view key) const {
  return std::any_of(options.begin(), options.end(),
                     [&](const auto& option) { return option.first == key; });
}

Result<double> number_option(
    const ModelSpec& spec, std::string_view key, double low, double high, double fallback) {
  return read_option(spec, key, low, high, fallback);
}

Result<int64_t> integer_option(
    const ModelSpec& spec, std::string_view key, int64_t low, int64_t high, int64_t fallback) {
  return read_option(spec, key, low, high, fallback);
}

std::string shown_spec(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) {
    return std::string(text);
  }
  std::string shown(text.substr(0, scheme + 3));
  std::string_view rest = text.substr(scheme + 3);
  const size_t authority = std::min(rest.find_first_of("/?#"), rest.size());
  if (const size_t at = rest.substr(0, authority).rfind('@'); at != std::string_view::npos) {
    rest.remove_prefix(at + 1);
  }
  const size_t query = std::min(rest.find_first_of("?#"), rest.size());
  shown += rest.substr(0, query);
  rest.remove_prefix(query);
  shown += rest.substr(query_length(rest));
  return shown;
}

Result<ModelSpec> parse_model_spec(std::string_view text) {
  const std::string shown = shown_spec(text);
  ModelSpec spec;
  std::string_view rest = text;
  // "NAME=…": a name holds neither '/', ':' nor ',', so a path or an option with '=' is no name.
  const size_t equals = text.find('=');
  if (equals != std::string_view::npos && text.find_first_of("/:,") > equals) {
    spec.name = std::string(text.substr(0, equals));
    rest = text.substr(equals + 1);
    if (!is_name(spec.name)) {
      return invalid_argument(
          "model spec \"{}\": the name \"{}\" may hold letters, digits, '.', '_' and '-' only",
          shown, spec.name);
    }
  }
  constexpr std::array<std::pair<std::string_view, ModelKind>, 3> kPrefixes = {
      {{"openai:", ModelKind::kOpenAi},
       {"null:", ModelKind::kNull},
       {"answers:", ModelKind::kAnswers}}};
  for (const auto& [prefix, kind] : kPrefixes) {
    if (rest.starts_with(prefix)) {
      spec.kind = kind;
      rest.remove_prefix(prefix.size());
    }
  }
  CUPEL_TRY(rest, take_options(rest, shown, spec));
  if (spec.kind == ModelKind::kOpenAi) {
    CUPEL_TRY_VOID(fill_endpoint(rest, shown, spec));
    return spec;
  }
  spec.target = std::string(rest);
  if (spec.kind == ModelKind::kNull) {
    spec.name = spec.name.empty() ? "null" : spec.name;
    return spec;
  }
  CUPEL_TRY_VOID(fill_file(shown, spec));
  return spec;
}

}  // namespace cupel
