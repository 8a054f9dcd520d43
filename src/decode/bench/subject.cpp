#include "decode/bench/subject.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/rng.h"
#include "decode/bench/traffic.h"
#include "engine/model/open_checkpoint.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::decode::bench {
namespace {

constexpr uint64_t kSeed = 20261126;
// Draws for one ordinary id, before a fixed one is taken: more than any real vocabulary needs.
constexpr int kTries = 1000;

std::vector<TypeCount> count_types(const engine::Checkpoint& file) {
  std::map<std::string_view, TypeCount> counts;
  for (const engine::CheckpointTensor& tensor : file.tensors()) {
    const std::string_view name = engine::tensor_type_name(tensor.type);
    TypeCount& count = counts[name];
    count.type = name;
    ++count.tensors;
    count.bytes += static_cast<int64_t>(tensor.data.size());
  }
  std::vector<TypeCount> types;
  for (const auto& [name, count] : counts) {
    types.push_back(count);
  }
  std::stable_sort(types.begin(), types.end(),
                   [](const TypeCount& a, const TypeCount& b) { return a.bytes > b.bytes; });
  return types;
}

}  // namespace

Result<std::unique_ptr<Subject>> Subject::open(const LocalModelOptions& options) {
  std::unique_ptr<Subject> subject(new Subject);
  CUPEL_TRY(engine::Checkpoint file, engine::open_checkpoint(options.path));
  subject->file_ = std::make_unique<engine::Checkpoint>(std::move(file));
  CUPEL_TRY(engine::ModelTexts texts,
            engine::load_texts(*subject->file_, {.pre = options.tokenizer_pre}));
  subject->tokenizer_ = std::move(texts.tokenizer);
  CUPEL_TRY(subject->transformer_, engine::Transformer::load(*subject->file_, options.engine));
  const auto vocabulary = static_cast<int64_t>(subject->tokenizer_->vocabulary_size());
  const int64_t rows = subject->transformer_->description().vocabulary_size;
  if (vocabulary > rows) {
    return corrupt_data("{}: the vocabulary has {} tokens, but the embedding only {} rows",
                        options.path, vocabulary, rows);
  }
  while (subject->some_ordinary_ < vocabulary && !subject->ordinary(subject->some_ordinary_)) {
    ++subject->some_ordinary_;
  }
  if (subject->some_ordinary_ == vocabulary) {
    return unsupported("{}: no token of the vocabulary stands for text", options.path);
  }
  return subject;
}

bool Subject::ordinary(TokenId id) const {
  return !tokenizer_->is_control(id) && !tokenizer_->ends_generation(id) &&
         !tokenizer_->token_bytes(id).empty();
}

std::vector<TokenId> Subject::prompt(int64_t tokens, uint64_t stream) const {
  Rng rng(kSeed, stream);
  std::vector<TokenId> ids;
  while (static_cast<int64_t>(ids.size()) < tokens) {
    TokenId id = some_ordinary_;
    for (int tries = 0; tries < kTries; ++tries) {
      const auto drawn = static_cast<TokenId>(rng.below(tokenizer_->vocabulary_size()));
      if (ordinary(drawn)) {
        id = drawn;
        break;
      }
    }
    ids.push_back(id);
  }
  return ids;
}

double Subject::cache_bytes_per_position() const {
  return static_cast<double>(transformer_->kv_pool().page_bytes()) / engine::kPageRows;
}

ModelFacts Subject::facts(const std::string& name) const {
  ModelFacts facts;
  facts.name = name;
  facts.file = file_->path();
  facts.architecture = transformer_->description().architecture;
  facts.types = count_types(*file_);
  for (const engine::CheckpointTensor& tensor : file_->tensors()) {
    facts.parameters += static_cast<int64_t>(tensor.elements());
  }
  facts.file_bytes = static_cast<int64_t>(file_->size_bytes());
  facts.weight_bytes = static_cast<int64_t>(transformer_->weights().bytes());
  facts.step_weight_bytes = step_weight_bytes(transformer_->description(), transformer_->weights());
  facts.cache_bytes_per_position = static_cast<int64_t>(cache_bytes_per_position());
  facts.context_length = transformer_->description().context_length;
  return facts;
}

}  // namespace cupel::decode::bench
