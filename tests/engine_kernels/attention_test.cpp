#include <algorithm>
#include <numeric>

#include "kernels_support.h"

namespace cupel::engine::test {
namespace {

/// A cache of one layer filled with random rows; garbage where nothing was stored.
class Cache {
 public:
  Cache(const Operators& ops, const AttentionShape& shape, int64_t positions)
      : ops_(ops), shape_(shape) {
    const int64_t pages = (positions + kPageRows - 1) / kPageRows;
    const KvPageBytes bytes = kv_page_bytes(shape.cache, shape.kv_heads, shape.head_dim);
    const int64_t words = (bytes.keys + bytes.values + 2 * bytes.scales) / 4;
    memory_.assign(static_cast<size_t>(pages * words), 0x7FC07E00);  // NaN, or large
    for (int64_t p = 0; p < pages; ++p) {
      uint32_t* keys = memory_.data() + p * words;
      uint32_t* values = keys + bytes.keys / 4;
      auto* scales = reinterpret_cast<float*>(values + bytes.values / 4);
      pages_.push_back({keys, values, scales, scales + bytes.scales / 4});
    }
  }
  void store(int64_t slot, const float* keys, const float* values) {
    ops_.store_kv(keys, values, shape_, pages_[static_cast<size_t>(slot / kPageRows)],
                  slot % kPageRows);
  }
  [[nodiscard]] const KvPage* pages() const { return pages_.data(); }

 private:
  const Operators& ops_;
  AttentionShape shape_;
  std::vector<uint32_t> memory_;
  std::vector<KvPage> pages_;
};

/// Random keys, values and queries of one sequence.
struct Problem {
  Problem(const AttentionShape& s, int64_t positions, uint64_t seed) : shape(s), length(positions) {
    Rng rng(seed);
    const auto fill = [&](std::vector<float>& x, int64_t count) {
      x.resize(static_cast<size_t>(count));
      for (float& v : x) {
        v = static_cast<float>(rng.normal());
      }
    };
    fill(keys, positions * s.kv_heads * s.head_dim);
    fill(values, positions * s.kv_heads * s.head_dim);
    fill(queries, positions * s.heads * s.head_dim);
  }
  AttentionShape shape;
  int64_t length;
  std::vector<float> keys;
  std::vector<float> values;
  std::vector<float> queries;

  [[nodiscard]] Cache cache(const Operators& ops) const {
    Cache c(ops, shape, length);
    for (int64_t p = 0; p < length; ++p) {
      c.store(p, key(p), value(p));
    }
    return c;
  }
  [[nodiscard]] const float* key(int64_t p) const {
    return keys.data() + p * shape.kv_heads * shape.head_dim;
  }
  [[nodiscard]] const float* value(int64_t p) const {
    return values.data() + p * shape.kv_heads * shape.head_dim;
  }
  [[nodiscard]] int64_t width() const { return shape.heads * shape.head_dim; }

