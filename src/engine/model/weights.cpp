#include "engine/model/weights.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "engine/checkpoint/quant.h"
#include "engine/kernels/large_memory.h"

namespace cupel::engine {
namespace {

constexpr size_t kAlignment = 64;  // of each packed matrix
// Bytes of the file that are packed and released together: many for the largest matrix (an
// embedding may be most of a model), few for the system calls between them.
constexpr size_t kPieceBytes = size_t{2} << 20U;
// The disk reads that many pieces ahead.
constexpr size_t kPiecesAhead = 8;

struct Range {
  int64_t first;
  int64_t count;
};

/// The type in memory: a BF16 holds every number of the 8-bit floats, which have no kernels.
TensorType kept_type(TensorType type) {
  const bool f8 = type == TensorType::kF8E4M3 || type == TensorType::kF8E5M2;
  return f8 ? TensorType::kBF16 : type;
}

Result<std::vector<std::byte>> widened_to_bf16(TensorType type, std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / tensor_type_info(type).block_bytes);
  CUPEL_TRY_VOID(dequantize_row(type, bytes, values));
  std::vector<std::byte> wide(values.size() * sizeof(uint16_t));
  CUPEL_TRY_VOID(quantize_row(TensorType::kBF16, values, wide));
  return wide;
}

// Collects every tensor to load first, so that shapes are checked before any memory is spent and
// the packing can run on all threads.
class Loader {
 public:
  Loader(const Checkpoint& file,
         const Operators& operators,
         const std::optional<NoiseOptions>& noise)
      : file_(file), operators_(operators), noise_(noise) {}

  [[nodiscard]] bool has(std::string_view name) const { return file_.find_tensor(name) != nullptr; }

  /// `size` numbers of a float type, whatever their dimensions.
  Result<Ok> vector(const std::string& name, int64_t size, std::vector<float>& out) {
    return part_of_vector(name, size, {.first = 0, .count = size}, out);
  }
  Result<Ok> part_of_vector(const std::string& name,
                            int64_t size,
                            Range part,
                            std::vector<float>& out) {
    CUPEL_TRY(const CheckpointTensor* tensor, used_tensor(name));
    if (tensor->elements() != static_cast<uint64_t>(size)) {
      return corrupt_data("{}: tensor {} has shape {}; its metadata asks for {} numbers",
                          file_.path(), name, tensor->shape(), size);
    }
    CUPEL_TRY(const std::vector<float> all, float_values(*tensor));
    out.assign(all.begin() + part.first, all.begin() + part.first + part.count);
    return Ok{};
  }

  Result<Ok> matrix(const std::string& name,
                    int64_t rows,
                    int64_t cols,
                    PackedMatrix& out,
                    bool part_of_block = true) {
    return part_of_matrix(name, rows, cols, {.first = 0, .count = rows}, out, part_of_block);
  }
  /// Rows `part` of a matrix of `rows` rows.
  Result<Ok> part_of_matrix(const std::string& name,
                            int64_t rows,
                            int64_t cols,
                            Range part,
                            PackedMatrix& out,
                            bool part_of_block = true) {
    CUPEL_TRY(const CheckpointTensor* tensor, checked(name, cols, rows));
    jobs_.push_back({tensor, part.first, part.count, cols, &out, part_of_block});
    return Ok{};
  }

  [[nodiscard]] Result<Ok> check_types() const {
    for (const Job& job : jobs_) {
      CUPEL_TRY_VOID(packed_bytes(job));
    }
    return Ok{};
  }

  /// Packs everything into one block of memory. The pages of the file that were packed are released
  /// at once: at no time do the weights stand in memory twice.
  Result<Ok> pack_all(ThreadPool& pool) {
    CUPEL_TRY_VOID(allocate());
    const std::vector<Piece> pieces = split();
    std::vector<std::optional<Error>> errors(pieces.size());
    pool.for_each_chunk(pieces.size(), 1, [&](size_t begin, size_t) {
      if (begin + kPiecesAhead < pieces.size()) {
        file_.expect(bytes_of(pieces[begin + kPiecesAhead]));
      }
      if (auto packed = pack(pieces[begin]); !packed) {
        errors[begin] = std::move(packed).error();
      }
    });
    file_.release_all();          // edges of pieces, vectors and the header
    for (auto& error : errors) {  // the first in file order, whichever thread met it
      if (error) {
        return std::move(*error);
      }
    }
    return Ok{};
  }

  [[nodiscard]] std::vector<std::string> unused() const {
    std::vector<std::string> names;
    for (const CheckpointTensor& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) {
        names.emplace_back(tensor.name);
      }
    }
    return names;
  }

