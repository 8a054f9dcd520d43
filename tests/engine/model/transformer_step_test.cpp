// The batch step: what goes in beside token ids, what comes out beside logits, and that the way
// rows are batched changes no bit.
#include <cmath>
#include <limits>

#include "engine/model/runtime_support.h"

namespace cupel::engine::test {
namespace {

class TransformerStep : public testing::TestWithParam<std::string> {
 protected:
  TinyModel model_{family_options(GetParam())};
  Engine engine_ = open_engine(model_);
};

TEST_P(TransformerStep, LongStepEqualsRowByRow) {
  const auto ids = random_ids(1, 300);  // two micro-batches, five pages
  const Logits together = run_fresh(*engine_, ids);
  SequenceState sequence = engine_->new_sequence();
  for (size_t i = 0; i < ids.size(); ++i) {
    const Logits row = feed(*engine_, sequence, std::span(ids).subspan(i, 1));
    ASSERT_TRUE(same_bits(row, slice(together, i, i + 1))) << i;
  }
}

TEST_P(TransformerStep, SequencesOfDifferentLengthsDoNotTouchEachOther) {
  std::vector<std::vector<TokenId>> texts;
  for (size_t i = 0; i < 16; ++i) {
    texts.push_back(random_ids(10 + i, 1 + i * 11));
  }
  // In one step of 16 sequences, which spans micro-batches; then one token each.
  std::vector<SequenceState> sequences;
  for (size_t i = 0; i < texts.size(); ++i) {
    sequences.push_back(engine_->new_sequence());
  }
  std::vector<StepRow> rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    add_rows(rows, sequences[i], texts[i]);
  }
  ASSERT_GT(rows.size(), 1024U);
  const Logits batch = step(*engine_, rows);
  rows.clear();
  for (size_t i = 0; i < texts.size(); ++i) {
    add_rows(rows, sequences[i], std::vector<TokenId>{static_cast<TokenId>(i)});
  }
  const Logits next = step(*engine_, rows);
  for (size_t i = 0, row = 0; i < texts.size(); row += texts[i].size(), ++i) {
    texts[i].push_back(static_cast<TokenId>(i));
    const Logits alone = run_fresh(*engine_, texts[i]);
    texts[i].pop_back();
    EXPECT_TRUE(
        same_bits(slice(batch, row, row + texts[i].size()), slice(alone, 0, texts[i].size())))
        << i;
    EXPECT_TRUE(same_bits(slice(next, i, i + 1), slice(alone, texts[i].size(), alone.size()))) << i;
  }
}

// Every node of random trees sees exactly its ancestors: its logits are those of its path.
TEST_P(TransformerStep, TreeRowsEqualTheirPaths) {
  Rng rng(21);
  const auto prompt = random_ids(20, 61);  // the tree crosses a page
  for (int trial = 0; trial < 6; ++trial) {
    SequenceState sequence = engine_->new_sequence();
    feed(*engine_, sequence, prompt);
    const auto ids = random_ids(30 + static_cast<uint64_t>(trial), 24);
    std::vector<StepRow> rows;
    std::vector<std::vector<TokenId>> paths;
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto parent = static_cast<int32_t>(rng.below(i + 1)) - 1;
      rows.push_back({.sequence = &sequence, .token = ids[i], .logits = true, .parent = parent});
      paths.push_back(parent < 0 ? std::vector<TokenId>{} : paths[static_cast<size_t>(parent)]);
      paths.back().push_back(ids[i]);
    }
    const Logits tree = step(*engine_, rows);
    EXPECT_EQ(sequence.length(), static_cast<int64_t>(prompt.size()));
    for (size_t i = 0; i < ids.size(); ++i) {
      const Logits alone = run_fresh(*engine_, prompt + paths[i]);
      ASSERT_TRUE(same_bits({tree[i]}, {alone.back()})) << "trial " << trial << " row " << i;
    }
  }
}

// Rounds of draft, accept, roll back: what is left equals a fresh reading of what was accepted.
TEST_P(TransformerStep, CommittedPathsEqualAFreshReading) {
  Rng rng(22);
  std::vector<TokenId> accepted = random_ids(40, 5);
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, accepted);
  for (uint64_t round = 0; round < 120; ++round) {
    const auto ids = random_ids(100 + round, 12);
    std::vector<StepRow> rows;
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto parent = static_cast<int32_t>(rng.below(i + 1)) - 1;
      rows.push_back({.sequence = &sequence, .token = ids[i], .parent = parent});
    }
    step(*engine_, rows);
    std::vector<int32_t> path;
    for (auto row = static_cast<int32_t>(rng.below(ids.size())); row >= 0;
         row = rows[static_cast<size_t>(row)].parent) {
      path.insert(path.begin(), row);
    }
    path.resize(rng.below(path.size() + 1));
    ASSERT_TRUE(engine_->commit(sequence, path).has_value());
    for (const int32_t row : path) {
      accepted.push_back(ids[static_cast<size_t>(row)]);
    }
    ASSERT_EQ(sequence.length(), static_cast<int64_t>(accepted.size()));
  }
  ASSERT_GT(accepted.size(), 60U);
  const auto next = random_ids(41, 3);
  const Logits fresh = run_fresh(*engine_, accepted + next);
  EXPECT_TRUE(same_bits(feed(*engine_, sequence, next),
                        slice(fresh, accepted.size(), accepted.size() + next.size())));
}

