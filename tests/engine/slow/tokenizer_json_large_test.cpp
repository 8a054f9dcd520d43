// What a tokenizer.json of 50 MB costs and may not.
#include "engine/tokenizer_json_large.h"

namespace cupel::test {
namespace {

constexpr size_t kBytes = 50'000'000;

TEST(TokenizerJsonOf50Mb, BpeAgreesWithTheDefinition) {
  check_large_bpe(kBytes);
}

TEST(TokenizerJsonOf50Mb, OtherVocabulariesLoad) {
  check_large_lists(kBytes);
}

TEST(TokenizerJsonOf50Mb, HostileFilesEndInOneLine) {
  check_hostile_files(kBytes);
}

}  // namespace
}  // namespace cupel::test
