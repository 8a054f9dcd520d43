#include "engine/model/hf/text_part.h"

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine::hf {

Result<Json> text_part(const Json& config, const ModelFamily& family, const std::string& place) {
  const Json* found = config.find("text_config");
  if (found == nullptr || !found->is_object()) {
    return corrupt_data("{}: \"text_config\" is {}; expected an object", place,
                        found == nullptr ? "missing" : found->type_name());
  }
  const std::string own_type(family.hf.model_types.front());
  if (const Json* type = found->find("model_type"); type != nullptr && *type != Json(own_type)) {
    return unsupported("{}: \"text_config\" has the model_type {}; expected \"{}\"", place,
                       printable(dump_json(*type), 40), own_type);
  }
  // Both levels have the key; a tied head is the only kind that was published.
  if (const Json* tied = config.find("tie_word_embeddings");
      tied != nullptr && *tied == Json(false)) {
    return unsupported("{}: \"tie_word_embeddings\" is false; supported is true", place);
  }
  Json text = parse_json(family.hf.text_defaults).value();
  for (const auto& [key, value] : found->as_object()) {
    text.set(key, value);
  }
  text.set("model_type", own_type);
  return text;
}

}  // namespace cupel::engine::hf
