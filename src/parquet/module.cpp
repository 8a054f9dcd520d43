// cupel-parquet.so: Apache Arrow's Parquet reader behind the plain C interface of
// base/parquet_module.h. Nothing is thrown across it.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

#include "base/parquet_module.h"
#include "parquet/json_rows.h"

namespace {

using cupel::parquet_module::append_json;
using cupel::parquet_module::append_json_text;
using cupel::parquet_module::json_type;

constexpr int64_t kBatchRows = 16384;  // of texts of some kilobytes: tens of megabytes

/// A leaf of the schema.
struct Leaf {
  std::string name;
  std::vector<std::string> path;
};

/// Values of a chosen column, in the form that is handed out.
struct Texts {
  std::string bytes;
  std::vector<int64_t> offsets;
};

struct File {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::vector<Leaf> leaves;
  std::vector<size_t> chosen;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::vector<Texts> texts;       // of the chosen columns
  std::vector<std::string> tops;  // instead: what whole rows are made of
};

arrow::Status append_value(const arrow::Array& array, int64_t row, std::string& out);

template <typename Array>
arrow::Status append_number(const arrow::Array& array, int64_t row, std::string& out) {
  char buffer[32];
  const auto value = static_cast<const Array&>(array).Value(row);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
  return arrow::Status::OK();
}

template <typename Array>
arrow::Status append_text(const arrow::Array& array, int64_t row, std::string& out) {
  out += static_cast<const Array&>(array).GetView(row);
  return arrow::Status::OK();
}

arrow::Status append_boolean(const arrow::Array& array, int64_t row, std::string& out) {
  out += static_cast<const arrow::BooleanArray&>(array).Value(row) ? "true" : "false";
  return arrow::Status::OK();
}

arrow::Status append_entry(const arrow::Array& array, int64_t row, std::string& out) {
  const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
  return append_value(*coded.dictionary(), coded.GetValueIndex(row), out);
}

using Append = arrow::Status (*)(const arrow::Array&, int64_t, std::string&);

/// How values of a type become text; null for types that are not read.
Append append_of(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
      return append_boolean;
    case arrow::Type::INT8:
      return append_number<arrow::Int8Array>;
    case arrow::Type::UINT8:
      return append_number<arrow::UInt8Array>;
    case arrow::Type::INT16:
      return append_number<arrow::Int16Array>;
    case arrow::Type::UINT16:
      return append_number<arrow::UInt16Array>;
    case arrow::Type::INT32:
      return append_number<arrow::Int32Array>;
    case arrow::Type::UINT32:
      return append_number<arrow::UInt32Array>;
    case arrow::Type::INT64:
      return append_number<arrow::Int64Array>;
    case arrow::Type::UINT64:
      return append_number<arrow::UInt64Array>;
    case arrow::Type::FLOAT:
      return append_number<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return append_number<arrow::DoubleArray>;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return append_text<arrow::BinaryArray>;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return append_text<arrow::LargeBinaryArray>;
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return append_text<arrow::BinaryViewArray>;
    case arrow::Type::DICTIONARY:
      return append_entry;
    default:
      return nullptr;
  }
}

arrow::Status append_value(const arrow::Array& array, int64_t row, std::string& out) {
  if (array.IsNull(row)) {
    return arrow::Status::OK();
  }
  const Append append = append_of(array.type_id());
  return append != nullptr ? append(array, row, out)
                           : arrow::Status::NotImplemented(array.type()->ToString());
}

void report(const arrow::Status& status, CupelParquetProblem* problem) {
  problem->kind = status.IsNotImplemented() || status.IsTypeError() ? kCupelParquetUnsupported
                  : status.IsOutOfMemory()                          ? kCupelParquetMemory
                                                                    : kCupelParquetCorrupt;
  const std::string text = status.message();
  const size_t size = std::min(text.size(), sizeof problem->text - 1);
  std::memcpy(problem->text, text.data(), size);
  problem->text[size] = '\0';
}

/// Calls a body that returns a Status; true when all went well. What it throws is reported as well.
template <typename Body>
bool guarded(CupelParquetProblem* problem, const Body& body) {
  try {
    const arrow::Status status = body();
    if (status.ok()) {
      return true;
    }
    report(status, problem);
  } catch (const std::bad_alloc&) {
    report(arrow::Status::OutOfMemory("out of memory"), problem);
  } catch (const std::exception& error) {
    report(arrow::Status::Invalid(error.what()), problem);
  }
  return false;
}