  /// The query at `position` by the textbook formula in double.
  [[nodiscard]] std::vector<double> reference(int64_t position, int64_t first) const {
    return reference(position, first, [position](int64_t) { return position; });
  }
  /// The same with the query of position query_of(p) for the key at p.
  template <typename QueryOf>
  [[nodiscard]] std::vector<double> reference(int64_t position,
                                              int64_t first,
                                              const QueryOf& query_of) const {
    const int64_t dim = shape.head_dim;
    std::vector<double> out(static_cast<size_t>(width()));
    for (int64_t head = 0; head < shape.heads; ++head) {
      const int64_t kv = head / (shape.heads / shape.kv_heads);
      std::vector<double> scores;
      for (int64_t p = first; p <= position; ++p) {
        double dot = 0;
        for (int64_t i = 0; i < dim; ++i) {
          dot += static_cast<double>(queries[query_of(p) * width() + head * dim + i]) *
                 key(p)[kv * dim + i];
        }
        dot *= shape.scale;
        scores.push_back(shape.softcap > 0 ? shape.softcap * std::tanh(dot / shape.softcap) : dot);
      }
      const double top = *std::max_element(scores.begin(), scores.end());
      double total = 0;
      for (double& s : scores) {
        total += s = std::exp(s - top);
      }
      for (int64_t i = 0; i < dim; ++i) {
        double sum = 0;
        for (int64_t p = first; p <= position; ++p) {
          sum += scores[static_cast<size_t>(p - first)] * value(p)[kv * dim + i];
        }
        out[static_cast<size_t>(head * dim + i)] = sum / total;
      }
    }
    return out;
  }
};

/// All kv heads of the queries at `positions`, computed in one call each.
std::vector<float> attend(const Operators& ops,
                          const Problem& problem,
                          const KvPage* pages,
                          const std::vector<int64_t>& positions,
                          int64_t window = 0) {
  std::vector<float> out(positions.size() * static_cast<size_t>(problem.width()));
  std::vector<AttentionQuery> queries;
  for (size_t i = 0; i < positions.size(); ++i) {
    AttentionQuery query;
    query.query = problem.queries.data() + positions[i] * problem.width();
    query.output = out.data() + static_cast<int64_t>(i) * problem.width();
    query.pages = pages;
    query.length = positions[i] + 1;
    query.first = window > 0 ? std::max<int64_t>(0, query.length - window) : 0;
    queries.push_back(query);
  }
  for (int64_t head = 0; head < problem.shape.kv_heads; ++head) {
    ops.attention(queries, problem.shape, head);
  }
  return out;
}

AttentionShape shape(int64_t heads,
                     int64_t kv_heads,
                     int64_t dim,
                     float softcap = 0,
                     CacheType cache = CacheType::kInt16) {
  return {heads, kv_heads, dim, 1 / std::sqrt(static_cast<float>(dim)), softcap, cache};
}

const std::vector<AttentionShape>& shapes() {
  static const std::vector<AttentionShape> all = {shape(9, 3, 64),
                                                  shape(4, 1, 256),
                                                  shape(2, 2, 80),
                                                  shape(6, 1, 24, 5.0F),
                                                  shape(50, 1, 16, 30.0F),
                                                  shape(1, 1, 40),
                                                  shape(9, 3, 64, 0, CacheType::kFloat32),
                                                  shape(6, 1, 24, 5.0F, CacheType::kFloat32),
                                                  shape(50, 1, 16, 0, CacheType::kFloat32)};
  return all;
}

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> all(static_cast<size_t>(end - begin));
  std::iota(all.begin(), all.end(), begin);
  return all;
}

}  // namespace

class Attention : public KernelTest {};
CUPEL_KERNEL_SUITE(Attention);

double bound_of(const AttentionShape& s) {
  return s.cache == CacheType::kInt16 ? 2e-3 : s.softcap > 0 ? 6e-6 : 2e-6;
}

// Queries of other positions stand for the same query rotated differently. With `first` a window
// ends inside the older chunks, inside the recent one, or inside the query's own.
void check_dual_chunk(const Operators& ops,
                      const Problem& problem,
                      const Cache& cache,
                      int64_t chunk,
                      AttentionQuery query) {
  const int64_t position = query.length - 1;
  std::vector<float> out(static_cast<size_t>(problem.width()));
  const auto query_at = [&](int64_t p) { return problem.queries.data() + p * problem.width(); };
  query.query = query_at(position);
  query.output = out.data();
  query.recent_end = position / chunk * chunk;
  query.older_end = std::max<int64_t>(0, query.recent_end - chunk);
  query.recent = query_at(1);
  query.older = query_at(2);
  for (int64_t head = 0; head < problem.shape.kv_heads; ++head) {
    ops.attention(std::span(&query, 1), problem.shape, head);
  }
  const std::vector<double> expected = problem.reference(position, query.first, [&](int64_t p) {
    return p < query.older_end ? 2 : p < query.recent_end ? 1 : position;
  });
  for (size_t j = 0; j < expected.size(); ++j) {
    ASSERT_NEAR(out[j], expected[j], bound_of(problem.shape))
        << "chunk " << chunk << " position " << position << " from " << query.first;
  }
  if (query.first >= query.recent_end) {  // its own chunk is all it sees
    const int64_t window = query.first > 0 ? query.length - query.first : 0;
    EXPECT_TRUE(same_bits(out, attend(ops, problem, cache.pages(), {position}, window)));
  }
}

