"""The runs of trl_oracle.py: TRL's settings beside the recipe keys of Cupel that mean the same.

"notes" says where the two define something differently by default, and which setting of which side makes them equal.
"""
from __future__ import annotations

import transformers
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

STEPS = 20
TRAINERS = {"sft": (SFTTrainer, SFTConfig), "dpo": (DPOTrainer, DPOConfig), "kto": (KTOTrainer, KTOConfig),
            "cpo": (CPOTrainer, CPOConfig), "orpo": (ORPOTrainer, ORPOConfig),
            "reward": (RewardTrainer, RewardConfig)}
TAKES_MODELS = ("cpo", "orpo")  # the others load a folder themselves, and in f32

BATCH = dict(per_device_train_batch_size=4)
TWICE_TWO = dict(per_device_train_batch_size=2, gradient_accumulation_steps=2)
LINEAR, CONSTANT = dict(lr_scheduler_type="linear"), dict(lr_scheduler_type="constant")
# At 1e-3 a pair's loss falls to 1e-5, of which rounding in f32 is a thousandth: nothing could be compared.
SLOW = dict(learning_rate=2e-4)
ASSISTANT = dict(assistant_only_loss=True)

ENDS = ("The template ends with the token that ends a turn. With a line break after it, as many templates have, TRL's "
        "preference trainers learn the break too (it is part of the completion); Cupel never does.")
WHOLE_STEP = ("Both divide by the trained tokens of the whole optimiser step (TRL by num_items_in_batch), so that "
              "accumulation changes nothing.")
MICRO_MEANS = ("TRL takes the mean of the micro-batches' means, Cupel that of all pairs of the step. Equal here, where "
               "micro-batches are of one size.")

