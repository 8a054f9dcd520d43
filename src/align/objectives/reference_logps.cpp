#include "align/objectives/reference_logps.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "align/objectives/group_items.h"
#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "tensor/autograd.h"
#include "tensor/guard.h"
#include "train/checkpoint/tensor_file.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::DataSet;
using train::Example;
using train::ExampleGroup;
using train::PackedBatch;
using train::PackedDocument;

template <typename T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

/// Every token, which labels count and where texts are cut.
std::string fingerprint_of(const DataSet& data, const ReferenceLogps::Options& options) {
  Fingerprint all;
  all.add(std::as_bytes(std::span(options.model_fingerprint)));
  all.add(std::as_bytes(std::span(&options.piece_tokens, 1)));
  const auto add = [&all](const Example& example, int64_t prompt) {
    const std::vector<int64_t> shape{prompt, static_cast<int64_t>(example.ids.size())};
    all.add(bytes_of(shape));
    all.add(bytes_of(example.ids));
    all.add(bytes_of(example.weights));
  };
  for (const Example& example : data.examples) {
    add(example, -1);
  }
  for (const ExampleGroup& group : data.groups) {
    for (const Example& answer : group.answers) {
      add(answer, group.prompt_tokens);
    }
  }
  return all.hex();
}

/// The labels of every token, trained or not: the next one of its document.
std::vector<int32_t> all_labels(const PackedBatch& batch) {
  std::vector<int32_t> labels(batch.ids.size(), PackedBatch::kNoLabel);
  for (const PackedDocument& document : batch.documents) {
    for (int64_t i = document.begin; i + 1 < document.end; ++i) {
      labels[static_cast<size_t>(i)] = batch.ids[static_cast<size_t>(i) + 1];
    }
  }
  return labels;
}

}  // namespace

ReferenceLogps::ReferenceLogps(const DataSet& data, int64_t piece_tokens)
    : groups_(data.examples.empty()), piece_tokens_(piece_tokens) {
  size_t values = 0;
  const auto add = [&](const Example& example, int64_t first) {
    text_begin_.push_back(values);
    first_token_.push_back(first);
    values += example.ids.size() - static_cast<size_t>(first);
  };
  for (const Example& example : data.examples) {
    item_begin_.push_back(text_begin_.size());
    add(example, 0);
  }
  for (const ExampleGroup& group : data.groups) {
    item_begin_.push_back(text_begin_.size());
    for (const Example& answer : group.answers) {
      add(answer, group.prompt_tokens - 1);
    }
  }
  values_.resize(values);
}

size_t ReferenceLogps::first_value(const PackedDocument& document) const {
  const size_t text = item_begin_[static_cast<size_t>(document.item)] +
                      static_cast<size_t>(std::max<int64_t>(document.answer, 0));
  return text_begin_[text] + static_cast<size_t>(document.first_token - first_token_[text]);
}

std::vector<train::Piece> ReferenceLogps::pieces_of(const DataSet& data) const {
  std::vector<train::Piece> pieces;
  for (size_t i = 0; i < data.lengths.size(); ++i) {
    const int64_t length = data.lengths[i];
    const int64_t step = groups_ || piece_tokens_ == 0 ? length : piece_tokens_;
    for (int64_t begin = 0; begin < length; begin += step) {
      pieces.push_back(
          {.item = static_cast<int64_t>(i), .begin = begin, .end = std::min(length, begin + step)});
    }
  }
  return pieces;
}

Result<Ok> ReferenceLogps::fill(train::Twin& twin, const DataSet& data, const Options& options) {
  const std::vector<train::Piece> all = pieces_of(data);
  const tensor::RecordingGuard off(false);
  for (size_t begin = 0; begin < all.size();) {
    std::vector<train::Piece> now;
    for (int64_t tokens = 0; begin < all.size(); ++begin) {
      const int64_t length = all[begin].length();
      if (!now.empty() && tokens + length > options.batch_tokens) {
        break;
      }
      tokens += length;
      now.push_back(all[begin]);
    }
    CUPEL_TRY_VOID(fill_batch(twin, data, now));
    if (options.progress) {
      CUPEL_TRY_VOID(
          options.progress(static_cast<int64_t>(begin), static_cast<int64_t>(all.size())));
    }
  }
  return Ok{};
}

