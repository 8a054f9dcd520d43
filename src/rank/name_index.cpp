#include "rank/name_index.h"

#include <algorithm>
#include <numeric>

namespace cupel::rank {

int32_t NameIndex::intern(std::string_view name) {
  const auto found = indices_.find(name);
  if (found != indices_.end()) {
    return found->second;
  }
  const auto index = static_cast<int32_t>(names_.size());
  names_.emplace_back(name);
  indices_.emplace(names_.back(), index);
  return index;
}

std::optional<int32_t> NameIndex::find(std::string_view name) const {
  const auto found = indices_.find(name);
  if (found == indices_.end()) {
    return std::nullopt;
  }
  return found->second;
}

std::vector<int32_t> NameIndex::alphabetical_places() const {
  std::vector<int32_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return name(a) < name(b); });
  std::vector<int32_t> places(names_.size());
  for (size_t place = 0; place < order.size(); ++place) {
    places[static_cast<size_t>(order[place])] = static_cast<int32_t>(place);
  }
  return places;
}

}  // namespace cupel::rank
