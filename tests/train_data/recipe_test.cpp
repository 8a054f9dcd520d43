#include "train/recipe/recipe.h"

#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"
#include "train/recipe/recipe_keys.h"

namespace cupel::train {
namespace {

Recipe good(std::string_view text, const std::vector<std::string>& overrides = {}) {
  auto recipe = parse_recipe(text, "r.toml", overrides);
  EXPECT_TRUE(recipe.has_value()) << (recipe ? "" : recipe.error().message);
  return recipe.has_value() ? std::move(*recipe) : Recipe{};
}

std::string message(std::string_view text, const std::vector<std::string>& overrides = {}) {
  const auto recipe = parse_recipe(text, "r.toml", overrides);
  EXPECT_FALSE(recipe.has_value()) << text;
  return recipe.has_value() ? std::string() : recipe.error().message;
}

TEST(Recipe, ItsDefaultsAreThePublishedOnes) {
  const Recipe r = good("");
  EXPECT_EQ(r.optim.name, "adamw");
  EXPECT_EQ(r.optim.beta1, std::nullopt);
  EXPECT_EQ(r.optim.beta2, 0.999);
  EXPECT_EQ(r.optim.eps, 1e-8);
  EXPECT_EQ(r.optim.weight_decay, 0);
  EXPECT_EQ(r.optim.clip, 1.0);
  EXPECT_EQ(r.sched.name, "cosine");
  EXPECT_EQ(r.sched.warmup_ratio, 0.03);
  EXPECT_EQ(r.precision, "bf16-mixed");
  EXPECT_EQ(r.data.max_length, 2048);
  EXPECT_EQ(r.data.loss_on, "assistant_all");
  EXPECT_EQ(r.data.packing, "auto");
  EXPECT_EQ(r.seed, 42U);
  EXPECT_EQ(r.learning_rate(), 2e-5);
  EXPECT_EQ(good("parameters = 'lora'").learning_rate(), 2e-4);
  EXPECT_EQ(r.lora.rank, 16);
  EXPECT_EQ(r.lora.alpha, 32);
  EXPECT_EQ(r.lora.targets, std::vector<std::string>{"all-linear"});
}

TEST(Recipe, ReadsTheFileThenTheOverrides) {
  const Recipe r = good(
      "method = 'dpo'\nmodel = 'm'\nepochs = 2\n[data]\nfiles = ['a.jsonl', 'b.jsonl']\nmixture = "
      "'probability'\n"
      "amounts = [1, 0.5]\n[optim]\nlr = 1\n[preference.params]\nbeta = 0.1\n",
      {"optim.lr=3e-4", "data.packing=none", "data.files=x.jsonl, y.jsonl", "log.tensorboard=false",
       "preference.params.beta=0.5", "preference.params.gamma=2", "sched.warmup_steps = 7"});
  EXPECT_EQ(r.model, "m");
  EXPECT_EQ(r.epochs, 2);
  EXPECT_EQ(r.optim.lr, 3e-4);
  EXPECT_EQ(r.data.packing, "none");
  EXPECT_EQ(r.data.files, (std::vector<std::string>{"x.jsonl", "y.jsonl"}));
  EXPECT_EQ(r.data.amounts, (std::vector<double>{1, 0.5}));
  EXPECT_FALSE(r.log.tensorboard);
  EXPECT_EQ(r.sched.warmup_steps, 7);
  ASSERT_EQ(r.preference.params.size(), 2U);
  EXPECT_EQ(r.preference.params[0], (std::pair<std::string, Json>{"beta", 0.5}));
}

TEST(Recipe, NamesLineAndNearestKey) {
  EXPECT_EQ(message("\n[optim]\nlearing_rate = 1\n").substr(0, 40),
            "r.toml:3: unknown key \"optim.learing_rat");
  EXPECT_EQ(message("[optim]\nbeta3 = 1\n"),
            "r.toml:2: unknown key \"optim.beta3\" (did you mean \"optim.beta1\"?)");
  EXPECT_EQ(message("[data]\nmax_lenght = 5\n"),
            "r.toml:2: unknown key \"data.max_lenght\" (did you mean \"data.max_length\"?)");
  EXPECT_NE(message("xyzzy = 1\n").find("docs/recipes.md lists all of them"), std::string::npos);
  EXPECT_NE(message("", {"optim.l=1"}).find("unknown key \"optim.l\" (did you mean \"optim.lr\"?)"),
            std::string::npos);
  EXPECT_NE(message("", {"optim.lr"}).find("expected KEY=VALUE"), std::string::npos);
}

TEST(Recipe, NamesWhatAValueShouldBe) {
  const struct {
    std::string_view text;
    std::string_view message;
  } cases[] = {
      {"[optim]\nlr = -1", "r.toml:2: optim.lr is -1; expected a number ≥ 0"},
      {"[optim]\nlr = nan", "r.toml:2: optim.lr is nan; expected a number ≥ 0"},
      {"[optim]\nlr = 'x'", "r.toml:2: optim.lr is \"x\"; expected a number"},
      {"[optim]\neps = 0", "r.toml:2: optim.eps is 0; expected a number above 0 … 1"},
      {"[batch]\nsize = 2.5", "r.toml:2: batch.size is 2.5; expected a whole number"},
      {"[batch]\nsize = 0", "r.toml:2: batch.size is 0; expected a number ≥ 1"},
      {"seed = -1", "r.toml:1: seed is -1; expected a whole number ≥ 0"},
      {"[data]\nshuffle = 1", "r.toml:2: data.shuffle is 1; expected true or false"},
      {"[data]\nfiles = 'a'", "r.toml:2: data.files is \"a\"; expected a list"},
      {"[data]\nfiles = [1]", "r.toml:2: data.files is 1; expected a text in quotes"},
      {"[data]\npacking = 'bdf'",
       "r.toml:2: data.packing is \"bdf\" (did you mean \"bfd\"?); expected auto, none, wrapped, "
       "bfd, "
       "bfd_split, multipack"},
      {"preference.params = 1", "r.toml:1: preference.params is 1; expected keys below it"},
      {"preference.params.'a b' = 1", "r.toml:1: preference.params.a b: a name is letters"},
      {"preference.params.beta = [1]",
       "r.toml:1: preference.params.beta is [1]; expected a number or a word"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(message(c.text).starts_with(c.message)) << message(c.text);
  }
}

TEST(Recipe, ValuesThatContradictAreRefused) {
  EXPECT_NE(message("[data]\nfiles=['a']\nmixture='tokens'").find("one number for each"),
            std::string::npos);
  EXPECT_NE(message("[data]\nfiles=['a']\namounts=[1]").find("data.mixture is \"none\""),
            std::string::npos);
  EXPECT_NE(message("[sched]\nmin_lr=1").find("above optim.lr"), std::string::npos);
  EXPECT_NE(message("[batch]\nsize=5\nmicro=2").find("multiple"), std::string::npos);
  EXPECT_NE(message("[preference]\nreference='adapter_off'").find("no adapter"), std::string::npos);
  EXPECT_NE(message("[data]\ngroup_by_length=true\npacking='bfd'").find("not packed"),
            std::string::npos);
  EXPECT_NE(message("[optim]\nbeta2=1").find("below 1"), std::string::npos);
  EXPECT_NE(message("method='dpo'\n[data]\ntruncation='split'").find("stay together"),
            std::string::npos);
  EXPECT_NE(message("method='kto'\n[data]\nloss_on='full'").find("answers alone"),
            std::string::npos);
  EXPECT_NE(
      message("[sft]\nkl_to_init=0.1\n[data]\npacking='wrapped'").find("set it to \"bfd_split\""),
      std::string::npos);
  EXPECT_NE(message("[lora]\ntargets=['q_proj']\ntarget_regex='.*q_proj'").find("leave out one"),
            std::string::npos);
  EXPECT_EQ(good("parameters='lora'\n[lora]\ntarget_regex='.*layers\\.0\\..*'").lora.target_regex,
            ".*layers\\.0\\..*");
  EXPECT_NE(message("[lora]\nadapter='a'").find("only parameters = \"lora\" reads it"),
            std::string::npos);
  good("[sft]\nkl_to_init=0.1\n[data]\npacking='bfd_split'");
}

TEST(Recipe, AKeyThatNothingReadsIsRefusedWithWhatWouldReadIt) {
  const struct {
    std::vector<std::string> keys;
    std::string_view message;
  } cases[] = {
      {{"method=dpo", "loss.label_smoothing=0.1"},
       "r.toml: loss.label_smoothing is set, and only method = \"sft\" reads it (method is "
       "\"dpo\")"},
      {{"method=dpo", "sft.neftune_alpha=5"}, "r.toml: sft.neftune_alpha is set"},
      {{"method=dpo", "reward.attributes=a"}, "r.toml: reward.attributes is set"},
      {{"method=orpo", "preference.loss=ipo"}, "r.toml: preference.loss is set"},
      {{"preference.params.beta=1"}, "r.toml: preference.params is set"},
      {{"preference.reference=none"}, "r.toml: preference.reference is set"},
      {{"lora.rank=8"}, "r.toml: lora.rank is set, and only parameters = \"lora\" reads it"},
      {{"method=dpo", "parameters=lora", "lora.dropout=0.1"},
       "r.toml: lora.dropout is set, and only method = \"sft\" or \"reward-model\" reads it"},
      {{"data.prompt_loss_weight=0.5"}, "r.toml: data.prompt_loss_weight is set"},
      {{"batch.micro_tokens=512"}, "r.toml: batch.micro_tokens is set"},
      {{"data.packing=multipack", "batch.micro=2"}, "r.toml: batch.micro is set"},
      {{"optim.momentum=0.5"}, "r.toml: optim.momentum is set"},
      {{"optim.name=sgd", "optim.beta1=0.5"}, "r.toml: optim.beta1 is set"},
      {{"optim.name=adafactor", "optim.beta2=0.5"}, "r.toml: optim.beta2 is set"},
      {{"sched.decay_steps=5"}, "r.toml: sched.decay_steps is set"},
      {{"sched.power=2"}, "r.toml: sched.power is set"},
      {{"sched.timescale=2"}, "r.toml: sched.timescale is set"},
      {{"sched.baseline_tokens=2"}, "r.toml: sched.baseline_tokens is set"},
      {{"eval.every=2"}, "r.toml: eval.every is set, and only data.eval_files (--eval-data)"},
      {{"eval.patience=2"}, "r.toml: eval.patience is set"},
      {{"checkpoint.best_by=loss"}, "r.toml: checkpoint.best_by is set"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(message("", c.keys).starts_with(c.message)) << message("", c.keys);
  }
  good("", {"method=preference", "preference.loss=ipo", "preference.params.beta=1"});
  good("", {"parameters=lora", "lora.rank=8", "lora.alpha=8"});
  good("", {"sft.kl_to_init=1", "preference.reference=adapter_off", "parameters=lora"});
  good("", {"data.eval_files=x", "eval.patience=2", "checkpoint.best_by=loss"});
}

TEST(Recipe, ItsTextIsReadBackTheSame) {
  const Recipe defaults;
  EXPECT_EQ(recipe_text(good(recipe_text(defaults))), recipe_text(defaults));
  const Recipe r = good(
      "method = 'dpo'\nmodel = \"a \\\"b\\\" \\u00e4\"\n[optim]\nlr = "
      "1.5e-7\n[preference.params]\nb = 2\na = 1\n"
      "[data]\nfiles = ['x', 'y']\n");
  const Recipe again = good(recipe_text(r));
  EXPECT_EQ(recipe_text(again), recipe_text(r));
  EXPECT_EQ(again.model, r.model);
  EXPECT_EQ(again.optim.lr, 1.5e-7);
  EXPECT_EQ(again.preference.params, r.preference.params);
  EXPECT_TRUE(recipe_differences(r, again).empty());
}

TEST(Recipe, SaysInWhichKeysTwoDiffer) {
  Recipe a;
  Recipe b;
  b.optim.lr = 1e-3;
  b.data.packing = "none";
  b.preference.params = {{"beta", 0.5}};
  EXPECT_EQ(recipe_differences(b, a),
            (std::vector<std::string>{"data.packing: \"none\", was \"auto\"",
                                      "optim.lr: 0.001, was not set",
                                      "preference.params: beta = 0.5, was not set"}));
}

TEST(RecipeKeys, AreNamedOnceAndHaveDefaultsWithinTheirRanges) {
  std::set<std::string_view> names;
  for (const RecipeKey& key : recipe_keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(key.help.empty()) << key.name;
  }
  // Reading what the defaults are written as checks every one of them.
  EXPECT_TRUE(parse_recipe(recipe_text(Recipe{}), "defaults", {}).has_value());
}

TEST(RecipePage, IsWrittenFromTheTable) {
  const std::string path = "docs/recipes.md";
  if (std::getenv("CUPEL_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(write_file_atomic(path, recipe_reference()).has_value());
  }
  const auto page = read_file(path);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_TRUE(*page == recipe_reference())
      << path << " is not what the table says; write it anew with\n"
      << "  CUPEL_WRITE_DOCS=1 build/dev/tests/train_data_test --gtest_filter=RecipePage.*";
}

}  // namespace
}  // namespace cupel::train
