// MT-Bench pairwise comparison: Zheng et al. 2023, "Judging LLM-as-a-Judge", §3.1, §3.4 and
// appendix A. Each game is judged in both orders; a model wins only if it wins in both (the
// conservative rule), and games with a verdict that is none are dropped.
#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "base/text.h"
#include "judge/fastchat_judge.h"
#include "judge/protocol.h"
#include "judge/verdict_parser.h"

namespace cupel::judge::protocol {
namespace {

constexpr TurnPrompts kPrompts = {.plain = "pair-v2", .with_reference = "pair-math-v1"};

// FastChat's two formats of pairwise verdicts.
constexpr std::string_view kLetter = "[[A]]";
constexpr std::string_view kTwoScores = "[[rating_a,rating_b]]";

/// What may stand between the brackets of a verdict, as a regular expression.
std::string_view mark_of(const JudgePrompt& prompt) {
  return prompt.output_format == kTwoScores ? R"((?:[1-9]|10), ?(?:[1-9]|10))" : "[ABC]";
}

Result<Ok> check_format(const JudgePrompt& prompt) {
  if (prompt.output_format != kLetter && prompt.output_format != kTwoScores) {
    return corrupt_data(
        "judge prompt \"{}\": \"output_format\" is \"{}\"; expected \"{}\" or \"{}\"", prompt.name,
        printable(prompt.output_format), kLetter, kTwoScores);
  }
  return Ok{};
}

Result<Ok> check(const Benchmark& benchmark) {
  return check_turn_prompts(benchmark, kPrompts, &check_format);
}

// Who meets whom: each with the baseline, or each with each in the order of their names, so that
// another model in the run changes no pair.
std::vector<std::pair<std::string, std::string>> pairs_of(const JudgeScope& scope) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (!scope.baseline.empty()) {
    const auto& models = scope.models;
    if (std::find(models.begin(), models.end(), scope.baseline) != models.end()) {
      for (const std::string& model : models) {
        if (model != scope.baseline) {
          pairs.emplace_back(model, scope.baseline);
        }
      }
    }
    return pairs;
  }
  std::vector<std::string> names = scope.models;
  std::sort(names.begin(), names.end());
  for (size_t a = 0; a < names.size(); ++a) {
    for (size_t b = a + 1; b < names.size(); ++b) {
      pairs.emplace_back(names[a], names[b]);
    }
  }
  return pairs;
}

std::vector<JudgeItem> items(const JudgeScope& scope) {
  std::vector<JudgeItem> all;
  for (const auto& [a, b] : pairs_of(scope)) {
    for (const Question* question : scope.questions) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        for (const bool swapped : {false, true}) {
          all.push_back({.benchmark = scope.benchmark,
                         .question = question,
                         .turn = turn,
                         .sides = {{.model = swapped ? b : a, .answers = {}},
                                   {.model = swapped ? a : b, .answers = {}}}});
        }
      }
    }
  }
  return all;
}

Result<std::string> user_prompt(const JudgeItem& item, const JudgePrompt& prompt) {
  const Side& a = item.sides[0];
  const Side& b = item.sides[1];
  PromptFields fields = turn_fields(item);
  fields.insert(fields.end(), {{"answer_a", answer_to(a, 1)},
                               {"answer_b", answer_to(b, 1)},
                               {"answer_a_1", answer_to(a, 1)},
                               {"answer_a_2", answer_to(a, 2)},
                               {"answer_b_1", answer_to(b, 1)},
                               {"answer_b_2", answer_to(b, 2)}});
  return fill_prompt(prompt, fields);
}

Outcome read_verdict(const JudgePrompt& prompt, const ChatResponse& response) {
  Outcome outcome;
  outcome.judgment = response.text;
  const bool scores = prompt.output_format == kTwoScores;
  const auto preferred = scores ? parse_score_pair(response.text) : parse_preference(response.text);
  if (preferred) {
    outcome.judged = Preference{*preferred == Preferred::kFirst    ? 1.0
                                : *preferred == Preferred::kSecond ? 0.0
                                                                   : 0.5};
  } else {
    outcome.judged = Invalid{response.finish_reason == FinishReason::kLength
                                 ? "the judge's answer was cut before a verdict"
                                 : "no verdict of the form [[A]], [[B]] or [[C]] in the judge's "
                                   "answer"};
  }
  return outcome;
}

Result<ProtocolStep> next(const JudgeItem& item, std::span<const JudgeResponse> responses) {
  CUPEL_CHECK(item.sides.size() == 2, "a pair has two sides");
  CUPEL_TRY(const JudgePrompt* prompt,
            find_turn_prompt(*item.benchmark, *item.question, item.turn, kPrompts));
  CUPEL_TRY(std::string text, user_prompt(item, *prompt));
  return ask_for_verdict(
      *item.benchmark, *prompt, mark_of(*prompt), std::move(text), responses,
      [&](const ChatResponse& response) { return read_verdict(*prompt, response); });
}

// Both orders of one meeting. The second one has the second model in slot A.
struct Game {
  const JudgedItem* first = nullptr;
  const JudgedItem* second = nullptr;

  [[nodiscard]] const std::string& model_1() const { return first->item.sides[0].model; }
  [[nodiscard]] const std::string& model_2() const { return first->item.sides[1].model; }
  /// Share of the point for model_1 by each order; nothing when it is no verdict.
  [[nodiscard]] std::optional<double> by_first() const { return first->outcome.preference(); }
  [[nodiscard]] std::optional<double> by_second() const {
    const auto share = second->outcome.preference();
    return share ? std::optional(1 - *share) : std::nullopt;
  }
  [[nodiscard]] bool consistent() const { return by_first() == by_second(); }
  /// By the conservative rule; nothing when the game is dropped.
  [[nodiscard]] std::optional<double> share_1() const {
    if (!by_first() || !by_second()) {
      return std::nullopt;
    }
    return consistent() ? by_first() : std::optional(rank::kTie);
  }
};

