#include "cli/reading_rows.h"

#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "train/data/row_reader.h"
#include "train/data/row_tokenizer.h"

namespace cupel::cli {
namespace {

bool has_several(train::RowForm form) {
  return form == train::RowForm::kPreference || form == train::RowForm::kRanked;
}

/// Each answer of a row as a row of its own.
std::vector<train::Row> answers_of(train::Row row) {
  if (!has_several(row.form)) {
    return {std::move(row)};
  }
  std::vector<train::Row> answers;
  const std::vector<train::RowText> responses = std::exchange(row.responses, {});
  row.form = train::RowForm::kPromptCompletion;
  for (const train::RowText& response : responses) {
    answers.emplace_back(row).responses = {response};
  }
  return answers;
}

class RowsReader {
 public:
  RowsReader(const decode::ReadingModel& model, const train::RowTokenizer& tokenizer, bool chat)
      : model_(model), tokenizer_(tokenizer), chat_(chat) {}

  Result<ReadingRows> run(const std::string& file) {
    CUPEL_TRY(train::RowReader reader,
              train::RowReader::create({.paths = {file}, .fewest_responses = 0}));
    while (true) {
      CUPEL_TRY(std::optional<train::Row> row, reader.next());
      if (!row) {
        break;
      }
      unanswered_ += row->responses.empty() ? 1 : 0;
      for (train::Row& answer : answers_of(std::move(*row))) {
        CUPEL_TRY_VOID(add(answer));
      }
    }
    out_.counts = counts(reader);
    if (out_.sequences.empty()) {
      return invalid_argument("--rows {}: no answer to read: {}", file, out_.counts);
    }
    return std::move(out_);
  }

 private:
  Result<Ok> add(train::Row& row) {
    if (row.responses.front().is_conversation() && !chat_) {
      return failed_precondition(
          "{}: the row is a conversation, and {} has no chat template; name one with "
          "--model FILE.gguf,template=FILE.jinja",
          row.place, model_.path);
    }
    // Weights and labels are of training: what is disliked is read like everything else.
    row.weight = 1;
    row.form = row.form == train::RowForm::kUnpaired ? train::RowForm::kPromptCompletion : row.form;
    std::vector<train::Example> read;
    auto fit = tokenizer_.add_example(row, read);
    if (!fit) {
      return in_context(std::move(fit).error(), row.place);
    }
    too_long_ += *fit == train::Fit::kTooLong ? 1 : 0;
    for (const train::Example& example : read) {
      decode::ReadSequence& sequence = out_.sequences.emplace_back();
      sequence.ids.assign(example.ids.begin(), example.ids.end());
      for (const float weight : example.weights) {
        sequence.counted.push_back(weight != 0);
      }
    }
    return Ok{};
  }

  [[nodiscard]] std::string counts(const train::RowReader& reader) const {
    std::vector<std::string> left_out;
    const auto part = [&left_out](int64_t count, std::string_view one, std::string_view what) {
      if (count > 0) {
        left_out.push_back(format("{} {}{} {}", count, one, count == 1 ? "" : "s", what));
      }
    };
    part(unanswered_, "row", "without an answer");
    part(reader.skipped().empty, "row", "with an empty answer");
    part(too_long_, "answer", "longer than the context");
    return format("{} rows, {} answers", reader.position(), out_.sequences.size()) +
           (left_out.empty() ? "" : "; left out: " + join(left_out, ", "));
  }

  const decode::ReadingModel& model_;
  const train::RowTokenizer& tokenizer_;
  bool chat_;
  ReadingRows out_;
  int64_t unanswered_ = 0;
  int64_t too_long_ = 0;
};

}  // namespace

Result<ReadingRows> reading_rows(const decode::ReadingModel& model, const std::string& file) {
  CUPEL_TRY(const auto chat_template, model.chat_template());
  CUPEL_TRY(
      const train::RowTokenizer tokenizer,
      train::RowTokenizer::create(*model.tokenizer, chat_template ? &*chat_template : nullptr,
                                  {.max_length = model.transformer->description().context_length,
                                   .truncation = train::Truncation::kDrop}));
  return RowsReader(model, tokenizer, chat_template.has_value()).run(file);
}

}  // namespace cupel::cli
