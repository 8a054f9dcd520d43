#include "engine/model/weights.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/error.h"
#include "engine/kernels/weight_memory.h"

namespace cupel::engine {
namespace {

constexpr size_t kAlignment = 64;  // of each packed matrix
// Bytes of the file that are packed and released together: many for the largest matrix (an
// embedding may be most of a model), few for the system calls between them.
constexpr size_t kPieceBytes = size_t{2} << 20U;
// The disk reads that many pieces ahead.
constexpr size_t kPiecesAhead = 8;

// Collects every tensor to load first, so that shapes are checked before any memory is spent and
// the packing can run on all threads.
class Loader {
 public:
  Loader(const GgufFile& file, const Operators& operators, const std::optional<NoiseOptions>& noise)
      : file_(file), operators_(operators), noise_(noise) {}

  Result<Ok> vector(std::string name, int64_t size, std::vector<float>& out) {
    CUPEL_TRY(const GgufTensor* tensor, checked(name, size, 1));
    if (tensor->type != TensorType::kF32) {
      return unsupported("{}: tensor {} is {}; expected F32", file_.path(), name,
                         tensor_type_name(tensor->type));
    }
    out.resize(static_cast<size_t>(size));
    std::memcpy(out.data(), tensor->data.data(), tensor->data.size());
    return Ok{};
  }

  Result<Ok> matrix(
      std::string name, int64_t rows, int64_t cols, PackedMatrix& out, bool part_of_block = true) {
    CUPEL_TRY(const GgufTensor* tensor, checked(name, cols, rows));
    jobs_.push_back({tensor, rows, cols, &out, part_of_block});
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
    for (const GgufTensor& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) {
        names.emplace_back(tensor.name);
      }
    }
    return names;
  }

  void mark_used(std::string_view name) { used_.insert(name); }

 private:
  struct Job {
    const GgufTensor* tensor;
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

  Result<const GgufTensor*> checked(const std::string& name, int64_t cols, int64_t rows) {
    CUPEL_TRY(const GgufTensor* tensor, file_.get_tensor(name));
    used_.insert(tensor->name);
    if (tensor->columns() != static_cast<uint64_t>(cols) ||
        tensor->rows() != static_cast<uint64_t>(rows)) {
      return corrupt_data("{}: tensor {} has shape {}; its metadata asks for [{}, {}]",
                          file_.path(), name, tensor->shape(), cols, rows);
    }
    return tensor;
  }

