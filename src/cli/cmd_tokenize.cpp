// cupel tokenize: texts to ids.
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/open_checkpoint.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::cli::command {
namespace {

class Tokenize : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "FILE.gguf", model_, "Model or vocabulary file", true);
    a.text("--input", "FILE.jsonl", input_,
           "Lines {\"text\": …, \"add_special\"?, \"parse_special\"?}; - reads standard input",
           true);
    a.flag("--add-special", options_.add_special, "Add BOS/EOS where the vocabulary asks for them");
    a.flag("--parse-special", options_.parse_special, "Read special tokens in the text as such");
    a.text("--tokenizer-pre", "NAME", pre_, "Pre-tokenizer instead of the file's own");
    a.choice("--format", {"jsonl"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const InputRows input, read_rows(input_));
    std::vector<Line> lines;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      auto line = read(input.rows[i]);
      if (!line) {
        return input.at(std::move(line).error(), i);
      }
      lines.push_back(std::move(*line));
    }
    CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(model_));
    CUPEL_TRY(const engine::ModelTexts texts, engine::load_texts(file, {.pre = pre_}));
    const Tokenizer* tokenizer = texts.tokenizer.get();
    std::string out;
    for (const Line& line : lines) {
      Json ids = Json::array();
      for (const TokenId id : tokenizer->encode(line.text, line.options)) {
        ids.push_back(id);
      }
      out += dump_json(Json::object().set("ids", std::move(ids))) + "\n";
    }
    print(out);
    return 0;
  }

 private:
  struct Line {
    std::string text;
    EncodeOptions options;
  };

  // A line may say for itself how it is read; the flags are the default.
  [[nodiscard]] Result<Line> read(const Json& row) const {
    Line line;
    CUPEL_TRY(line.text, get_string(row, "text"));
    CUPEL_TRY(line.options.add_special, get_bool_or(row, "add_special", options_.add_special));
    CUPEL_TRY(line.options.parse_special,
              get_bool_or(row, "parse_special", options_.parse_special));
    return line;
  }

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
