// cupel tokenize: texts to ids.
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/gguf.h"
#include "engine/tokenizer/from_gguf.h"

namespace cupel::cli::command {
namespace {

class Tokenize : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "FILE.gguf", model_, "Model or vocabulary file", true);
    a.text("--input", "FILE.jsonl", input_, "Lines {\"text\": …}; - reads standard input", true);
    a.flag("--add-special", options_.add_special, "Add BOS/EOS where the vocabulary asks for them");
    a.flag("--parse-special", options_.parse_special, "Read special tokens in the text as such");
    a.text("--tokenizer-pre", "NAME", pre_, "Pre-tokenizer instead of the file's own");
    a.choice("--format", {"jsonl"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const std::vector<Json> rows, read_rows(input_));
    std::vector<std::string> texts;
    for (size_t i = 0; i < rows.size(); ++i) {
      auto text = get_string(rows[i], "text");
      if (!text) {
        return in_file(std::move(text).error(), input_, i + 1);
      }
      texts.push_back(std::move(*text));
    }
    CUPEL_TRY(const engine::GgufFile file, engine::GgufFile::open(model_));
    CUPEL_TRY(const auto tokenizer, engine::load_tokenizer(file, {.pre = pre_}));
    std::string out;
    for (const std::string& text : texts) {
      Json ids = Json::array();
      for (const TokenId id : tokenizer->encode(text, options_)) {
        ids.push_back(id);
      }
      out += dump_json(Json::object().set("ids", std::move(ids))) + "\n";
    }
    print(out);
    return 0;
  }

 private:
  std::string model_;
  std::string input_;
  std::string pre_;
  std::string format_ = "jsonl";
  EncodeOptions options_;
};

}  // namespace

CommandInfo tokenize() {
  return {.name = "tokenize",
          .group = "Inspect",
          .summary = "Token ids of texts",
          .examples =
              "  echo '{\"text\": \"Hello, world\"}' | cupel tokenize --model models/a.gguf "
              "--input -\n",
          .make = &make_command<Tokenize>};
}

}  // namespace cupel::cli::command
