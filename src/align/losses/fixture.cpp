#include "align/losses/fixture.h"

#include <algorithm>
#include <array>

#include "align/losses/fixture_values.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::align {
namespace {

constexpr std::array<std::string_view, 10> kKeys = {"policy", "reference", "old",     "weights",
                                                    "scores", "labels",    "margins", "ties",
                                                    "groups", "params"};
constexpr std::string_view kCompletion =
    "completion";  // one sequence, or unpaired ones with labels

Error at_key(std::string_view key, std::string_view problem) {
  return corrupt_data("\"{}\": {}", key, problem);
}

Result<Ok> check_keys(const Json& json) {
  if (!json.is_object()) {
    return corrupt_data("a fixture is one JSON object with a member \"policy\"; this is {}",
                        json.type_name());
  }
  const std::vector<std::string> known(kKeys.begin(), kKeys.end());
  for (const auto& [key, value] : json.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return corrupt_data("unknown key \"{}\"{}; a fixture has: {}", printable(key),
                          did_you_mean(key, known), join(known, ", "));
    }
  }
  return Ok{};
}

/// "responses" and "completions" are read as their singular.
std::string role_key(std::string_view key) {
  return std::string(key == "responses" ? "response" : key == "completions" ? kCompletion : key);
}

std::vector<std::string> role_keys() {
  std::vector<std::string> keys = {std::string(kCompletion)};
  for (size_t i = 0; i < kRoles; ++i) {
    keys.emplace_back(role_name(static_cast<Role>(i)));
  }
  return keys;
}

/// The sequences of one key of "policy" with what stands beside them under the same key.
struct Sequences {
  RoleBatch role;
  std::vector<int64_t> lengths;
};

class Reader {
 public:
  Reader(const LossInfo& info, const LossOptions& options, const Json& json, at::ScalarType type)
      : info_(info), reads_(reads_of(info, options)), json_(json), type_(type) {}

  Result<Fixture> read() {
    CUPEL_TRY_VOID(check_keys(json_));
    CUPEL_TRY_VOID(read_policy());
    for (const std::string_view part : {"reference", "old", "weights", "scores"}) {
      CUPEL_TRY_VOID(read_part(part));
    }
    CUPEL_TRY_VOID(assign_roles());
    CUPEL_TRY_VOID(read_fields());
    drop_unread();
    return std::move(fixture_);
  }

 private:
  /// What "policy" holds. Of losses over the outputs of a head they may be called "scores", where
  /// no ratings are meant.
  Result<const Json*> find_policy() {
    const Json* policy = json_.find("policy");
    if (policy == nullptr && info_.input == LossInput::kOutputs &&
        info_.reads.scores != Use::kMust) {
      policy = json_.find("scores");
      outputs_are_scores_ = policy != nullptr;
    }
    if (policy == nullptr || !policy->is_object() || policy->size() == 0) {
      return corrupt_data(
          "\"policy\" is missing or no object; expected {{\"chosen\": [[…]], \"rejected\": "
          "[[…]]}}, one "
          "inner list per sequence");
    }
    return policy;
  }

