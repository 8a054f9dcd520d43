#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "base/rng.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/gguf_sample.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kPath = "model.gguf";

// One line that begins with the file, of a kind that ends with exit code 4.
void expect_clean(const Error& error, const std::string& what) {
  ASSERT_THAT(error.message, testing::StartsWith("model.gguf: ")) << what;
  ASSERT_EQ(error.message.find('\n'), std::string::npos) << what;
  ASSERT_EQ(exit_code(error.code), 4) << what << ": " << error.message;
}

class PublishedGguf : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = cupel::test::model_file("SmolLM2-135M-Instruct.Q4_1.gguf");
    CUPEL_SKIP_UNLESS(path, "the default model is absent: a published header was not attacked");
    bytes_ = read_file(path).value();
    const auto file = Checkpoint::from_bytes(test::bytes_of(bytes_), std::string(kPath));
    ASSERT_TRUE(file.has_value());
    header_bytes_ = file->data_offset();
    table_begin_ = static_cast<uint64_t>(file->tensors().front().name.data() - bytes_.data());
  }

  // Cuts inside the header are copied to their exact size, so that a sanitizer sees any read past
  // them.
  void expect_cut_is_clean(uint64_t length) {
    const std::string_view cut = std::string_view(bytes_).substr(0, length);
    const std::vector<char> exact(cut.begin(), length <= header_bytes_ ? cut.end() : cut.begin());
    const auto span =
        length <= header_bytes_ ? std::as_bytes(std::span(exact)) : test::bytes_of(cut);
    const auto file = Checkpoint::from_bytes(span, std::string(kPath));
    ASSERT_FALSE(file.has_value()) << length;
    expect_clean(file.error(), "cut at " + std::to_string(length));
  }

  void expect_mutation_is_clean(uint64_t at, char value) {
    const char original = std::exchange(bytes_[at], value);
    const auto file = Checkpoint::from_bytes(test::bytes_of(bytes_), std::string(kPath));
    if (file) {
      test::touch_everything(*file);
    } else {
      expect_clean(file.error(), "mutation at " + std::to_string(at));
    }
    bytes_[at] = original;
  }

  std::string bytes_;
  uint64_t header_bytes_ = 0;
  uint64_t table_begin_ = 0;  // of the tensor table
};

TEST_F(PublishedGguf, CutAtEveryPageOfItsHeaderIsACleanError) {
  for (uint64_t length = 0; length <= header_bytes_; length += 4096) {
    ASSERT_NO_FATAL_FAILURE(expect_cut_is_clean(length));
  }
}

TEST_F(PublishedGguf, CutAtRandomPlacesIsACleanError) {
  Rng rng(20240501);
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_cut_is_clean(rng.below(bytes_.size() - 64)));
  }
}

// Half of the mutations anywhere in the header (mostly vocabulary text), half where structure is
// dense: the first kilobyte and the tensor table.
TEST_F(PublishedGguf, SingleByteMutationsOfItsHeaderAreCleanErrorsOrLoads) {
  Rng rng(77);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t at = i % 2 == 0   ? rng.below(header_bytes_)
                        : i % 4 == 1 ? rng.below(1024)
                                     : table_begin_ + rng.below(header_bytes_ - table_begin_);
    ASSERT_NO_FATAL_FAILURE(expect_mutation_is_clean(at, static_cast<char>(rng.below(256))));
  }
}

}  // namespace
}  // namespace cupel::engine