Result<Ok> ReferenceLogps::fill_batch(train::Twin& twin,
                                      const DataSet& data,
                                      std::span<const train::Piece> pieces) {
  const PackedBatch batch = groups_ ? train::pack_groups(data.groups, items_of(pieces))
                                    : train::pack_examples(data.examples, pieces);
  CUPEL_TRY(const train::HeadLogps logps, train::batch_logps(twin, batch, all_labels(batch)));
  const at::Tensor flat = logps.logps.to(at::kCPU, at::kFloat).contiguous();
  const float* const numbers = flat.const_data_ptr<float>();
  for (const PackedDocument& document : batch.documents) {
    if (groups_ && document.answer < 0) {
      continue;
    }
    // The token at i has its log-prob at i - 1: place 0 of a text or piece stays 0.
    std::copy(numbers + document.begin, numbers + document.end - 1,
              values_.data() + first_value(document) + 1);
  }
  return Ok{};
}

Result<Ok> ReferenceLogps::write(const std::string& path, const std::string& key) const {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string stem = path.substr(slash + 1, path.rfind('.') - slash - 1);
  at::Tensor values = at::empty({static_cast<int64_t>(values_.size())}, at::kFloat);
  std::ranges::copy(values_, values.mutable_data_ptr<float>());
  const std::array tensors = {train::NamedTensor{.name = "logps." + key, .tensor = values}};
  return train::write_tensors(folder, stem, tensors);
}

Result<ReferenceLogps> ReferenceLogps::compute(train::Twin& twin,
                                               const DataSet& data,
                                               const Options& options) {
  return tensor::guard([&]() -> Result<ReferenceLogps> {
    ReferenceLogps result(data, options.piece_tokens);
    CUPEL_TRY_VOID(result.fill(twin, data, options));
    if (!options.cache.empty()) {
      CUPEL_TRY_VOID(result.write(options.cache, fingerprint_of(data, options)));
    }
    return result;
  });
}

Result<ReferenceLogps> ReferenceLogps::read(const DataSet& data, const Options& options) {
  return tensor::guard([&]() -> Result<ReferenceLogps> {
    ReferenceLogps result(data, options.piece_tokens);
    CUPEL_TRY(const std::vector<train::NamedTensor> tensors, train::read_tensors(options.cache));
    const std::string name = "logps." + fingerprint_of(data, options);
    if (tensors.size() != 1 || tensors[0].name != name ||
        tensors[0].tensor.numel() != static_cast<int64_t>(result.values_.size())) {
      return not_found("{}: is of another model or other data", options.cache);
    }
    std::copy_n(tensors[0].tensor.const_data_ptr<float>(), result.values_.size(),
                result.values_.begin());
    return result;
  });
}

std::vector<float> ReferenceLogps::of_batch(const PackedBatch& batch,
                                            std::span<const int32_t> labels) const {
  std::vector<float> result(batch.ids.size());
  for (const PackedDocument& document : batch.documents) {
    if (groups_ && document.answer < 0) {
      continue;
    }
    CUPEL_CHECK(groups_ || document.first_token == 0 ||
                    (piece_tokens_ > 0 && document.first_token % piece_tokens_ == 0),
                "the reference saw another piece of the text");
    const float* const values = values_.data() + first_value(document);
    for (int64_t i = document.begin; i + 1 < document.end; ++i) {
      if (labels[static_cast<size_t>(i)] != PackedBatch::kNoLabel) {
        result[static_cast<size_t>(i)] = values[i - document.begin + 1];
      }
    }
  }
  return result;
}

}  // namespace cupel::align
