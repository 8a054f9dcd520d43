#include "rank/vote_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_source.h"
#include "base/csv.h"
#include "base/error.h"
#include "base/json_fields.h"
#include "base/parquet.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "rank/vote_merge.h"
#include "rank/vote_pipeline.h"
#include "rank/vote_plan.h"

namespace cupel::rank {
namespace {

enum class VoteFormat { kCsv, kJsonl, kParquet };

bool has_json_name(std::string name) {
  for (const std::string_view packed : {".gz", ".zst", ".zstd"}) {
    if (name.ends_with(packed)) {
      name.resize(name.size() - packed.size());
    }
  }
  return name.ends_with(".jsonl") || name.ends_with(".ndjson") || name.ends_with(".json");
}

/// What iconv calls two bytes a character: a byte order mark, or every other byte of the first two
/// letters zero. Empty: it is something else.
std::string_view utf16_kind(std::string_view head) {
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    return "utf-16";
  }
  const auto zero = [&](size_t i) { return head[i] == 0; };
  if (head.size() < 4 || zero(0) == zero(1) || zero(0) != zero(2) || zero(1) != zero(3)) {
    return {};
  }
  return zero(0) ? "utf-16be" : "utf-16le";
}

/// Bytes that nobody wrote as text: a NUL in the first line.
bool is_binary(std::string_view head) {
  return head.substr(0, head.find('\n')).find('\0') != std::string_view::npos;
}

Result<VoteFormat> find_format(std::string_view head, const std::string& name) {
  if (head.starts_with("PAR1")) {
    return VoteFormat::kParquet;
  }
  if (const std::string_view kind = utf16_kind(head); !kind.empty()) {
    return corrupt_data("{}: is UTF-16; convert it: iconv -f {} -t utf-8", name, kind);
  }
  if (is_binary(head) || name.ends_with(".parquet")) {
    return corrupt_data(
        "{}: is neither text nor a Parquet file; expected CSV, JSON lines or Parquet{}", name,
        name.ends_with(".parquet") ? " (which begins with PAR1)" : "");
  }
  if (head.starts_with(kByteOrderMark)) {
    head.remove_prefix(kByteOrderMark.size());
  }
  head = trim(head.substr(0, std::min<size_t>(head.size(), 4096)));
  if (head.starts_with('[') && has_json_name(name)) {
    return invalid_argument(
        "{}: is one JSON array; expected an object on each line: jq -c '.[]' turns one into the "
        "other",
        name);
  }
  return head.starts_with('{') || has_json_name(name) ? VoteFormat::kJsonl : VoteFormat::kCsv;
}

void skip_byte_order_mark(VoteStart& start) {
  if (start.line == 1 && start.text.starts_with(kByteOrderMark)) {
    start.text.remove_prefix(kByteOrderMark.size());
  }
}

/// Takes the header off the beginning; empty when the file has no line but empty ones.
Result<std::vector<std::string>> take_header(RecordBlocks& blocks, VoteStart& start) {
  std::vector<std::string> names;
  while (names.empty()) {
    CUPEL_TRY(const bool more, blocks.next(start.block));
    start.text = start.block.text();
    start.line = start.block.first_line();
    if (!more) {
      break;
    }
    skip_byte_order_mark(start);
    CsvReader reader(start.text);
    const CsvReader::Step step = reader.next();
    if (step == CsvReader::Step::kBad) {
      return in_file(reader.error(), blocks.name(), start.line + reader.line() - 1);
    }
    for (size_t i = 0; step == CsvReader::Step::kRecord && i < reader.width(); ++i) {
      names.emplace_back(trim(reader.value(i)));
    }
    start.line += scan_lines(start.text.substr(0, reader.position())).line_ends;
    start.text.remove_prefix(reader.position());
  }
  return names;
}

Result<std::vector<std::string>> members_of(std::string_view record) {
  CUPEL_TRY_VOID(JsonFieldReader({}).read(record));  // says what is wrong as the rows' reader does
  return json_paths(record);
}

/// The first object, whose members say what all others have, and the bad lines before it.
struct FirstObject {
  std::vector<std::string> members;
  VoteBlock skipped;
};

/// Leaves `start` at the first object; without one its text is empty.
Result<FirstObject> find_first_object(RecordBlocks& blocks, VoteStart& start, bool skip_bad) {
  FirstObject first;
  while (true) {
    CUPEL_TRY(const bool more, blocks.next(start.block));
    start.text = start.block.text();
    start.line = start.block.first_line();
    if (!more) {
      return first;
    }
    skip_byte_order_mark(start);
    for (; !start.text.empty(); ++start.line) {
      const size_t end = std::min(start.text.find('\n'), start.text.size() - 1) + 1;
      const std::string_view record = trim(start.text.substr(0, end));
      Result<std::vector<std::string>> members = std::vector<std::string>();
      if (!record.empty()) {
        members = members_of(record);
      }
      if (members.has_value() && !record.empty()) {
        first.members = std::move(*members);
        return first;
      }
      start.text.remove_prefix(end);
      if (!members.has_value() && !skip_bad) {
        return in_file(std::move(members).error(), blocks.name(), start.line);
      }
      if (!members.has_value() && ++first.skipped.skipped <= int64_t{kListedBadRows}) {
        first.skipped.bad.push_back({start.line, std::move(members).error()});
      }
    }
  }
}

/// Reads one file after another into a merger.
class VoteFiles {
 public:
  explicit VoteFiles(const VoteReadOptions& options)
      : options_(options),
        threads_(options.threads > 0 ? options.threads : available_cpus()),
        merger_(options) {}

