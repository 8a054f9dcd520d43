#include "judge/protocol.h"

#include "base/error.h"
#include "base/text.h"

namespace cupel::judge {

namespace protocol {
#define CUPEL_PROTOCOL(id) Protocol id();
#include "judge/protocols.def"
#undef CUPEL_PROTOCOL
}  // namespace protocol

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all = {
#define CUPEL_PROTOCOL(id) protocol::id(),
#include "judge/protocols.def"
#undef CUPEL_PROTOCOL
  };
  return all;
}

Result<const Protocol*> find_protocol(std::string_view name) {
  std::vector<std::string> names;
  for (const Protocol& candidate : protocols()) {
    if (candidate.name == name) {
      return &candidate;
    }
    names.emplace_back(candidate.name);
  }
  return invalid_argument("unknown protocol \"{}\"{}; expected one of {}", printable(name),
                          did_you_mean(name, names), join(names, ", "));
}

}  // namespace cupel::judge
