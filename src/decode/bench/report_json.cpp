#include "decode/bench/report_json.h"

#include "decode/bench/advice.h"

namespace cupel::decode::bench {
namespace {

constexpr std::string_view kSchema = "cupel.bench/1";

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

template <typename Texts>
Json texts_json(const Texts& texts) {
  Json list = Json::array();
  for (const auto& text : texts) {
    list.push_back(std::string_view(text));
  }
  return list;
}

Json machine_json(const Machine& machine) {
  return Json::object()
      .set("cpu", machine.cpu)
      .set("flags", texts_json(machine.flags))
      .set("cpus", machine.cpus)
      .set("cores", machine.cores)
      .set("last_level_cache_bytes", machine.last_level_cache_bytes)
      .set("memory_bytes", machine.memory_bytes);
}

Json model_json(const ModelFacts& model) {
  Json types = Json::array();
  for (const TypeCount& count : model.types) {
    types.push_back(Json::object()
                        .set("type", count.type)
                        .set("tensors", count.tensors)
                        .set("bytes", count.bytes));
  }
  return Json::object()
      .set("name", model.name)
      .set("file", model.file)
      .set("architecture", model.architecture)
      .set("types", std::move(types))
      .set("parameters", model.parameters)
      .set("context_length", model.context_length)
      .set("file_bytes", model.file_bytes)
      .set("weight_bytes", model.weight_bytes)
      .set("step_weight_bytes", model.step_weight_bytes)
      .set("cache_bytes_per_position", model.cache_bytes_per_position)
      .set("memory_cache_bytes", model.memory_cache_bytes);
}

Json figure_json(const Figure& figure) {
  Json json = Json::object();
  json.set("part", part_name(figure.part));
  if (!figure.size_of.empty()) {
    json.set(figure.size_of, figure.size);
  }
  for (const auto& [key, value] : figure.settings) {
    json.set(key, value);
  }
  json.set("unit", figure.unit);
  const bool measured = !figure.values.empty();
  const Summary summary = measured ? summarise(figure.values) : Summary{};
  json.set("median", measured ? Json(summary.median) : Json());
  json.set("min", measured ? Json(summary.min) : Json());
  json.set("max", measured ? Json(summary.max) : Json());
  Json values = Json::array();
  for (const double value : figure.values) {
    values.push_back(value);
  }
  json.set("values", std::move(values));
  json.set("limit", number_or_null(figure.limit));
  json.set("share", number_or_null(share_of_limit(figure)));
  if (figure.bytes_per_step) {
    json.set("bytes_per_step", *figure.bytes_per_step);
  }
  if (figure.giga_multiply_adds_per_second) {
    json.set("giga_multiply_adds_per_second", *figure.giga_multiply_adds_per_second);
  }
  if (figure.relative) {
    json.set("relative", *figure.relative);
  }
  return json;
}

Json run_json(const Run& run) {
  Json figures = Json::array();
  for (const Figure& figure : run.figures) {
    figures.push_back(figure_json(figure));
  }
  return Json::object()
      .set("model", run.model ? model_json(*run.model) : Json())
      .set("threads", run.threads)
      .set("cpu_level", run.cpu_level.empty() ? Json() : Json(run.cpu_level))
      .set("activations", run.activations.empty() ? Json() : Json(run.activations))
      .set("bandwidth_gb_s", number_or_null(run.bandwidth_gb_s))
      .set("others_share", run.others_share)
      .set("figures", std::move(figures));
}

}  // namespace

Json report_json(const Report& report, std::string_view version) {
  Json runs = Json::array();
  for (const Run& run : report.runs) {
    runs.push_back(run_json(run));
  }
  return Json::object()
      .set("schema", kSchema)
      .set("version", version)
      .set("machine", machine_json(report.machine))
      .set("rounds", report.rounds)
      .set("busy", report.busy())
      .set("runs", std::move(runs))
      .set("advice", texts_json(advice(report)));
}

}  // namespace cupel::decode::bench