  /// One block for all matrices, each at its place in it.
  Result<Ok> allocate() {
    std::vector<size_t> places;
    size_t total = 0;
    for (const Job& job : jobs_) {
      auto bytes = operators_.packed_bytes(job.tensor->type, job.rows, job.cols);
      if (!bytes) {
        return in_context(std::move(bytes).error(),
                          format("{}: tensor {}", file_.path(), job.tensor->name));
      }
      places.push_back(total);
      total += (*bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    CUPEL_TRY(const auto memory, allocate_weights(total));
    for (size_t i = 0; i < jobs_.size(); ++i) {
      std::byte* place = memory.get() + places[i];
      *jobs_[i].out = {.type = jobs_[i].tensor->type,
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
    const GgufTensor& tensor = *piece.job->tensor;
    return tensor.data.subspan(static_cast<size_t>(piece.first) * tensor.row_bytes(),
                               static_cast<size_t>(piece.count) * tensor.row_bytes());
  }

  [[nodiscard]] Result<Ok> pack(const Piece& piece) const {
    const std::span<const std::byte> bytes = bytes_of(piece);
    if (damages(*piece.job)) {
      CUPEL_TRY(const std::vector<std::byte> damaged, damaged_copy(*piece.job->tensor, *noise_));
      operators_.pack_rows(*piece.job->out, piece.first, piece.count, damaged);
    } else {
      operators_.pack_rows(*piece.job->out, piece.first, piece.count, bytes);
    }
    file_.release(bytes);
    return Ok{};
  }

  const GgufFile& file_;
  const Operators& operators_;
  const std::optional<NoiseOptions>& noise_;
  std::vector<Job> jobs_;
  std::unordered_set<std::string_view> used_;
};

Result<Ok> load_layer(Loader& load,
                      const ModelDescription& model,
                      size_t index,
                      LayerWeights& weights) {
  const LayerDescription& layer = model.layers[index];
  const AttentionDescription& attention = layer.attention;
  const int64_t q_width = attention.heads * attention.head_dim;
  const int64_t kv_width = attention.kv_heads * attention.head_dim;
  const int64_t ff_width = layer.feed_forward.width;
  const int64_t width = model.width;
  const auto name = [index](std::string_view part) {
    return format("blk.{}.{}.weight", index, part);
  };

  CUPEL_TRY_VOID(load.vector(name("attn_norm"), width, weights.attn_norm));
  CUPEL_TRY_VOID(load.matrix(name("attn_q"), q_width, width, weights.q));
  CUPEL_TRY_VOID(load.matrix(name("attn_k"), kv_width, width, weights.k));
  CUPEL_TRY_VOID(load.matrix(name("attn_v"), kv_width, width, weights.v));
  CUPEL_TRY_VOID(load.matrix(name("attn_output"), width, q_width, weights.attn_output));
  if (attention.qk_norm) {
    CUPEL_TRY_VOID(load.vector(name("attn_q_norm"), attention.head_dim, weights.q_norm));
    CUPEL_TRY_VOID(load.vector(name("attn_k_norm"), attention.head_dim, weights.k_norm));
  }
  CUPEL_TRY_VOID(load.vector(name("ffn_norm"), width, weights.ffn_norm));
  CUPEL_TRY_VOID(load.matrix(name("ffn_gate"), ff_width, width, weights.gate));
  CUPEL_TRY_VOID(load.matrix(name("ffn_up"), ff_width, width, weights.up));
  CUPEL_TRY_VOID(load.matrix(name("ffn_down"), width, ff_width, weights.down));
  if (layer.post_norms) {
    CUPEL_TRY_VOID(load.vector(name("post_attention_norm"), width, weights.post_attn_norm));
    CUPEL_TRY_VOID(load.vector(name("post_ffw_norm"), width, weights.post_ffn_norm));
  }
  return Ok{};
}

size_t matrix_bytes(const PackedMatrix& m) {
  return static_cast<size_t>(m.rows) * row_bytes(m.type, static_cast<uint64_t>(m.cols));
}

// A bias we would not add gives fluent nonsense; refuse instead of ignoring it.
Result<Ok> refuse_ignored(const GgufFile& file, const std::vector<std::string>& unused) {
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

size_t Weights::bytes() const {
  size_t total = matrix_bytes(embedding);
  if (head.data != embedding.data) {
    total += matrix_bytes(head);
  }
  for (const LayerWeights& layer : layers) {
    for (const PackedMatrix* m :
         {&layer.q, &layer.k, &layer.v, &layer.attn_output, &layer.gate, &layer.up, &layer.down}) {
      total += matrix_bytes(*m);
    }
  }
  return total;
}

Result<Weights> load_weights(const GgufFile& file,
                             const ModelDescription& description,
                             const Operators& operators,
                             const std::optional<NoiseOptions>& noise,
                             ThreadPool& pool) {
  Weights weights;
  Loader load(file, operators, noise);
  weights.layers.resize(description.layers.size());
  const int64_t vocabulary = description.vocabulary_size;
  const int64_t width = description.width;
  CUPEL_TRY_VOID(load.matrix("token_embd.weight", vocabulary, width, weights.embedding, false));
  if (!description.tied_head) {
    CUPEL_TRY_VOID(load.matrix("output.weight", vocabulary, width, weights.head, false));
  }
  CUPEL_TRY_VOID(load.vector("output_norm.weight", width, weights.output_norm));
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    CUPEL_TRY_VOID(load_layer(load, description, i, weights.layers[i]));
  }
  load.mark_used("rope_freqs.weight");  // read by the description
  weights.unused = load.unused();
  CUPEL_TRY_VOID(refuse_ignored(file, weights.unused));
  CUPEL_TRY_VOID(load.pack_all(pool));
  if (description.tied_head) {
    weights.head = weights.embedding;
  }
  return weights;
}

}  // namespace cupel::engine