TEST_P(TransformerStep, RefusesRowsThatAreNoTree) {
  SequenceState sequence = engine_->new_sequence();
  const auto message = [&](const std::vector<int32_t>& parents) {
    std::vector<StepRow> rows;
    for (const int32_t parent : parents) {
      rows.push_back({.sequence = &sequence, .token = 1, .parent = parent});
    }
    const auto done = try_step(*engine_, rows);
    EXPECT_EQ(sequence.length(), 0);
    return done ? std::string() : done.error().message;
  };
  EXPECT_NE(message({-1, 1}).find("tree row 1: parent 1"), std::string::npos);
  EXPECT_NE(message({-1, 0, -3}).find("tree row 2: parent -3"), std::string::npos);
  EXPECT_NE(message({-1, StepRow::kNoTree}).find("form a tree or none"), std::string::npos);
  EXPECT_NE(message(std::vector<int32_t>(kMaxTreeRows + 1, -1)).find("at most 256"),
            std::string::npos);
  EXPECT_EQ(message(std::vector<int32_t>(kMaxTreeRows, -1)), "");
}

TEST_P(TransformerStep, CommitsOnlyPathsOfTheLastTree) {
  const auto prompt = random_ids(50, 10);
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, prompt);
  const auto message = [&](const std::vector<int32_t>& path) {
    const auto done = engine_->commit(sequence, path);
    return done ? std::string() : done.error().message;
  };
  EXPECT_NE(message({0}).find("which had 0"), std::string::npos);  // no tree at all
  // Rows 0 and 1 are drafts after the prompt, row 2 follows row 0.
  const auto draft = [&] {
    std::vector<StepRow> rows;
    for (const int32_t parent : {-1, -1, 0}) {
      rows.push_back({.sequence = &sequence, .token = 7, .parent = parent});
    }
    step(*engine_, rows);
  };
  draft();
  ASSERT_GT(sequence.reserved(), sequence.length() + 20);  // room is no reason to accept a row
  EXPECT_NE(message({20}).find("tree row 20"), std::string::npos);
  EXPECT_NE(message({3}).find("which had 3"), std::string::npos);
  EXPECT_NE(message({-1}).find("tree row -1"), std::string::npos);
  EXPECT_NE(message({0, 1}).find("row 1 does not follow row 0"), std::string::npos);
  EXPECT_NE(message({1, 2}).find("row 2 does not follow row 1"), std::string::npos);
  EXPECT_NE(message({2}).find("its parent is 0"), std::string::npos);
  EXPECT_NE(message({0, 0}).find("row 0 does not follow row 0"), std::string::npos);
  EXPECT_EQ(sequence.length(), 10);
  EXPECT_EQ(message({0, 2}), "");
  EXPECT_EQ(sequence.length(), 12);
  EXPECT_NE(message({0}).find("which had 0"), std::string::npos);  // once
  // A roll-back, or a step of plain rows, leaves nothing to commit either.
  draft();
  sequence.truncate(11);
  EXPECT_FALSE(message({0}).empty());
  draft();
  feed(*engine_, sequence, std::vector<TokenId>{1});
  EXPECT_FALSE(message({0}).empty());
}

TEST_P(TransformerStep, EmbeddingOfATokenEqualsTheToken) {
  const auto ids = random_ids(2, 90);
  const ModelDescription& description = engine_->description();
  const auto width = static_cast<size_t>(description.width);
  std::vector<std::vector<float>> embeddings;
  for (const TokenId id : ids) {
    embeddings.emplace_back(width);
    engine_->operators().dequantise_row(engine_->weights().embedding, id, embeddings.back().data());
    for (float& x : embeddings.back()) {  // given embeddings are used as they are
      x *= static_cast<float>(description.embedding_scale);
    }
  }
  SequenceState sequence = engine_->new_sequence();
  std::vector<StepRow> rows;
  for (size_t i = 0; i < ids.size(); ++i) {  // every third row is a plain token
    rows.push_back({.sequence = &sequence,
                    .token = i % 3 == 0 ? ids[i] : -1,
                    .embedding = i % 3 == 0 ? nullptr : embeddings[i].data(),
                    .logits = true});
  }
  EXPECT_TRUE(same_bits(step(*engine_, rows), run_fresh(*engine_, ids)));
}

