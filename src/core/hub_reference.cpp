#include "core/hub_reference.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"

namespace cupel {
namespace {

constexpr size_t kMostNameBytes = 96;
constexpr size_t kMostPathParts = 16;
constexpr size_t kMostPartBytes = 200;

bool is_word(std::string_view text, std::string_view also) {
  const auto fits = [&](unsigned char c) {
    return std::isalnum(c) != 0 || also.find(static_cast<char>(c)) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kMostNameBytes && text.front() != '.' &&
         text.front() != '-' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), fits);
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

std::string HubReference::text() const {
  return repository() + (revision.empty() ? "" : "@" + revision) + (file.empty() ? "" : ":" + file);
}

Result<HubReference> parse_hub_reference(std::string_view text) {
  HubReference reference;
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view place = text.substr(0, colon);
  const size_t at = std::min(place.find('@'), place.size());
  const std::string_view repository = place.substr(0, at);
  const size_t slash = std::min(repository.find('/'), repository.size());
  reference.owner = std::string(repository.substr(0, slash));
  reference.name = std::string(repository.substr(std::min(slash + 1, repository.size())));
  reference.revision = std::string(place.substr(std::min(at + 1, place.size())));
  reference.file = std::string(text.substr(std::min(colon + 1, text.size())));
  const bool revision_fits = at == place.size() || (is_word(reference.revision, "._-/") &&
                                                    !reference.revision.ends_with('/'));
  const bool file_fits = colon == text.size() || check_repository_path(reference.file).has_value();
  if (!is_word(reference.owner, "._-") || !is_word(reference.name, "._-") || !revision_fits ||
      !file_fits) {
    return invalid_argument(
        "\"{}\" names no model on a hub; expected ORG/NAME, ORG/NAME:FILE or ORG/NAME@REVISION, "
        "for example my-org/my-model-GGUF:model.Q4_K_M.gguf",
        printable(text, 200));
  }
  return reference;
}

Result<Ok> check_repository_path(std::string_view path) {
  const std::string shown = printable(path, 120);
  if (path.empty() || path.starts_with('/')) {
    return corrupt_data("file name \"{}\" is {}", shown, path.empty() ? "empty" : "absolute");
  }
  if (!is_valid_utf8(path) || has_control_character(path) ||
      path.find('\\') != std::string_view::npos) {
    return corrupt_data(
        "file name \"{}\" holds a backslash, a control character or bytes that are no UTF-8",
        shown);
  }
  const auto parts = split(path, '/');
  for (const std::string_view part : parts) {
    if (part.empty() || part == "." || part == ".." || part.size() > kMostPartBytes) {
      return corrupt_data("file name \"{}\" has a part that is empty, \".\", \"..\" or too long",
                          shown);
    }
  }
  if (parts.size() > kMostPathParts) {
    return corrupt_data("file name \"{}\" has more than {} parts", shown, kMostPathParts);
  }
  return Ok{};
}

}  // namespace cupel
