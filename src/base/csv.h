#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// Calls `row(fields, line)` for each record of a CSV text (RFC 4180), the header included.
///
/// Fields in double quotes may hold commas, line ends and doubled quotes; LF and CRLF end a record,
/// a byte order mark at the start and empty lines are skipped. `fields` lives until `row` returns;
/// `line` counts from 1 and is the line where the record starts. Errors: kCorruptData `path:line:
/// …` - a record with another number of fields than the first, an unclosed
///         quote, text after a closing quote, a quote inside a bare field. The first error of `row`
///         ends the reading too and gets the same place.
/// Cost:   one pass; memory of one record.
Result<Ok> for_each_csv(
    std::string_view text,
    const std::string& path,
    const std::function<Result<Ok>(std::span<const std::string_view> fields, size_t line)>& row);

/// A field as it stands in a CSV record: quoted when it holds a comma, a quote or a line end.
std::string csv_field(std::string_view text);

}  // namespace cupel
