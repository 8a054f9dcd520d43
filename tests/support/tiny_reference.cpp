#include "support/tiny_reference.h"

#include <cmath>
#include <map>
#include <string>

#include "base/check.h"
#include "base/format.h"
#include "engine/checkpoint/quant.h"

namespace cupel::test {
namespace {

using Vector = std::vector<double>;

constexpr double kEpsilon = static_cast<double>(1e-5F);  // as the tiny models store it

class Reference {
 public:
  Reference(const engine::Checkpoint& file, const TinyModelOptions& options)
      : file_(file), o_(options), gemma_(options.family == "gemma3") {}

  std::vector<Vector> run(std::span<const TokenId> ids) {
    std::vector<Vector> hidden;
    const Vector& embedding = tensor("token_embd.weight");
    for (const TokenId id : ids) {
      const auto begin = embedding.begin() + id * o_.width;
      hidden.emplace_back(begin, begin + o_.width);
      for (double& x : hidden.back()) {
        x *= gemma_ ? std::sqrt(static_cast<double>(o_.width)) : 1;
      }
    }
    for (int64_t layer = 0; layer < o_.layers; ++layer) {
      attention(hidden, layer);
      for (Vector& x : hidden) {
        feed_forward(x, layer);
      }
    }
    const Vector& head = tensor(o_.tied_head ? "token_embd.weight" : "output.weight");
    std::vector<Vector> logits;
    for (const Vector& x : hidden) {
      logits.push_back(times(head, norm(x, "output_norm.weight")));
    }
    return logits;
  }

 private:
  const Vector& tensor(const std::string& name) {
    Vector& values = tensors_[name];
    if (values.empty()) {
      const engine::CheckpointTensor* found = file_.find_tensor(name);
      CUPEL_CHECK(found != nullptr, name);
      std::vector<float> decoded(found->elements());
      CUPEL_CHECK(engine::dequantize_row(found->type, found->data, decoded).has_value());
      values.assign(decoded.begin(), decoded.end());
    }
    return values;
  }

  Vector norm(const Vector& x, const std::string& name) {
    const Vector& weight = tensor(name);
    double squares = 0;
    for (const double v : x) {
      squares += v * v;
    }
    const double rms = std::sqrt(squares / static_cast<double>(x.size()) + kEpsilon);
    Vector out(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      out[i] = x[i] / rms * weight[i];
    }
    return out;
  }

  static Vector times(const Vector& matrix, const Vector& x) {
    Vector out(matrix.size() / x.size(), 0);
    for (size_t row = 0; row < out.size(); ++row) {
      for (size_t i = 0; i < x.size(); ++i) {
        out[row] += matrix[row * x.size() + i] * x[i];
      }
    }
    return out;
  }

  static std::string block(int64_t layer, std::string_view name) {
    return format("blk.{}.{}.weight", layer, name);
  }
  // Gemma 3: every sixth layer sees everything, the others a window.
  [[nodiscard]] bool local(int64_t layer) const { return gemma_ && (layer + 1) % 6 != 0; }

  // One head at a position: Llama pairs neighbours (its converter permutes the rows so), Gemma
  // pairs the halves.
  void rotate(Vector& head, size_t position, int64_t layer) const {
    const double base =
        local(layer) ? 10000 : static_cast<double>(static_cast<float>(o_.rope_base));
    const size_t half = head.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(position) *
                           std::pow(base, -static_cast<double>(i) / static_cast<double>(half));
      double& a = head[gemma_ ? i : 2 * i];
      double& b = head[gemma_ ? i + half : 2 * i + 1];
      const double rotated = a * std::cos(angle) - b * std::sin(angle);
      b = b * std::cos(angle) + a * std::sin(angle);
      a = rotated;
    }
  }

