// Proves: system 49
#include <numbers>

#include "rank/calibration.h"
#include "rank/methods/registry.h"
#include "rank/vote_fixture.h"

namespace cupel::rank {
namespace {

// Held-out log-loss of both on the published votes: reported, no claim; but vectors chosen by
// held-out battles must not cost more than chance.
TEST(FitGpmHeldOut, ReportsBothDimensionsOnLlmfao) {
  CUPEL_SKIP_WITHOUT_VOTES();
  const BattleTable table = test::published_votes("llmfao.csv");
  double losses[2] = {};
  for (const int dim : {0, 2}) {
    const auto held_out =
        calibrate_held_out(table, predictor_of(**find_rating_method("gpm"),
                                               {.settings = {{"dim", static_cast<double>(dim)}}}));
    ASSERT_TRUE(held_out.has_value()) << held_out.error().message;
    EXPECT_TRUE(held_out->held_out);
    EXPECT_EQ(held_out->battles, 8931);
    losses[dim / 2] = held_out->log_loss;
    RecordProperty("held_out_log_loss_dim_" + std::to_string(dim),
                   std::to_string(held_out->log_loss));
  }
  EXPECT_LT(losses[0], std::numbers::ln2);
  EXPECT_LT(losses[1], losses[0] + 0.005);
}

}  // namespace
}  // namespace cupel::rank
