#include "judge/verdict_reader.h"

#include <algorithm>

#include "base/error.h"

namespace cupel::judge {

std::vector<JudgeItem> VerdictReader::items(const std::vector<std::string>& models) const {
  JudgeScope scope = judge_scope(benchmark_, run_);
  scope.models = models;
  return protocol_.items(scope);
}

const Json* VerdictReader::find(const JudgeItem& item) const {
  return run_.journal().find(verdict_key(judge_, protocol_.name, item));
}

std::map<std::string, VerdictReader::Tally> VerdictReader::tally(
    const std::vector<std::string>& models) const {
  std::map<std::string, Tally> tallies;
  for (const std::string& model : models) {
    tallies[model];
  }
  for (const JudgeItem& item : items(models)) {
    const bool done = find(item) != nullptr;
    for (const Side& side : item.sides) {
      Tally& tally = tallies[side.model];
      ++tally.total;
      tally.done += done ? 1 : 0;
    }
  }
  return tallies;
}

std::vector<std::string> VerdictReader::complete_models() const {
  std::vector<std::string> models = judge_scope(benchmark_, run_).models;
  while (!models.empty()) {
    const std::map<std::string, Tally> tallies = tally(models);
    const auto share = [&](const std::string& model) { return tallies.at(model).missing_share(); };
    const auto worst =
        std::max_element(models.begin(), models.end(), [&](const auto& a, const auto& b) {
          return share(a) <= share(b);  // of equals the one that joined last
        });
    if (tallies.at(*worst).complete()) {
      break;
    }
    models.erase(worst);
  }
  return models;
}

Result<std::vector<JudgedItem>> VerdictReader::read(const std::vector<std::string>& models) const {
  std::vector<JudgedItem> judged;
  for (JudgeItem& item : items(models)) {
    const Json* row = find(item);
    if (row == nullptr) {
      continue;
    }
    auto outcome = outcome_from_json(*row);
    if (!outcome) {
      return in_file(
          in_context(std::move(outcome).error(), verdict_key(judge_, protocol_.name, item)),
          run_.path() + "/results.jsonl");
    }
    for (Side& side : item.sides) {
      for (int turn = 1; turn <= item.turn; ++turn) {
        const Json* answer = run_.journal().find(answer_key(side.model, item.question->id, turn));
        const Json* text = answer == nullptr ? nullptr : answer->find("text");
        side.answers.push_back(text != nullptr && text->is_string() ? text->as_string() : "");
      }
    }
    judged.push_back({.item = std::move(item), .outcome = std::move(*outcome)});
  }
  return judged;
}

}  // namespace cupel::judge