RUNS = {
    "sft_full": dict(
        trainer="sft", model="tied", rows="messages", trl=BATCH | LINEAR,
        cupel={"method": "sft", "data.loss_on": "full", "data.packing": "none", "sched.name": "linear"},
        notes=["TRL learns every token of messages by default; Cupel's default is assistant_all."]),
    "sft_assistant": dict(
        trainer="sft", model="untied", rows="messages", trl=BATCH | CONSTANT | ASSISTANT,
        cupel={"method": "sft", "data.loss_on": "assistant_all", "data.packing": "none", "sched.name": "constant"},
        notes=["Both take the {% generation %} blocks of the template, which hold the token that ends the turn."]),
    "sft_completion": dict(
        trainer="sft", model="untied", rows="plain", trl=BATCH | LINEAR,
        cupel={"method": "sft", "data.loss_on": "completion", "data.packing": "none", "sched.name": "linear"},
        notes=["Both add the end token to the completion. Prompts end where a token ends: where one reaches over the "
               "seam, TRL counts it to the completion, Cupel to the part that its first byte is of."]),
    "sft_accumulated": dict(
        trainer="sft", model="tied", rows="messages", trl=TWICE_TWO | LINEAR | ASSISTANT,
        cupel={"method": "sft", "data.loss_on": "assistant_all", "data.packing": "none", "batch.micro": 2,
               "sched.name": "linear"},
        notes=[WHOLE_STEP]),
    "sft_packed": dict(
        trainer="sft", model="tied", rows="messages",
        trl=(dict(per_device_train_batch_size=2, packing=True, packing_strategy="bfd", max_length=384)
             | LINEAR | ASSISTANT),
        cupel={"method": "sft", "data.loss_on": "assistant_all", "data.packing": "bfd", "data.max_length": 384,
               "batch.size": 2, "batch.micro": 2, "sched.name": "linear"},
        notes=["TRL lays the bins of a batch end to end, with positions from 0 in each text and no text seeing another.",
               "TRL's strategy \"wrapped\" lets the texts of a bin see each other, which Cupel's never does: there is "
               "no setting that makes them equal."]),
    "sft_split": dict(
        trainer="sft", model="untied", rows="messages",
        trl=dict(per_device_train_batch_size=3, packing=True, packing_strategy="bfd_split", max_length=96) | LINEAR,
        cupel={"method": "sft", "data.loss_on": "full", "data.packing": "bfd_split", "data.max_length": 96,
               "batch.size": 3, "batch.micro": 3, "sched.name": "linear"},
        notes=["What is too long goes on in another piece, with positions from 0; a piece's first token is no label."]),
    "dpo": dict(
        trainer="dpo", model="tied", rows="pairs", without=["margin"], trl=BATCH | LINEAR | SLOW | dict(beta=0.1),
        cupel={"method": "dpo", "preference.params.beta": 0.1, "sched.name": "linear", "optim.lr": 2e-4}, notes=[ENDS]),
    "dpo_accumulated": dict(
        trainer="dpo", model="untied", rows="plain_pairs", trl=TWICE_TWO | CONSTANT | SLOW | dict(beta=0.3),
        cupel={"method": "dpo", "preference.params.beta": 0.3, "batch.micro": 2, "sched.name": "constant",
               "optim.lr": 2e-4},
        notes=[MICRO_MEANS]),
    "ipo": dict(
        trainer="dpo", model="untied", rows="pairs", without=["margin"],
        trl=BATCH | CONSTANT | SLOW | dict(loss_type=["ipo"], beta=0.1),
        cupel={"method": "ipo", "preference.params.beta": 0.1, "preference.params.log_ratio": "mean",
               "sched.name": "constant", "optim.lr": 2e-4},
        notes=["TRL divides each log-ratio by its completion's tokens first. Cupel's default, as in the paper, does "
               "not; log_ratio = \"mean\" does."]),
    "kto": dict(
        trainer="kto", model="untied", rows="unpaired",
        trl=BATCH | LINEAR | SLOW | dict(beta=0.1, desirable_weight=1.5, undesirable_weight=0.5),
        cupel={"method": "kto", "preference.params.beta": 0.1, "preference.params.lambda_d": 1.5,
               "preference.params.lambda_u": 0.5, "sched.name": "linear", "optim.lr": 2e-4},
        notes=["The reference point is the mean of log-ratios of each prompt with the completion before it in the "
               "batch (the first one with the last), at least 0, without gradient: the same in both.",
               "With accumulation TRL takes a reference point for each micro-batch, Cupel one for the whole step: "
               "there is no setting that makes those equal."]),
    "orpo": dict(
        trainer="orpo", model="untied", rows="plain_pairs", trl=BATCH | LINEAR | dict(beta=0.1),
        cupel={"method": "orpo", "preference.params.lambda": 0.1, "preference.params.sft_scope": "sequence",
               "preference.params.sft_reduction": "token", "sched.name": "linear"},
        notes=["TRL calls the weight of the odds ratio beta, the paper and Cupel lambda.",
               "TRL's negative log-likelihood takes the prompt along and is a mean over tokens; Cupel's default is the "
               "answer alone, as in the paper: sft_scope = \"sequence\" takes the prompt along."]),
    "cpo": dict(
        trainer="cpo", model="untied", rows="plain_pairs",
        trl=BATCH | LINEAR | dict(loss_type="sigmoid", beta=0.1, cpo_alpha=1.0),
        cupel={"method": "cpo", "preference.params.beta": 0.1, "preference.params.lambda": 1.0,
               "preference.params.sft_reduction": "token", "sched.name": "linear"},
        notes=["TRL calls the weight of the negative log-likelihood cpo_alpha, Cupel lambda; a mean over tokens in "
               "both."]),
    "simpo": dict(
        trainer="cpo", model="tied", rows="pairs", without=["margin"],
        trl=BATCH | LINEAR | SLOW | dict(loss_type="simpo", beta=2.0, simpo_gamma=1.0, cpo_alpha=0.0),
        cupel={"method": "simpo", "preference.params.beta": 2.0, "preference.params.gamma": 1.0,
               "sched.name": "linear", "optim.lr": 2e-4},
        notes=["TRL's default adds the negative log-likelihood of the chosen answer (cpo_alpha = 1), which SimPO has "
               "not; its default beta is 0.1, the paper's 2 to 10. simpo_gamma is gamma, not gamma/beta.", ENDS]),
    "reward": dict(
        trainer="reward", model="reward", rows="pairs", without=["margin"], trl=BATCH | LINEAR | SLOW,
        cupel={"method": "reward-model", "reward.loss": "bradley_terry", "sched.name": "linear", "optim.lr": 2e-4},
        notes=["The score is that of the last token that is not padding: here the one that ends the turn.", ENDS]),
    "reward_margin": dict(
        trainer="reward", model="reward", rows="pairs",
        trl=BATCH | CONSTANT | SLOW | dict(center_rewards_coefficient=0.01),
        cupel={"method": "reward-model", "reward.loss": "bradley_terry",
               "preference.params.center_coefficient": 0.01, "sched.name": "constant", "optim.lr": 2e-4},
        notes=["Both subtract a row's margin from the difference of scores where rows have one, and add "
               "0.01 · (s_w + s_l)² to a pair's loss."]),
}