TEST_P(Attention, DualChunksMeetTheirOwnQueryInOneSoftmax) {
  for (const AttentionShape& s : shapes()) {
    const Problem problem(s, 150, 2);
    const Cache cache = problem.cache(ops());
    for (const int64_t chunk : {6, 48, 64, 100, 200}) {
      for (const int64_t position : {5, 63, 99, 100, 149}) {
        for (const int64_t first : {0, 1, 40, 64, 97, 149}) {
          if (first <= position) {
            check_dual_chunk(ops(), problem, cache, chunk,
                             {.pages = cache.pages(), .length = position + 1, .first = first});
          }
        }
      }
    }
  }
}

/// What the model code may ask for: any heads, even width, window and order of slots.
struct RandomQuery {
  explicit RandomQuery(uint64_t seed) : rng(seed), problem(random_shape(rng), size(1, 200), seed) {
    first = size(0, problem.length - 1);
    slots_begin = size(0, problem.length - 1);
    // The rows of a tree: its path takes some of the slots, in ascending order.
    for (int64_t slot = slots_begin, left = problem.length - slots_begin; left > 0; ++slot) {
      if (rng.below(3) == 0) {
        slots.push_back(static_cast<int32_t>(slot));
        --left;
      }
    }
  }
  int64_t size(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(rng.below(static_cast<uint64_t>(most - least + 1)));
  }
  static AttentionShape random_shape(Rng& rng) {
    const auto kv_heads = static_cast<int64_t>(1 + rng.below(3));
    const auto heads = kv_heads * static_cast<int64_t>(1 + rng.below(9));
    const auto dim = static_cast<int64_t>(2 + 2 * rng.below(80));
    const float softcap = rng.below(3) == 0 ? static_cast<float>(2 + rng.below(30)) : 0;
    return shape(heads, kv_heads, dim, softcap,
                 rng.below(2) == 0 ? CacheType::kInt16 : CacheType::kFloat32);
  }
  [[nodiscard]] std::vector<float> run(const Operators& ops) const {
    Cache cache(ops, problem.shape, slots.back() + 1);
    for (int64_t p = 0; p < problem.length; ++p) {
      cache.store(p < slots_begin ? p : slots[static_cast<size_t>(p - slots_begin)], problem.key(p),
                  problem.value(p));
    }
    std::vector<float> out(static_cast<size_t>(problem.width()));
    const AttentionQuery query = {
        .query = problem.queries.data() + (problem.length - 1) * problem.width(),
        .output = out.data(),
        .pages = cache.pages(),
        .length = problem.length,
        .first = first,
        .slots = slots.data(),
        .slots_begin = slots_begin};
    for (int64_t head = 0; head < problem.shape.kv_heads; ++head) {
      ops.attention({&query, 1}, problem.shape, head);
    }
    return out;
  }
  Rng rng;
  Problem problem;
  int64_t first = 0;
  int64_t slots_begin = 0;
  std::vector<int32_t> slots;
};

TEST_P(Attention, RandomShapesWindowsAndSlotsMatchTheReferenceAndTheOracle) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const RandomQuery random(seed);
    const AttentionShape& s = random.problem.shape;
    SCOPED_TRACE(testing::Message()
                 << "seed " << seed << ": " << s.heads << " heads, " << s.kv_heads
                 << " of keys, width " << s.head_dim << ", from " << random.first << " to "
                 << random.problem.length << ", slots from " << random.slots_begin);
    const std::vector<float> out = random.run(ops());
    EXPECT_TRUE(same_bits(out, random.run(scalar_ops())));
    const auto expected = random.problem.reference(random.problem.length - 1, random.first);
    for (size_t j = 0; j < expected.size(); ++j) {
      ASSERT_NEAR(out[j], expected[j], bound_of(s));
    }
  }
}

