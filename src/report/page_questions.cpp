// Each question with all answers side by side and what was decided about them.
#include <algorithm>
#include <string>
#include <vector>

#include "base/format.h"
#include "base/text.h"
#include "report/numbers.h"
#include "report/page_view.h"

namespace cupel::report {
namespace {

constexpr size_t kMostNamedColumns = 6;

struct VerdictLook {
  std::string_view style;
  std::string_view mark;
  std::string_view word;
};

VerdictLook look_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kYes:
      return {"yes", "✓", "yes"};
    case Verdict::kNo:
      return {"no", "✗", "no"};
    case Verdict::kUnsure:
      return {"unsure", "?", "unsure"};
    case Verdict::kInvalid:
      break;
  }
  return {"invalid", "!", "invalid"};
}

size_t category_index(const EvaluationPage& page, std::string_view category) {
  return static_cast<size_t>(std::ranges::find(page.categories, category) -
                             page.categories.begin());
}

/// Mean score of one model's answers to a question, over its turns.
std::optional<double> question_score(const QuestionView& question, std::string_view model) {
  double sum = 0;
  int64_t count = 0;
  for (const TurnView& turn : question.turns) {
    for (const AnswerView& answer : turn.answers) {
      if (answer.model == model && answer.score) {
        sum += *answer.score;
        ++count;
      }
    }
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

// Radio buttons and one rule a category (page_css) filter without a script.
void write_filter(Markup& html, const EvaluationPage& page) {
  if (page.categories.size() < 2) {
    return;
  }
  html.open("fieldset", {{"class", "filter"}}).element("legend", "Show");
  const auto choice = [&](std::string_view id, std::string_view name, bool checked) {
    html.leaf("input", {{"type", "radio"},
                        {"name", "category"},
                        {"id", id},
                        {"checked", checked ? std::string_view("") : std::string_view{}}});
    html.element("label", {{"for", id}, {"dir", "auto"}}, name);
  };
  choice("show-all", "all", true);
  for (size_t c = 0; c < page.categories.size(); ++c) {
    choice(format("show-{}", c), page.categories[c], false);
  }
  html.close();
}

void write_marks_legend(Markup& html) {
  html.open("p", {{"class", "hint"}}).text("Checks: ");
  for (const Verdict verdict : {Verdict::kYes, Verdict::kNo, Verdict::kUnsure, Verdict::kInvalid}) {
    const VerdictLook look = look_of(verdict);
    html.open("span", {{"class", std::string("mark ") + std::string(look.style)}});
    html.element("span", {{"aria-hidden", "true"}}, look.mark).close();
    html.text(format(" {}{} ", look.word, verdict == Verdict::kInvalid ? "." : ","));
  }
  html.text("A number is the judge's probability of yes.").close();
}

void write_answer_head(Markup& html, const PageView& view, const AnswerView& answer) {
  html.open("header");
  html.open("h4").element("span", {{"class", "key"}}, view.key_of(answer.model)).text(" ");
  html.element("span", {{"class", "name"}, {"dir", "auto"}}, answer.model).close();
  html.open("p", {{"class", "outcome"}});
  html.element("span", {{"class", "sr"}}, "score ");
  html.element("b", answer.score ? view.score_text(answer.score) : "no score");
  if (answer.truncated) {
    html.text(" ").element("span", {{"class", "tag warn"}}, "truncated");
  } else if (!answer.finish_reason.empty() && answer.finish_reason != "stop") {
    html.text(" ").element("span", {{"class", "tag"}}, excerpt(answer.finish_reason, 40));
  }
  html.close().close();
}

void write_answer(Markup& html, const PageView& view, const AnswerView& answer) {
  html.open("article", {{"class", "answer"}});
  write_answer_head(html, view, answer);
  const bool empty = trim(answer.text).empty();
  html.element("div",
               {{"class", empty ? "text empty" : "text"},
                {"dir", "auto"},
                {"tabindex", "0"},
                {"role", "group"},
                {"aria-label", "Answer of " + answer.model}},
               empty ? std::string_view("(empty answer)") : std::string_view(answer.text));
  if (!answer.judge_text.empty()) {
    html.open("details", {{"class", "twin"}}).element("summary", "What the judge wrote");
    html.element("div", {{"class", "text"}, {"dir", "auto"}}, answer.judge_text).close();
  }
  html.close();
}

/// Items of a turn in order of first appearance; models of one turn normally share them.
std::vector<const ItemResult*> items_of(const TurnView& turn) {
  std::vector<const ItemResult*> items;
  for (const AnswerView& answer : turn.answers) {
    for (const ItemResult& item : answer.items) {
      const bool known = std::ranges::any_of(
          items, [&](const ItemResult* other) { return other->question == item.question; });
      if (!known) {
        items.push_back(&item);
      }
    }
  }
  return items;
}

void write_mark_cell(Markup& html, const AnswerView& answer, std::string_view question) {
  const auto item = std::ranges::find(answer.items, question, &ItemResult::question);
  if (item == answer.items.end()) {
    html.element("td", {{"class", "mark"}}, kPageNoNumber);
    return;
  }
  const VerdictLook look = look_of(item->verdict);
  html.open("td", {{"class", std::string("mark ") + std::string(look.style)}});
  html.element("span", {{"aria-hidden", "true"}}, look.mark);
  html.element("span", {{"class", "sr"}}, look.word);
  if (item->decided_by == DecidedBy::kJudge && item->probability) {
    html.element("small", signed_text(*item->probability, 2));
  }
  html.close();
}

void write_checks(Markup& html,
                  const PageView& view,
                  const TurnView& turn,
                  std::string_view label) {
  const std::vector<const ItemResult*> items = items_of(turn);
  if (items.empty()) {
    return;
  }
  // Beside many models, a column has room for the letter alone; the names stand above the answers.
  const bool many = turn.answers.size() > kMostNamedColumns;
  open_scroll_box(html, label);
  html.open("table", {{"class", many ? "checks many" : "checks"}}).open("thead").open("tr");
  html.element("th", {{"scope", "col"}}, "Check");
  for (const AnswerView& answer : turn.answers) {
    html.open("th", {{"scope", "col"}, {"class", "mark"}});
    html.element("span", {{"class", "key"}}, view.key_of(answer.model));
    html.element("span", {{"class", many ? "sr" : "name"}, {"dir", "auto"}}, answer.model).close();
  }
  html.close().close().open("tbody");
  for (const ItemResult* item : items) {
    html.open("tr").open("th", {{"scope", "row"}});
    html.element("span", {{"dir", "auto"}}, item->question).text(" ");
    html.element("span", {{"class", "by"}},
                 item->decided_by == DecidedBy::kProgram ? "program" : "judge");
    html.close();
    for (const AnswerView& answer : turn.answers) {
      write_mark_cell(html, answer, item->question);
    }
    html.close();
  }
  html.close().close().close();
}

void write_turn(Markup& html, const PageView& view, const QuestionView& question, size_t index) {
  const TurnView& turn = question.turns[index];
  html.open("div", {{"class", "turn"}});
  html.element("h3", format("Turn {}", index + 1));
  html.element("div", {{"class", "prompt text"}, {"dir", "auto"}}, turn.prompt);
  if (!turn.reference.empty()) {
    html.open("details", {{"class", "twin"}}).element("summary", "Reference answer");
    html.element("div", {{"class", "text"}, {"dir", "auto"}}, turn.reference).close();
  }
  html.open("div", {{"class", "answers"}});
  for (const AnswerView& answer : turn.answers) {
    write_answer(html, view, answer);
  }
  html.close();
  write_checks(html, view, turn,
               format("Checks of question {}, turn {}", excerpt(question.id, 60), index + 1));
  html.close();
}

void write_summary(Markup& html, const PageView& view, const QuestionView& question) {
  html.open("summary").open("span", {{"class", "what"}});
  html.element("b", {{"dir", "auto"}}, question.id).text(" ");
  html.element("span", {{"class", "tag"}, {"dir", "auto"}}, question.category).text(" ");
  if (!question.turns.empty()) {
    const std::string_view prompt = trim(question.turns.front().prompt);
    html.element("span", {{"class", "excerpt"}, {"dir", "auto"}}, excerpt(prompt, 160));
  }
  html.close();
  html.open("span", {{"class", "scores"}});
  for (size_t i = 0; i < view.page().leaderboard.size(); ++i) {
    const auto score = question_score(question, view.page().leaderboard[i].model);
    html.open("span").element("span", {{"class", "key"}}, view.key_of_row(i)).text(" ");
    html.text(score ? signed_text(*score, std::min(view.page().scale.decimals, 2)) : kPageNoNumber);
    html.close().text(" ");
  }
  html.close().close();
}

}  // namespace

void write_questions(Markup& html, const PageView& view) {
  const EvaluationPage& page = view.page();
  if (page.questions.empty()) {
    return;
  }
  open_section(html, "questions", "Questions and answers");
  write_marks_legend(html);
  write_filter(html, page);
  for (size_t q = 0; q < page.questions.size(); ++q) {
    const QuestionView& question = page.questions[q];
    html.open("details",
              {{"class", format("question in-{}", category_index(page, question.category))},
               {"id", format("q-{}", q + 1)}});
    write_summary(html, view, question);
    for (size_t turn = 0; turn < question.turns.size(); ++turn) {
      write_turn(html, view, question, turn);
    }
    html.close();
  }
  html.close();
}

}  // namespace cupel::report