# The other losses of DPOTrainer: loss_type and more of TRL's settings, Cupel's loss and its parameters beyond beta.
VARIANTS = {
    "hinge": (dict(loss_type=["hinge"]), "hinge", {}),
    "robust": (dict(loss_type=["robust"], label_smoothing=0.1), "robust", {"label_smoothing": 0.1}),
    "exo_pair": (dict(loss_type=["exo_pair"], label_smoothing=1e-3), "exo_pair", {"label_smoothing": 1e-3}),
    "nca_pair": (dict(loss_type=["nca_pair"]), "nca_pair", {}),
    "bco_pair": (dict(loss_type=["bco_pair"]), "bco_pair", {"delta": 0.0}),
    "sppo_hard": (dict(loss_type=["sppo_hard"]), "sppo_hard", {}),
    "aot": (dict(loss_type=["aot"], label_smoothing=0.1), "aot", {"label_smoothing": 0.1}),
    "aot_unpaired": (dict(loss_type=["aot_unpaired"]), "aot", {"variant": "unpaired"}),
    "apo_zero": (dict(loss_type=["apo_zero"]), "apo_zero", {}),
    "apo_down": (dict(loss_type=["apo_down"]), "apo_down", {}),
    "discopop": (dict(loss_type=["discopop"], discopop_tau=0.05), "discopop", {"tau": 0.05}),
    "sigmoid_norm": (dict(loss_type=["sigmoid_norm"]), "sigmoid_norm", {}),
    "ld_dpo": (dict(ld_alpha=0.3), "ld_dpo", {"alpha": 0.3}),
    "forward_kl": (dict(f_divergence_type="forward_kl"), "f_dpo_forward_kl", {}),
    "js_divergence": (dict(f_divergence_type="js_divergence"), "f_dpo_js", {}),
    "alpha_divergence": (dict(f_divergence_type="alpha_divergence", f_alpha_divergence_coef=0.5), "f_dpo_alpha",
                         {"alpha": 0.5}),
    "two_losses": (dict(loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.5]), "rpo",
                   {"alpha": 0.5, "sft_reduction": "token"}),
}
VARIANT_STEPS = 8


def variant(name):
    settings, loss, parameters = VARIANTS[name]
    keys = {f"preference.params.{key}": value for key, value in ({"beta": 0.1} | parameters).items()}
    return dict(trainer="dpo", model="untied", rows="plain_pairs", steps=VARIANT_STEPS,
                trl=BATCH | CONSTANT | SLOW | dict(beta=0.1) | settings,
                cupel={"method": loss, "sched.name": "constant", "optim.lr": 2e-4} | keys)


def trainer_of(run, folder, rows, shared, recorder):
    trainer, config = TRAINERS[run["trainer"]]
    settings = dict(args=config(**shared | run["trl"]), train_dataset=rows, callbacks=[recorder],
                    processing_class=AutoTokenizer.from_pretrained(folder))
    if run["trainer"] in TAKES_MODELS:
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
        return trainer(model=model, **settings)
    return trainer(model=folder, **settings)
