// The registry as JSON, and as the page docs/losses.md.
#include <cmath>

#include "align/losses/evaluate.h"
#include "align/losses/registry.h"
#include "base/error.h"
#include "base/text.h"

namespace cupel::align {
namespace {

std::string_view form_name(LossForm form) {
  switch (form) {
    case LossForm::kSingle:
      return "single";
    case LossForm::kPairwise:
      return "pairwise";
    case LossForm::kTernary:
      return "ternary";
    case LossForm::kUnpaired:
      return "unpaired";
    case LossForm::kRanked:
      return "ranked";
    case LossForm::kSampled:
      return "sampled";
  }
  return "";
}

std::vector<std::string> roles_of(const LossInfo& info, bool optional) {
  std::vector<std::string> roles;
  for (const Role role : optional ? info.reads.may_roles : info.reads.roles) {
    roles.emplace_back(role_name(role));
  }
  return roles;
}

/// What of a fixture the loss reads besides "policy": required, then optional.
std::vector<std::string> fields_of(const LossInfo& info, Use use) {
  std::vector<std::string> fields;
  const LossReads& reads = info.reads;
  for (const auto& [name, of] :
       {std::pair{"reference", reads.reference}, std::pair{"old", reads.old},
        std::pair{"scores", reads.scores}, std::pair{"margins", reads.margins},
        std::pair{"labels", reads.target_prob}}) {
    if (of == use) {
      fields.emplace_back(name);
    }
  }
  if (use == Use::kMay && info.form == LossForm::kTernary) {
    fields.emplace_back("ties");
  }
  if (use == Use::kMay && info.form == LossForm::kUnpaired) {
    fields.emplace_back("labels");
  }
  if (use == Use::kMay && info.form == LossForm::kSampled) {
    fields.emplace_back("groups");
  }
  return fields;
}

Json words_of(const std::vector<std::string>& words) {
  Json list = Json::array();
  for (const std::string& word : words) {
    list.push_back(word);
  }
  return list;
}

Json parameter_json(const LossParameter& parameter) {
  Json json = Json::object().set("name", parameter.name);
  if (parameter.words.empty()) {
    json.set("default", std::isnan(parameter.value) ? Json() : Json(parameter.value));
  } else {
    json.set("default", parameter.text(parameter.value));
  }
  json.set("range", parameter.range()).set("summary", parameter.summary);
  if (const std::string condition = parameter.condition(); !condition.empty()) {
    json.set("read_with", condition);
  }
  return json;
}

std::string joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return join(first, ", ");
}

/// One section of the page.
std::string section_of(const LossInfo& info) {
  std::string text = format("## `{}`\n{}. {}.\n\n", info.name, info.summary, info.source);
  text += format("    {}\n\n{}", info.formula, form_name(info.form));
  if (info.input == LossInput::kOutputs) {
    text += " outputs";
  }
  const std::string needs = joined(roles_of(info, false), fields_of(info, Use::kMust));
  const std::string reads = joined(roles_of(info, true), fields_of(info, Use::kMay));
  text += needs.empty() ? "" : format("; needs {}", needs);
  text += reads.empty() ? "" : format("; reads, where it is there: {}", reads);
  text += "\n\n";
  if (!info.parameters.empty()) {
    text += "| parameter | default | range | meaning |\n|---|---|---|---|\n";
  }
  for (const LossParameter& parameter : info.parameters) {
    const std::string condition = parameter.condition();
    const std::string meaning = condition.empty()
                                    ? std::string(parameter.summary)
                                    : format("{}; read with {}", parameter.summary, condition);
    text +=
        format("| `{}` | {} | {} | {} |\n", parameter.name, parameter.text(parameter.value),
               replace_all(parameter.range(), "|", " \\| "), replace_all(meaning, "|", " \\| "));
  }
  return text + (info.parameters.empty() ? "" : "\n");
}

constexpr std::string_view kIntroduction = R"(# Losses

What `cupel loss --list` knows; `cupel loss --list --format markdown` writes this page.

`cupel loss NAME --input FIXTURE.json` evaluates a loss in f64 and prints its value, its metrics and the gradient with
respect to every number of "policy". A fixture is one JSON object with natural log-probs, one inner list per sequence:

```
{"policy":    {"chosen": [[-0.41, -1.37, -0.22]], "rejected": [[-0.95, -0.33, -1.62, -0.78, -0.57]]},
 "reference": {"chosen": [[-0.73, -1.05, -0.64]], "rejected": [[-0.81, -0.69, -1.13, -0.90, -0.35]]},
 "params": {"beta": 0.1}}
```

| key | what it holds |
|---|---|
| `policy` | per role the log-probs of the policy; of losses over the outputs of a head its numbers: one list (or one number) per sequence, of ranked ones one list per prompt, the best first |
| `reference` | the same of the reference, where the loss needs one |
| `old` | the same of the policy that sampled the sequences |
| `weights` | the same shape: the factor of each token in sums and counts |
| `scores` | what a rater gave: per role one number per sequence (or one list of ratings, null where there is none); of pairs also a list of [chosen, rejected]; of ranked outputs one list per prompt, where equal ones are ties |
| `margins` | one number for each pair: by how much chosen is better |
| `labels` | pairwise: the probability that chosen is the better one; unpaired: true for each desirable completion; ternary: as `ties` |
| `ties` | one boolean for each pair |
| `groups` | sampled: 0, 0, …, 1, 1, …: the prompt of each response; absent: all are of one |
| `params` | parameters by name; `--param NAME=VALUE` comes after them |

Forms: *pairwise* losses read `chosen` and `rejected`; *ternary* ones too, and ties; *single* ones `chosen` (or
`completion`); *unpaired* ones `completion` with `labels`, or `chosen` and `rejected` as the desirable and the other
ones; *ranked* ones `response`, one list per prompt; *sampled* ones `response`, with `old`, `scores` and `groups`. Further roles are named with the loss. A role that a loss does not read has the
gradient 0.

Symbols: a, c, e are log(π/ref) of chosen, rejected and a third completion, summed over its tokens; h = a − c; lw, ll,
le are log π; l̄ is the mean per token and n the number of tokens; σ is the logistic function and ℓ its logarithm. The
loss of a batch is the mean over its groups; where a part says "per token" it is the mean over all tokens of the batch.
Over several micro-batches or processes sums and counts are added before they are divided.

)";

}  // namespace