  void mark_used(std::string_view name) { used_.insert(name); }

 private:
  struct Job {
    const CheckpointTensor* tensor;
    int64_t first;  // row of the tensor
    int64_t rows;
    int64_t cols;
    PackedMatrix* out;
    bool part_of_block;
  };
  /// Rows of a matrix that one thread packs in one go.
  struct Piece {
    const Job* job;
    int64_t first;
    int64_t count;
  };

  Result<const CheckpointTensor*> used_tensor(const std::string& name) {
    CUPEL_TRY(const CheckpointTensor* tensor, file_.get_tensor(name));
    used_.insert(tensor->name);
    return tensor;
  }

  [[nodiscard]] Result<std::vector<float>> float_values(const CheckpointTensor& tensor) const {
    const bool is_float = tensor.type == TensorType::kF32 || tensor.type == TensorType::kF16 ||
                          kept_type(tensor.type) == TensorType::kBF16;
    if (!is_float) {
      return unsupported("{}: tensor {} is {}; expected F32, F16, BF16 or F8", file_.path(),
                         tensor.name, tensor_type_name(tensor.type));
    }
    std::vector<float> values(tensor.elements());
    CUPEL_TRY_VOID(dequantize_row(tensor.type, tensor.data, values));
    return values;
  }

  Result<const CheckpointTensor*> checked(const std::string& name, int64_t cols, int64_t rows) {
    CUPEL_TRY(const CheckpointTensor* tensor, used_tensor(name));
    if (tensor->columns() != static_cast<uint64_t>(cols) ||
        tensor->rows() != static_cast<uint64_t>(rows)) {
      return corrupt_data("{}: tensor {} has shape {}; its metadata asks for [{}, {}]",
                          file_.path(), name, tensor->shape(), cols, rows);
    }
    return tensor;
  }

  [[nodiscard]] Result<size_t> packed_bytes(const Job& job) const {
    auto bytes = operators_.packed_bytes(kept_type(job.tensor->type), job.rows, job.cols);
    if (!bytes) {
      return in_context(std::move(bytes).error(),
                        format("{}: tensor {}", file_.path(), job.tensor->name));
    }
    return bytes;
  }