TEST_P(TransformerStep, TapsShowHiddenStatesAndChangeNothing) {
  const auto ids = random_ids(3, 300);
  const auto width = static_cast<size_t>(engine_->description().width);
  const size_t last = engine_->description().layers.size() - 1;
  std::vector<std::vector<float>> first_hidden(ids.size());
  std::vector<std::vector<float>> last_hidden(ids.size());
  const HiddenTaps taps = {
      .layers = {0, last},
      .visit = [&](size_t layer, size_t first_row, std::span<const float> hidden) {
        ASSERT_TRUE(layer == 0 || layer == last);
        auto& to = layer == 0 ? first_hidden : last_hidden;
        for (size_t i = 0; i < hidden.size() / width; ++i) {
          ASSERT_LT(first_row + i, to.size());
          EXPECT_TRUE(to[first_row + i].empty()) << "row " << first_row + i << " came twice";
          const auto row = hidden.subspan(i * width, width);
          to[first_row + i].assign(row.begin(), row.end());
        }
      }};
  SequenceState sequence = engine_->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, ids);
  Logits logits(rows.size());
  const auto visit = [&](size_t row, std::span<float> x) {
    logits[row].assign(x.begin(), x.end());
  };
  ASSERT_TRUE(engine_->step(rows, visit, &taps).has_value());
  EXPECT_TRUE(same_bits(logits, run_fresh(*engine_, ids)));
  for (size_t i = 0; i < ids.size(); ++i) {
    ASSERT_EQ(first_hidden[i].size(), width) << i;
    ASSERT_EQ(last_hidden[i].size(), width) << i;
    // The tiny models hold coordinate 0 at 4 throughout.
    EXPECT_NEAR(first_hidden[i][0], 4, 1e-5) << i;
  }
  EXPECT_NE(first_hidden[5], last_hidden[5]);
}

// What the last tap shows is what the head reads: logits = head · rmsnorm(hidden), here in double.
TEST_P(TransformerStep, LastTapIsWhatTheHeadReads) {
  EngineOptions exact;
  exact.activations = Activations::kFloat32;
  const Engine engine = open_engine(model_, exact);
  const auto ids = random_ids(4, 3);
  const auto width = static_cast<size_t>(engine->description().width);
  std::vector<float> hidden;
  const HiddenTaps taps = {.layers = {engine->description().layers.size() - 1},
                           .visit = [&](size_t, size_t, std::span<const float> x) {
                             hidden.assign(x.begin(), x.end());
                           }};
  SequenceState sequence = engine->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, ids);
  Logits logits(rows.size());
  const auto visit = [&](size_t row, std::span<float> x) {
    logits[row].assign(x.begin(), x.end());
  };
  ASSERT_TRUE(engine->step(rows, visit, &taps).has_value());
  std::vector<float> head_row(width);
  for (size_t row = 0; row < ids.size(); ++row) {
    double squares = 0;
    for (size_t i = 0; i < width; ++i) {
      const auto x = static_cast<double>(hidden[row * width + i]);
      squares += x * x;
    }
    const double rms =
        std::sqrt(squares / static_cast<double>(width) + engine->description().norm_epsilon);
    for (int64_t token = 0; token < engine->description().vocabulary_size; ++token) {
      engine->operators().dequantise_row(engine->weights().head.matrix, token, head_row.data());
      double expected = 0;
      for (size_t i = 0; i < width; ++i) {
        expected += static_cast<double>(hidden[row * width + i]) / rms *
                    static_cast<double>(engine->weights().output_norm.weight[i]) *
                    static_cast<double>(head_row[i]);
      }
      ASSERT_NEAR(logits[row][static_cast<size_t>(token)], expected, 1e-4) << row << " " << token;
    }
  }
}

TEST_P(TransformerStep, LogitsComeOnlyForRowsThatAskAndBelongToTheVisitor) {
  const auto ids = random_ids(5, 100);
  const Logits all = run_fresh(*engine_, ids);
  SequenceState sequence = engine_->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, ids);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].logits = i % 7 == 3;
  }
  Logits some(rows.size());
  ASSERT_TRUE(engine_
                  ->step(rows,
                         [&](size_t row, std::span<float> x) {
                           some[row].assign(x.begin(), x.end());
                           std::fill(x.begin(), x.end(), std::nanf(""));  // allowed
                         })
                  .has_value());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(some[i].empty(), i % 7 != 3) << i;
    if (!some[i].empty()) {
      EXPECT_TRUE(same_bits(slice(some, i, i + 1), slice(all, i, i + 1))) << i;
    }
  }
}

