// cupel quantize: the same weights in another format.
#include <cstdio>

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/write_bar.h"
#include "engine/checkpoint/quantize.h"
#include "engine/convert/convert.h"

namespace cupel::cli::command {
namespace {

class Quantize : public Command {
 public:
  void declare(Arguments& a) override {
    a.positional("IN", input_, "GGUF file, or folder with config.json and safetensors");
    a.positional("OUT", output_, "GGUF file to write");
    a.choice("--type", engine::quantize_target_names(), type_, "Format of the weight matrices");
    a.text("--importance", "FILE", importance_, "Importance matrix that weighs the errors");
    a.integer("--threads", "N", threads_, "Threads; 0 = all CPUs", 0, 1024);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    CUPEL_TRY(const engine::QuantizeTarget target, engine::parse_quantize_target(type_));
    engine::QuantizeOptions options;
    options.importance_path = importance_;
    options.threads = static_cast<size_t>(threads_);
    options.stop = stop_on_interrupt();
    CUPEL_TRY(const engine::OpenSource source, engine::open_source(input_));
    for (const std::string& note : source.notes) {
      std::fprintf(stderr, "note: %s\n", note.c_str());
    }
    auto made = [&] {
      WriteBar bar("quantize");  // off the screen before anything else is printed there
      options.progress = bar.observer();
      return engine::quantize_model(*source.model, output_, target, options);
    }();
    CUPEL_TRY(const engine::QuantizeReport report, std::move(made));
    if (format_ == "json") {
      print_pretty(engine::to_json(report));
      return 0;
    }
    double worst = 0;
    std::string worst_name = "none";
    for (const engine::QuantizedTensor& tensor : report.tensors) {
      const double relative = tensor.rms > 0 ? tensor.rmse / tensor.rms : 0;
      if (relative > worst) {
        worst = relative;
        worst_name = tensor.name;
      }
      if (!tensor.note.empty() && tensor.from != tensor.to) {
        print(format("{}: {}\n", tensor.name, tensor.note));
      }
    }
    print(format(
        "{}: {} tensors, {:.1f} MB (from {:.1f} MB); relative error {:.2f}%, at most {:.2f}% "
        "({})\n",
        output_, report.tensors.size(), static_cast<double>(report.output_bytes) / 1e6,
        static_cast<double>(report.source_bytes) / 1e6, 100 * report.relative_error(), 100 * worst,
        worst_name));
    return 0;
  }

 private:
  std::string input_;
  std::string output_;
  std::string type_ = "q8_0";
  std::string importance_;
  std::string format_ = "text";
  int64_t threads_ = 0;
};

}  // namespace

CommandInfo quantize() {
  return {.name = "quantize",
          .group = "Run",
          .summary = "Write a model's weights in another format",
          .examples =
              "  cupel quantize models/a.gguf models/a.q4_0.gguf --type q4_0\n"
              "  cupel quantize my-model/ my-model.q4_k_m.gguf --type q4_k_m\n"
              "  cupel quantize a.gguf a.q4_k_m.gguf --type q4_k_m --importance a.imatrix\n",
          .make = &make_command<Quantize>};
}

}  // namespace cupel::cli::command
