// The whole transformer against an independent one in double (tests/support/tiny_reference.h), for
// both families, all shapes of heads that they come in, and every weight format.
#include <cmath>

#include "engine/kernels/packing.h"
#include "engine/model/runtime_support.h"
#include "support/tiny_reference.h"

namespace cupel::engine::test {
namespace {

struct Shape {
  std::string name;
  TinyModelOptions options;
};

TinyModelOptions wide_family(const std::string& family, TensorType type) {
  TinyModelOptions options = cupel::test::tiny_wide_options(type);
  options.family = family;
  options.layers = 1;
  return options;
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const std::string family : {"llama", "gemma3"}) {
    TinyModelOptions options = family_options(family);
    all.push_back({family, options});
    options.tied_head = true;
    options.heads = 6;
    options.kv_heads = 6;
    options.head_dim = 16;
    all.push_back({family + "_tied_ungrouped", options});
    options.heads = 8;
    options.kv_heads = 1;
    options.head_dim = 40;  // no multiple of 16
    all.push_back({family + "_one_key_head_of_40", options});
    for (const TensorType type : kernels::kernel_types()) {
      all.push_back(
          {family + "_" + std::string(tensor_type_name(type)), wide_family(family, type)});
    }
  }
  return all;
}

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.name;
}

class TransformerReference : public testing::TestWithParam<Shape> {
 protected:
  // Largest and mean absolute difference of logits.
  struct Difference {
    double largest = 0;
    double mean = 0;
  };
  static Difference difference(const Logits& found,
                               const std::vector<std::vector<double>>& expected) {
    Difference d;
    double count = 0;
    for (size_t row = 0; row < expected.size(); ++row) {
      for (size_t i = 0; i < expected[row].size(); ++i) {
        const double error = std::abs(static_cast<double>(found[row][i]) - expected[row][i]);
        d.largest = std::isnan(error) ? error : std::max(d.largest, error);
        d.mean += error;
        ++count;
      }
    }
    d.mean /= count;
    return d;
  }
};

TEST_P(TransformerReference, LogitsAreThoseOfTheFormulas) {
  const TinyModel model(GetParam().options);
  const auto ids = random_ids(1, 70);  // beyond a page, and far beyond the window
  EngineOptions options;
  options.activations = Activations::kFloat32;
  const Engine exact = open_engine(model, options);
  const auto expected = cupel::test::reference_logits(*exact.file, GetParam().options, ids);
  const Difference in_f32 = difference(run_fresh(*exact, ids), expected);
  EXPECT_LT(in_f32.largest, 5e-5);  // measured: at most 1.4e-5

  options.activations = Activations::kInt8;
  const Difference in_int8 = difference(run_fresh(*open_engine(model, options), ids), expected);
  // Logits have a standard deviation of about 3.
  EXPECT_LT(in_int8.mean, 0.045);  // measured: at most 0.030
  RecordProperty("f32_largest", std::to_string(in_f32.largest));
  RecordProperty("int8_mean", std::to_string(in_int8.mean));

  // The tiny models are what they are meant to be: finite, and not flat.
  double squares = 0;
  for (const double x : expected.back()) {
    squares += x * x;
  }
  const double deviation = std::sqrt(squares / static_cast<double>(expected.back().size()));
  EXPECT_GT(deviation, 1.5);
  EXPECT_LT(deviation, 6);
}

INSTANTIATE_TEST_SUITE_P(Shapes,
                         TransformerReference,
                         testing::ValuesIn(shapes()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace cupel::engine::test