TEST_P(Attention, MatchesDoubleReference) {
  for (const AttentionShape& s : shapes()) {
    for (const int64_t window : {0, 20, 64}) {
      const Problem problem(s, 150, 1);
      const Cache cache = problem.cache(ops());
      const std::vector<int64_t> positions = {0, 1, 15, 16, 63, 64, 100, 127, 128, 149};
      const auto out = attend(ops(), problem, cache.pages(), positions, window);
      for (size_t i = 0; i < positions.size(); ++i) {
        const int64_t first = window > 0 ? std::max<int64_t>(0, positions[i] + 1 - window) : 0;
        const std::vector<double> expected = problem.reference(positions[i], first);
        for (size_t j = 0; j < expected.size(); ++j) {
          ASSERT_NEAR(out[i * expected.size() + j], expected[j], bound_of(s))
              << "position " << positions[i] << " head width " << s.head_dim;
        }
      }
    }
  }
}

TEST_P(Attention, EqualsScalarOracle) {
  for (const AttentionShape& s : shapes()) {
    const Problem problem(s, 140, 2);
    const Cache cache = problem.cache(ops());
    const Cache oracle_cache = problem.cache(scalar_ops());
    for (const int64_t window : {0, 37}) {
      EXPECT_TRUE(
          same_bits(attend(ops(), problem, cache.pages(), range(70, 140), window),
                    attend(scalar_ops(), problem, oracle_cache.pages(), range(70, 140), window)));
    }
  }
}

TEST_P(Attention, QueryAloneEqualsQueryInBatch) {
  for (const AttentionShape& s : shapes()) {
    for (const int64_t window : {0, 50}) {
      const Problem problem(s, 135, 3);
      const Cache cache = problem.cache(ops());
      const auto all = attend(ops(), problem, cache.pages(), range(0, 135), window);
      for (int64_t p = 0; p < 135; p += 3) {
        const auto alone = attend(ops(), problem, cache.pages(), {p}, window);
        EXPECT_TRUE(same_bits(
            alone, {all.begin() + p * problem.width(), all.begin() + (p + 1) * problem.width()}))
            << p;
      }
    }
  }
}

TEST_P(Attention, SequencesInOneBatchDoNotMix) {
  const AttentionShape s = shape(9, 3, 64);
  const Problem a(s, 90, 4);
  const Problem b(s, 70, 5);
  const Cache cache_a = a.cache(ops());
  const Cache cache_b = b.cache(ops());
  const auto width = static_cast<size_t>(a.width());
  std::vector<float> out(2 * width);
  std::vector<AttentionQuery> queries(2);
  queries[0] = {a.queries.data() + 89 * a.width(), out.data(), cache_a.pages(), 90, 0, nullptr, 0};
  queries[1] = {
      b.queries.data() + 69 * b.width(), out.data() + width, cache_b.pages(), 70, 0, nullptr, 0};
  for (int64_t head = 0; head < 3; ++head) {
    ops().attention(queries, s, head);
  }
  EXPECT_TRUE(
      same_bits({out.begin(), out.begin() + width}, attend(ops(), a, cache_a.pages(), {89})));
  EXPECT_TRUE(same_bits({out.begin() + width, out.end()}, attend(ops(), b, cache_b.pages(), {69})));
}

