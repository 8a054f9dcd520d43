#include "engine/model/weights.h"

#include <cstring>
#include <unordered_set>

#include "base/error.h"

namespace cupel::engine {
namespace {

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

  Result<Ok> pack_all(ThreadPool& pool) {
    std::vector<std::optional<Error>> errors(jobs_.size());
    pool.for_each_chunk(jobs_.size(), 1, [&](size_t begin, size_t) {
      if (auto packed = pack(jobs_[begin]); !packed) {
        errors[begin] = std::move(packed).error();
      }
    });
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

  Result<Ok> pack(const Job& job) const {
    std::span<const std::byte> bytes = job.tensor->data;
    std::vector<std::byte> damaged;
    if (noise_ && job.part_of_block) {
      CUPEL_TRY(damaged, damaged_copy(*job.tensor, *noise_));
      bytes = damaged;
    }
    auto packed = operators_.pack(job.tensor->type, job.rows, job.cols, bytes);
    if (!packed) {
      return in_context(std::move(packed).error(),
                        format("{}: tensor {}", file_.path(), job.tensor->name));
    }
    *job.out = std::move(*packed);
    if (!damaged.empty() &&
        job.out->owned == nullptr) {  // the layout was kept: keep the copy alive
      std::shared_ptr<std::byte[]> copy(new std::byte[damaged.size()]);
      std::memcpy(copy.get(), damaged.data(), damaged.size());
      job.out->data = copy.get();
      job.out->owned = std::move(copy);
    }
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