arrow::Status open_file(const char* path, File& file) {
  ARROW_ASSIGN_OR_RAISE(const auto input, arrow::io::ReadableFile::Open(path));
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(input));
  parquet::ArrowReaderProperties properties;
  properties.set_batch_size(kBatchRows);
  properties.set_use_threads(false);
  properties.set_pre_buffer(false);  // it would hold whole row groups
  ARROW_RETURN_NOT_OK(builder.properties(properties)->Build(&file.reader));
  const auto* schema = file.reader->parquet_reader()->metadata()->schema();
  for (int i = 0; i < schema->num_columns(); ++i) {
    const auto path_of_leaf = schema->Column(i)->path();
    file.leaves.push_back({path_of_leaf->ToDotString(), path_of_leaf->ToDotVector()});
  }
  return arrow::Status::OK();
}

arrow::Status wrong_type(const Leaf& leaf, const arrow::DataType& type) {
  return arrow::Status::NotImplemented(
      "column \"", leaf.name, "\" is of type ", type.ToString(),
      "; expected text, a number or a boolean: write it as one of these");
}

arrow::Status check_type(const Leaf& leaf, const arrow::Schema& schema) {
  std::shared_ptr<arrow::DataType> type = schema.GetFieldByName(leaf.path.front())->type();
  for (size_t i = 1; i < leaf.path.size(); ++i) {
    if (type->id() != arrow::Type::STRUCT) {
      return wrong_type(leaf, *type);
    }
    type = static_cast<const arrow::StructType&>(*type).GetFieldByName(leaf.path[i])->type();
  }
  const auto& values = type->id() == arrow::Type::DICTIONARY
                           ? *static_cast<const arrow::DictionaryType&>(*type).value_type()
                           : *type;
  return append_of(values.id()) != nullptr && values.id() != arrow::Type::DICTIONARY
             ? arrow::Status::OK()
             : wrong_type(leaf, *type);
}

arrow::Status open_batches(File& file, const std::vector<int>& indices) {
  std::vector<int> groups(static_cast<size_t>(file.reader->num_row_groups()));
  for (size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<int>(i);
  }
  ARROW_ASSIGN_OR_RAISE(file.batches, file.reader->GetRecordBatchReader(groups, indices));
  return arrow::Status::OK();
}

arrow::Status select_columns(File& file, const size_t* columns, size_t count) {
  file.chosen.assign(columns, columns + count);
  std::shared_ptr<arrow::Schema> schema;
  ARROW_RETURN_NOT_OK(file.reader->GetSchema(&schema));
  std::vector<int> indices;
  for (const size_t column : file.chosen) {
    ARROW_RETURN_NOT_OK(check_type(file.leaves[column], *schema));
    indices.push_back(static_cast<int>(column));
  }
  file.texts.resize(count);
  file.tops.clear();
  return open_batches(file, indices);
}

arrow::Status select_whole_rows(File& file, const char* const* names, size_t count) {
  std::shared_ptr<arrow::Schema> schema;
  ARROW_RETURN_NOT_OK(file.reader->GetSchema(&schema));
  file.tops.clear();
  file.chosen.clear();
  std::vector<int> indices;
  for (size_t i = 0; i < count; ++i) {
    const auto field = schema->GetFieldByName(names[i]);
    if (field == nullptr) {
      continue;
    }
    if (!json_type(*field->type())) {
      return arrow::Status::NotImplemented("column \"", names[i], "\" is of type ",
                                           field->type()->ToString(),
                                           "; expected texts, numbers, booleans, lists or structs");
    }
    file.tops.emplace_back(names[i]);
    for (size_t leaf = 0; leaf < file.leaves.size(); ++leaf) {
      if (file.leaves[leaf].path.front() == names[i]) {
        indices.push_back(static_cast<int>(leaf));
      }
    }
  }
  file.texts.resize(1);
  return file.tops.empty() ? arrow::Status::OK() : open_batches(file, indices);
}

arrow::Status read_whole_rows(const arrow::RecordBatch& batch,
                              const std::vector<std::string>& tops,
                              Texts& texts) {
  texts.bytes.clear();
  texts.offsets.assign(1, 0);
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const std::string& top : tops) {
    arrays.push_back(batch.GetColumnByName(top));
    if (arrays.back() == nullptr) {
      return arrow::Status::Invalid("column \"", top, "\" is not in a batch");
    }
    ARROW_RETURN_NOT_OK(arrays.back()->ValidateFull());
  }
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    for (size_t i = 0; i < tops.size(); ++i) {
      texts.bytes += i == 0 ? '{' : ',';
      append_json_text(tops[i], texts.bytes);
      texts.bytes += ':';
      ARROW_RETURN_NOT_OK(append_json(*arrays[i], row, texts.bytes));
    }
    texts.bytes += '}';
    texts.offsets.push_back(static_cast<int64_t>(texts.bytes.size()));
  }
  return arrow::Status::OK();
}

