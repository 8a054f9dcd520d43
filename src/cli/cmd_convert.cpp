// cupel convert: a folder of safetensors as a GGUF file, and back.
#include <cstdio>

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/write_bar.h"
#include "engine/convert/convert.h"

namespace cupel::cli::command {
namespace {

class Convert : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("IN", input_, "Folder with config.json and safetensors, or GGUF file");
    a.positional("OUT", output_, "GGUF file to write (*.gguf), or folder");
    a.choice("--type", {"keep", "f32", "f16", "bf16"}, type_,
             "Format of the weights; keep: as they are, quantised ones as f32");
    a.integer("--threads", "N", threads_, "Threads; 0 = all CPUs", 0, 1024);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    engine::ConvertOptions options;
    if (type_ != "keep") {
      options.type = engine::parse_tensor_type(type_);
    }
    options.threads = static_cast<size_t>(threads_);
    options.observer.stop = stop_on_interrupt();
    auto made = [&] {
      WriteBar bar("convert");  // off the screen before anything else is printed there
      options.observer.progress = bar.observer();
      return engine::convert_model(input_, output_, options);
    }();
    CUPEL_TRY(const engine::ConvertReport report, std::move(made));
    if (format_ == "json") {
      print_pretty(engine::to_json(report));
      return 0;
    }
    for (const std::string& note : report.notes) {
      std::fprintf(stderr, "note: %s\n", note.c_str());
    }
    print(format("{}: {} tensors, {:.1f} MB (from {:.1f} MB){}\n", output_, report.tensors.size(),
                 static_cast<double>(report.output_bytes) / 1e6,
                 static_cast<double>(report.source_bytes) / 1e6, rounding(report)));
    return 0;
  }

 private:
  static std::string rounding(const engine::ConvertReport& report) {
    double worst = 0;
    std::string name;
    for (const engine::QuantizedTensor& tensor : report.tensors) {
      const double relative = tensor.rms > 0 ? tensor.rmse / tensor.rms : 0;
      if (relative > worst) {
        worst = relative;
        name = tensor.name;
      }
    }
    return worst == 0 ? "; no number was rounded"
                      : format("; rounded by at most {:.2g}% ({})", 100 * worst, name);
  }

  std::string input_;
  std::string output_;
  std::string type_ = "keep";
  std::string format_ = "text";
  int64_t threads_ = 0;
};

}  // namespace

CommandInfo convert() {
  return {.name = "convert",
          .group = "Run",
          .summary = "Write safetensors as a GGUF file, or a GGUF file as safetensors",
          .examples =
              "  cupel convert my-model/ my-model.gguf\n"
              "  cupel convert my-model/ my-model.f16.gguf --type f16\n"
              "  cupel convert models/a.gguf a-hf/ --type bf16\n",
          .make = &make_command<Convert>};
}

}  // namespace cupel::cli::command
