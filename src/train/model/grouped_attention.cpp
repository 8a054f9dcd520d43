#include "train/model/grouped_attention.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tensor/autograd.h"
#include "train/model/attention_blocks.h"
#include "train/model/kernel_values.h"

namespace cupel::train {
namespace {

// Letters: T tokens, G key heads, R query heads of each, H head width; m rows of a block (tokens of
// it times R), n keys that it meets.

struct Sizes {
  int64_t tokens = 0;
  int64_t groups = 0;
  int64_t per_group = 0;
  int64_t width = 0;
};

/// [G, T, H] → [G, n, H] of the keys of a block; a view where they stand together.
at::Tensor seen(const at::Tensor& grouped, std::span<const KeyPiece> pieces) {
  if (pieces.size() == 1) {
    return grouped.narrow(1, pieces[0].row, pieces[0].length);
  }
  std::vector<at::Tensor> parts;
  for (const KeyPiece& piece : pieces) {
    parts.push_back(grouped.narrow(1, piece.row, piece.length));
  }
  return at::cat(parts, 1);
}

void add_to(const at::Tensor& grouped, std::span<const KeyPiece> pieces, const at::Tensor& sum) {
  int64_t at = 0;
  for (const KeyPiece& piece : pieces) {
    grouped.narrow(1, piece.row, piece.length).add_(sum.narrow(1, at, piece.length));
    at += piece.length;
  }
}

class GroupedAttention final : public tensor::Operation {
 public:
  GroupedAttention(Rotation rotation, PackedLayout layout, const GroupedAttentionOptions& options)
      : rotation_(std::move(rotation)), layout_(std::move(layout)), options_(options) {}

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& inputs,
                                  std::vector<at::Tensor>& saved) override {
    sizes_ = {.tokens = inputs[0].size(0),
              .groups = inputs[1].size(1),
              .per_group = inputs[0].size(1) / inputs[1].size(1),
              .width = inputs[0].size(2)};
    type_ = inputs[0].scalar_type();
    const at::Tensor q = to_groups(inputs[0], sizes_.per_group, rotation_);
    const at::Tensor k = to_groups(inputs[1], 1, rotation_);
    const at::Tensor v = to_groups(inputs[2], 1, {});
    const at::Tensor log_sums = at::empty({sizes_.groups, rows()}, at::kFloat);
    const at::Tensor output = at::empty({sizes_.tokens, heads() * sizes_.width}, q.options());
    for_each_block([&](const AttentionBlock& block, std::span<const KeyPiece> pieces) {
      const at::Tensor scores = products(q_block(q, block), seen(k, pieces));  // [G, m, n]
      const at::Tensor weights = like_scores(scores, q);
      at::Tensor sums = at::empty({sizes_.groups, rows(block)}, at::kFloat);
      run_rows(kernels::kernels().softmax, scores_of(block),
               {.scores = floats_of(scores),
                .weights = results_of(weights),
                .log_sums = sums.mutable_data_ptr<float>()});
      log_sums.narrow(1, block.row * sizes_.per_group, rows(block)).copy_(sums);
      from_block(weights.bmm(seen(v, pieces)), output, block, {}, false);
    });
    saved = {q, k, v, log_sums};
    return {output};
  }

