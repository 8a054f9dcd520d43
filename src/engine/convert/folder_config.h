#pragma once

#include "base/json.h"
#include "base/result.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/model/description.h"

namespace cupel::engine {

/// The family of a GGUF file's architecture. Errors: kUnsupported - unknown, or one whose folders
/// are not written.
Result<const ModelFamily*> folder_family(const Checkpoint& file);

/// The config.json of a GGUF file, as transformers reads it. It is read back and must describe the
/// same model. Errors: those of describe_model; kUnsupported - what config.json cannot say, by the
/// name of the setting.
Result<Json> folder_config(const Checkpoint& file, const ModelFamily& family);

/// Makes the config.json of a model that writes text that of one with `outputs` numbers: the
/// architecture's name in transformers, and labels. Of 0 outputs it stays as it is.
void set_outputs(Json& config, int64_t outputs);

}  // namespace cupel::engine
