#include "train/recipe/recipe_keys.h"

#include <array>

#include "train/data/loss_mask.h"
#include "train/data/packing.h"
#include "train/data/truncation.h"
#include "train/schedule/schedule.h"

namespace cupel::train {
namespace {

using Names = std::string_view;
constexpr std::array<Names, 2> kParameters = {"full", "lora"};
constexpr std::array<Names, 3> kPrecisions = {"fp32", "bf16-mixed", "bf16-pure"};
constexpr std::array<Names, 2> kCheckpointing = {"none", "full"};
constexpr std::array<Names, 2> kBestBy = {"", "loss"};
constexpr std::array<Names, 6> kPackings = {"auto", "none",      "wrapped",
                                            "bfd",  "bfd_split", "multipack"};
constexpr std::array<Names, 4> kMixtures = {"none", "probability", "tokens", "characters"};
constexpr std::array<Names, 4> kOptimizers = {"adamw", "adamw_8bit", "adafactor", "sgd"};
constexpr std::array<Names, 3> kReductions = {"tokens", "sequences", "samples"};
constexpr std::array<Names, 3> kReferences = {"frozen", "adapter_off", "none"};

#define CUPEL_SLOT(member) [](Recipe& r) -> RecipeSlot { return &r.member; }

const RecipeKey kKeys[] = {
    {"method", CUPEL_SLOT(method),
     "What is learnt: sft, a preference loss by its name (dpo, orpo, …; preference: the one of "
     "preference.loss), reward-model"},
    {"model", CUPEL_SLOT(model), "Where training starts: a folder of safetensors, or a GGUF file"},
    {"out", CUPEL_SLOT(out), "Folder of the run: checkpoints, records, the trained model"},
    {.name = "parameters",
     .slot = CUPEL_SLOT(parameters),
     .help = "What is trained: every parameter, or low-rank adapters beside frozen ones",
     .names = kParameters},
    {"seed", CUPEL_SLOT(seed), "Of every random draw: order, dropout, noise, new parameters"},
    {"epochs", CUPEL_SLOT(epochs), "How often each row is seen", 0, 1e6, true},
    {"max_steps", CUPEL_SLOT(max_steps), "Optimiser steps, whatever `epochs` says; 0: by `epochs`",
     0, 1e9},
    {.name = "precision",
     .slot = CUPEL_SLOT(precision),
     .help = "fp32; bf16-mixed: bf16 products, float32 master weights; bf16-pure: bf16 weights "
             "with stochastic rounding",
     .names = kPrecisions},
    {.name = "checkpointing",
     .slot = CUPEL_SLOT(checkpointing),
     .help = "Activations computed again in the backward pass to save memory: none, or those of "
             "whole layers (full)",
     .names = kCheckpointing},
    {"threads", CUPEL_SLOT(threads), "CPU threads; 0: all. Bits are the same at the same number", 0,
     1024},

    {"data.files", CUPEL_SLOT(data.files), "Training rows: JSONL (also gzip, zstd) or Parquet"},
    {"data.eval_files", CUPEL_SLOT(data.eval_files), "Rows that are only evaluated"},
    {.name = "data.mixture",
     .slot = CUPEL_SLOT(data.mixture),
     .help = "How much of each file an epoch takes: all of it, draws by probability, or a budget "
             "of tokens or characters",
     .names = kMixtures},
    {"data.amounts", CUPEL_SLOT(data.amounts),
     "One number for each file: probabilities or budgets, as `data.mixture` says", 0, 1e15, true},
    {.name = "data.loss_on",
     .slot = CUPEL_SLOT(data.loss_on),
     .help = "Which tokens are learnt",
     .names = loss_on_names()},
    {"data.prompt_loss_weight", CUPEL_SLOT(data.prompt_loss_weight),
     "Weight of what system, user and tools say under loss_on = \"instruction\"", 0, 1e6},
    {"data.max_length", CUPEL_SLOT(data.max_length), "Tokens of a sequence at most", 2, 1 << 24},
    {.name = "data.truncation",
     .slot = CUPEL_SLOT(data.truncation),
     .help = "What happens to a longer one",
     .names = truncation_names()},
    {.name = "data.packing",
     .slot = CUPEL_SLOT(data.packing),
     .help = "How sequences share rows of `max_length` tokens; none sees another. auto: bfd, and "
             "none for answers to compare and with data.group_by_length",
     .names = kPackings},
    {"data.pack_window", CUPEL_SLOT(data.pack_window), "Sequences that are packed together", 1,
     1e9},
    {"data.shuffle", CUPEL_SLOT(data.shuffle), "A new order every epoch"},
    {"data.group_by_length", CUPEL_SLOT(data.group_by_length),
     "Sequences of a similar length come together"},
    {"data.skip_bad", CUPEL_SLOT(data.skip_bad), "Leave out malformed rows and count them"},
    {"data.chat_template", CUPEL_SLOT(data.chat_template),
     "File of a chat template; empty: the model's own"},

    {"batch.size", CUPEL_SLOT(batch.size),
     "Rows of an optimiser step over all processes (packed ones count as one)", 1, 1e9},
    {"batch.micro", CUPEL_SLOT(batch.micro),
     "Rows that a process computes at once; 0: as many as have 2048 tokens together", 0, 1e6},
    {"batch.micro_tokens", CUPEL_SLOT(batch.micro_tokens),
     "Tokens that a process computes at once with packing = \"multipack\"; 0: data.max_length", 0,
     1e9},
    {"batch.drop_last", CUPEL_SLOT(batch.drop_last),
     "Leave out an epoch's last step when it is smaller"},

    {.name = "optim.name",
     .slot = CUPEL_SLOT(optim.name),
     .help = "The optimiser",
     .names = kOptimizers},
    {.name = "optim.lr",
     .slot = CUPEL_SLOT(optim.lr),
     .help = "Peak learning rate",
     .least = 0,
     .most = 1e6,
     .otherwise = "2e-5; 2e-4 with LoRA"},
    {.name = "optim.beta1",
     .slot = CUPEL_SLOT(optim.beta1),
     .help = "Adam, adafactor: decay of the mean of gradients",
     .least = 0,
     .most = 1,
     .otherwise = "0.9; none with adafactor, which then keeps no such mean"},
    {"optim.beta2", CUPEL_SLOT(optim.beta2), "Adam: decay of the mean of their squares", 0, 1},
    {"optim.eps", CUPEL_SLOT(optim.eps), "Adam: added to the root", 0, 1, true},
    {"optim.weight_decay", CUPEL_SLOT(optim.weight_decay), "Decoupled; of matrices alone", 0, 1e3},
    {"optim.decay_embeddings", CUPEL_SLOT(optim.decay_embeddings), "Of embeddings as well"},
    {"optim.momentum", CUPEL_SLOT(optim.momentum), "Of sgd", 0, 1},
    {"optim.clip", CUPEL_SLOT(optim.clip), "Largest norm of the gradient; 0: any", 0, 1e9},
    {"optim.max_skipped", CUPEL_SLOT(optim.max_skipped),
     "Steps in a row whose gradient is not finite, before the run ends", 1, 1e6},

    {.name = "sched.name",
     .slot = CUPEL_SLOT(sched.name),
     .help = "The learning rate's course",
     .names = schedule_kind_names().first(6)},
    {"sched.min_lr", CUPEL_SLOT(sched.min_lr), "Where it ends", 0, 1e6},
    {.name = "sched.warmup_steps",
     .slot = CUPEL_SLOT(sched.warmup_steps),
     .help = "Steps in which it rises from 0",
     .least = 0,
     .most = 1e9,
     .otherwise = "by warmup_ratio"},
    {"sched.warmup_ratio", CUPEL_SLOT(sched.warmup_ratio), "The same as a share of all steps", 0,
     1},
    {.name = "sched.decay_steps",
     .slot = CUPEL_SLOT(sched.decay_steps),
     .help = "wsd: the last steps, in which it falls",
     .least = 0,
     .most = 1e9,
     .otherwise = "by decay_ratio"},
    {"sched.decay_ratio", CUPEL_SLOT(sched.decay_ratio), "The same as a share of all steps", 0, 1},
    {.name = "sched.decay_shape",
     .slot = CUPEL_SLOT(sched.decay_shape),
     .help = "wsd: how it falls",
     .names = decay_shape_names().subspan(1)},
    {"sched.power", CUPEL_SLOT(sched.power), "Of polynomial", 0, 100, true},
    {"sched.timescale", CUPEL_SLOT(sched.timescale),
     "inverse_sqrt: steps; 0: those of the warm-up, else 10000", 0, 1e9},
    {"sched.adaptive", CUPEL_SLOT(sched.adaptive),
     "Times the root of the step's trained tokens over `baseline_tokens`"},
    {"sched.baseline_tokens", CUPEL_SLOT(sched.baseline_tokens), "0: batch.size · data.max_length",
     0, 1e12},
    {"sched.layer_decay", CUPEL_SLOT(sched.layer_decay),
     "Each layer's learning rate is that of the next one times this", 0, 1, true},

    {.name = "loss.reduction",
     .slot = CUPEL_SLOT(loss.reduction),
     .help = "What the loss is a mean over, always of the whole step",
     .names = kReductions},
    {"loss.label_smoothing", CUPEL_SLOT(loss.label_smoothing),
     "Share of the target that is spread over the vocabulary", 0, 1},
    {"loss.z_loss", CUPEL_SLOT(loss.z_loss), "Weight of the squared log of the softmax's sum", 0,
     1e3},
    {"sft.neftune_alpha", CUPEL_SLOT(sft.neftune_alpha),
     "Uniform noise on embeddings within ±alpha/√(length · width); 0: none", 0, 1e3},
    {"sft.kl_to_init", CUPEL_SLOT(sft.kl_to_init),
     "Weight of the divergence from the model at the start; not with packing = \"wrapped\"", 0,
     1e6},
    {"sft.dft", CUPEL_SLOT(sft.dft), "Each token's loss times its own probability"},

    {"preference.loss", CUPEL_SLOT(preference.loss), "Which loss (`cupel loss --list`)"},
    {.name = "preference.reference",
     .slot = CUPEL_SLOT(preference.reference),
     .help = "What the policy is held to: the model at the start, the same with adapters off, or "
             "nothing",
     .names = kReferences},
    {"preference.params", CUPEL_SLOT(preference.params),
     "The loss's own parameters, e.g. preference.params.beta = 0.1"},

    {"reward.loss", CUPEL_SLOT(reward.loss),
     "method = \"reward-model\": which loss (`cupel loss --list`, those over outputs)"},
    {"reward.attributes", CUPEL_SLOT(reward.attributes),
     "reward_regression: members of rows that hold ratings, one output for each"},

    {"lora.rank", CUPEL_SLOT(lora.rank), "Rank of the adapters", 1, 1 << 16},
    {"lora.alpha", CUPEL_SLOT(lora.alpha), "They count alpha/rank times", 0, 1e6, true},
    {"lora.dropout", CUPEL_SLOT(lora.dropout), "Of their inputs", 0, 0.999},
    {"lora.targets", CUPEL_SLOT(lora.targets),
     "Modules by name or by its last parts (q_proj), or all-linear"},
    {"lora.target_regex", CUPEL_SLOT(lora.target_regex),
     "A regular expression of whole module names instead, e.g. `.*layers\\.[0-7]\\..*_proj`"},
    {"lora.modules_to_save", CUPEL_SLOT(lora.modules_to_save), "Parameters that are trained whole"},
    {"lora.adapter", CUPEL_SLOT(lora.adapter),
     "Folder of an adapter that is trained further (RUN/adapter, or PEFT's); the keys above and "
     "below say what it is"},
    {"lora.rslora", CUPEL_SLOT(lora.rslora), "alpha/√rank instead"},
    {"lora.dora", CUPEL_SLOT(lora.dora), "Magnitudes are trained apart from directions"},

    {"eval.every", CUPEL_SLOT(eval.every), "Steps between evaluations; 0: at the end alone", 0,
     1e9},
    {"eval.at_start", CUPEL_SLOT(eval.at_start), "Before the first step as well"},
    {"eval.patience", CUPEL_SLOT(eval.patience),
     "Evaluations without a lower loss before the run ends; 0: it does not", 0, 1e6},
    {"eval.samples", CUPEL_SLOT(eval.samples), "Answers written down before and after", 0, 1e4},

    {"checkpoint.every", CUPEL_SLOT(checkpoint.every), "Steps between checkpoints; 0: at the end",
     0, 1e9},
    {"checkpoint.keep", CUPEL_SLOT(checkpoint.keep), "How many of the last ones stay", 1, 1e6},
    {.name = "checkpoint.best_by",
     .slot = CUPEL_SLOT(checkpoint.best_by),
     .help = "loss: the checkpoint with the lowest held-out loss stays too",
     .names = kBestBy},

    {"log.every", CUPEL_SLOT(log.every), "Steps between lines of the progress", 1, 1e9},
    {"log.tensorboard", CUPEL_SLOT(log.tensorboard), "Event files beside train.jsonl"},
    {"log.report", CUPEL_SLOT(log.report), "report.html at the end"},
};

#undef CUPEL_SLOT

}  // namespace

std::span<const RecipeKey> recipe_keys() {
  return kKeys;
}

}  // namespace cupel::train
