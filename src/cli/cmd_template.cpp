// cupel template: what a chat template makes of messages.
#include "base/error.h"
#include "base/io.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/gguf.h"
#include "engine/template/chat_template.h"

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
    CUPEL_TRY(const std::vector<Json> rows, read_rows(input_));
    CUPEL_TRY(std::string source, read_source());
    auto parsed = engine::ChatTemplate::parse(std::move(source));
    if (!parsed) {
      return in_context(std::move(parsed).error(), model_ + template_);
    }
    for (const Json& row : rows) {
      const auto rendered = render(*parsed, row);
      print_json(rendered ? Json::object().set("text", rendered->text)
                          : Json::object().set("error", rendered.error().message));
    }
    return 0;
  }

 private:
  static Result<engine::RenderedTemplate> render(const engine::ChatTemplate& parsed,
                                                 const Json& row) {
    CUPEL_TRY(const Json variables, engine::template_variables(row));
    engine::RenderOptions options;
    if (row.contains("now")) {
      CUPEL_TRY(const std::string now, get_string(row, "now"));
      CUPEL_TRY(options.now, engine::parse_local_time(now));
    }
    return parsed.render(variables, options);
  }

  [[nodiscard]] Result<std::string> read_source() const {
    if (!template_.empty()) {
      return read_file(template_);
    }
    CUPEL_TRY(const engine::GgufFile file, engine::GgufFile::open(model_));
    CUPEL_TRY(std::string source, file.get_string_or("tokenizer.chat_template", ""));
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
