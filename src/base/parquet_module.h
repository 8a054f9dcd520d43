#pragma once

// The interface between cupel and cupel-parquet.so, which alone is linked with Apache Arrow. Plain
// C, so that the two need not be of one build.

#include <stddef.h>
#include <stdint.h>

#define CUPEL_PARQUET_VERSION 2

/// Why a call failed.
typedef struct {
  int32_t kind;  ///< one of kCupelParquet…
  char text[512];
} CupelParquetProblem;

enum {
  kCupelParquetCorrupt = 1,      ///< the file breaks its format
  kCupelParquetUnsupported = 2,  ///< a column of a type that is not read
  kCupelParquetMemory = 3
};

/// Values of one column as text, one behind the other; null is the empty text.
typedef struct {
  const char* bytes;
  const int64_t* offsets;  ///< [rows + 1]
} CupelParquetColumn;

typedef struct {
  uint32_t version;  ///< CUPEL_PARQUET_VERSION
  /// NULL on failure.
  void* (*open)(const char* path, CupelParquetProblem* problem);
  void (*close)(void* file);
  /// The leaves of the schema, members of structs with dots.
  size_t (*column_count)(void* file);
  const char* (*column_name)(void* file, size_t column);
  /// Chooses what `next` reads. 0, or -1 on failure.
  int (*select)(void* file, const size_t* columns, size_t count, CupelParquetProblem* problem);
  /// Chooses instead one column of whole rows as JSON objects, with those of the named top-level
  /// columns that the file has, lists and structs included. How many it has, or -1 on failure.
  int64_t (*select_rows)(void* file,
                         const char* const* names,
                         size_t count,
                         CupelParquetProblem* problem);
  /// Fills one entry of `columns` for each chosen one; they live until the next call. The number of
  /// rows, 0 at the end, -1 on failure.
  int64_t (*next)(void* file, CupelParquetColumn* columns, CupelParquetProblem* problem);
} CupelParquetApi;

#define CUPEL_PARQUET_ENTRY "cupel_parquet_api"
typedef const CupelParquetApi* (*CupelParquetEntry)(void);