  /// One block for all matrices, each at its place in it.
  Result<Ok> allocate() {
    std::vector<size_t> places;
    size_t total = 0;
    for (const Job& job : jobs_) {
      CUPEL_TRY(const size_t bytes, packed_bytes(job));
      places.push_back(total);
      total += (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    CUPEL_TRY(const auto memory, allocate_weights(total));
    for (size_t i = 0; i < jobs_.size(); ++i) {
      std::byte* place = memory.get() + places[i];
      *jobs_[i].out = {.type = kept_type(jobs_[i].tensor->type),
                       .rows = jobs_[i].rows,
                       .cols = jobs_[i].cols,
                       .data = place,
                       .owned = {memory, place}};
    }
    return Ok{};
  }

  [[nodiscard]] std::vector<Piece> split() const {
    std::vector<Piece> pieces;
    for (const Job& job : jobs_) {
      const auto group = static_cast<size_t>(operators_.row_group());
      const size_t groups = std::max<size_t>(1, kPieceBytes / (job.tensor->row_bytes() * group));
      const auto rows = damages(job) ? job.rows : static_cast<int64_t>(groups * group);
      for (int64_t first = 0; first < job.rows; first += rows) {
        pieces.push_back({&job, first, std::min(rows, job.rows - first)});
      }
    }
    return pieces;
  }

  [[nodiscard]] bool damages(const Job& job) const { return noise_ && job.part_of_block; }

  static std::span<const std::byte> bytes_of(const Piece& piece) {
    const CheckpointTensor& tensor = *piece.job->tensor;
    const auto first = static_cast<size_t>(piece.job->first + piece.first);
    return tensor.data.subspan(first * tensor.row_bytes(),
                               static_cast<size_t>(piece.count) * tensor.row_bytes());
  }

  [[nodiscard]] Result<Ok> pack(const Piece& piece) const {
    const std::span<const std::byte> bytes = bytes_of(piece);
    if (damages(*piece.job)) {
      CUPEL_TRY(const std::vector<std::byte> damaged, damaged_copy(*piece.job->tensor, *noise_));
      const size_t row = piece.job->tensor->row_bytes();
      const auto part = std::span(damaged).subspan(static_cast<size_t>(piece.job->first) * row,
                                                   static_cast<size_t>(piece.count) * row);
      operators_.pack_rows(*piece.job->out, piece.first, piece.count, part);
    } else if (piece.job->out->type != piece.job->tensor->type) {
      CUPEL_TRY(const std::vector<std::byte> wide, widened_to_bf16(piece.job->tensor->type, bytes));
      operators_.pack_rows(*piece.job->out, piece.first, piece.count, wide);
    } else {
      operators_.pack_rows(*piece.job->out, piece.first, piece.count, bytes);
    }
    file_.release(bytes);
    return Ok{};
  }

  const Checkpoint& file_;
  const Operators& operators_;
  const std::optional<NoiseOptions>& noise_;
  std::vector<Job> jobs_;
  std::unordered_set<std::string_view> used_;
};

/// Loads the parts of one layer by the names that GGUF gives them.
class LayerLoader {
 public:
  LayerLoader(Loader& load, const ModelDescription& model, size_t index)
      : load_(load), model_(model), layer_(model.layers[index]), index_(index) {}

  Result<Ok> run(LayerWeights& weights) {
    CUPEL_TRY_VOID(load_norms(weights));
    CUPEL_TRY_VOID(load_attention(weights));
    if (layer_.feed_forward.experts.count > 0) {
      return load_experts(weights);
    }
    return load_dense(weights.feed_forward);
  }

 private:
  [[nodiscard]] std::string name(std::string_view part, std::string_view end = "weight") const {
    return format("blk.{}.{}.{}", index_, part, end);
  }

  Result<Ok> norm(std::string_view part, int64_t size, NormWeights& out) {
    CUPEL_TRY_VOID(load_.vector(name(part), size, out.weight));
    if (model_.norm == NormKind::kLayer && load_.has(name(part, "bias"))) {
      CUPEL_TRY_VOID(load_.vector(name(part, "bias"), size, out.bias));
    }
    if (model_.norm_plus_one) {
      for (float& w : out.weight) {
        w += 1;
      }
    }
    return Ok{};
  }

  Result<Ok> load_norms(LayerWeights& weights) {
    const int64_t width = model_.width;
    if (model_.norm_place == NormPlace::kPost) {
      CUPEL_TRY_VOID(norm("attn_output_norm", width, weights.post_attn_norm));
      return norm("layer_output_norm", width, weights.post_ffn_norm);
    }
    if (model_.norm_place != NormPlace::kAfter) {
      CUPEL_TRY_VOID(norm("attn_norm", width, weights.attn_norm));
      if (model_.norm_place != NormPlace::kParallel) {
        CUPEL_TRY_VOID(norm("ffn_norm", width, weights.ffn_norm));
      }
    }
    if (model_.norm_place == NormPlace::kAround || model_.norm_place == NormPlace::kAfter) {
      CUPEL_TRY_VOID(norm("post_attention_norm", width, weights.post_attn_norm));
      CUPEL_TRY_VOID(norm("post_ffw_norm", width, weights.post_ffn_norm));
    }
    const AttentionDescription& a = layer_.attention;
    if (a.head_norm == HeadNorm::kNone) {
      return Ok{};
    }
    const bool one = a.head_norm == HeadNorm::kRms;
    CUPEL_TRY_VOID(head_norm("attn_q_norm", one ? 1 : a.heads, weights.q_norm));
    return head_norm("attn_k_norm", one ? 1 : a.kv_heads, weights.k_norm);
  }

  /// Norms of several heads stand stacked in one tensor or each in its own.
  Result<Ok> head_norm(std::string_view part, int64_t heads, NormWeights& out) {
    const int64_t head_dim = layer_.attention.head_dim;
    if (heads == 1 || load_.has(name(part))) {
      return norm(part, heads * head_dim, out);
    }
    for (int64_t head = 0; head < heads; ++head) {
      NormWeights one;
      CUPEL_TRY_VOID(norm(format("{}.{}", part, head), head_dim, one));
      out.weight.insert(out.weight.end(), one.weight.begin(), one.weight.end());
    }
    return Ok{};
  }

  /// Rows `part` of the tensor `part_name`, which has `rows` rows, and of its bias where there is
  /// one.
  Result<Ok> linear(
      std::string_view part_name, int64_t rows, int64_t cols, Range part, LinearWeights& out) {
    CUPEL_TRY_VOID(load_.part_of_matrix(name(part_name), rows, cols, part, out.matrix));
    if (load_.has(name(part_name, "bias"))) {
      CUPEL_TRY_VOID(load_.part_of_vector(name(part_name, "bias"), rows, part, out.bias));
    }
    return Ok{};
  }
  Result<Ok> linear(std::string_view part, int64_t rows, int64_t cols, LinearWeights& out) {
    return linear(part, rows, cols, {.first = 0, .count = rows}, out);
  }

  Result<Ok> load_attention(LayerWeights& weights) {
    const AttentionDescription& a = layer_.attention;
    const int64_t width = model_.width;
    const int64_t q = a.heads * a.head_dim;
    const int64_t kv = a.kv_heads * a.head_dim;
    if (a.fused) {
      const int64_t all = q + 2 * kv;
      CUPEL_TRY_VOID(linear("attn_qkv", all, width, {0, q}, weights.q));
      CUPEL_TRY_VOID(linear("attn_qkv", all, width, {q, kv}, weights.k));
      CUPEL_TRY_VOID(linear("attn_qkv", all, width, {q + kv, kv}, weights.v));
    } else {
      CUPEL_TRY_VOID(linear("attn_q", q, width, weights.q));
      CUPEL_TRY_VOID(linear("attn_k", kv, width, weights.k));
      CUPEL_TRY_VOID(linear("attn_v", kv, width, weights.v));
    }
    return linear("attn_output", width, q, weights.attn_output);
  }

  Result<Ok> load_dense(FeedForwardWeights& weights) {
    const int64_t ff = layer_.feed_forward.width;
    const int64_t width = model_.width;
    if (layer_.feed_forward.fused) {
      CUPEL_TRY_VOID(linear("ffn_up", 2 * ff, width, {0, ff}, weights.gate));
      CUPEL_TRY_VOID(linear("ffn_up", 2 * ff, width, {ff, ff}, weights.up));
    } else {
      if (layer_.feed_forward.gated) {
        CUPEL_TRY_VOID(linear("ffn_gate", ff, width, weights.gate));
      }
      CUPEL_TRY_VOID(linear("ffn_up", ff, width, weights.up));
    }
    return linear("ffn_down", width, ff, weights.down);
  }

  /// Experts stand stacked in one tensor or each in its own.
  Result<Ok> expert_part(
      std::string_view part, int64_t expert, int64_t rows, int64_t cols, LinearWeights& out) {
    const std::string stacked = format("{}_exps", part);
    if (load_.has(name(stacked))) {
      const int64_t count = layer_.feed_forward.experts.count;
      return linear(stacked, count * rows, cols, {expert * rows, rows}, out);
    }
    return linear(format("{}.{}", part, expert), rows, cols, out);
  }

  Result<Ok> load_experts(LayerWeights& weights) {
    const ExpertsDescription& experts = layer_.feed_forward.experts;
    const int64_t width = model_.width;
    CUPEL_TRY_VOID(load_.matrix(name("ffn_gate_inp"), experts.count, width, weights.router));
    weights.experts.resize(static_cast<size_t>(experts.count));
    for (int64_t e = 0; e < experts.count; ++e) {
      FeedForwardWeights& expert = weights.experts[static_cast<size_t>(e)];
      CUPEL_TRY_VOID(expert_part("ffn_gate", e, experts.width, width, expert.gate));
      CUPEL_TRY_VOID(expert_part("ffn_up", e, experts.width, width, expert.up));
      CUPEL_TRY_VOID(expert_part("ffn_down", e, width, experts.width, expert.down));
    }
    if (experts.shared_width == 0) {
      return Ok{};
    }
    const int64_t shared = experts.shared_width;
    CUPEL_TRY_VOID(load_.matrix(name("ffn_gate_inp_shexp"), 1, width, weights.shared_gate));
    CUPEL_TRY_VOID(linear("ffn_gate_shexp", shared, width, weights.feed_forward.gate));
    CUPEL_TRY_VOID(linear("ffn_up_shexp", shared, width, weights.feed_forward.up));
    return linear("ffn_down_shexp", width, shared, weights.feed_forward.down);
  }

  Loader& load_;
  const ModelDescription& model_;
  const LayerDescription& layer_;
  size_t index_;
};

size_t matrix_bytes(const PackedMatrix& m) {
  return static_cast<size_t>(m.rows) * row_bytes(m.type, static_cast<uint64_t>(m.cols));
}

// A bias we would not add gives fluent nonsense; refuse instead of ignoring it.
Result<Ok> refuse_ignored(const Checkpoint& file, const std::vector<std::string>& unused) {
  for (const std::string& name : unused) {
    if (name.ends_with(".bias") || name.starts_with("blk.")) {
      return unsupported(
          "{}: tensor {} belongs to a variant of this architecture that is not supported",
          file.path(), name);
    }
  }
  return Ok{};
}

}  // namespace

void Weights::for_each_matrix(FunctionRef<void(const PackedMatrix&)> visit) const {
  const auto visit_present = [&](const PackedMatrix& matrix) {
    if (matrix.rows > 0) {
      visit(matrix);
    }
  };
  const auto visit_feed_forward = [&](const FeedForwardWeights& ff) {
    for (const LinearWeights* linear : {&ff.gate, &ff.up, &ff.down}) {
      visit_present(linear->matrix);
    }
  };
  visit_present(embedding);
  visit_present(positions);
  visit_present(token_types);
  if (head.matrix.data != embedding.data) {
    visit_present(head.matrix);
  }
  for (const LayerWeights& layer : layers) {
    for (const LinearWeights* linear : {&layer.q, &layer.k, &layer.v, &layer.attn_output}) {
      visit_present(linear->matrix);
    }
    visit_present(layer.router);
    visit_present(layer.shared_gate);
    visit_feed_forward(layer.feed_forward);
    std::for_each(layer.experts.begin(), layer.experts.end(), visit_feed_forward);
  }
}

size_t Weights::bytes() const {
  size_t total = 0;
  const auto add = [&total](const PackedMatrix& matrix) { total += matrix_bytes(matrix); };
  for_each_matrix(add);
  return total;
}

namespace {

Result<Ok> load_ends(Loader& load, const ModelDescription& model, Weights& weights) {
  const int64_t vocabulary = model.vocabulary_size;
  const int64_t width = model.width;
  CUPEL_TRY_VOID(load.matrix("token_embd.weight", vocabulary, width, weights.embedding, false));
  if (!model.tied_head) {
    CUPEL_TRY_VOID(load.matrix(format("{}.weight", model.head_name()), model.head_rows(), width,
                               weights.head.matrix, false));
  }
  if (const std::string bias = format("{}.bias", model.head_name()); load.has(bias)) {
    CUPEL_TRY_VOID(load.vector(bias, model.head_rows(), weights.head.bias));
  }
  CUPEL_TRY_VOID(load.vector("output_norm.weight", width, weights.output_norm.weight));
  if (model.norm == NormKind::kLayer && load.has("output_norm.bias")) {
    CUPEL_TRY_VOID(load.vector("output_norm.bias", width, weights.output_norm.bias));
  }
  if (model.norm_plus_one) {
    for (float& w : weights.output_norm.weight) {
      w += 1;
    }
  }
  return Ok{};
}

Result<Ok> load_embeddings(Loader& load, const ModelDescription& model, Weights& weights) {
  const EncoderDescription& encoder = *model.encoder;
  const int64_t width = model.width;
  CUPEL_TRY_VOID(
      load.matrix("token_embd.weight", model.vocabulary_size, width, weights.embedding, false));
  CUPEL_TRY_VOID(
      load.matrix("position_embd.weight", encoder.positions, width, weights.positions, false));
  if (encoder.token_types > 0) {
    CUPEL_TRY_VOID(
        load.matrix("token_types.weight", encoder.token_types, width, weights.token_types, false));
  }
  CUPEL_TRY_VOID(load.vector("token_embd_norm.weight", width, weights.embedding_norm.weight));
  return load.vector("token_embd_norm.bias", width, weights.embedding_norm.bias);
}

/// Everything that the description names; matrices are packed later.
Result<Ok> place_weights(const Checkpoint& file,
                         const ModelDescription& description,
                         Loader& load,
                         Weights& weights) {
  CUPEL_TRY_VOID(description.encoder ? load_embeddings(load, description, weights)
                                     : load_ends(load, description, weights));
  weights.layers.resize(description.layers.size());
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    CUPEL_TRY_VOID(LayerLoader(load, description, i).run(weights.layers[i]));
  }
  for (const std::string_view read_by_description :
       {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}) {
    load.mark_used(read_by_description);
  }
  weights.unused = load.unused();
  return refuse_ignored(file, weights.unused);
}

}  // namespace

Result<Ok> check_weights(const Checkpoint& file,
                         const ModelDescription& description,
                         const Operators& operators) {
  Weights weights;
  Loader load(file, operators, std::nullopt);
  CUPEL_TRY_VOID(place_weights(file, description, load, weights));
  return load.check_types();
}

Result<Weights> load_weights(const Checkpoint& file,
                             const ModelDescription& description,
                             const Operators& operators,
                             const std::optional<NoiseOptions>& noise,
                             ThreadPool& pool) {
  Weights weights;
  Loader load(file, operators, noise);
  CUPEL_TRY_VOID(place_weights(file, description, load, weights));
  CUPEL_TRY_VOID(load.pack_all(pool));
  if (description.tied_head && !description.encoder) {
    weights.head.matrix = weights.embedding;
  }
  return weights;
}

}  // namespace cupel::engine
