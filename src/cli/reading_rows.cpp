#include "cli/reading_rows.h"

#include <optional>

#include "base/error.h"
#include "train/data/row_reader.h"
#include "train/data/row_tokenizer.h"
#include "train/recipe/recipe_inputs.h"

namespace cupel::cli {
namespace {

/// What the first row says that the file holds.
Result<train::DataKind> kind_of(const std::string& file) {
  CUPEL_TRY(train::RowReader reader, train::RowReader::create({.paths = {file}}));
  CUPEL_TRY(const std::optional<train::Row> row, reader.next());
  if (!row) {
    return invalid_argument("{}: holds no rows", file);
  }
  switch (row->form) {
    case train::RowForm::kPreference:
    case train::RowForm::kRanked:
    case train::RowForm::kUnpaired:
      return train::DataKind::kGroups;
    default:
      return train::DataKind::kExamples;
  }
}

void add(const train::Example& example, std::vector<decode::ReadSequence>& out) {
  decode::ReadSequence& sequence = out.emplace_back();
  sequence.ids.assign(example.ids.begin(), example.ids.end());
  for (const float weight : example.weights) {
    sequence.counted.push_back(weight != 0);
  }
}

}  // namespace

Result<ReadingRows> reading_rows(const std::string& model,
                                 const std::string& file,
                                 int64_t longest) {
  CUPEL_TRY(const train::DataKind kind, kind_of(file));
  train::Recipe recipe;
  recipe.model = model;
  CUPEL_TRY(const train::RecipeTexts texts, train::open_texts(recipe));
  CUPEL_TRY(const train::RowTokenizer tokenizer,
            train::RowTokenizer::create(
                *texts.texts.tokenizer, texts.chat_template ? &*texts.chat_template : nullptr,
                {.max_length = longest, .truncation = train::Truncation::kDrop}));
  CUPEL_TRY(const train::DataSet data,
            train::load_data(tokenizer, {.paths = {file}, .kind = kind}));
  ReadingRows rows{.sequences = {}, .counts = train::counts_text(data.counts)};
  for (const train::Example& example : data.examples) {
    add(example, rows.sequences);
  }
  for (const train::ExampleGroup& group : data.groups) {
    for (const train::Example& answer : group.answers) {
      add(answer, rows.sequences);
    }
  }
  return rows;
}

}  // namespace cupel::cli