Json loss_catalogue() {
  Json all = Json::array();
  for (const LossInfo& info : losses()) {
    Json parameters = Json::array();
    for (const LossParameter& parameter : info.parameters) {
      parameters.push_back(parameter_json(parameter));
    }
    Json needs = words_of(roles_of(info, false));
    for (const std::string& field : fields_of(info, Use::kMust)) {
      needs.push_back(field);
    }
    Json may = words_of(roles_of(info, true));
    for (const std::string& field : fields_of(info, Use::kMay)) {
      may.push_back(field);
    }
    all.push_back(
        Json::object()
            .set("name", info.name)
            .set("summary", info.summary)
            .set("form", form_name(info.form))
            .set("input", info.input == LossInput::kTokenLogps ? "token_logps" : "outputs")
            .set("formula", info.formula)
            .set("source", info.source)
            .set("needs", std::move(needs))
            .set("reads", std::move(may))
            .set("parameters", std::move(parameters)));
  }
  return all;
}

std::string losses_page() {
  std::string page(kIntroduction);
  page += "| loss | form | what it is |\n|---|---|---|\n";
  for (const LossInfo& info : losses()) {
    page += format("| [`{}`](#{}) | {} | {} |\n", info.name, info.name, form_name(info.form),
                   info.summary);
  }
  page += "\n";
  for (const LossInfo& info : losses()) {
    page += section_of(info);
  }
  page.pop_back();  // the blank line after the last section
  return page;
}

}  // namespace cupel::align
