// What a tokenizer.json of 2 MB costs and may not; slow/ has the same of 50 MB.
#include "engine/tokenizer_json_large.h"

namespace cupel::test {
namespace {

constexpr size_t kBytes = 2'000'000;

TEST(TokenizerJsonLarge, BpeAgreesWithTheDefinition) {
  check_large_bpe(kBytes);
}

TEST(TokenizerJsonLarge, OtherVocabulariesLoad) {
  check_large_lists(kBytes);
}

TEST(TokenizerJsonLarge, HostileFilesEndInOneLine) {
  check_hostile_files(kBytes);
}

}  // namespace
}  // namespace cupel::test
