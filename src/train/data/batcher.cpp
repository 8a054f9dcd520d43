#include "train/data/batcher.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"

namespace cupel::train {
namespace {

/// Tokens that a rank computes at once where nobody said how many bins. Measured on SmolLM2, steps
/// of 16 pairs of 150 tokens: 8.8 s pair by pair, 4.2 s so, 3.9 s all at once, for memory that
/// then grows with the batch.
constexpr int64_t kTokensAtOnce = 2048;

Result<Ok> at_least(int64_t value, int64_t least, std::string_view name) {
  return value >= least
             ? Result<Ok>(Ok{})
             : Result<Ok>(invalid_argument("{} is {}; expected at least {}", name, value, least));
}

Result<Ok> check_options(const BatchOptions& o, const std::vector<int64_t>& lengths) {
  if (lengths.empty()) {
    return invalid_argument("there is nothing to train on: no row was kept");
  }
  CUPEL_TRY_VOID(at_least(o.max_length, 2, "max_length"));
  CUPEL_TRY_VOID(at_least(o.window, 1, "window"));
  CUPEL_TRY_VOID(at_least(o.batch, 1, "batch"));
  CUPEL_TRY_VOID(at_least(o.micro_batch, 0, "micro_batch"));
  CUPEL_TRY_VOID(at_least(o.ranks, 1, "ranks"));
  CUPEL_TRY_VOID(at_least(o.order.group_by_length, 0, "group_by_length"));
  if (o.whole_items && (o.packing == Packing::kWrapped || o.packing == Packing::kBfdSplit)) {
    return invalid_argument(
        "packing \"{}\" cuts sequences, and answers to one prompt stay together; use none, bfd or "
        "multipack",
        packing_names()[static_cast<size_t>(o.packing)]);
  }
  if (o.packing == Packing::kMultipack) {
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    if (longest > o.micro_batch_tokens) {
      return invalid_argument(
          "a sequence of {} tokens does not fit into a micro-batch of {} tokens; raise "
          "micro_batch_tokens or lower max_length",
          longest, o.micro_batch_tokens);
    }
  } else if (const int64_t bins = std::max<int64_t>(o.micro_batch, 1); o.batch % (o.ranks * bins)) {
    return invalid_argument(
        "a batch of {} cannot be cut into micro-batches of {} on {} ranks; make it a multiple of "
        "{}",
        o.batch, bins, o.ranks, o.ranks * bins);
  }
  return check_mixture(o.order.mixture, static_cast<int64_t>(lengths.size()));
}

Json bin_json(const Bin& bin) {
  Json pieces = Json::array();
  for (const Piece& piece : bin) {
    pieces.push_back(Json(Json::Array{Json(piece.item), Json(piece.begin), Json(piece.end)}));
  }
  return pieces;
}

Error bad_cursor(std::string_view why) {
  return corrupt_data("the data position of the checkpoint cannot be used: {}", why);
}

Result<Bin> bin_from_json(const Json& json, const std::vector<int64_t>& lengths) {
  if (!json.is_array()) {
    return bad_cursor("a bin is no list");
  }
  Bin bin;
  for (const Json& item : json.as_array()) {
    const bool three =
        item.is_array() && item.size() == 3 &&
        std::ranges::all_of(item.as_array(), [](const Json& x) { return x.is_int(); });
    if (!three) {
      return bad_cursor("a piece is not three whole numbers");
    }
    const Piece piece{item.as_array()[0].as_int(), item.as_array()[1].as_int(),
                      item.as_array()[2].as_int()};
    const bool known = piece.item >= 0 && piece.item < static_cast<int64_t>(lengths.size());
    if (!known || piece.begin < 0 || piece.end <= piece.begin ||
        piece.end > lengths[static_cast<size_t>(piece.item)]) {
      return bad_cursor("a piece is of no item that is here");
    }
    bin.push_back(piece);
  }
  return bin;
}

}  // namespace

Batcher::Batcher(BatchOptions options,
                 std::vector<int64_t> lengths,
                 std::vector<int64_t> characters)
    : options_(std::move(options)),
      lengths_(std::move(lengths)),
      characters_(std::move(characters)) {
  items_ = fingerprint();
  begin_epoch(0);
}

Result<Batcher> Batcher::create(BatchOptions options,
                                std::vector<int64_t> lengths,
                                std::vector<int64_t> characters) {
  if (options.micro_batch_tokens == 0) {
    options.micro_batch_tokens = options.max_length;
  }
  CUPEL_TRY_VOID(check_options(options, lengths));
  if (options.whole_items) {
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    options.max_length = std::max(options.max_length, longest);
  }
  const auto& mixture = options.order.mixture;
  const bool counts_characters = !mixture.empty() && mixture[0].characters > 0;
  CUPEL_CHECK(!counts_characters || characters.size() == lengths.size(),
              "a budget of characters needs those of every item");
  CUPEL_TRY_VOID(check_budgets(mixture, lengths, characters));
  return Batcher(std::move(options), std::move(lengths), std::move(characters));
}

void Batcher::begin_epoch(int64_t epoch) {
  epoch_ = epoch;
  step_ = 0;
  index_ = 0;
  ready_.clear();
  open_.clear();
  order_ = epoch_order(options_.order, lengths_, characters_, epoch);
}

void Batcher::fill() {
  const auto total = static_cast<int64_t>(order_.size());
  std::vector<Bin> bins;
  while (static_cast<int64_t>(ready_.size()) < options_.batch && index_ < total) {
    const int64_t count = std::min(options_.window, total - index_);
    const auto items = std::span<const int64_t>(order_).subspan(static_cast<size_t>(index_),
                                                                static_cast<size_t>(count));
    bins.clear();
    if (options_.packing == Packing::kWrapped) {
      pack_wrapped(items, lengths_, options_.max_length, open_, bins);
    } else {
      bins = pack(items, lengths_, options_.max_length, options_.packing);
    }
    std::move(bins.begin(), bins.end(), std::back_inserter(ready_));
    index_ += count;
    if (index_ == total && !open_.empty()) {
      ready_.push_back(std::exchange(open_, {}));
    }
  }
}

StepPlan Batcher::next() {
  fill();
  const auto missing = [this] {
    return ready_.empty() ||
           (options_.drop_last && static_cast<int64_t>(ready_.size()) < options_.batch);
  };
  // An epoch that has no whole step is not left out, or training would never begin.
  if (missing() && !(step_ == 0 && !ready_.empty())) {
    begin_epoch(epoch_ + 1);
    fill();
  }
  StepPlan plan{.epoch = epoch_, .step = step_++};
  const size_t count = std::min(ready_.size(), static_cast<size_t>(options_.batch));
  for (size_t i = 0; i < count; ++i) {
    plan.bins.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  deal(plan);
  return plan;
}

void Batcher::deal(StepPlan& plan) const {
  const auto ranks = static_cast<size_t>(options_.ranks);
  const auto open_micro_batch = [&plan, ranks] {
    plan.micro_batches.emplace_back(ranks);
    plan.bin_of.emplace_back(ranks);
  };
  const auto add = [&plan](size_t rank, size_t bin) {
    const Bin& pieces = plan.bins[bin];
    auto& all = plan.micro_batches.back()[rank];
    all.insert(all.end(), pieces.begin(), pieces.end());
    auto& bins = plan.bin_of.back()[rank];
    bins.insert(bins.end(), pieces.size(), static_cast<int64_t>(bin));
  };
  if (options_.packing == Packing::kMultipack) {
    for (const auto& micro : spread_bins(plan.bins)) {
      open_micro_batch();
      for (size_t rank = 0; rank < ranks; ++rank) {
        for (const int64_t bin : micro[rank]) {
          add(rank, static_cast<size_t>(bin));
        }
      }
    }
    return;
  }
  int64_t rounds = 0;  // in the last micro-batch: a round is a bin for each rank
  for (size_t first = 0; first < plan.bins.size(); first += ranks) {
    const auto round =
        std::span(plan.bins).subspan(first, std::min(ranks, plan.bins.size() - first));
    if (first == 0 || is_full(plan.micro_batches.back(), rounds, round)) {
      open_micro_batch();
      rounds = 0;
    }
    for (size_t rank = 0; rank < round.size(); ++rank) {
      add(rank, first + rank);
    }
    ++rounds;
  }
}

std::vector<std::vector<std::vector<int64_t>>> Batcher::spread_bins(
    std::span<const Bin> bins) const {
  std::vector<int64_t> numbers(bins.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<int64_t> tokens;
  for (const Bin& bin : bins) {
    tokens.push_back(bin_tokens(bin));
  }
  auto dealt = multipack(numbers, tokens, options_.ranks, options_.micro_batch_tokens);
  CUPEL_CHECK(dealt.has_value(), "every item was found to fit");
  return std::move(*dealt);
}

bool Batcher::is_full(const std::vector<std::vector<Piece>>& micro_batch,
                      int64_t rounds,
                      std::span<const Bin> next) const {
  if (options_.micro_batch > 0) {
    return rounds == options_.micro_batch;
  }
  for (size_t rank = 0; rank < next.size(); ++rank) {
    if (bin_tokens(micro_batch[rank]) + bin_tokens(next[rank]) > kTokensAtOnce) {
      return true;
    }
  }
  return false;
}

int64_t Batcher::steps_in_epoch(int64_t epoch) const {
  Batcher trial = *this;
  trial.begin_epoch(epoch);
  int64_t steps = 0;
  while (trial.next().epoch == epoch) {
    ++steps;
  }
  return steps;
}

bool Batcher::has_even_epochs() const {
  const OrderOptions& order = options_.order;
  const bool alone = options_.packing == Packing::kNone || options_.packing == Packing::kMultipack;
  if (!order.mixture.empty()) {
    return alone && order.mixture.front().probability > 0;  // as many draws as there are items
  }
  // A stream is as long in any order, and best fit looks at lengths alone.
  return alone || options_.packing == Packing::kWrapped || !order.shuffle ||
         items_in_epoch() <= options_.window;
}

// What decides which bins there are; the number of ranks and the micro-batch may change.
std::string Batcher::fingerprint() const {
  const OrderOptions& order = options_.order;
  std::string text = format("{} {} {} {} {} {} {} {}", order.seed, order.shuffle,
                            order.group_by_length, options_.packing, options_.max_length,
                            options_.window, options_.batch, options_.drop_last);
  for (const MixtureSource& source : order.mixture) {
    text += format(" {} {} {} {} {}", source.begin, source.count, source.probability, source.tokens,
                   source.characters);
  }
  for (const int64_t length : lengths_) {
    text += format(" {}", length);
  }
  return cupel::fingerprint(text);
}

Json Batcher::cursor() const {
  Json ready = Json::array();
  for (const Bin& bin : ready_) {
    ready.push_back(bin_json(bin));
  }
  Json json = Json::object();
  json.set("epoch", epoch_).set("step", step_).set("index", index_);
  json.set("ready", std::move(ready)).set("open", bin_json(open_)).set("items", items_);
  return json;
}

Result<Ok> Batcher::restore(const Json& cursor) {
  const auto number = [&cursor](std::string_view key) -> Result<int64_t> {
    auto value = get_int(cursor, key);
    if (!value.has_value()) {
      return bad_cursor(value.error().message);
    }
    return value;
  };
  CUPEL_TRY(const int64_t epoch, number("epoch"));
  CUPEL_TRY(const int64_t step, number("step"));
  CUPEL_TRY(const int64_t index, number("index"));
  CUPEL_TRY(const std::string items, get_string(cursor, "items"));
  CUPEL_TRY(const Json* ready, get_array(cursor, "ready"));
  CUPEL_TRY(const Json* open, get_array(cursor, "open"));
  if (items != items_) {
    return failed_precondition(
        "the training data, or how it is batched, is not what the checkpoint was made with");
  }
  std::deque<Bin> bins;
  for (const Json& bin : ready->as_array()) {
    CUPEL_TRY(bins.emplace_back(), bin_from_json(bin, lengths_));
  }
  CUPEL_TRY(Bin unfinished, bin_from_json(*open, lengths_));
  if (epoch < 0 || step < 0 || index < 0) {
    return bad_cursor("a place is below 0");
  }
  begin_epoch(epoch);
  if (index > static_cast<int64_t>(order_.size())) {
    begin_epoch(0);
    return bad_cursor("it lies behind the end of its epoch");
  }
  step_ = step;
  index_ = index;
  ready_ = std::move(bins);
  open_ = std::move(unfinished);
  return Ok{};
}

}  // namespace cupel::train
