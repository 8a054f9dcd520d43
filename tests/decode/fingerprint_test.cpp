// What a cache or a run is filed under: everything that an answer depends on, nothing else.
#include <set>

#include "base/io.h"
#include "decode/decode_support.h"

namespace cupel::decode::test {
namespace {

TEST(Fingerprint, ChangesWithWhatChangesAnswers) {
  const TinyModel model;
  const auto fingerprint = [&](const TinyModel& of, const LocalModelOptions& options = {}) {
    return open_tiny(of, options)->fingerprint();
  };
  std::set<std::string> all = {fingerprint(model)};
  const auto expect_new = [&](const std::string& found, const char* what) {
    EXPECT_TRUE(all.insert(found).second) << what << " changes answers";
  };
  TinyModelOptions other;
  other.seed = 2;
  expect_new(fingerprint(TinyModel(other)), "other weights");
  LocalModelOptions options;
  options.engine.noise = engine::NoiseOptions{.seed = 1, .scale = 0.5};
  expect_new(fingerprint(model, options), "noise");
  options.engine.noise->seed = 2;
  expect_new(fingerprint(model, options), "other noise");
  options = {};
  options.engine.activations = engine::Activations::kFloat32;
  expect_new(fingerprint(model, options), "exact activations");
  options = {};
  options.context_length = 100;
  expect_new(fingerprint(model, options), "a shorter context");
  options = {};
  options.tokenizer_pre = "llama3";
  expect_new(fingerprint(model, options), "another pre-tokenizer");
  cupel::test::TemporaryFolder folder;
  options = {};
  options.template_path = folder.file("chat.jinja");
  ASSERT_TRUE(write_file_atomic(options.template_path, "{{ messages[0].content }}").has_value());
  expect_new(fingerprint(model, options), "a template");
  ASSERT_TRUE(write_file_atomic(options.template_path, "{{ messages[0].content }}!").has_value());
  expect_new(fingerprint(model, options), "another template");
}

TEST(Fingerprint, IsThatOfTheAnswersNotOfTheMachine) {
  const TinyModel model;
  const std::string expected = open_tiny(model)->fingerprint();
  LocalModelOptions options;
  options.engine.threads = 3;
  options.max_batch = 2;
  options.engine.max_cache_bytes = size_t{1} << 26U;
  options.context_length = 100000;  // the model's own, all the same
  EXPECT_EQ(open_tiny(model, options)->fingerprint(), expected);
  const TinyModel copy;  // the same bytes under another path
  EXPECT_EQ(open_tiny(copy)->fingerprint(), expected);

  const ChatRequest request = raw_request("ABC", 20, 0.9);
  const ChatResponse answer = complete_one(*open_tiny(model), request);
  for (const engine::CpuLevel level : engine::available_cpu_levels()) {
    options = {};
    options.engine.level = level;
    const auto local = open_tiny(model, options);
    EXPECT_EQ(local->fingerprint(), expected);
    expect_same(complete_one(*local, request), answer, std::string(engine::cpu_level_name(level)));
  }
}

}  // namespace
}  // namespace cupel::decode::test
