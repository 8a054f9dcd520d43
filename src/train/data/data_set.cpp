#include "train/data/data_set.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "train/data/packed_batch.h"
#include "train/data/row_reader.h"

namespace cupel::train {
namespace {

bool has_equal_answers(const ExampleGroup& group) {
  const auto same = [&group](const Example& answer) {
    return answer.ids == group.answers.front().ids;
  };
  return group.answers.size() > 1 && !group.tie && std::ranges::all_of(group.answers, same);
}

/// Rows of one kind, file by file.
class DataLoader {
 public:
  DataLoader(const RowTokenizer& tokenizer, const DataOptions& options)
      : tokenizer_(&tokenizer), options_(&options) {}

  Result<DataSet> run() {
    for (const std::string& path : options_->paths) {
      CUPEL_TRY_VOID(read_file(path));
    }
    if (out_.lengths.empty()) {
      return invalid_argument("{}: nothing to train on: {}", join(options_->paths, ", "),
                              counts_text(out_.counts));
    }
    return std::move(out_);
  }

 private:
  Result<Ok> read_file(const std::string& path) {
    CUPEL_TRY(RowReader reader,
              RowReader::create(
                  {.paths = {path}, .skip_bad = options_->skip_bad, .ratings = options_->ratings}));
    MixtureSource source{.begin = static_cast<int64_t>(out_.lengths.size())};
    while (true) {
      CUPEL_TRY(const std::optional<Row> row, reader.next());
      if (!row.has_value()) {
        break;
      }
      ++out_.counts.rows;
      CUPEL_TRY_VOID(add(*row));
    }
    source.count = static_cast<int64_t>(out_.lengths.size()) - source.begin;
    out_.files.push_back(source);
    out_.counts.bad += reader.skipped().bad;
    out_.counts.empty += reader.skipped().empty;
    out_.counts.rows += reader.skipped().bad + reader.skipped().empty;
    for (const std::string& reason : reader.skipped().reasons) {
      note(reason);
    }
    return Ok{};
  }

  void note(const std::string& reason) {
    if (out_.counts.reasons.size() < SkippedRows::kListed) {
      out_.counts.reasons.push_back(reason);
    }
  }

  Result<Ok> add(const Row& row) {
    const size_t before = out_.lengths.size();
    auto fit = options_->kind == DataKind::kExamples
                   ? tokenizer_->add_example(row, out_.examples)
                   : tokenizer_->add_group(row, out_.groups, out_.counts.retokenized);
    if (!fit.has_value()) {
      Error error = in_context(std::move(fit).error(), row.place);
      // What is wrong with the whole run is wrong with every row.
      if (!options_->skip_bad || error.code == Code::kFailedPrecondition) {
        return error;
      }
      ++out_.counts.bad;
      note(error.message);
      return Ok{};
    }
    out_.counts.too_long += *fit == Fit::kTooLong ? 1 : 0;
    out_.counts.untrained += *fit == Fit::kUntrained ? 1 : 0;
    measure(row, before);
    return Ok{};
  }

  /// Lengths and characters of what a row has added.
  void measure(const Row& row, size_t before) {
    int64_t tokens = 0;
    for (size_t i = before; i < out_.examples.size(); ++i) {
      out_.lengths.push_back(static_cast<int64_t>(out_.examples[i].ids.size()));
      out_.counts.labels += out_.examples[i].trained_tokens();
      tokens += out_.lengths.back();
    }
    for (size_t i = before; i < out_.groups.size(); ++i) {
      out_.lengths.push_back(group_tokens(out_.groups[i]));
      out_.counts.equal_answers += has_equal_answers(out_.groups[i]) ? 1 : 0;
      for (const Example& answer : out_.groups[i].answers) {
        out_.counts.labels += answer.trained_tokens();
      }
      tokens += out_.lengths.back();
    }
    out_.counts.tokens += tokens;
    for (size_t i = before; i < out_.lengths.size(); ++i) {
      out_.characters.push_back(row.characters() * out_.lengths[i] / tokens);
    }
  }

  const RowTokenizer* tokenizer_;
  const DataOptions* options_;
  DataSet out_;
};

}  // namespace

Result<DataSet> load_data(const RowTokenizer& tokenizer, const DataOptions& options) {
  if (options.paths.empty()) {
    return invalid_argument("no training data; name a file of rows (JSONL or Parquet)");
  }
  return DataLoader(tokenizer, options).run();
}

void unpair(DataSet& data) {
  DataSet out;
  std::vector<int64_t> begins;  // of each old item among the new ones
  for (size_t i = 0; i < data.groups.size(); ++i) {
    ExampleGroup& pair = data.groups[i];
    begins.push_back(static_cast<int64_t>(out.groups.size()));
    const bool splits = pair.answers.size() == 2 && pair.label < 0 && !pair.tie;
    for (size_t answer = 0; answer < (splits ? 2 : 1); ++answer) {
      ExampleGroup& one = out.groups.emplace_back(splits ? ExampleGroup{} : std::move(pair));
      if (splits) {
        one.prompt_tokens = pair.prompt_tokens;
        one.answers.push_back(std::move(pair.answers[answer]));
        one.label = answer == 0 ? 1 : 0;
        one.weight = pair.weight;
        one.id = pair.id;
      }
      out.lengths.push_back(group_tokens(one));
      out.characters.push_back(data.characters[i]);
    }
  }
  begins.push_back(static_cast<int64_t>(out.groups.size()));
  for (MixtureSource& file : data.files) {
    const auto end = static_cast<size_t>(file.begin + file.count);
    file.begin = begins[static_cast<size_t>(file.begin)];
    file.count = begins[end] - file.begin;
  }
  data.groups = std::move(out.groups);
  data.lengths = std::move(out.lengths);
  data.characters = std::move(out.characters);
}

std::string counts_text(const DataCounts& counts) {
  const int64_t left_out = counts.bad + counts.empty + counts.too_long + counts.untrained;
  std::string text = format("{} rows", counts.rows);
  std::vector<std::string> parts;
  const auto part = [&parts](int64_t count, std::string_view what) {
    if (count > 0) {
      parts.push_back(format("{} {}", count, what));
    }
  };
  part(counts.bad, "malformed");
  part(counts.empty, "with an empty answer");
  part(counts.too_long, "too long");
  part(counts.untrained, "with nothing to learn");
  if (left_out > 0) {
    text += format(", {} of them left out ({})", left_out, join(parts, ", "));
  }
  return text;
}

std::string equal_answers_warning(const DataCounts& counts) {
  return counts.equal_answers == 0
             ? std::string()
             : format(
                   "warning: in {} rows of {} chosen and rejected are the same tokens: they teach "
                   "no preference; leave them out",
                   counts.equal_answers, counts.rows);
}

}  // namespace cupel::train