  std::vector<at::Tensor> backward(const std::vector<at::Tensor>& gradients,
                                   const std::vector<at::Tensor>& saved,
                                   const std::vector<bool>& /*needed*/) override {
    if (!gradients.front().defined()) {
      return std::vector<at::Tensor>(3);
    }
    const at::Tensor of_output = gradients.front().contiguous();
    const at::Tensor& q = saved[0];
    const at::Tensor& k = saved[1];
    const at::Tensor& v = saved[2];
    const at::Tensor of_q = at::empty({sizes_.tokens, heads(), sizes_.width}, q.options());
    // Keys get something from every block that sees them: sums grow in f32.
    const at::Tensor of_k = at::zeros(k.sizes(), k.options().dtype(at::kFloat));
    const at::Tensor of_v = at::zeros(v.sizes(), v.options().dtype(at::kFloat));
    for_each_block([&](const AttentionBlock& block, std::span<const KeyPiece> pieces) {
      const at::Tensor queries = q_block(q, block);
      const at::Tensor keys = seen(k, pieces);
      const at::Tensor of_rows = to_block(of_output, block);       // [G, m, H]
      const at::Tensor scores = products(queries, keys);           // [G, m, n]
      at::Tensor of_weights = products(of_rows, seen(v, pieces));  // [G, m, n]
      const at::Tensor weights = like_scores(scores, q);
      const at::Tensor of_scores = like_scores(of_weights, q);
      const at::Tensor sums =
          saved[3].narrow(1, block.row * sizes_.per_group, rows(block)).contiguous();
      run_rows(kernels::kernels().softmax_gradient, scores_of(block),
               {.scores = floats_of(scores),
                .log_sums = floats_of(sums),
                .of_weights = of_weights.mutable_data_ptr<float>(),
                .weights = results_of(weights),
                .of_scores = results_of(of_scores)});
      add_to(of_v, pieces, weights.transpose(1, 2).bmm(of_rows));
      add_to(of_k, pieces, of_scores.transpose(1, 2).bmm(queries));
      from_block(of_scores.bmm(keys), of_q, block, rotation_, true);
    });
    return {of_q, to_tokens(of_k, rotation_), to_tokens(of_v, {})};
  }

 private:
  [[nodiscard]] int64_t heads() const { return sizes_.groups * sizes_.per_group; }
  [[nodiscard]] int64_t rows() const { return sizes_.tokens * sizes_.per_group; }
  [[nodiscard]] int64_t rows(const AttentionBlock& block) const {
    return block.tokens * sizes_.per_group;
  }

  template <typename Body>
  void for_each_block(const Body& body) const {
    for (const AttentionBlock& block : attention_blocks(layout_, options_.window)) {
      body(block, block.pieces);
    }
  }

  /// Tokens first, as layers have them; groups first, as products need them.
  [[nodiscard]] kernels::HeadPlaces by_token(int64_t per_group, int64_t stride) const {
    return {.token = stride, .group = per_group * sizes_.width};
  }
  [[nodiscard]] kernels::HeadPlaces by_group(int64_t per_group, int64_t tokens) const {
    return {.token = per_group * sizes_.width, .group = tokens * per_group * sizes_.width};
  }

  /// Copies heads of `tokens` tokens, rotated where `rotation` says so; `row`: that of the first of
  /// them, whose angles they have.
  void move(kernels::HeadsTask task, int64_t tokens, const Rotation& rotation, int64_t row) const {
    const int64_t half = rotation.rotary_dim / 2;
    task.groups = sizes_.groups;
    task.width = sizes_.width;
    task.rotary_dim = rotation.rotary_dim;
    task.interleaved = rotation.interleaved;
    if (rotation.rotary_dim > 0) {
      task.cos = floats_of(rotation.cos) + row * half;
      task.sin = floats_of(rotation.sin) + row * half;
    }
    train::run_rows(kernels::kernels().heads, task, tokens,
                    sizes_.groups * task.heads_per_group * sizes_.width);
  }

