#include "align/objectives/answers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "tensor/masked.h"
#include "train/loop/batch_pass.h"

namespace cupel::align {
namespace {

using train::ExampleGroup;
using train::PackedBatch;
using train::PackedDocument;

std::vector<size_t>& of(AnswerRoles& roles, Role role) {
  return roles.documents[static_cast<size_t>(role)];
}

Error wrong_form(const LossInfo& info, const ExampleGroup& group, std::string_view expected) {
  return invalid_argument("row {}: {} learns from {}; this row has {} answer{}", group.id,
                          info.name, expected, group.answers.size(),
                          group.answers.size() == 1 ? "" : "s");
}

/// The documents of one item, by answer.
struct ItemDocuments {
  int64_t prompt = -1;
  std::vector<size_t> answers;
};

/// Items in the order of the batch.
std::vector<std::pair<int64_t, ItemDocuments>> documents_by_item(const PackedBatch& batch) {
  std::vector<std::pair<int64_t, ItemDocuments>> result;
  for (size_t i = 0; i < batch.documents.size(); ++i) {
    const PackedDocument& document = batch.documents[i];
    // The documents of an item stand together, its prompt or first answer first.
    if (document.answer <= 0 && (document.answer < 0 || document.parent < 0)) {
      result.push_back({document.item, {}});
    }
    if (document.answer < 0) {
      result.back().second.prompt = static_cast<int64_t>(i);
    } else {
      result.back().second.answers.push_back(i);
    }
  }
  return result;
}

/// Responses from the best score to the worst; equal ones, and all where none has one, as they
/// stand.
Result<std::vector<size_t>> by_score(const ExampleGroup& group) {
  std::vector<size_t> order(group.answers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto scored = std::ranges::count_if(order, [&](size_t answer) {
    return answer < group.scores.size() && !std::isnan(group.scores[answer]);
  });
  if (scored == 0) {
    return order;
  }
  if (static_cast<size_t>(scored) < order.size()) {
    return invalid_argument(
        "row {}: {} of its {} answers have a score; score all of them, or none and list the best "
        "first",
        group.id, scored, order.size());
  }
  std::ranges::stable_sort(order,
                           [&](size_t a, size_t b) { return group.scores[a] > group.scores[b]; });
  return order;
}

Result<Ok> add_item(const LossInfo& info,
                    const ExampleGroup& group,
                    const ItemDocuments& documents,
                    AnswerRoles& roles) {
  const size_t count = group.answers.size();
  switch (info.form) {
    case LossForm::kUnpaired:
      if (count != 1 || group.label < 0) {
        return wrong_form(info, group, "rows with one completion and a label");
      }
      of(roles, group.label == 1 ? Role::kChosen : Role::kRejected).push_back(documents.answers[0]);
      return Ok{};
    case LossForm::kRanked: {
      if (count < 2) {
        return wrong_form(info, group, "rows with two answers or more");
      }
      CUPEL_TRY(const std::vector<size_t> order, by_score(group));
      for (const size_t answer : order) {
        of(roles, Role::kResponse).push_back(documents.answers[answer]);
        roles.group.push_back(static_cast<int64_t>(roles.items.size()));
      }
      return Ok{};
    }
    case LossForm::kSingle:
      if (count != 1) {
        return wrong_form(info, group, "rows with one answer");
      }
      of(roles, Role::kChosen).push_back(documents.answers[0]);
      return Ok{};
    default:
      if (count != 2) {
        return wrong_form(info, group, "pairs (prompt, chosen, rejected)");
      }
      of(roles, Role::kChosen).push_back(documents.answers[0]);
      of(roles, Role::kRejected).push_back(documents.answers[1]);
      return Ok{};
  }
}

/// Where the labels of some documents stand: [B,T] rows of the flat batch, and which count.
struct Places {
  at::Tensor rows;  ///< int64; 0 where nothing counts
  at::Tensor mask;  ///< bool
};

Places places_of(std::span<const size_t> documents,
                 const PackedBatch& batch,
                 std::span<const int32_t> labels) {
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 1;
  for (const size_t index : documents) {
    const PackedDocument& document = batch.documents[index];
    std::vector<int64_t>& row = rows.emplace_back();
    for (int64_t i = document.begin; i < document.end; ++i) {
      if (labels[static_cast<size_t>(i)] != PackedBatch::kNoLabel) {
        row.push_back(i);
      }
    }
    longest = std::max(longest, row.size());
  }
  const auto count = static_cast<int64_t>(rows.size());
  const auto width = static_cast<int64_t>(longest);
  Places places{.rows = at::zeros({count, width}, at::kLong),
                .mask = at::zeros({count, width}, at::kBool)};
  auto* const out = places.rows.mutable_data_ptr<int64_t>();
  auto* const mask = places.mask.mutable_data_ptr<bool>();
  for (size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(rows[i], out + i * longest);
    std::fill_n(mask + i * longest, rows[i].size(), true);
  }
  return places;
}

at::Tensor gathered(const at::Tensor& flat, const Places& places) {
  const at::Device device = flat.device();
  const at::Tensor values =
      flat.index_select(0, places.rows.flatten().to(device)).view(places.rows.sizes());
  return tensor::masked(values, places.mask.to(device));
}

}  // namespace

Result<AnswerRoles> answer_roles(const LossInfo& info,
                                 const train::DataSet& data,
                                 const PackedBatch& batch,
                                 bool with_prompts) {
  AnswerRoles roles;
  for (const auto& [item, documents] : documents_by_item(batch)) {
    const ExampleGroup& group = data.groups[static_cast<size_t>(item)];
    if (group.weight != 1) {
      return unsupported(
          "row {}: weights of rows are for supervised training; {} takes each row "
          "as it is: leave \"weight\" out",
          group.id, info.name);
    }
    CUPEL_TRY_VOID(add_item(info, group, documents, roles));
    if (with_prompts) {
      if (documents.prompt < 0) {
        return invalid_argument(
            "row {}: {} learns the prompt as well, and this one is of one token", group.id,
            info.name);
      }
      of(roles, Role::kPrompt).push_back(static_cast<size_t>(documents.prompt));
    }
    roles.items.push_back(item);
  }
  return roles;
}

std::vector<int32_t> answer_labels(const PackedBatch& batch, bool with_prompts) {
  std::vector<int32_t> labels = batch.labels;
  if (!with_prompts) {
    return labels;
  }
  for (const PackedDocument& document : batch.documents) {
    if (document.answer < 0) {
      for (int64_t i = document.begin; i + 1 < document.end; ++i) {
        labels[static_cast<size_t>(i)] = batch.ids[static_cast<size_t>(i) + 1];
      }
      // The answers begin with the prompt's last token.
      labels[static_cast<size_t>(document.end) - 1] = batch.ids[static_cast<size_t>(document.end)];
    }
  }
  return labels;
}

LossBatch token_batch(const AnswerRoles& roles,
                      const PackedBatch& batch,
                      std::span<const int32_t> labels,
                      const FlatLogps& logps) {
  LossBatch result;
  const at::Tensor weights = train::float_tensor(batch.weights);
  for (size_t i = 0; i < kRoles; ++i) {
    if (roles.documents[i].empty()) {
      continue;
    }
    const Places places = places_of(roles.documents[i], batch, labels);
    RoleBatch& role = result.roles[i];
    role.policy = gathered(logps.policy, places);
    role.mask = places.mask.to(logps.policy.device());
    if (logps.reference.defined()) {
      role.reference = gathered(logps.reference, places);
    }
    if (static_cast<Role>(i) != Role::kPrompt) {
      const at::Tensor own = gathered(weights, places);
      if (!at::where(places.mask, own, 1.0).eq(1).all().item<bool>()) {
        role.weights = own.to(logps.policy.options());
      }
    }
  }
  if (!roles.group.empty()) {
    result.group = train::index_tensor(roles.group).to(logps.policy.device());
  }
  return result;
}

}  // namespace cupel::align
