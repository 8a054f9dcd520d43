#include "rank/name_table.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::rank {
namespace {

TEST(NameTable, NumbersNamesInOrder) {
  NameTable table;
  EXPECT_EQ(table.find("a"), -1);
  EXPECT_EQ(table.add("a"), 0);
  EXPECT_EQ(table.add(""), 1);
  EXPECT_EQ(table.add("a longer name than sixteen bytes"), 2);
  EXPECT_EQ(table.find(""), 1);
  EXPECT_EQ(table.find("a longer name than sixteen bytes"), 2);
  EXPECT_EQ(table.find("a longer name than_sixteen bytes"), -1);  // same head, tail and size
  EXPECT_EQ(table.name(2), "a longer name than sixteen bytes");
}

TEST(NameTable, AgreesWithAMap) {
  NameTable table;
  std::map<std::string, int32_t> map;
  Rng rng(11);
  for (int i = 0; i < 50'000; ++i) {
    std::string name;
    // Few letters, so that names are prefixes of each other and equal in all but the middle.
    for (uint64_t n = rng.below(rng.below(3) == 0 ? 40 : 9); n > 0; --n) {
      name += static_cast<char>('a' + rng.below(3));
    }
    const auto known = map.find(name);
    ASSERT_EQ(table.find(name), known == map.end() ? -1 : known->second) << name;
    if (known == map.end()) {
      const auto id = static_cast<int32_t>(map.size());
      ASSERT_EQ(table.add(name), id);
      map.emplace(name, id);
    }
  }
  EXPECT_EQ(table.size(), map.size());
  for (const auto& [name, id] : map) {
    ASSERT_EQ(table.name(id), name);
  }
}

}  // namespace
}  // namespace cupel::rank
