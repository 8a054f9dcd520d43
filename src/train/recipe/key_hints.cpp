#include "train/recipe/key_hints.h"

#include <algorithm>
#include <utility>

namespace cupel::train {
namespace {

using Named = std::pair<std::string_view, std::string_view>;

constexpr Named kNames[] = {
    {"learning_rate", "optim.lr"},
    {"lr", "optim.lr"},
    {"weight_decay", "optim.weight_decay"},
    {"max_grad_norm", "optim.clip"},
    {"gradient_clipping", "optim.clip"},
    {"optimizer", "optim.name"},
    {"adam_beta1", "optim.beta1"},
    {"adam_beta2", "optim.beta2"},
    {"adam_epsilon", "optim.eps"},
    {"lr_scheduler_type", "sched.name"},
    {"lr_scheduler", "sched.name"},
    {"warmup_steps", "sched.warmup_steps"},
    {"warmup_ratio", "sched.warmup_ratio"},
    {"output_dir", "out"},
    {"model_name_or_path", "model"},
    {"base_model", "model"},
    {"num_train_epochs", "epochs"},
    {"num_epochs", "epochs"},
    {"per_device_train_batch_size", "batch.size"},
    {"train_batch_size", "batch.size"},
    {"batch_size", "batch.size"},
    {"micro_batch_size", "batch.micro"},
    {"gradient_accumulation_steps", "batch.size"},
    {"gradient_checkpointing", "checkpointing"},
    {"bf16", "precision"},
    {"fp16", "precision"},
    {"torch_dtype", "precision"},
    {"dtype", "precision"},
    {"dataset_name", "data.files"},
    {"train_file", "data.files"},
    {"datasets", "data.files"},
    {"max_seq_length", "data.max_length"},
    {"max_length", "data.max_length"},
    {"sequence_len", "data.max_length"},
    {"packing", "data.packing"},
    {"sample_packing", "data.packing"},
    {"packing_strategy", "data.packing"},
    {"assistant_only_loss", "data.loss_on"},
    {"completion_only_loss", "data.loss_on"},
    {"train_on_inputs", "data.loss_on"},
    {"use_peft", "parameters"},
    {"lora_r", "lora.rank"},
    {"r", "lora.rank"},
    {"lora_alpha", "lora.alpha"},
    {"lora_dropout", "lora.dropout"},
    {"lora_target_modules", "lora.targets"},
    {"target_modules", "lora.targets"},
    {"use_rslora", "lora.rslora"},
    {"use_dora", "lora.dora"},
    {"neftune_noise_alpha", "sft.neftune_alpha"},
    {"label_smoothing_factor", "loss.label_smoothing"},
    {"loss_type", "method"},
    {"beta", "preference.params.beta"},
    {"eval_steps", "eval.every"},
    {"eval_dataset", "data.eval_files"},
    {"save_steps", "checkpoint.every"},
    {"save_total_limit", "checkpoint.keep"},
    {"logging_steps", "log.every"},
    {"report_to", "log.tensorboard"},
};

}  // namespace

std::string_view key_of_other_name(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') == name.npos ? 0 : name.rfind('.') + 1);
  const auto* const found = std::ranges::find(kNames, last, &Named::first);
  return found != std::end(kNames) ? found->second : std::string_view();
}

}  // namespace cupel::train