/// What `attend` gives, computed segment by segment as several threads would.
std::vector<float> attend_in_parts(const Operators& ops,
                                   const AttentionShape& s,
                                   std::vector<AttentionQuery> queries,
                                   int64_t longest,
                                   int64_t first_segment) {
  const int64_t width = s.heads * s.head_dim;
  const auto count = static_cast<int64_t>(queries.size());
  std::vector<float> out(static_cast<size_t>(count * width));
  for (int64_t i = 0; i < count; ++i) {
    queries[static_cast<size_t>(i)].output = out.data() + i * width;
  }
  const int64_t parts = (longest + kAttentionSegment - 1) / kAttentionSegment - first_segment;
  const int64_t part_floats = count * (s.heads / s.kv_heads) * attention_partial_floats(s.head_dim);
  for (int64_t head = 0; head < s.kv_heads; ++head) {
    std::vector<float> partials(static_cast<size_t>(parts * part_floats), 5.0F);
    for (int64_t part = parts; part-- > 0;) {  // in any order
      ops.attention_part(queries, s, head, first_segment + part,
                         partials.data() + part * part_floats);
    }
    ops.merge_attention(queries, s, head, parts, partials.data());
  }
  return out;
}

TEST_P(Attention, PartsOfPositionsEqualTheWhole) {
  for (const AttentionShape& s : shapes()) {
    const int64_t length = 700;
    const Problem problem(s, length, 9);
    const Cache cache = problem.cache(ops());
    for (const int64_t window : {0, 130, 300}) {
      const std::vector<int64_t> positions = {699, 0, 255, 256, 511, 512, 640};
      std::vector<AttentionQuery> queries;
      int64_t first = length;
      for (const int64_t p : positions) {
        AttentionQuery query{.query = problem.queries.data() + p * problem.width(),
                             .pages = cache.pages(),
                             .length = p + 1};
        query.first = window > 0 ? std::max<int64_t>(0, p + 1 - window) : 0;
        first = std::min(first, query.first);
        queries.push_back(query);
      }
      EXPECT_TRUE(same_bits(attend_in_parts(ops(), s, queries, length, first / kAttentionSegment),
                            attend(ops(), problem, cache.pages(), positions, window)))
          << "window " << window << " head width " << s.head_dim;
    }
  }
}

TEST_P(Attention, PartsOfDualChunksEqualTheWhole) {
  const AttentionShape s = shape(6, 3, 64);
  const Problem problem(s, 700, 10);
  const Cache cache = problem.cache(ops());
  std::vector<float> whole(static_cast<size_t>(2 * problem.width()));
  std::vector<AttentionQuery> queries;
  for (const int64_t p : {650, 699}) {  // of one batch, with bounds of their own
    AttentionQuery query{.query = problem.queries.data() + p * problem.width(),
                         .output = whole.data() + (p == 650 ? 0 : problem.width()),
                         .pages = cache.pages(),
                         .length = p + 1,
                         .first = p == 650 ? 90 : 0};
    query.older = problem.queries.data() + problem.width();
    query.recent = problem.queries.data() + 2 * problem.width();
    query.older_end = p == 650 ? 200 : 300;
    query.recent_end = p == 650 ? 500 : 600;
    queries.push_back(query);
  }
  for (int64_t head = 0; head < s.kv_heads; ++head) {
    ops().attention(queries, s, head);
  }
  EXPECT_TRUE(same_bits(attend_in_parts(ops(), s, queries, 700, 0), whole));
  std::vector<float> alone(static_cast<size_t>(problem.width()));
  queries[1].output = alone.data();
  for (int64_t head = 0; head < s.kv_heads; ++head) {
    ops().attention({&queries[1], 1}, s, head);
  }
  EXPECT_TRUE(same_bits(alone, {whole.begin() + problem.width(), whole.end()}));
}

TEST_P(Attention, LongSequencesMatchDoubleReference) {
  for (const AttentionShape& s : {shape(4, 2, 64), shape(4, 2, 64, 0, CacheType::kFloat32)}) {
    const Problem problem(s, 1100, 11);
    const Cache cache = problem.cache(ops());
    const std::vector<int64_t> positions = {256, 700, 1099};
    const auto out = attend(ops(), problem, cache.pages(), positions);
    for (size_t i = 0; i < positions.size(); ++i) {
      const std::vector<double> expected = problem.reference(positions[i], 0);
      for (size_t j = 0; j < expected.size(); ++j) {
        ASSERT_NEAR(out[i * expected.size() + j], expected[j],
                    s.cache == CacheType::kInt16 ? 2e-3 : 2e-6)
            << positions[i];
      }
    }
  }
}