// Games of which both orders are there, in the order of the items.
std::vector<Game> games_of(std::span<const JudgedItem> judged) {
  using Place = std::tuple<std::string, std::string, int64_t, int>;
  std::map<Place, size_t> half;  // by what the other order is called
  std::vector<Game> games;
  for (const JudgedItem& one : judged) {
    const std::string& a = one.item.sides[0].model;
    const std::string& b = one.item.sides[1].model;
    const auto other = half.find({a, b, one.item.question->id, one.item.turn});
    if (other != half.end()) {
      games[other->second].second = &one;
    } else {
      half[{b, a, one.item.question->id, one.item.turn}] = games.size();
      games.push_back({.first = &one});
    }
  }
  std::erase_if(games, [](const Game& game) { return game.second == nullptr; });
  return games;
}

// What the games of one model on one turn gave it.
struct Points {
  double sum = 0;
  int64_t games = 0;
};

std::vector<std::string> notes_of(const std::vector<Game>& games) {
  int64_t valid = 0;
  int64_t inconsistent = 0;
  int64_t ties = 0;
  for (const Game& game : games) {
    const auto share = game.share_1();
    valid += share ? 1 : 0;
    inconsistent += share && !game.consistent() ? 1 : 0;
    ties += share && *share == rank::kTie ? 1 : 0;
  }
  if (valid == 0) {
    return {};
  }
  const auto percent = [&](int64_t part) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(valid);
  };
  return {
      format("The judge contradicts itself in {} of {} games when the answers change places "
             "({:.0f}%); these count as ties, {} in all ({:.0f}%).",
             inconsistent, valid, percent(inconsistent), ties, percent(ties))};
}

Result<Standings> aggregate(std::span<const JudgedItem> judged) {
  const std::vector<Game> games = games_of(judged);
  Standings standings;
  std::map<std::tuple<std::string, int64_t, int>, Points> points;
  for (const Game& game : games) {
    const Question& question = *game.first->item.question;
    const int turn = game.first->item.turn;
    Points& of_1 = points[{game.model_1(), question.id, turn}];
    Points& of_2 = points[{game.model_2(), question.id, turn}];
    const auto share = game.share_1();
    if (!share) {
      continue;
    }
    of_1.sum += *share;
    of_2.sum += 1 - *share;
    ++of_1.games;
    ++of_2.games;
    rank::BattleTable& battles = standings.comparisons;
    CUPEL_TRY_VOID(battles.add({.a = battles.intern_model(game.model_1()),
                                .b = battles.intern_model(game.model_2()),
                                .outcome = *share,
                                .cluster = battles.intern_cluster(format("{}", question.id))}));
  }
  for (const auto& [place, won] : points) {
    const auto& [model, question, turn] = place;
    const std::string id = format("{}", question);
    if (won.games > 0) {
      const double share = won.sum / static_cast<double>(won.games);
      CUPEL_TRY_VOID(standings.scores.add(model, id, turn, share));
    } else {
      CUPEL_TRY_VOID(standings.scores.add_missing(model, id, turn));
    }
  }
  standings.notes = notes_of(games);
  return standings;
}

std::string winner(const std::optional<double>& share_1) {
  return !share_1 ? "error" : *share_1 == 1 ? "model_1" : *share_1 == 0 ? "model_2" : "tie";
}

// FastChat's model_judgment/JUDGE_pair.jsonl.
std::vector<Json> records(std::span<const JudgedItem> judged, const std::string& judge) {
  std::vector<Json> rows;
  for (const Game& game : games_of(judged)) {
    Json by = Json::array();
    by.push_back(judge).push_back(game.first->outcome.prompt_name);
    rows.push_back(Json::object()
                       .set("question_id", game.first->item.question->id)
                       .set("model_1", game.model_1())
                       .set("model_2", game.model_2())
                       .set("g1_winner", winner(game.by_first()))
                       .set("g2_winner", winner(game.by_second()))
                       .set("judge", std::move(by))
                       .set("g1_user_prompt", game.first->outcome.user_prompt)
                       .set("g1_judgment", game.first->outcome.judgment)
                       .set("g2_user_prompt", game.second->outcome.user_prompt)
                       .set("g2_judgment", game.second->outcome.judgment)
                       .set("turn", game.first->item.turn)
                       .set("tstamp", 0));
  }
  return rows;
}

}  // namespace

Protocol pairwise() {
  return {.name = "pairwise",
          .summary = "a judge compares two answers, in both orders",
          .source = "Zheng et al. 2023, arXiv 2306.05685, pairwise comparison",
          .method =
              "The score of a model is its share of the points of its games: a win is 1, a tie "
              "0.5. The judge reads both answers in both orders; a model wins only if it wins "
              "in both, and games without two verdicts are dropped.",
          .unit = "comparisons",
          .scale = {.name = "win rate (ties count half)", .low = 0, .high = 1},
          .takes_baseline = true,
          .least_models = 2,
          .record_name = "pair",
          .check = &check,
          .items = &items,
          .next = &next,
          .aggregate = &aggregate,
          .records = &records};
}

}  // namespace cupel::judge::protocol