  /// [T, G · R, H] → [G, T · R, H].
  [[nodiscard]] at::Tensor to_groups(const at::Tensor& x,
                                     int64_t per_group,
                                     const Rotation& rotation) const {
    const bool dense = x.stride(2) == 1 && x.stride(1) == sizes_.width;
    const at::Tensor source = dense ? x : x.contiguous();
    const at::Tensor result =
        at::empty({sizes_.groups, sizes_.tokens * per_group, sizes_.width}, x.options());
    move({.heads_per_group = per_group,
          .from = values_of(source),
          .from_places = by_token(per_group, source.stride(0)),
          .to = results_of(result),
          .to_places = by_group(per_group, sizes_.tokens)},
         sizes_.tokens, rotation, 0);
    return result;
  }
  /// Back, of gradients [G, T, H] in f32 to the type of the inputs.
  [[nodiscard]] at::Tensor to_tokens(const at::Tensor& x, const Rotation& rotation) const {
    const at::Tensor result =
        at::empty({sizes_.tokens, sizes_.groups, sizes_.width}, x.options().dtype(type_));
    move({.heads_per_group = 1,
          .back = true,
          .from = values_of(x),
          .from_places = by_group(1, sizes_.tokens),
          .to = results_of(result),
          .to_places = by_token(1, sizes_.groups * sizes_.width)},
         sizes_.tokens, rotation, 0);
    return result;
  }
  /// The rows of a block: of [G, T · R, H] the view.
  [[nodiscard]] at::Tensor q_block(const at::Tensor& q, const AttentionBlock& block) const {
    return q.narrow(1, block.row * sizes_.per_group, rows(block));
  }
  /// Of a tensor by tokens [T, N · H] a copy [G, m, H], and back.
  [[nodiscard]] at::Tensor to_block(const at::Tensor& x, const AttentionBlock& block) const {
    const at::Tensor result = at::empty({sizes_.groups, rows(block), sizes_.width}, x.options());
    move({.heads_per_group = sizes_.per_group,
          .from = values_of(x.narrow(0, block.row, block.tokens)),
          .from_places = by_token(sizes_.per_group, heads() * sizes_.width),
          .to = results_of(result),
          .to_places = by_group(sizes_.per_group, block.tokens)},
         block.tokens, {}, block.row);
    return result;
  }
  void from_block(const at::Tensor& x,
                  const at::Tensor& by_tokens,
                  const AttentionBlock& block,
                  const Rotation& rotation,
                  bool back) const {
    const at::Tensor dense = x.contiguous();
    move({.heads_per_group = sizes_.per_group,
          .back = back,
          .from = values_of(dense),
          .from_places = by_group(sizes_.per_group, block.tokens),
          .to = results_of(by_tokens.narrow(0, block.row, block.tokens)),
          .to_places = by_token(sizes_.per_group, heads() * sizes_.width)},
         block.tokens, rotation, block.row);
  }

  /// a bᵀ in f32.
  static at::Tensor products(const at::Tensor& a, const at::Tensor& b) {
    return a.to(at::kFloat).bmm(b.to(at::kFloat).transpose(1, 2)).contiguous();
  }
  /// Where weights of the type of q go: in the place of f32 scores, else apart.
  static at::Tensor like_scores(const at::Tensor& scores, const at::Tensor& q) {
    return q.scalar_type() == at::kFloat ? scores : at::empty(scores.sizes(), q.options());
  }
  [[nodiscard]] kernels::ScoreRows scores_of(const AttentionBlock& block) const {
    return {.period = rows(block),
            .keys = block.keys,
            .rows_per_query = sizes_.per_group,
            .first = block.position,
            .first_key = block.first_key,
            .window = options_.window,
            .scale = static_cast<float>(options_.scale)};
  }
  /// Calls a kernel on ranges of the rows of all groups.
  template <typename Task>
  void run_rows(void (*kernel)(const Task&), const kernels::ScoreRows& rows, Task task) const {
    constexpr int64_t kGrain = 1 << 13;
    const int64_t count = sizes_.groups * rows.period;
    tensor::for_each_part(count, tensor::parts_of(count * rows.keys, kGrain),
                          [&](int64_t /*part*/, int64_t begin, int64_t end) {
                            Task part = task;
                            part.rows = rows;
                            part.rows.begin = begin;
                            part.rows.end = end;
                            kernel(part);
                          });
  }

  Rotation rotation_;
  PackedLayout layout_;
  GroupedAttentionOptions options_;
  Sizes sizes_;
  at::ScalarType type_ = at::kFloat;  // of the inputs
};

}  // namespace

at::Tensor grouped_attention(const at::Tensor& q,
                             const at::Tensor& k,
                             const at::Tensor& v,
                             const Rotation& rotation,
                             const PackedLayout& layout,
                             const GroupedAttentionOptions& options) {
  return tensor::apply(std::make_shared<GroupedAttention>(rotation, layout, options), {q, k, v})
      .front();
}

}  // namespace cupel::train
