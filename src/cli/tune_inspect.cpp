// Rows of training data as the trainer sees them: from the parts of training to what is shown.
#include "cli/tune_inspect.h"

#include <cmath>
#include <utility>
#include <vector>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/output.h"
#include "report/numbers.h"
#include "train/data/batcher.h"
#include "train/recipe/recipe_inputs.h"
#include "train/recipe/recipe_options.h"

namespace cupel::cli {
namespace {

using report::DataPage;
using report::DataRow;
using report::DataSequence;
using report::DataToken;
using report::TokenPart;
using train::DataSet;
using train::Example;
using train::ExampleGroup;

TokenPart part_of(train::TokenRole role) {
  switch (role) {
    case train::TokenRole::kInstruction:
      return TokenPart::kInstruction;
    case train::TokenRole::kCompletion:
      return TokenPart::kCompletion;
    case train::TokenRole::kTemplate:
      break;
  }
  return TokenPart::kTemplate;
}

/// Tokens [begin, end) of an example.
std::vector<DataToken> tokens_of(const Tokenizer& tokenizer,
                                 const Example& example,
                                 size_t begin,
                                 size_t end) {
  std::vector<DataToken> tokens;
  for (size_t i = begin; i < end; ++i) {
    const double weight = i == 0 ? 0 : example.weights[i];  // no token stands before the first
    tokens.push_back({.id = example.ids[i],
                      .bytes = tokenizer.token_bytes(example.ids[i], true),
                      .part = part_of(example.roles[i]),
                      .weight = weight,
                      .learnt = weight != 0,
                      .control = tokenizer.is_control(example.ids[i])});
  }
  return tokens;
}

std::string answer_name(const ExampleGroup& group, size_t answer) {
  if (group.label >= 0) {
    return group.label == 1 ? "wanted" : "unwanted";
  }
  std::string name = format("answer {}", answer + 1);
  if (group.answers.size() == 2) {
    name = answer == 0 ? "chosen" : "rejected";
  }
  if (answer < group.scores.size() && std::isfinite(group.scores[answer])) {
    name += format(" (score {})", report::short_text(group.scores[answer], 4));
  }
  return name;
}

DataRow row_of_group(const Tokenizer& tokenizer, const ExampleGroup& group) {
  const auto shared = static_cast<size_t>(group.prompt_tokens);
  DataRow row{.id = group.id};
  row.sequences.push_back(
      {.name = "prompt", .tokens = tokens_of(tokenizer, group.answers.front(), 0, shared)});
  for (size_t i = 0; i < group.answers.size(); ++i) {
    const Example& answer = group.answers[i];
    row.sequences.push_back({.name = answer_name(group, i),
                             .tokens = tokens_of(tokenizer, answer, shared, answer.ids.size())});
  }
  return row;
}

Result<std::vector<DataRow>> rows_of(const Tokenizer& tokenizer,
                                     const DataSet& data,
                                     const InspectOptions& options) {
  std::vector<DataRow> rows;
  const auto asked = [&](const std::string& id) {
    return options.id.empty() ? static_cast<int64_t>(rows.size()) < options.rows : id == options.id;
  };
  for (const Example& example : data.examples) {
    if (asked(example.id)) {
      rows.push_back(
          {.id = example.id,
           .sequences = {{.tokens = tokens_of(tokenizer, example, 0, example.ids.size())}}});
    }
  }
  for (const ExampleGroup& group : data.groups) {
    if (asked(group.id)) {
      rows.push_back(row_of_group(tokenizer, group));
    }
  }
  if (!options.id.empty() && rows.empty()) {
    return not_found(
        "no row that is kept has the id \"{}\"; ids are the rows' own \"id\", else FILE:LINE",
        printable(options.id));
  }
  return rows;
}

/// How the first epoch fills the rows that are computed.
Result<DataPage::Packing> packing_of(const train::Recipe& recipe, const DataSet& data) {
  CUPEL_TRY(const train::BatchOptions options, train::batch_options(recipe, data, 1));
  CUPEL_TRY(train::Batcher batcher, train::Batcher::create(options, data.lengths, data.characters));
  DataPage::Packing out{
      .name = std::string(train::packing_names()[static_cast<size_t>(options.packing)]),
      .steps = batcher.steps_in_epoch(0),
      .length = options.max_length};
  const bool by_tokens = options.packing == train::Packing::kMultipack;
  if (by_tokens && options.micro_batch_tokens > 0) {
    out.length = options.micro_batch_tokens;
  }
  const auto count = [&out](const std::vector<train::Piece>& pieces) {
    const int64_t tokens = train::bin_tokens(pieces);
    out.bins += tokens > 0 ? 1 : 0;
    out.tokens += tokens;
    out.length = std::max(out.length, tokens);  // whole groups may be longer
  };
  for (int64_t step = 0; step < out.steps; ++step) {
    const train::StepPlan plan = batcher.next();
    if (!by_tokens) {
      for (const train::Bin& bin : plan.bins) {
        count(bin);
      }
      continue;
    }
    for (const auto& micro_batch : plan.micro_batches) {
      for (const std::vector<train::Piece>& pieces : micro_batch) {
        count(pieces);
      }
    }
  }
  return out;
}

DataPage::Counts counts_of(const DataSet& data) {
  const train::DataCounts& counts = data.counts;
  return {.rows = counts.rows,
          .kept = static_cast<int64_t>(data.lengths.size()),
          .bad = counts.bad,
          .empty = counts.empty,
          .too_long = counts.too_long,
          .untrained = counts.untrained,
          .retokenized = counts.retokenized,
          .tokens = counts.tokens,
          .labels = counts.labels};
}

}  // namespace

Result<DataPage> view_training_data(const train::Recipe& recipe, const InspectOptions& options) {
  const std::vector<std::string>& files =
      options.held_out ? recipe.data.eval_files : recipe.data.files;
  CUPEL_TRY(const train::RecipeTexts texts, train::open_texts(recipe));
  if (files.empty()) {
    return options.held_out
               ? invalid_argument(
                     "no held-out data; set data.eval_files (--eval-data) to JSONL or Parquet "
                     "files")
               : invalid_argument(
                     "no training data; set data.files (--data) to JSONL or Parquet files");
  }
  CUPEL_TRY(const DataSet data, train::load_rows(recipe, texts, files));
  DataPage page{.files = files,
                .model = recipe.model,
                .method = recipe.method,
                .loss_on = recipe.data.loss_on,
                .counts = counts_of(data),
                .counts_text = train::counts_text(data.counts),
                .reasons = data.counts.reasons,
                .lengths = report::length_bins(data.lengths)};
  train::Recipe as_dealt = recipe;
  if (options.held_out) {
    as_dealt.data.mixture = "none";  // of the files of training
  }
  CUPEL_TRY(page.packing, packing_of(as_dealt, data));
  CUPEL_TRY(page.rows, rows_of(*texts.texts.tokenizer, data, options));
  return page;
}

Result<int> inspect_training_data(const train::Recipe& recipe, const InspectOptions& options) {
  CUPEL_TRY(const DataPage page, view_training_data(recipe, options));
  if (options.format == "json") {
    print_pretty(data_json(page));
  } else if (options.format == "html") {
    print(report::render_data_page(page));
  } else {
    print(data_text(page, report::detect_terminal(STDOUT_FILENO)));
  }
  return 0;
}

}  // namespace cupel::cli
