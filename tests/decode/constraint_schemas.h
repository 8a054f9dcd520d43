#pragma once

#include <string_view>
#include <vector>

namespace cupel::decode::constraint::test {

/// Schemas of all supported keywords, as people write them for answers of models.
inline const std::vector<std::string_view>& sample_schemas() {
  static const std::vector<std::string_view> schemas = {
      R"({"type":"object","properties":{"name":{"type":"string","maxLength":30},"age":{"type":"integer","minimum":0,"maximum":130}},"required":["name","age"]})",
      R"({"type":"object","properties":{"city":{"type":"string","maxLength":24},"country":{"type":"string","maxLength":24},"population":{"type":["integer","null"],"minimum":0}},"required":["city"]})",
      R"({"type":"array","items":{"type":"string","maxLength":16},"minItems":2,"maxItems":5})",
      R"({"enum":["yes","no","maybe"]})",
      R"({"type":"object","properties":{"score":{"type":"number","minimum":0,"maximum":10},"reason":{"type":"string","minLength":1,"maxLength":60}},"required":["score","reason"],"additionalProperties":false})",
      R"({"type":"boolean"})",
      R"({"type":"integer","exclusiveMinimum":17,"exclusiveMaximum":42})",
      R"({"type":"string","format":"date"})",
      R"({"type":"object","properties":{"when":{"type":"string","format":"date-time"},"id":{"type":"string","format":"uuid"}},"required":["id","when"]})",
      R"({"type":"object","properties":{"mail":{"type":"string","format":"email"},"ip":{"type":"string","format":"ipv4"},"at":{"type":"string","format":"time"}},"required":["mail"]})",
      R"({"type":"string","pattern":"^[A-Z]{2,3}-[0-9]{4}$"})",
      R"({"type":"array","prefixItems":[{"type":"string","maxLength":10},{"type":"integer"}],"items":false,"minItems":2})",
      R"({"type":"array","prefixItems":[{"const":"point"}],"items":{"type":"number","minimum":-1,"maximum":1},"minItems":3,"maxItems":4})",
      R"({"anyOf":[{"type":"object","properties":{"error":{"type":"string","maxLength":40}},"required":["error"]},{"type":"object","properties":{"value":{"type":"integer"}},"required":["value"]}]})",
      R"({"oneOf":[{"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number","exclusiveMinimum":0}},"required":["kind","radius"]},{"type":"object","properties":{"kind":{"const":"square"},"side":{"type":"integer","minimum":1}},"required":["kind","side"]}]})",
      R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"boolean"}},"required":["b"]}]})",
      R"({"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer","minimum":0,"maximum":99},"next":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/node"}]}},"required":["value","next"]}},"$ref":"#/$defs/node"})",
      R"({"definitions":{"tree":{"type":"object","properties":{"label":{"enum":["a","b"]},"children":{"type":"array","items":{"$ref":"#/definitions/tree"},"maxItems":2}},"required":["label","children"]}},"$ref":"#/definitions/tree"})",
      R"({"type":"object","additionalProperties":{"type":"integer","minimum":0,"maximum":9}})",
      R"({"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"additionalProperties":{"type":"boolean"}})",
      R"({"type":"object","properties":{"steps":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer","minimum":1,"maximum":9},"text":{"type":"string","maxLength":30}},"required":["n","text"]},"minItems":1,"maxItems":3},"answer":{"type":"string","maxLength":20}},"required":["steps","answer"]})",
      R"({"title":"verdict","description":"of a judge","type":"object","properties":{"winner":{"enum":["A","B","tie"]},"confidence":{"type":"number","minimum":0,"maximum":1}},"required":["winner","confidence"],"additionalProperties":false,"$schema":"https://json-schema.org/draft/2020-12/schema"})",
      R"({"type":["string","integer","null"],"maxLength":12})",
      R"({"const":{"ok":true,"list":[1,2.5,"x\n"]}})",
      R"({"type":"object","properties":{"a":{"type":"string","maxLength":3},"b":{"type":"string","maxLength":3},"c":{"type":"string","maxLength":3},"d":{"type":"string","maxLength":3}}})",
      R"({"type":"object","properties":{"\"quoted\\":{"type":"null"},"caf\u00e9/~":{"type":"boolean"}},"required":["caf\u00e9/~"]})"};
  return schemas;
}

}  // namespace cupel::decode::constraint::test
