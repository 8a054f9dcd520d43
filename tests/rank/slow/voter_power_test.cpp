#include <gtest/gtest.h>

#include "rank/voter_fixture.h"
#include "rank/voters.h"

namespace cupel::rank {
namespace {

using test::Behaviour;
using test::votes_with;

struct Flags {
  int fisher = 0;
  int e_value = 0;
};

Flags flags_of(Behaviour behaviour) {
  Flags flags;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const auto scan = scan_voters(votes_with(behaviour, seed), {.alpha = 0.1, .seed = seed});
    EXPECT_TRUE(scan.has_value()) << scan.error().message;
    EXPECT_EQ(scan->voters.size(), 1U);
    flags.fisher += scan->voters[0].fisher_flag ? 1 : 0;
    flags.e_value += scan->voters[0].e_value_flag ? 1 : 0;
  }
  return flags;
}

// The sheet, "Done means" 5: at least 90% of 200 seeds for voters who vote at random or against
// everybody, at most 13% for honest ones.
TEST(VoterPower, FlagsRandomAndContrarianVotersAndFewHonestOnes) {
  const Flags random = flags_of(Behaviour::kRandom);
  const Flags contrarian = flags_of(Behaviour::kContrarian);
  const Flags honest = flags_of(Behaviour::kHonest);
  RecordProperty("random", random.fisher);
  RecordProperty("contrarian", contrarian.fisher);
  RecordProperty("honest", honest.fisher);
  EXPECT_GE(random.fisher, 180);
  EXPECT_GE(contrarian.fisher, 180);
  EXPECT_LE(honest.fisher, 26);
  // The e-value may be looked at after every vote, and pays for it.
  EXPECT_GE(random.e_value, 150);
  EXPECT_GE(contrarian.e_value, 180);
  EXPECT_LE(honest.e_value, 26);
}

}  // namespace
}  // namespace cupel::rank
