#pragma once

#include <cstdint>

#include "engine/model/description.h"
#include "engine/model/weights.h"

namespace cupel::decode::bench {

// What a step must read from memory, and what a prompt must compute: the arithmetic behind the
// limits. Norms, rotary tables, activations and the looked-up rows of the embedding are below a
// thousandth of it and left out.

/// Bytes of the matrices that every step reads once, whatever its rows: all blocks and the head. A
/// tied embedding is the head; one of its own is only looked up. Of experts, as many as one row
/// uses.
int64_t step_weight_bytes(const engine::ModelDescription& model, const engine::Weights& weights);

/// Bytes of keys and values that one sequence's step reads at `position` (from 0): of its own and
/// of all positions before it, in layers with a window of no more than the window.
/// `bytes_per_position` is of one position over all layers; each layer has a share of it by its
/// key-value heads and their width.
double cache_bytes_read(const engine::ModelDescription& model,
                        double bytes_per_position,
                        int64_t position);
/// The mean over `steps` (> 0) steps, the first at `position`.
double mean_cache_bytes_read(const engine::ModelDescription& model,
                             double bytes_per_position,
                             int64_t position,
                             int64_t steps);

/// Tokens a second of a step that yields `tokens` and reads `bytes`, at `gigabytes_per_second`.
double tokens_per_second_limit(int64_t tokens, double bytes, double gigabytes_per_second);

/// Multiply-adds of reading a prompt of that many tokens: the linear layers for every token, scores
/// and values of attention for every visible pair of positions, and the head once.
double prefill_multiply_adds(const engine::ModelDescription& model, int64_t tokens);

}  // namespace cupel::decode::bench
