// cupel embed: one vector for each text.
#include <charconv>
#include <chrono>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/models.h"
#include "cli/output.h"
#include "decode/local_embedder.h"

namespace cupel::cli::command {
namespace {

/// A number whose shortest text is that of the float.
double shortest(float value) {
  char text[32];
  const auto written = std::to_chars(text, text + sizeof text, value);
  double number = 0;
  std::from_chars(text, written.ptr, number);
  return number;
}

Json vector_json(std::span<const float> vector) {
  Json::Array numbers;
  numbers.reserve(vector.size());
  for (const float value : vector) {
    numbers.emplace_back(shortest(value));
  }
  return numbers;
}

/// NumPy's format, version 1.0: a header of ASCII, padded to 64 bytes, then the numbers.
std::string npy_file(const Embeddings& embeddings) {
  std::string header = format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
                              embeddings.size(), embeddings.dimensions);
  constexpr size_t kBefore = 10;  // magic, version, length
  header.resize((kBefore + header.size() + 1 + 63) / 64 * 64 - kBefore - 1, ' ');
  header += '\n';
  std::string file = "\x93NUMPY\x01";
  file += '\0';
  file += static_cast<char>(header.size() % 256);
  file += static_cast<char>(header.size() / 256);
  file += header;
  const size_t begin = file.size();
  file.resize(begin + embeddings.values.size() * sizeof(float));
  std::memcpy(file.data() + begin, embeddings.values.data(),
              embeddings.values.size() * sizeof(float));
  return file;
}

class Embed : public Command {
 public:
  Embed() { engine_.activations = "f32"; }

  void declare(Arguments& a) override {
    a.positionals("TEXT", texts_, "Texts, when there is no --input");
    a.text("--model", "MODEL", model_,
           "Sentence encoder: a folder, FILE.gguf, or ORG/NAME that cupel pull fetched", true);
    a.text("--input", "FILE.jsonl", input_,
           "Many texts: a line is {\"text\": …, \"id\"?: …}; - reads standard input");
    a.text("--out", "FILE", out_,
           "Write there instead of standard output; a name that ends in .npy gets NumPy's format");
    a.flag("--similarity", similarity_, "Cosines of each text with all texts instead of vectors");
    a.flag("--normalize", normalize_, "Vectors of length 1, also where the model has others");
    a.text("--prompt", "TEXT", prompt_,
           "Stands before every text, as some models want it (\"query: \")");
    a.integer("--threads", "N", engine_.threads, "Threads of the engine; 0 = all CPUs", 0, 1024);
    engine_.declare_kernels(a);
  }

  Result<int> run() override {
    CUPEL_TRY_VOID(read_texts());
    CUPEL_TRY(const decode::LocalModelOptions local, local_model_options(model_, engine_));
    CUPEL_TRY(const auto embedder,
              decode::LocalEmbedder::open({.path = local.path,
                                           .name = local.name,
                                           .tokenizer_pre = local.tokenizer_pre,
                                           .engine = local.engine}));
    EmbedOptions options{.normalize = normalize_, .prompt = {}, .stop = {}};
    if (!prompt_.empty()) {
      options.prompt = prompt_;
    }
    const auto begin = std::chrono::steady_clock::now();
    CUPEL_TRY(const Embeddings embeddings, embedder->embed(texts_, options));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    log_info("{} texts, {} tokens in {:.4f} s", embeddings.size(),
             std::accumulate(embeddings.tokens.begin(), embeddings.tokens.end(), int64_t{0}),
             took.count());
    if (embeddings.cut > 0) {
      log_warning(
          "{} of {} texts are longer than the {} tokens that {} reads; their ends were left out",
          embeddings.cut, embeddings.size(), embedder->description().encoder->max_tokens,
          embedder->name());
    }
    CUPEL_TRY_VOID(write(embeddings));
    return 0;
  }

 private:
  [[nodiscard]] bool npy() const { return out_.ends_with(".npy"); }

  Result<Ok> read_texts() {
    if (texts_.empty() == input_.empty()) {
      return invalid_argument("embed: give either texts or --input");
    }
    if (npy() && similarity_) {
      return invalid_argument("embed: --similarity is written as JSON lines; name --out otherwise");
    }
    if (input_.empty()) {
      return Ok{};
    }
    CUPEL_TRY(InputRows input, read_rows(input_));
    for (size_t i = 0; i < input.rows.size(); ++i) {
      auto text = get_string(input.rows[i], "text");
      if (!text) {
        return input.at(std::move(text).error(), i);
      }
      texts_.push_back(std::move(*text));
      const Json* id = input.rows[i].find("id");
      ids_.push_back(id == nullptr ? Json() : *id);
    }
    return Ok{};
  }

  [[nodiscard]] Json row_json(const Embeddings& embeddings, size_t text) const {
    Json row = Json::object();
    if (text < ids_.size() && !ids_[text].is_null()) {
      row.set("id", ids_[text]);
    }
    row.set("index", text);
    if (!similarity_) {
      return row.set("tokens", embeddings.tokens[text])
          .set("embedding", vector_json(embeddings.vector(text)));
    }
    Json::Array cosines;
    for (size_t other = 0; other < embeddings.size(); ++other) {
      cosines.emplace_back(cosine_similarity(embeddings.vector(text), embeddings.vector(other)));
    }
    return row.set("similarity", std::move(cosines));
  }

  [[nodiscard]] Result<Ok> write(const Embeddings& embeddings) const {
    if (npy()) {
      return write_file_atomic(out_, npy_file(embeddings));
    }
    std::optional<AtomicFile> file;
    if (!out_.empty()) {
      CUPEL_TRY(file, AtomicFile::create(out_));
    }
    for (size_t i = 0; i < embeddings.size(); ++i) {
      const std::string line = dump_json(row_json(embeddings, i)) + "\n";
      if (file) {
        CUPEL_TRY_VOID(file->append(line));
      } else {
        print(line);
      }
    }
    return file ? file->commit() : Result<Ok>(Ok{});
  }

  std::string model_;
  std::vector<std::string> texts_;
  std::vector<Json> ids_;  // of the input's rows; null where one has none
  std::string input_;
  std::string out_;
  std::string prompt_;
  bool similarity_ = false;
  bool normalize_ = false;
  EngineFlags engine_;
};

}  // namespace

CommandInfo embed() {
  return {
      .name = "embed",
      .group = "Run",
      .summary = "Vectors of texts, by a sentence encoder",
      .examples =
          "  cupel embed --model models/all-MiniLM-L6-v2 \"A cat sleeps.\" \"The cat naps.\"\n"
          "  cupel embed --model models/all-MiniLM-L6-v2 --input texts.jsonl --out vectors.npy\n"
          "  cupel embed --model models/all-MiniLM-L6-v2 --similarity \"rain\" \"storm\" \"tax\"\n",
      .make = &make_command<Embed>};
}

}  // namespace cupel::cli::command
