// Time that a constraint adds to a token: cupel_constraint_bench MODEL.gguf. The first answer works
// out states and masks, later ones find them; the draw is greedy over the model's vocabulary. This
// thread's CPU time.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/process_usage.h"
#include "base/rng.h"
#include "decode/constraint/constraint.h"
#include "decode/sampler.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"

namespace cupel::decode {
namespace {

struct Workload {
  const char* name;
  const char* schema;
  const char* answer;
};

constexpr Workload kWorkloads[] = {
    {"verdict",
     R"({"type":"object","properties":{"reason":{"type":"string"},"winner":{"enum":["A","B","tie"]},"confidence":{"type":"number","minimum":0,"maximum":1}},"required":["reason","winner","confidence"]})",
     R"({"reason": "The first answer names three rivers and says where each of them ends, while the second one leaves the question open.", "winner": "A", "confidence": 0.85})"},
    {"list of records",
     R"({"type":"array","items":{"type":"object","properties":{"name":{"type":"string","maxLength":40},"born":{"type":"integer","minimum":1000,"maximum":2100}},"required":["name","born"]},"maxItems":20})",
     R"([{"name": "Ada Lovelace", "born": 1815}, {"name": "Emmy Noether", "born": 1882}, {"name": "Alan Turing", "born": 1912}, {"name": "Grace Hopper", "born": 1906}])"},
    {"counted text", R"({"type":"string","minLength":10,"maxLength":2000})",
     R"("It was late in the year when the boats came back, and nobody on the quay had thought that they would; the lamps were lit one after another along the wall.")"},
    {"any JSON", "true",
     R"({"a": [1, 2, {"b": {"c": [null, true, "text", {"d": "more text here"}]}}], "e": "the end of it"})"}};

std::shared_ptr<constraint::TokenConstraint> compile(
    const char* schema,
    const Tokenizer& tokenizer,
    const std::shared_ptr<const constraint::VocabularyTrie>& trie) {
  auto made = constraint::TokenConstraint::compile({OutputConstraint::Kind::kJsonSchema, schema},
                                                   tokenizer, trie);
  CUPEL_CHECK(made.has_value(), made ? "" : made.error().message);
  return *made;
}

/// What the generator asks of a constraint for one sequence.
struct Follower : public AllowedTokens {
  constraint::TokenConstraint* constraint;
  constraint::Progress progress;
  std::span<const TokenId> answer;

  explicit Follower(constraint::TokenConstraint& c) : constraint(&c), progress(c.begin()) {}
  bool allows(TokenId id) override { return constraint->allows(progress, answer, id); }
  std::span<const uint64_t> mask() override {
    const auto prepared = constraint->prepare(progress, answer);
    CUPEL_CHECK(prepared.has_value(), prepared ? "" : prepared.error().message);
    return progress.allowed;
  }
};

/// Microseconds of each token of the answer: the draw, its mask where it needs one, reading it.
/// `agrees`: the model's likeliest token is the answer's; else one that is not allowed.
std::vector<double> follow(constraint::TokenConstraint& token_constraint,
                           std::span<const TokenId> answer,
                           std::vector<float> logits,
                           bool agrees) {
  const engine::Operators& ops = **engine::operators_for(engine::best_cpu_level());
  SamplingOptions options;
  options.constraint.kind = OutputConstraint::Kind::kJsonSchema;
  Sampler sampler;
  Follower follower(token_constraint);
  std::vector<double> times;
  for (size_t i = 0; i < answer.size(); ++i) {
    float& likeliest = logits[static_cast<size_t>(agrees ? answer[i] : 0)];
    const float before = likeliest;
    likeliest = 1000;
    const double begin = thread_cpu_seconds();
    follower.answer = answer.first(i);
    (void)sampler.draw(ops, logits, {.options = &options, .allowed = &follower}, {});
    token_constraint.advance(follower.progress, answer.first(i + 1));
    times.push_back((thread_cpu_seconds() - begin) * 1e6);
    likeliest = before;
  }
  return times;
}

void show(const char* what, std::vector<double> times) {
  double sum = 0;
  for (const double t : times) {
    sum += t;
  }
  std::sort(times.begin(), times.end());
  std::printf("  %-32s %8.1f us a token, median %8.1f, most %8.1f\n", what,
              sum / static_cast<double>(times.size()), times[times.size() / 2], times.back());
}

int run(const char* path) {
  const auto file = engine::Checkpoint::open(path);
  CUPEL_CHECK(file.has_value(), file ? "" : file.error().message);
  const auto tokenizer = engine::load_tokenizer(*file, {});
  CUPEL_CHECK(tokenizer.has_value());
  const size_t ids = (*tokenizer)->vocabulary_size();
  Rng rng(1);
  std::vector<float> logits(ids);
  for (float& x : logits) {
    x = static_cast<float>(rng.normal() * 2);
  }
  const engine::Operators& ops = **engine::operators_for(engine::best_cpu_level());
  double begin = thread_cpu_seconds();
  const auto trie = std::make_shared<const constraint::VocabularyTrie>(**tokenizer, ids);
  std::printf("%s: %zu tokens, tree of %u nodes in %.0f ms\n", path, ids, trie->size(),
              (thread_cpu_seconds() - begin) * 1e3);
  Sampler sampler;
  const SamplingOptions free;
  begin = thread_cpu_seconds();
  for (int i = 0; i < 100; ++i) {
    (void)sampler.draw(ops, logits, {.options = &free}, {});
  }
  std::printf("  %-32s %8.1f us a token\n", "draw without a constraint",
              (thread_cpu_seconds() - begin) * 1e4);
  for (const Workload& w : kWorkloads) {
    begin = thread_cpu_seconds();
    const auto token_constraint = compile(w.schema, **tokenizer, trie);
    std::printf("  %s: compiled in %.1f ms\n", w.name, (thread_cpu_seconds() - begin) * 1e3);
    const auto answer = (*tokenizer)->encode(w.answer, {});
    show("    first answer, masked", follow(*token_constraint, answer, logits, false));
    show("    second answer, masked", follow(*token_constraint, answer, logits, false));
    const auto fresh = compile(w.schema, **tokenizer, trie);
    show("    first answer, as the model has it", follow(*fresh, answer, logits, true));
  }
  return 0;
}

}  // namespace
}  // namespace cupel::decode

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cupel_constraint_bench MODEL.gguf\n");
    return 2;
  }
  return cupel::decode::run(argv[1]);
}
