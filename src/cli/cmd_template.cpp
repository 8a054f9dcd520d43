// cupel template: what a chat template makes of messages.
#include "base/error.h"
#include "base/io.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/open_checkpoint.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/from_folder.h"

namespace cupel::cli::command {
namespace {

class Template : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "FILE.gguf", model_, "Use the template of this model file");
    a.text("--template", "FILE.jinja", template_, "Use this template");
    a.text("--input", "FILE.jsonl", input_,
           "Lines {\"messages\": […], \"tools\"?, \"add_generation_prompt\"?, …}; - reads standard "
           "input",
           true);
  }

  Result<int> run() override {
    if (model_.empty() == template_.empty()) {
      return invalid_argument("template: give either --model or --template");
    }
    CUPEL_TRY(const InputRows input, read_rows(input_));
    std::vector<Case> cases;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      auto read = read_case(input.rows[i]);
      if (!read) {
        return input.at(std::move(read).error(), i);
      }
      cases.push_back(std::move(*read));
    }
    CUPEL_TRY(std::string source, read_source());
    auto parsed = engine::ChatTemplate::parse(std::move(source));
    if (!parsed) {
      return in_context(std::move(parsed).error(), model_ + template_);
    }
    for (const Case& one : cases) {
      const auto rendered = parsed->render(one.variables, one.options);
      print_json(rendered ? Json::object().set("text", rendered->text)
                          : Json::object().set("error", rendered.error().message));
    }
    return 0;
  }

 private:
  struct Case {
    Json variables;
    engine::RenderOptions options;
  };

  // What is wrong with the line is an error of the input; what a template refuses is its result.
  static Result<Case> read_case(const Json& row) {
    Case one;
    CUPEL_TRY(one.variables, engine::template_variables(row));
    if (row.contains("now")) {
      CUPEL_TRY(const std::string now, get_string(row, "now"));
      CUPEL_TRY(one.options.now, engine::parse_local_time(now));
    }
    return one;
  }

  [[nodiscard]] Result<std::string> read_source() const {
    if (!template_.empty()) {
      return read_file(template_);
    }
    CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(model_));
    CUPEL_TRY(engine::ModelTexts texts, engine::load_texts(file));
    std::string source = std::move(texts.chat_template);
    if (source.empty()) {
      return not_found("{}: this model file has no chat template; name one with --template",
                       model_);
    }
    return source;
  }

  std::string model_;
  std::string template_;
  std::string input_;
};

}  // namespace

CommandInfo template_() {
  return {.name = "template",
          .group = "Inspect",
          .summary = "Render chat templates",
          .examples =
              "  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}' |\n"
              "    cupel template --model models/a.gguf --input -\n",
          .make = &make_command<Template>};
}

}  // namespace cupel::cli::command