  Result<Ok> read_policy() {
    CUPEL_TRY(const Json* const policy, find_policy());
    for (const auto& [key, value] : policy->as_object()) {
      const std::string name = role_key(key);
      const std::vector<std::string> known = role_keys();
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return corrupt_data("\"policy\" has an unknown role \"{}\"{}; there are: {}",
                            printable(key), did_you_mean(key, known), join(known, ", "));
      }
      CUPEL_TRY(const Rows rows, read_sequences(value, "policy." + key));
      for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].empty()) {
          return corrupt_data(
              "policy.{}[{}] is empty; a loss needs at least one token in every sequence", key, i);
        }
      }
      Sequences sequences;
      sequences.lengths = lengths_of(rows);
      sequences.role.mask = mask_of(sequences.lengths);
      sequences.role.policy = padded(rows, sequences.lengths, 0, type_);
      sequences.role.policy.set_requires_grad(true);
      fixture_.leaves.push_back(
          {name, sequences.role.policy, sequences.role.mask, sequences.lengths});
      sequences_.emplace_back(name, std::move(sequences));
    }
    return Ok{};
  }

  /// One inner list per sequence. Of a head's outputs a number stands for a list of one; of ranked
  /// ones a list of numbers is one prompt, and so is an inner list.
  Result<Rows> read_sequences(const Json& value, const std::string& where) {
    const bool numbers = value.is_array() && value.size() > 0 && value.as_array()[0].is_number();
    if (info_.input == LossInput::kOutputs && numbers) {
      CUPEL_TRY(const std::vector<double> flat, read_numbers(value, where));
      return info_.form == LossForm::kRanked ? Rows{flat} : rows_of_one(flat);
    }
    return read_rows(value, where);
  }

  Sequences* find(std::string_view key) {
    for (auto& [name, sequences] : sequences_) {
      if (name == key) {
        return &sequences;
      }
    }
    return nullptr;
  }

  Result<Ok> read_part(std::string_view part) {
    const Json* found = json_.find(part);
    const bool unread = info_.reads.scores == Use::kNo || outputs_are_scores_;
    if (found == nullptr || (part == "scores" && unread)) {
      return Ok{};
    }
    if (part == "scores" && found->is_array()) {
      return read_score_list(*found);
    }
    if (!found->is_object()) {
      return at_key(part, "expected an object with the roles of \"policy\"");
    }
    for (const auto& [key, value] : found->as_object()) {
      Sequences* sequences = find(role_key(key));
      if (sequences == nullptr) {
        return corrupt_data("\"{}\" has a role \"{}\" that \"policy\" has not", part,
                            printable(key));
      }
      const std::string where = format("{}.{}", part, key);
      CUPEL_TRY_VOID(part == "scores" ? read_scores(value, where, *sequences)
                                      : read_tokens(part, value, where, *sequences));
    }
    return Ok{};
  }

  Result<Ok> read_tokens(std::string_view part,
                         const Json& value,
                         const std::string& where,
                         Sequences& to) {
    CUPEL_TRY(const Rows rows, read_sequences(value, where));
    if (rows.size() != to.lengths.size()) {
      return corrupt_data("{} has {} sequences, and policy has {}", where, rows.size(),
                          to.lengths.size());
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      if (static_cast<int64_t>(rows[i].size()) != to.lengths[i]) {
        return corrupt_data("{}[{}] has {} numbers for {} tokens of policy", where, i,
                            rows[i].size(), to.lengths[i]);
      }
    }
    at::Tensor& place = part == "reference" ? to.role.reference
                        : part == "old"     ? to.role.old
                                            : to.role.weights;
    place = padded(rows, to.lengths, 0, type_);
    return Ok{};
  }

  /// One number per sequence, or a list per sequence: one rating for each token or output, null
  /// where there is none, or just the one.
  Result<Ok> read_scores(const Json& value, const std::string& where, Sequences& to) {
    if (info_.form == LossForm::kRanked) {
      return read_ranked_scores(value, where, to);
    }
    if (value.is_array() && value.size() > 0 && value.as_array()[0].is_array()) {
      CUPEL_TRY(Rows rows, read_score_rows(value, where));
      if (!info_.reads.scores_inside) {
        return read_single_scores(rows, where, to);
      }
      if (lengths_of(rows) != to.lengths) {
        return corrupt_data("{}: expected one list for each sequence, as long as its outputs",
                            where);
      }
      to.role.scores = padded(rows, to.lengths, kUnset, type_);
      // An output without a rating does not count.
      to.role.mask = to.role.mask.logical_and(to.role.scores.isnan().logical_not());
      return Ok{};
    }
    CUPEL_TRY(const std::vector<double> scores, read_numbers(value, where, Allow::kNull));
    return set_scores(scores, where, to);
  }

  /// One list per prompt, as the outputs are.
  Result<Ok> read_ranked_scores(const Json& value, const std::string& where, Sequences& to) {
    CUPEL_TRY(const Rows rows, read_sequences(value, where));
    if (lengths_of(rows) != to.lengths) {
      return corrupt_data("{}: expected one list for each prompt, with a score of each output",
                          where);
    }
    to.role.scores = padded(rows, to.lengths, 0, type_);
    return Ok{};
  }

  static Result<Rows> read_score_rows(const Json& value, const std::string& where) {
    Rows rows;
    for (size_t i = 0; i < value.size(); ++i) {
      CUPEL_TRY(std::vector<double> row,
                read_numbers(value.as_array()[i], format("{}[{}]", where, i), Allow::kNull));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  /// Lists of one number for a loss that reads one score for each sequence.
  Result<Ok> read_single_scores(const Rows& rows, const std::string& where, Sequences& to) {
    std::vector<double> scores;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].size() != 1) {
        return corrupt_data("{}[{}] has {} numbers; {} reads one score for each sequence", where, i,
                            rows[i].size(), info_.name);
      }
      scores.push_back(rows[i][0]);
    }
    return set_scores(scores, where, to);
  }

  Result<Ok> set_scores(const std::vector<double>& scores,
                        const std::string& where,
                        Sequences& to) const {
    if (scores.size() != to.lengths.size()) {
      return corrupt_data("{} has {} numbers for {} sequences", where, scores.size(),
                          to.lengths.size());
    }
    to.role.scores = vector_of(scores, type_);
    return Ok{};
  }

  /// [[chosen, rejected], …], or one number per sequence where there is one role.
  Result<Ok> read_score_list(const Json& list) {
    Sequences* chosen = find("chosen");
    Sequences* rejected = find("rejected");
    if (chosen == nullptr || rejected == nullptr) {
      return read_scores(list, "scores", sequences_.front().second);
    }
    Json first = Json::array();
    Json second = Json::array();
    for (const Json& pair : list.as_array()) {
      if (!pair.is_array() || pair.size() != 2) {
        return at_key(
            "scores",
            "expected {\"chosen\": […], \"rejected\": […]} or a list of [chosen, rejected]");
      }
      first.push_back(pair.as_array()[0]);
      second.push_back(pair.as_array()[1]);
    }
    CUPEL_TRY_VOID(read_scores(first, "scores of chosen", *chosen));
    return read_scores(second, "scores of rejected", *rejected);
  }

  Result<Ok> assign_roles() {
    for (size_t i = 0; i < kRoles; ++i) {
      if (const Sequences* sequences = find(role_name(static_cast<Role>(i)))) {
        fixture_.batch.roles[i] = sequences->role;
      }
    }
    Sequences* completion = find(kCompletion);
    if (info_.form == LossForm::kUnpaired) {
      return split_by_labels(completion);
    }
    if (const Sequences* lists = find("response");
        info_.form == LossForm::kRanked && lists != nullptr) {
      split_into_responses(*lists);
    }
    if (completion == nullptr) {
      return Ok{};
    }
    if (info_.form != LossForm::kSingle || find("chosen") != nullptr) {
      return corrupt_data("\"policy\" has the role \"completion\", which {} does not read{}",
                          info_.name, info_.form == LossForm::kSingle ? " beside \"chosen\"" : "");
    }
    fixture_.batch[Role::kChosen] = completion->role;
    return Ok{};
  }

  Result<std::vector<double>> read_labels(size_t wanted) {
    CUPEL_TRY(std::vector<double> labels, read_list("labels"));
    if (labels.size() != wanted) {
      return corrupt_data("\"labels\" has {} entries for {} sequences", labels.size(), wanted);
    }
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != 0 && labels[i] != 1) {
        return corrupt_data("labels[{}] is {:g}; expected true (desirable) or false", i, labels[i]);
      }
    }
    return labels;
  }

  /// Unpaired: desirable ones become chosen, the others rejected.
  Result<Ok> split_by_labels(Sequences* completion) {
    Sequences* chosen = find("chosen");
    Sequences* rejected = find("rejected");
    const bool labelled = json_.contains("labels");
    if (completion == nullptr && chosen != nullptr && rejected == nullptr && labelled) {
      completion = chosen;
    }
    if (completion == nullptr) {
      return labelled ? check_labels_of_roles(chosen, rejected) : Ok{};
    }
    if (!labelled) {
      return corrupt_data(
          "{} needs \"labels\": true for each desirable completion, false for each other",
          info_.name);
    }
    CUPEL_TRY(const std::vector<double> labels, read_labels(completion->lengths.size()));
    const at::Tensor wanted = vector_of(labels, at::kBool);
    fixture_.batch[Role::kChosen] = rows_where(completion->role, wanted);
    fixture_.batch[Role::kRejected] = rows_where(completion->role, wanted.logical_not());
    return Ok{};
  }

  Result<Ok> check_labels_of_roles(const Sequences* chosen, const Sequences* rejected) {
    const size_t first = chosen == nullptr ? 0 : chosen->lengths.size();
    const size_t second = rejected == nullptr ? 0 : rejected->lengths.size();
    CUPEL_TRY(const std::vector<double> labels, read_labels(first + second));
    for (size_t i = 0; i < labels.size(); ++i) {
      if ((labels[i] == 1) != (i < first)) {
        return corrupt_data(
            "labels[{}] contradicts its role: chosen sequences are desirable, rejected ones are "
            "not",
            i);
      }
    }
    return Ok{};
  }

  static RoleBatch rows_where(const RoleBatch& role, const at::Tensor& wanted) {
    const at::Tensor rows = wanted.nonzero().select(1, 0);
    if (rows.numel() == 0) {
      return {};
    }
    const auto pick = [&](const at::Tensor& values) {
      return values.defined() ? values.index_select(0, rows) : values;
    };
    return {.policy = pick(role.policy),
            .reference = pick(role.reference),
            .old = pick(role.old),
            .mask = pick(role.mask),
            .weights = pick(role.weights),
            .scores = pick(role.scores)};
  }

  /// A list of numbers, booleans or the words of ties; one number stands for a list of one.
  Result<std::vector<double>> read_list(std::string_view key) {
    const Json& value = *json_.find(key);
    Json list = value.is_array() ? value : Json::array().push_back(value);
    for (Json& item : list.as_array()) {
      if (item.is_string() && (item.as_string() == "tie" || item.as_string() == "desirable")) {
        item = true;
      } else if (item.is_string() &&
                 (item.as_string() == "chosen" || item.as_string() == "undesirable")) {
        item = false;
      }
    }
    return read_numbers(list, std::string(key), Allow::kBoolean);
  }

  Result<Ok> read_fields() {
    LossBatch& batch = fixture_.batch;
    if (json_.contains("margins")) {
      CUPEL_TRY(const std::vector<double> margins, read_list("margins"));
      batch.margins = vector_of(margins, type_);
    }
    if (info_.form == LossForm::kTernary) {
      CUPEL_TRY_VOID(read_ties());
    } else if (json_.contains("ties")) {
      return at_key("ties", format("{} knows no ties", info_.name));
    } else if (json_.contains("labels") && info_.form != LossForm::kUnpaired) {
      CUPEL_TRY(const std::vector<double> labels, read_list("labels"));
      batch.target_prob = vector_of(labels, type_);
    }
    if (info_.form == LossForm::kSampled) {
      return read_groups();
    }
    return json_.contains("groups") ? at_key("groups", format("{} knows no groups", info_.name))
                                    : Result<Ok>(Ok{});
  }

  Result<Ok> read_ties() {
    for (const std::string_view key : {"ties", "labels"}) {
      if (json_.contains(key)) {
        CUPEL_TRY(const std::vector<double> ties, read_list(key));
        for (size_t i = 0; i < ties.size(); ++i) {
          if (ties[i] != 0 && ties[i] != 1) {
            return corrupt_data("{}[{}] is {:g}; expected true (a tie) or false", key, i, ties[i]);
          }
        }
        fixture_.batch.ties = vector_of(ties, at::kBool);
        return Ok{};
      }
    }
    return Ok{};
  }

  /// Of sampled completions the number of the prompt; absent: all are those of one.
  Result<Ok> read_groups() {
    const auto rows = static_cast<size_t>(fixture_.batch[Role::kResponse].rows());
    std::vector<double> groups(rows, 0.0);
    if (json_.contains("groups")) {
      CUPEL_TRY(groups, read_list("groups"));
    }
    for (size_t i = 0; i < groups.size(); ++i) {
      const double previous = i == 0 ? 0 : groups[i - 1];
      if (groups[i] != previous && (i == 0 || groups[i] != previous + 1)) {
        return corrupt_data(
            "groups[{}] is {:g}; expected 0, 0, …, 1, 1, …: the prompt of each response", i,
            groups[i]);
      }
    }
    fixture_.batch.group = vector_of(groups, at::kLong);
    return Ok{};
  }

  /// Ranked outputs: each inner list is a group, and each of its numbers a response.
  void split_into_responses(const Sequences& lists) {
    std::vector<double> groups;
    for (size_t g = 0; g < lists.lengths.size(); ++g) {
      groups.insert(groups.end(), static_cast<size_t>(lists.lengths[g]), static_cast<double>(g));
    }
    RoleBatch& response = fixture_.batch[Role::kResponse];
    response.policy = lists.role.policy.masked_select(lists.role.mask).unsqueeze(1);
    response.mask = at::ones_like(response.policy, at::kBool);
    if (response.scores.defined()) {
      response.scores = lists.role.scores.masked_select(lists.role.mask);
    }
    fixture_.batch.group = vector_of(groups, at::kLong);
  }

  /// Takes out of the batch what the loss does not read, so that it cannot be wrong, and names it.
  void drop_unread() {
    if (reads_.scores == Use::kMay && reads_.margins != Use::kNo &&
        fixture_.batch.margins.defined()) {
      reads_.scores = Use::kNo;  // either rates the pair, and margins come first
    }
    for (RoleBatch& role : fixture_.batch.roles) {
      drop(reads_.scores, role.scores);
      drop(reads_.reference, role.reference);
      drop(reads_.old, role.old);
    }
    for (const Role role : reads_.without_reference) {
      fixture_.batch[role].reference = at::Tensor();
    }
    if (info_.reads.margins != Use::kNo) {  // else they are refused
      drop(reads_.margins, fixture_.batch.margins);
    }
    for (const auto& [key, use] :
         {std::pair{"scores", reads_.scores}, std::pair{"reference", reads_.reference},
          std::pair{"old", reads_.old}}) {
      if (use == Use::kNo && json_.contains(key) && !outputs_are_scores_) {
        fixture_.ignored.emplace_back(key);
      }
    }
    if (info_.reads.margins != Use::kNo && reads_.margins == Use::kNo &&
        json_.contains("margins")) {
      fixture_.ignored.emplace_back("margins");
    }
  }

  static void drop(Use use, at::Tensor& values) {
    if (use == Use::kNo) {
      values = at::Tensor();
    }
  }

  const LossInfo& info_;
  LossReads reads_;
  const Json& json_;
  at::ScalarType type_;
  bool outputs_are_scores_ = false;
  std::vector<std::pair<std::string, Sequences>> sequences_;
  Fixture fixture_;
};

}  // namespace

Result<Fixture> read_fixture(const LossInfo& info,
                             const LossOptions& options,
                             const Json& json,
                             at::ScalarType type) {
  return Reader(info, options, json, type).read();
}

}  // namespace cupel::align