/// The values of a leaf: absent too where a struct around them is null.
arrow::Result<std::shared_ptr<arrow::Array>> values_of(const arrow::RecordBatch& batch,
                                                       const Leaf& leaf) {
  std::shared_ptr<arrow::Array> array = batch.GetColumnByName(leaf.path.front());
  for (size_t i = 1; i < leaf.path.size() && array != nullptr; ++i) {
    const auto& outer = static_cast<const arrow::StructArray&>(*array);
    const int member = outer.struct_type()->GetFieldIndex(leaf.path[i]);
    if (member < 0) {
      return arrow::Status::Invalid("column \"", leaf.name, "\" is not in a batch");
    }
    ARROW_ASSIGN_OR_RAISE(array, outer.GetFlattenedField(member));
  }
  if (array == nullptr) {
    return arrow::Status::Invalid("column \"", leaf.name, "\" is not in a batch");
  }
  return array;
}

arrow::Status read_texts(const arrow::Array& array, Texts& texts) {
  texts.bytes.clear();
  texts.offsets.assign(1, 0);
  for (int64_t row = 0; row < array.length(); ++row) {
    ARROW_RETURN_NOT_OK(append_value(array, row, texts.bytes));
    texts.offsets.push_back(static_cast<int64_t>(texts.bytes.size()));
  }
  return arrow::Status::OK();
}

arrow::Status next_batch(File& file, int64_t& rows) {
  std::shared_ptr<arrow::RecordBatch> batch;
  do {
    ARROW_RETURN_NOT_OK(file.batches->ReadNext(&batch));
  } while (batch != nullptr && batch->num_rows() == 0);
  rows = batch != nullptr ? batch->num_rows() : 0;
  if (!file.tops.empty()) {
    return rows > 0 ? read_whole_rows(*batch, file.tops, file.texts[0]) : arrow::Status::OK();
  }
  for (size_t i = 0; i < file.chosen.size() && rows > 0; ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto array, values_of(*batch, file.leaves[file.chosen[i]]));
    ARROW_RETURN_NOT_OK(array->ValidateFull());  // offsets and indices come from the file
    ARROW_RETURN_NOT_OK(read_texts(*array, file.texts[i]));
  }
  return arrow::Status::OK();
}

void* open_path(const char* path, CupelParquetProblem* problem) {
  auto file = std::make_unique<File>();
  return guarded(problem, [&] { return open_file(path, *file); }) ? file.release() : nullptr;
}

void close_file(void* file) {
  delete static_cast<File*>(file);
}

size_t column_count(void* file) {
  return static_cast<File*>(file)->leaves.size();
}

const char* column_name(void* file, size_t column) {
  return static_cast<File*>(file)->leaves[column].name.c_str();
}

int select(void* file, const size_t* columns, size_t count, CupelParquetProblem* problem) {
  const bool good =
      guarded(problem, [&] { return select_columns(*static_cast<File*>(file), columns, count); });
  return good ? 0 : -1;
}

int64_t select_rows(void* file,
                    const char* const* names,
                    size_t count,
                    CupelParquetProblem* problem) {
  auto& opened = *static_cast<File*>(file);
  const bool good = guarded(problem, [&] { return select_whole_rows(opened, names, count); });
  return good ? static_cast<int64_t>(opened.tops.size()) : -1;
}

int64_t next(void* opaque, CupelParquetColumn* columns, CupelParquetProblem* problem) {
  auto& file = *static_cast<File*>(opaque);
  int64_t rows = 0;
  if (!guarded(problem, [&] { return next_batch(file, rows); })) {
    return -1;
  }
  for (size_t i = 0; i < file.texts.size(); ++i) {
    columns[i] = {file.texts[i].bytes.data(), file.texts[i].offsets.data()};
  }
  return rows;
}

constexpr CupelParquetApi kApi = {CUPEL_PARQUET_VERSION, open_path, close_file,  column_count,
                                  column_name,           select,    select_rows, next};

}  // namespace

extern "C" __attribute__((visibility("default"))) const CupelParquetApi* cupel_parquet_api();

extern "C" const CupelParquetApi* cupel_parquet_api() {
  return &kApi;
}
