// cupel inspect: what is in a model file.
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/output.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/inspect.h"
#include "engine/model/description.h"
#include "engine/model/open_checkpoint.h"
#include "engine/runtime/loadable.h"
#include "report/table.h"

namespace cupel::cli::command {
namespace {

class Inspect : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("FILE", file_, "A GGUF file, or a folder with config.json and safetensors", false);
    a.flag("--tensors", tensors_, "List every tensor");
    a.flag("--families", families_, "Instead of a file: the families of models that run");
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    if (families_) {
      return print_families();
    }
    if (file_.empty()) {
      return invalid_argument(
          "FILE is required (or --families, without one); see cupel inspect --help");
    }
    CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(file_));
    Json json = engine::inspect(file);
    const auto model = check(file, json);
    json.set("runs", model.has_value());
    json.set("runs_as", !model ? Json() : model->encoder ? "encoder" : "decoder");
    json.set("reason", model ? "" : model.error().message);
    if (model && model->encoder) {
      json.set("embeddings", embeddings_json(*model));
    }
    if (format_ == "json") {
      print_pretty(json);
      return 0;
    }
    print(engine::inspect_text(json, {.tensors = tensors_}));
    print(!model           ? format("runs here: no - {}\n", model.error().message)
          : model->encoder ? "runs here: yes, as a sentence encoder (cupel embed)\n"
                           : "runs here: yes\n");
    return 0;
  }

 private:
  Result<int> print_families() const {
    if (!file_.empty()) {
      return invalid_argument("--families says nothing of a file: leave out \"{}\"", file_);
    }
    if (format_ == "json") {
      Json families = Json::array();
      for (const engine::ModelFamily& family : engine::model_families()) {
        Json types = Json::array();
        for (const std::string_view type : family.hf.all_types()) {
          types.push_back(type);
        }
        families.push_back(Json::object()
                               .set("models", family.summary)
                               .set("gguf_architecture", family.architecture)
                               .set("model_types", std::move(types))
                               .set("features", family.features));
      }
      print_pretty(Json::object().set("families", std::move(families)));
      return 0;
    }
    report::Table table({{.header = "models"},
                         {.header = "GGUF architecture"},
                         {.header = "model_type of a folder"},
                         {.header = "what is computed", .min_width = 20, .keep = 1}});
    for (const engine::ModelFamily& family : engine::model_families()) {
      std::string types;
      for (const std::string_view type : family.hf.all_types()) {
        types += format("{}{}", types.empty() ? "" : ", ", type);
      }
      table.add_row({std::string(family.summary), std::string(family.architecture), types,
                     std::string(family.features)});
    }
    print(table.render(report::detect_terminal(STDOUT_FILENO)));
    return 0;
  }

  /// Whether it would run; of a folder also adds what its tokenizer files say.
  static Result<engine::ModelDescription> check(const engine::Checkpoint& file, Json& json) {
    CUPEL_TRY(engine::Loadable found, engine::check_loadable(file));
    if (!file.foreign()) {
      return std::move(found.model);
    }
    json.set("tokenizer", Json::object()
                              .set("kind", "tokenizer.json")
                              .set("pre", Json())
                              .set("vocabulary_size", found.texts.tokenizer->vocabulary_size()));
    if (!found.texts.chat_template.empty()) {
      json.set("chat_template", Json::object().set("bytes", found.texts.chat_template.size()));
    }
    return std::move(found.model);
  }

  static Json embeddings_json(const engine::ModelDescription& model) {
    const engine::EncoderDescription& encoder = *model.encoder;
    Json pooling = Json::array();
    for (const engine::Pooling kind : encoder.pooling) {
      pooling.push_back(engine::pooling_names()[static_cast<size_t>(kind)]);
    }
    return Json::object()
        .set("dimensions", model.width * static_cast<int64_t>(encoder.pooling.size()))
        .set("pooling", std::move(pooling))
        .set("normalize", encoder.normalize)
        .set("max_tokens", encoder.max_tokens)
        .set("prompt", encoder.prompt);
  }

  std::string file_;
  bool tensors_ = false;
  bool families_ = false;
  std::string format_ = "text";
};

}  // namespace

CommandInfo inspect() {
  return {.name = "inspect",
          .group = "Inspect",
          .summary = "What is in a model file, and whether it runs",
          .examples =
              "  cupel inspect models/a.gguf\n  cupel inspect models/a.gguf --format json\n"
              "  cupel inspect --families\n",
          .make = &make_command<Inspect>};
}

}  // namespace cupel::cli::command