TEST_P(TransformerStep, TokenOutsideTheVocabularyIsRefusedBeforeAnythingHappens) {
  const auto ids = random_ids(6, 10);
  SequenceState sequence = engine_->new_sequence();
  for (const TokenId bad : {-1, static_cast<TokenId>(engine_->description().vocabulary_size)}) {
    std::vector<StepRow> rows;
    add_rows(rows, sequence, ids);
    rows.push_back({.sequence = &sequence, .token = bad});
    const auto refused = try_step(*engine_, rows);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
    EXPECT_NE(refused.error().message.find(std::to_string(bad)), std::string::npos);
    EXPECT_EQ(sequence.length(), 0);
  }
  EXPECT_EQ(engine_->kv_pool().used_pages(), 0U);
}

TEST_P(TransformerStep, EmptyStepDoesNothing) {
  EXPECT_TRUE(step(*engine_, {}).empty());
}

INSTANTIATE_TEST_SUITE_P(Families,
                         TransformerStep,
                         testing::Values("llama", "gemma3"),
                         [](const auto& param) { return param.param; });

// One layer that sees 24 positions: a row does not depend on the token 24 positions before it, and
// does on the one 23 before it.
TEST(SlidingWindow, EndsExactlyWhereItShould) {
  TinyModelOptions options = family_options("gemma3");
  options.layers = 1;
  options.window = 24;
  const TinyModel model(options);
  for (const auto activations : {Activations::kFloat32, Activations::kInt8}) {
    EngineOptions engine_options;
    engine_options.activations = activations;
    const Engine engine = open_engine(model, engine_options);
    auto ids = random_ids(1, 160);
    const Logits before = run_fresh(*engine, ids);
    for (const size_t changed : {0U, 40U, 63U, 64U, 100U}) {
      const TokenId kept = ids[changed];
      ids[changed] = kept == 7 ? 8 : 7;
      const Logits after = run_fresh(*engine, ids);
      ids[changed] = kept;
      EXPECT_TRUE(same_bits(slice(after, 0, changed), slice(before, 0, changed))) << changed;
      EXPECT_TRUE(same_bits(slice(after, changed + 24, 160), slice(before, changed + 24, 160)))
          << changed;
      for (size_t row = changed; row < changed + 24; ++row) {
        EXPECT_FALSE(same_bits(slice(after, row, row + 1), slice(before, row, row + 1)))
            << changed << " does not reach " << row;
      }
    }
  }
}

TEST(SlidingWindow, WiderThanTheTextChangesNothing) {
  TinyModelOptions options = family_options("gemma3");
  options.layers = 3;
  const auto ids = random_ids(2, 150);
  options.window = 150;
  const TinyModel exact(options);
  options.window = 100000;
  const TinyModel wide(options);
  options.window = 149;
  const TinyModel narrow(options);
  const Logits seen = run_fresh(*open_engine(exact), ids);
  EXPECT_TRUE(same_bits(seen, run_fresh(*open_engine(wide), ids)));
  const Logits cut = run_fresh(*open_engine(narrow), ids);
  EXPECT_TRUE(same_bits(slice(seen, 0, 149), slice(cut, 0, 149)));
  EXPECT_FALSE(same_bits(slice(seen, 149, 150), slice(cut, 149, 150)));
}

// Broken weights give broken numbers, never a crash, and never outside the rows they belong to.
TEST(BrokenWeights, NanAndInfinityDoNotCrash) {
  const auto ids = random_ids(3, 100);
  for (const TensorType type :
       {TensorType::kQ4_K, TensorType::kQ6_K, TensorType::kF32, TensorType::kF16, TensorType::kBF16,
        TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ8_0}) {
    for (const char* tensor :
         {"token_embd.weight", "output.weight", "blk.0.attn_q.weight", "blk.0.attn_v.weight",
          "blk.1.ffn_down.weight", "blk.1.attn_norm.weight", "output_norm.weight"}) {
      for (const float value :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        const bool wide = tensor_type_info(type).block_elements == 256;
        TinyModelOptions options = cupel::test::tiny_wide_options(type);
        if (!wide) {
          options = {};
          options.type = type;
        }
        options.poison = {.tensor = tensor, .value = value};
        const TinyModel model(options);
        for (const auto activations : {Activations::kFloat32, Activations::kInt8}) {
          EngineOptions engine_options;
          engine_options.activations = activations;
          const Engine engine = open_engine(model, engine_options);
          const auto logits = run_fresh(*engine, ids);
          ASSERT_EQ(logits.size(), ids.size());
          if (std::string_view(tensor) == "blk.0.attn_v.weight" && std::isnan(value)) {
            for (const std::vector<float>& row : logits) {  // short chunks of the cache and full
              EXPECT_FALSE(std::isfinite(row[0])) << tensor_type_name(type);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace cupel::engine::test
