#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "store/hub/choose_files.h"

namespace cupel::store {
namespace {

std::vector<HubFile> files_of(const std::vector<std::string>& paths) {
  std::vector<HubFile> files;
  for (const std::string& path : paths) {
    files.push_back({.path = path, .size = 1, .sha256 = {}, .git_sha1 = {}});
  }
  return files;
}

std::vector<std::string> chosen(const std::vector<std::string>& paths, const FileWish& wish) {
  const auto files = choose_files(files_of(paths), wish);
  EXPECT_TRUE(files) << files.error().message;
  std::vector<std::string> names;
  for (const HubFile& file : files ? *files : std::vector<HubFile>{}) {
    names.push_back(file.path);
  }
  return names;
}

Error refused(const std::vector<std::string>& paths, const FileWish& wish) {
  const auto files = choose_files(files_of(paths), wish);
  EXPECT_FALSE(files);
  return files ? Error{} : files.error();
}

using Names = std::vector<std::string>;
const Names kQuants = {"README.md",      "m.IQ4_XS.gguf", "m.Q2_K.gguf", "m.Q4_K_S.gguf",
                       "m.Q4_K_M.gguf",  "m.Q8_0.gguf",   "m.f16.gguf",  "mmproj-m-f16.gguf",
                       "m.imatrix.gguf", "m.imatrix.dat"};

TEST(ChooseFiles, TakesTheUsualQuantisation) {
  EXPECT_EQ(chosen(kQuants, {}), Names{"m.Q4_K_M.gguf"});
  EXPECT_EQ(chosen({"a.gguf", "config.json"}, {}), Names{"a.gguf"});
  EXPECT_EQ(chosen({"m.Q2_K.gguf", "m-q8_0.gguf", "m.F16.gguf"}, {}), Names{"m-q8_0.gguf"});
}

TEST(ChooseFiles, TakesTheQuantisationAskedFor) {
  EXPECT_EQ(chosen(kQuants, {.pattern = {}, .quant = "q8_0"}), Names{"m.Q8_0.gguf"});
  EXPECT_EQ(chosen(kQuants, {.pattern = {}, .quant = "F16"}), Names{"m.f16.gguf"});
  EXPECT_EQ(chosen(kQuants, {.pattern = {}, .quant = "Q2_K"}), Names{"m.Q2_K.gguf"});
  // A part of a longer name is another type.
  EXPECT_EQ(refused(kQuants, {.pattern = {}, .quant = "q4_k"}).code, Code::kNotFound);
  EXPECT_EQ(refused(kQuants, {.pattern = {}, .quant = "4_k_m"}).code, Code::kNotFound);
}

TEST(ChooseFiles, ListsWhatThereIsWhenItCannotTell) {
  const Error none = refused({"m.Q2_K.gguf", "m.IQ4_XS.gguf"}, {});
  EXPECT_EQ(none.code, Code::kInvalidArgument);
  EXPECT_NE(none.message.find("m.Q2_K.gguf, m.IQ4_XS.gguf"), std::string::npos) << none.message;
  const Error two = refused({"a-Q8_0.gguf", "b-Q8_0.gguf", "a-Q2_K.gguf"}, {});
  EXPECT_EQ(two.code, Code::kInvalidArgument);
  EXPECT_NE(two.message.find("a-Q8_0.gguf, b-Q8_0.gguf"), std::string::npos) << two.message;
}

TEST(ChooseFiles, TakesAllPartsOfASplitModel) {
  const Names parts = {"q8/m-Q8_0-00001-of-00003.gguf", "q8/m-Q8_0-00002-of-00003.gguf",
                       "q8/m-Q8_0-00003-of-00003.gguf"};
  Names all = parts;
  all.push_back("m-Q2_K.gguf");
  EXPECT_EQ(chosen(all, {}), parts);
  EXPECT_EQ(gguf_models(all), (Names{parts[0], "m-Q2_K.gguf"}));
  EXPECT_EQ(unsplit_name(parts[1]), "q8/m-Q8_0.gguf");
  EXPECT_EQ(unsplit_name("m-0001-of-00003.gguf"), "m-0001-of-00003.gguf");
  EXPECT_EQ(unsplit_name("x"), "x");
}

TEST(ChooseFiles, TakesSafetensorsWithWhatBelongsToThem) {
  EXPECT_EQ(chosen({".gitattributes", "README.md", "chat_template.jinja", "config.json",
                    "consolidated.safetensors", "generation_config.json",
                    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                    "model.safetensors.index.json", "onnx/model.onnx",
                    "original/consolidated.00.pth", "other/model.safetensors", "pytorch_model.bin",
                    "tokenizer.json", "tokenizer_config.json", "training_args.bin"},
                   {}),
            (Names{"chat_template.jinja", "config.json", "generation_config.json",
                   "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                   "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json"}));
  EXPECT_EQ(chosen({"consolidated.safetensors"}, {}), Names{"consolidated.safetensors"});
  EXPECT_EQ(refused({"pytorch_model.bin", "config.json"}, {}).code, Code::kUnsupported);
  EXPECT_EQ(refused({}, {}).code, Code::kUnsupported);
  EXPECT_EQ(refused({"model.safetensors"}, {.pattern = {}, .quant = "q8_0"}).code, Code::kNotFound);
}

TEST(ChooseFiles, TakesExactlyTheFileThatIsNamed) {
  EXPECT_EQ(chosen(kQuants, {.pattern = "README.md", .quant = {}}), Names{"README.md"});
  EXPECT_EQ(chosen(kQuants, {.pattern = "*Q4_K*", .quant = {}}),
            (Names{"m.Q4_K_S.gguf", "m.Q4_K_M.gguf"}));
  EXPECT_EQ(chosen({"a.bin", "a.json"}, {.pattern = "a.*", .quant = {}}), Names{"a.json"});
  EXPECT_EQ(chosen({"a.bin", "a.json"}, {.pattern = "a.bin", .quant = {}}), Names{"a.bin"});
  const Error none = refused(kQuants, {.pattern = "m.Q4_K_N.gguf", .quant = {}});
  EXPECT_EQ(none.code, Code::kNotFound);
  EXPECT_NE(none.message.find("did you mean"), std::string::npos) << none.message;
}

}  // namespace
}  // namespace cupel::store