TEST_P(Attention, NanInKeysOrValuesReachesTheOutput) {
  for (const AttentionShape& s : shapes()) {
    for (const bool in_key : {false, true}) {
      const Problem problem(s, 600, 12);
      Cache cache = problem.cache(ops());
      const auto width = static_cast<size_t>(s.kv_heads * s.head_dim);
      std::vector<float> broken(problem.key(20), problem.key(20) + width);
      std::vector<float> sound(problem.value(20), problem.value(20) + width);
      broken[1] = std::numeric_limits<float>::quiet_NaN();
      cache.store(20, in_key ? broken.data() : sound.data(), in_key ? sound.data() : broken.data());
      for (const int64_t position : {25, 63, 100, 599}) {
        const auto out = attend(ops(), problem, cache.pages(), {position});
        EXPECT_TRUE(std::isnan(out[1])) << position << (in_key ? " key" : " value");
      }
      EXPECT_FALSE(std::isnan(attend(ops(), problem, cache.pages(), {19})[1]));
      EXPECT_FALSE(std::isnan(attend(ops(), problem, cache.pages(), {599}, 70)[1]));
    }
  }
}

// A path of a draft tree lies in scattered slots; its attention equals that of the linear order.
TEST_P(Attention, TreeSlotsEqualLinearOrder) {
  for (const AttentionShape& s : shapes()) {
    const int64_t length = 150;
    const int64_t slots_begin = 120;  // the tree crosses a page
    const Problem problem(s, length, 6);
    const Cache linear = problem.cache(ops());
    Cache tree(ops(), s, length + 64);
    std::vector<int32_t> slots;
    for (int64_t p = 0; p < length; ++p) {
      const int64_t slot = p < slots_begin ? p : slots_begin + (p - slots_begin) * 3;
      if (p >= slots_begin) {
        slots.push_back(static_cast<int32_t>(slot));
      }
      tree.store(slot, problem.key(p), problem.value(p));
    }
    for (const int64_t first : {0, 100}) {
      std::vector<float> out(static_cast<size_t>(problem.width()));
      AttentionQuery query = {problem.queries.data() + (length - 1) * problem.width(),
                              out.data(),
                              tree.pages(),
                              length,
                              first,
                              slots.data(),
                              slots_begin};
      for (int64_t head = 0; head < s.kv_heads; ++head) {
        ops().attention({&query, 1}, s, head);
      }
      const int64_t window = first == 0 ? 0 : length - first;
      EXPECT_TRUE(same_bits(out, attend(ops(), problem, linear.pages(), {length - 1}, window)));
    }
  }
}

TEST_P(Attention, CopiedPositionEqualsStoredPosition) {
  for (const CacheType type : {CacheType::kInt16, CacheType::kFloat32}) {
    const AttentionShape s = shape(6, 2, 32, 0, type);
    const Problem problem(s, 70, 7);
    const Cache straight = problem.cache(ops());
    Cache moved(ops(), s, 200);
    for (int64_t p = 0; p < 70; ++p) {
      moved.store(p == 69 ? 130 : p, problem.key(p), problem.value(p));
    }
    ops().copy_kv(s, moved.pages()[2], 130 % kPageRows, moved.pages()[1], 69 % kPageRows);
    EXPECT_TRUE(same_bits(attend(ops(), problem, moved.pages(), {69}),
                          attend(ops(), problem, straight.pages(), {69})));
  }
}

TEST_P(Attention, LargeScoresStayFinite) {
  const AttentionShape s = {2, 1, 64, 1.0F, 0, CacheType::kInt16};
  Problem problem(s, 80, 8);
  for (float& q : problem.queries) {
    q *= 1000;
  }
  const Cache cache = problem.cache(ops());
  for (const float v : attend(ops(), problem, cache.pages(), range(0, 80))) {
    EXPECT_TRUE(std::isfinite(v));
  }
}

}  // namespace cupel::engine::test
