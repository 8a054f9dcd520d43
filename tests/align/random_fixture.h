#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "align/losses/registry.h"
#include "base/json.h"
#include "base/rng.h"

namespace cupel::align {

inline double drawn(Rng& rng, double low, double high) {
  return low + (high - low) * rng.unit();
}

/// Ragged rows of 1 to 6 log-probs; of a head's outputs rows of `outputs` numbers.
inline Json drawn_rows(Rng& rng, const std::vector<size_t>& lengths, double low, double high) {
  Json rows = Json::array();
  for (const size_t length : lengths) {
    Json row = Json::array();
    for (size_t t = 0; t < length; ++t) {
      row.push_back(drawn(rng, low, high));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

inline std::vector<std::string_view> roles_of(const LossInfo& info) {
  std::vector<std::string_view> roles;
  if (info.form == LossForm::kRanked || info.form == LossForm::kSampled) {
    roles = {"response"};
  } else if (info.form == LossForm::kSingle) {
    roles = {"chosen"};
  } else {
    roles = {"chosen", "rejected"};
  }
  for (const auto& some : {info.reads.roles, info.reads.may_roles}) {
    for (const Role role : some) {
      roles.push_back(role_name(role));
    }
  }
  return roles;
}

/// One number per sequence, or of a head of several outputs one for each. Ratings, win
/// probabilities and labels all accept 0 and 1; chosen is rated above rejected.
inline Json drawn_scores(Rng& rng,
                         const LossInfo& info,
                         std::string_view role,
                         const std::vector<size_t>& lengths) {
  Json scores = Json::array();
  for (const size_t length : lengths) {
    if (info.form == LossForm::kRanked) {  // one list per prompt, the best first
      Json row = Json::array();
      for (size_t k = 0; k < length; ++k) {
        row.push_back(drawn(rng, 0, 1) - static_cast<double>(k));
      }
      scores.push_back(std::move(row));
    } else if (info.input == LossInput::kOutputs && info.form == LossForm::kSingle) {
      Json row = Json::array();
      for (size_t k = 0; k < length; ++k) {
        row.push_back(k == 0 ? Json() : Json(static_cast<int64_t>(rng.below(2))));
      }
      scores.push_back(std::move(row));
    } else {
      scores.push_back(role == "chosen" ? drawn(rng, 0.5, 0.95) : drawn(rng, 0.05, 0.5));
    }
  }
  return scores;
}

/// A fixture of `groups` groups that a loss accepts, with all that it may read under its
/// parameters: drawn, so that no value is special. Log-probs lie in [−3, −0.05], rewards in [−2,
/// 2].
inline Json random_fixture(const LossInfo& info,
                           const LossOptions& options,
                           size_t groups,
                           uint64_t seed) {
  Rng rng(seed);
  const LossReads reads = reads_of(info, options);
  const bool outputs = info.input == LossInput::kOutputs;
  Json policy = Json::object();
  Json reference = Json::object();
  Json old = Json::object();
  Json scores = Json::object();
  Json weights = Json::object();
  for (const std::string_view role : roles_of(info)) {
    std::vector<size_t> lengths;
    for (size_t row = 0; row < groups; ++row) {
      const size_t ragged = 1 + rng.below(6);
      const size_t of_head = info.form == LossForm::kPairwise ? 1
                             : info.form == LossForm::kRanked ? 2 + row
                                                              : 3;
      lengths.push_back(outputs ? of_head : ragged);
    }
    policy.set(role, drawn_rows(rng, lengths, outputs ? -2 : -3, outputs ? 2 : -0.05));
    if (reads.reference != Use::kNo && role != "prompt") {
      reference.set(role, drawn_rows(rng, lengths, -3, -0.05));
    }
    if (reads.old != Use::kNo) {
      old.set(role, drawn_rows(rng, lengths, -3, -0.05));
    }
    if (!outputs && seed % 2 == 0) {  // tokens of even seeds have weights
      weights.set(role, drawn_rows(rng, lengths, 0.1, 2));
    }
    if (reads.scores != Use::kNo) {
      scores.set(role, drawn_scores(rng, info, role, lengths));
    }
  }
  Json json = Json::object().set("policy", std::move(policy));
  if (reference.size() > 0) {
    json.set("reference", std::move(reference));
  }
  if (old.size() > 0) {
    json.set("old", std::move(old));
  }
  if (weights.size() > 0) {
    json.set("weights", std::move(weights));
  }
  if (scores.size() > 0) {
    json.set("scores", std::move(scores));
  }
  Json margins = Json::array();
  Json labels = Json::array();
  Json ties = Json::array();
  for (size_t g = 0; g < groups; ++g) {
    margins.push_back(drawn(rng, 0.1, 0.9));
    labels.push_back(drawn(rng, 0.1, 0.9));
    ties.push_back(g % 2 == 1);
  }
  if (reads.margins != Use::kNo) {
    json.set("margins", std::move(margins));
  }
  if (reads.target_prob != Use::kNo) {
    json.set("labels", std::move(labels));
  }
  if (info.form == LossForm::kTernary) {
    json.set("ties", std::move(ties));
  }
  return json;
}

/// A loss with its defaults, or with one word of one parameter.
struct LossVariant {
  const LossInfo* info = nullptr;
  std::vector<std::pair<std::string, Json>> parameters;
  std::string name;
};
inline void PrintTo(const LossVariant& variant, std::ostream* out) {
  *out << variant.name;
}

inline std::vector<LossVariant> all_variants() {
  std::vector<LossVariant> variants;
  for (const LossInfo& info : losses()) {
    const std::string name(info.name);
    variants.push_back({&info, {}, name});
    for (const LossParameter& parameter : info.parameters) {
      const std::string key(parameter.name);
      for (size_t i = 0; i < parameter.words.size(); ++i) {
        if (static_cast<double>(i) != parameter.value) {
          const std::string word(parameter.words[i]);
          variants.push_back({&info, {{key, Json(word)}}, name + "_" + key + "_" + word});
          if (word == "fixed") {
            variants.back().parameters.emplace_back("max_length", Json(6));
          }
        }
      }
    }
    // What shapes a loss beside its own parameters, off by default.
    for (const char* const key :
         {"margin_gamma", "length_alpha", "prompt_loss_weight", "center_coefficient", "beta"}) {
      for (const LossParameter& parameter : info.parameters) {
        if (parameter.name == key) {
          variants.push_back({&info, {{key, Json(0.3)}}, name + "_" + key});
        }
      }
    }
  }
  return variants;
}

}  // namespace cupel::align