  // [heads] of one position, normalised where the family does so, and rotated.
  std::vector<Vector> heads_of(
      const Vector& x, size_t position, int64_t layer, std::string_view name, bool rotated) {
    const Vector all = times(tensor(block(layer, name)), x);
    std::vector<Vector> heads;
    for (size_t at = 0; at < all.size(); at += static_cast<size_t>(o_.head_dim)) {
      const auto begin = all.begin() + static_cast<int64_t>(at);
      Vector head(begin, begin + o_.head_dim);
      if (rotated) {
        if (gemma_) {
          head = norm(head, block(layer, format("{}_norm", name)));
        }
        rotate(head, position, layer);
      }
      heads.push_back(std::move(head));
    }
    return heads;
  }

  void attention(std::vector<Vector>& hidden, int64_t layer) {
    std::vector<std::vector<Vector>> q;
    std::vector<std::vector<Vector>> k;
    std::vector<std::vector<Vector>> v;
    for (size_t p = 0; p < hidden.size(); ++p) {
      const Vector x = norm(hidden[p], block(layer, "attn_norm"));
      q.push_back(heads_of(x, p, layer, "attn_q", true));
      k.push_back(heads_of(x, p, layer, "attn_k", true));
      v.push_back(heads_of(x, p, layer, "attn_v", false));
    }
    const auto window = static_cast<size_t>(o_.window);
    for (size_t p = 0; p < hidden.size(); ++p) {
      const size_t first = local(layer) && p + 1 > window ? p + 1 - window : 0;
      Vector joined;
      for (size_t head = 0; head < q[p].size(); ++head) {
        const size_t group = head / static_cast<size_t>(o_.heads / o_.kv_heads);
        const Vector out = attend(q[p][head], k, v, group, first, p);
        joined.insert(joined.end(), out.begin(), out.end());
      }
      add(hidden[p], times(tensor(block(layer, "attn_output")), joined), layer,
          "post_attention_norm");
    }
  }

  static Vector attend(const Vector& q,
                       const std::vector<std::vector<Vector>>& k,
                       const std::vector<std::vector<Vector>>& v,
                       size_t group,
                       size_t first,
                       size_t last) {
    Vector out(q.size(), 0);
    double total = 0;
    for (size_t p = first; p <= last; ++p) {
      double score = 0;
      for (size_t i = 0; i < q.size(); ++i) {
        score += q[i] * k[p][group][i];
      }
      // Scores of tiny models are small: no need to subtract their maximum.
      const double weight = std::exp(score / std::sqrt(static_cast<double>(q.size())));
      total += weight;
      for (size_t i = 0; i < q.size(); ++i) {
        out[i] += weight * v[p][group][i];
      }
    }
    for (double& x : out) {
      x /= total;
    }
    return out;
  }

  void feed_forward(Vector& hidden, int64_t layer) {
    const Vector x = norm(hidden, block(layer, "ffn_norm"));
    Vector gate = times(tensor(block(layer, "ffn_gate")), x);
    const Vector up = times(tensor(block(layer, "ffn_up")), x);
    for (size_t i = 0; i < gate.size(); ++i) {
      const double g = gate[i];
      // GELU in its tanh form, or SiLU.
      const double activated =
          gemma_ ? 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g)))
                 : g / (1 + std::exp(-g));
      gate[i] = activated * up[i];
    }
    add(hidden, times(tensor(block(layer, "ffn_down")), gate), layer, "post_ffw_norm");
  }

  void add(Vector& hidden, const Vector& output, int64_t layer, std::string_view post_norm) {
    const Vector added = gemma_ ? norm(output, block(layer, post_norm)) : output;
    for (size_t i = 0; i < hidden.size(); ++i) {
      hidden[i] += added[i];
    }
  }

  const engine::Checkpoint& file_;
  const TinyModelOptions& o_;
  bool gemma_;
  std::map<std::string, Vector> tensors_;
};

}  // namespace

std::vector<std::vector<double>> reference_logits(const engine::Checkpoint& file,
                                                  const TinyModelOptions& options,
                                                  std::span<const TokenId> ids) {
  return Reference(file, options).run(ids);
}

}  // namespace cupel::test