  Result<Ok> read(OpenSource source, const std::string& path) {
    const std::string name = source.name;
    const bool is_compressed = source.is_compressed;
    RecordBlocks blocks(std::move(source), options_.limits);
    CUPEL_TRY(const std::string_view head, blocks.head());
    merger_.begin_file(name);
    CUPEL_TRY(const VoteFormat format, find_format(head, name));
    if (format == VoteFormat::kParquet) {
      if (path.empty() || path == "-" || is_compressed) {
        return unsupported("{}: Parquet is read from a plain file; save it as one", name);
      }
      CUPEL_TRY_VOID(read_parquet(path));
    } else if (format == VoteFormat::kJsonl) {
      blocks.set_kind(RecordKind::kLines);
      CUPEL_TRY_VOID(read_jsonl(blocks));
    } else {
      blocks.set_kind(RecordKind::kCsv);
      CUPEL_TRY_VOID(read_csv(blocks));
    }
    return merger_.end_file();
  }
  Result<VoteFile> finish() { return merger_.finish(); }

 private:
  Result<Ok> read_csv(RecordBlocks& blocks) {
    VoteStart start;
    CUPEL_TRY(const std::vector<std::string> header, take_header(blocks, start));
    if (header.empty()) {
      return Ok{};  // the merger says that there are no votes
    }
    CUPEL_TRY(const VotePlan plan,
              plan_for({.names = header, .json_cells = true}, blocks.name(), header_line(start)));
    return run_vote_pipeline(
        blocks, std::move(start),
        [&](size_t parser) { return csv_vote_parser(plan, header, options_.skip_bad, parser); },
        threads_, merger_);
  }

  Result<Ok> read_jsonl(RecordBlocks& blocks) {
    VoteStart start;
    CUPEL_TRY(FirstObject first, find_first_object(blocks, start, options_.skip_bad));
    CUPEL_TRY_VOID(merger_.add(std::move(first.skipped)));
    if (start.text.empty()) {
      return Ok{};
    }
    CUPEL_TRY(const VotePlan plan,
              plan_for({.names = std::move(first.members)}, blocks.name(), start.line));
    return run_vote_pipeline(
        blocks, std::move(start),
        [&](size_t parser) { return jsonl_vote_parser(plan, options_.skip_bad, parser); }, threads_,
        merger_);
  }

  Result<Ok> read_parquet(const std::string& path) {
    CUPEL_TRY(ParquetFile file, ParquetFile::open(path));
    CUPEL_TRY(const VotePlan plan,
              plan_for({.names = file.columns(), .leaves_only = true}, path, 0));
    CUPEL_TRY_VOID(file.select(plan.columns));
    VoteRowParser rows(plan, 0);
    std::vector<std::string_view> cells(plan.columns.size());
    size_t row = 0;
    while (true) {
      CUPEL_TRY(const size_t count, file.next());
      for (size_t i = 0; i < count; ++i) {
        ++row;
        for (size_t cell = 0; cell < cells.size(); ++cell) {
          cells[cell] = file.value(cell, i);
        }
        if (!rows.add(cells) && !rows.reject(row, rows.error(), options_.skip_bad)) {
          return merger_.add(rows.take());
        }
      }
      CUPEL_TRY_VOID(merger_.add(rows.take()));
      if (count == 0) {
        return Ok{};
      }
    }
  }

  /// The line of a header that was taken off; it may be the last of several, when quoted.
  static size_t header_line(const VoteStart& start) { return start.line > 1 ? start.line - 1 : 1; }

  Result<VotePlan> plan_for(const VoteColumns& columns, const std::string& name, size_t line) {
    auto plan = make_vote_plan(columns, options_);
    if (!plan.has_value()) {
      return in_file(std::move(plan).error(), name, line);
    }
    for (const VotePlan::Style& style : plan->style) {
      if (style.source.kind == StyleSource::Kind::kTexts) {
        merger_.note(format("style feature {}: counted in {} and {}{}", style.source.feature,
                            style.source.columns_a.front(), style.source.columns_b.front(),
                            style.source.feature == "length" ? ", in characters" : ""));
      }
    }
    return plan;
  }

  const VoteReadOptions& options_;
  size_t threads_;
  VoteMerger merger_;
};

}  // namespace

Result<VoteFile> read_votes(const VoteReadOptions& options) {
  if (options.paths.empty()) {
    return invalid_argument("no file of votes; name one, or - for standard input");
  }
  VoteFiles files(options);
  for (const std::string& path : options.paths) {
    CUPEL_TRY(OpenSource source, open_source(path));
    CUPEL_TRY_VOID(files.read(std::move(source), path));
  }
  return files.finish();
}

Result<VoteFile> parse_votes(std::string_view bytes,
                             const std::string& name,
                             const VoteReadOptions& options) {
  VoteFiles files(options);
  CUPEL_TRY(OpenSource source, source_of_bytes(bytes, name));
  CUPEL_TRY_VOID(files.read(std::move(source), ""));
  return files.finish();
}

}  // namespace cupel::rank
