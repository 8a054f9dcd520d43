#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "train/data/order.h"
#include "train/data/packing.h"

namespace cupel::train {

/// How items become the batches of optimiser steps.
struct BatchOptions {
  OrderOptions order;
  Packing packing = Packing::kNone;
  int64_t max_length = 2048;  ///< tokens of a bin
  int64_t window = 1000;      ///< items that are packed together (bfd, bfd_split), ≥ 1
  int64_t batch = 8;  ///< bins of an optimiser step over all ranks (multipack: items), ≥ 1
  /// Bins of a rank computed at once; 0: as many as have 2048 tokens together, at least one.
  /// multipack goes by micro_batch_tokens instead.
  int64_t micro_batch = 0;
  int64_t micro_batch_tokens = 0;  ///< multipack: most tokens of a rank at once; 0: max_length
  int64_t ranks = 1;
  /// Items are groups of answers, never cut: packing is none, bfd or multipack, and bins have room
  /// for the longest item.
  bool whole_items = false;
  bool drop_last = false;  ///< leave out an epoch's last step when it is smaller than the others
};

/// One optimiser step. Which items it holds does not depend on the number of ranks.
struct StepPlan {
  int64_t epoch = 0;
  int64_t step = 0;       ///< within its epoch, from 0
  std::vector<Bin> bins;  ///< of all ranks
  /// [micro-batch][rank]: the pieces computed at once; every rank has as many micro-batches, and
  /// may have empty ones.
  std::vector<std::vector<std::vector<Piece>>> micro_batches;
  /// [micro-batch][rank], of each piece there: which of `bins` it is of. A mixture may hold the
  /// same piece in several.
  std::vector<std::vector<std::vector<int64_t>>> bin_of;
};

/// Deals the items of epoch after epoch to optimiser steps.
///
/// The items of an epoch come in the order of `epoch_order`; the packer takes them window by
/// window; a step takes the next `batch` bins; rank r computes every R-th of them, from r on.
/// An epoch's last step may hold fewer (see drop_last); the wrapped stream ends with its epoch.
/// The cursor (epoch, place in the order, bins that are packed but not yet taken) is all its state:
/// a batcher that it is restored into gives the same steps from there on.
class Batcher {
 public:
  /// `lengths` are the tokens of each item, ≥ 1; `characters` may be empty where no mixture counts
  /// them. Errors: kInvalidArgument - no items; a batch that ranks · micro_batch does not divide;
  /// an item that is longer than multipack's budget; a mixture that makes no sense or takes too
  /// many items.
  static Result<Batcher> create(BatchOptions options,
                                std::vector<int64_t> lengths,
                                std::vector<int64_t> characters = {});

  /// The next step, of the next epoch when one is over.
  StepPlan next();
  /// Steps of an epoch (they may differ between epochs with packing or a mixture). Cost: packs it.
  [[nodiscard]] int64_t steps_in_epoch(int64_t epoch) const;
  /// Whether all epochs have the same number of steps, as far as that is known without packing
  /// them.
  [[nodiscard]] bool has_even_epochs() const;
  /// Items of the epoch in hand; other epochs have about as many.
  [[nodiscard]] int64_t items_in_epoch() const { return static_cast<int64_t>(order_.size()); }

  [[nodiscard]] Json cursor() const;
  /// Errors: kCorruptData - it is no cursor, or not of these items and options.
  Result<Ok> restore(const Json& cursor);

 private:
  Batcher(BatchOptions options, std::vector<int64_t> lengths, std::vector<int64_t> characters);
  void begin_epoch(int64_t epoch);
  /// Packs until a whole batch of bins is there or the epoch's items are used up.
  void fill();
  void deal(StepPlan& plan) const;
  /// [micro-batch][rank]: numbers of bins, as multipack spreads them.
  [[nodiscard]] std::vector<std::vector<std::vector<int64_t>>> spread_bins(
      std::span<const Bin> bins) const;
  /// Whether a micro-batch of so many `rounds` of bins, one for each rank, has no room for another.
  [[nodiscard]] bool is_full(const std::vector<std::vector<Piece>>& micro_batch,
                             int64_t rounds,
                             std::span<const Bin> next) const;
  [[nodiscard]] std::string fingerprint() const;

  BatchOptions options_;
  std::vector<int64_t> lengths_;
  std::vector<int64_t> characters_;
  std::string items_;           // a fingerprint of all the above
  std::vector<int64_t> order_;  // of `epoch_`
  int64_t epoch_ = 0;
  int64_t step_ = 0;   // within it
  int64_t index_ = 0;  // of `order_`: the first item that is not packed yet
  std::deque<Bin> ready_;
  Bin open_;  // of the wrapped stream: not yet full
};

}  // namespace cupel::train
