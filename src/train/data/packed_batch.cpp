#include "train/data/packed_batch.h"

#include "base/check.h"

namespace cupel::train {
namespace {

/// Appends tokens [begin, end) of an example as one document.
void append_document(const Example& example,
                     int64_t begin,
                     int64_t end,
                     PackedDocument document,
                     int64_t position,
                     PackedBatch& batch) {
  document.begin = batch.tokens();
  document.first_token = begin;
  document.end = document.begin + end - begin;
  const auto index = static_cast<int32_t>(batch.documents.size());
  for (int64_t i = begin; i < end; ++i) {
    const auto next = static_cast<size_t>(i + 1);
    const bool trained = i + 1 < end && example.weights[next] != 0;
    batch.ids.push_back(example.ids[static_cast<size_t>(i)]);
    batch.positions.push_back(static_cast<int32_t>(position + i - begin));
    batch.document.push_back(index);
    batch.labels.push_back(trained ? example.ids[next] : PackedBatch::kNoLabel);
    batch.weights.push_back(trained ? example.weights[next] : 0.0F);
  }
  batch.documents.push_back(document);
}

}  // namespace

PackedBatch pack_examples(std::span<const Example> examples, std::span<const Piece> pieces) {
  PackedBatch batch;
  for (const Piece& piece : pieces) {
    append_document(examples[static_cast<size_t>(piece.item)], piece.begin, piece.end,
                    {.item = piece.item}, 0, batch);
  }
  return batch;
}

PackedBatch pack_groups(std::span<const ExampleGroup> groups, std::span<const int64_t> items) {
  PackedBatch batch;
  for (const int64_t item : items) {
    const ExampleGroup& group = groups[static_cast<size_t>(item)];
    CUPEL_CHECK(group.prompt_tokens >= 1, "a group of answers needs a token before them");
    const int64_t shared = group.prompt_tokens - 1;
    int64_t parent = -1;
    if (shared > 0) {
      parent = static_cast<int64_t>(batch.documents.size());
      Example prompt = group.answers.front();
      prompt.weights.assign(prompt.ids.size(), 0);
      append_document(prompt, 0, shared, {.item = item}, 0, batch);
    }
    for (size_t i = 0; i < group.answers.size(); ++i) {
      const Example& answer = group.answers[i];
      append_document(answer, shared, static_cast<int64_t>(answer.ids.size()),
                      {.parent = parent, .item = item, .answer = static_cast<int64_t>(i)}, shared,
                      batch);
    }
  }
  return batch;
}

int64_t group_tokens(const ExampleGroup& group) {
  const int64_t shared = group.prompt_tokens - 1;
  int64_t tokens = shared;
  for (const Example& answer : group.answers) {
    tokens += static_cast<int64_t>(answer.ids.size()) - shared;
  }
  return tokens;
}

LabelCount count_labels(std::span<const Example> examples, std::span<const Piece> pieces) {
  LabelCount count;
  for (const Piece& piece : pieces) {
    const Example& example = examples[static_cast<size_t>(piece.item)];
    for (int64_t i = piece.begin + 1; i < piece.end; ++i) {
      const float weight = example.weights[static_cast<size_t>(i)];
      count.weight += weight;
      count.labels += weight != 0 ? 1 : 0;
    }
  }
  return count;
}

}  // namespace cupel::train
