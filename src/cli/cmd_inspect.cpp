// cupel inspect: what is in a model file.
#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/gguf.h"
#include "engine/checkpoint/inspect.h"
#include "engine/model/description.h"

namespace cupel::cli::command {
namespace {

class Inspect : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("FILE", file_, "A GGUF file");
    a.flag("--tensors", tensors_, "List every tensor");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const engine::GgufFile file, engine::GgufFile::open(file_));
    Json json = engine::inspect(file);
    const auto model = engine::describe_model(file);
    json.set("runs", model.has_value());
    json.set("reason", model ? "" : model.error().message);
    if (format_ == "json") {
      print_pretty(json);
      return 0;
    }
    print(engine::inspect_text(json, {.tensors = tensors_}));
    print(model ? "runs here: yes\n" : format("runs here: no - {}\n", model.error().message));
    return 0;
  }

 private:
  std::string file_;
  bool tensors_ = false;
  std::string format_ = "text";
};

}  // namespace

CommandInfo inspect() {
  return {
      .name = "inspect",
      .group = "Inspect",
      .summary = "What is in a model file, and whether it runs",
      .examples = "  cupel inspect models/a.gguf\n  cupel inspect models/a.gguf --format json\n",
      .make = &make_command<Inspect>};
}

}  // namespace cupel::cli::command
