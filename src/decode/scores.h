#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/tokenizer.h"
#include "decode/logits_processor.h"

namespace cupel::decode {

// Passes over the scores of a whole vocabulary, by id, none of them NaN: what sampling does per
// token is a few of these, in blocks that the compiler turns into vector instructions.

constexpr size_t kScoreBlock = 64;

/// The largest score; -infinity for none.
float largest_score(std::span<const float> scores);
/// The id of the largest score, of equals the lowest; 0 for none.
TokenId argmax(std::span<const float> scores);
/// Appends every token whose score is at least `floor`, ascending by id.
void gather_at_least(std::span<const float> scores, float floor, std::vector<Candidate>& out);
/// The `count` first tokens in the order of `likelier`, in no order. 0 < count < scores.size().
void gather_likeliest(std::span<const float> scores, size_t count, std::vector<Candidate>& out);

/// Sorts by `likelier` a list that is ascending by id, in linear time: for the many that a flat
/// distribution leaves. `scratch` is overwritten.
void sort_ascending_ids(std::vector<Candidate>& items, std::vector<Candidate>& scratch);

}  // namespace cupel::decode
