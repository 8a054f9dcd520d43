"""What must hold, and whether it does. Everything here is computed from the results alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from . import behaviour, train_figures, tuned
from .config import BUSY_SHARE, DECODE_TOKENS, MODELS
from .quant import falls_with_bits
from .statistics import paired_ratio

STARTUP_MS, FIRST_TOKEN_S, MEMORY_FACTOR, LONG_PREFILL_LOSS = 20.0, 0.4, 1.3, 0.15
LEAST_KEPT = 0.1  # of the speed beside a busy neighbour: it must not cut it tenfold
FLOAT_TYPES, FLOAT_RATIO = ("bf16", "f32"), 1.0
# Least ratio of Cupel to a peer in the same rounds: (model, workload, case, peer, ratio).
RATIOS = (
    ("smollm2", "decode", "batch 1", "llama_cpp", 2.5),
    ("smollm2", "prefill", "512 tokens", "openvino", 1.05),
    ("smollm2", "prefill", "512 tokens", "llama_cpp", 5.4),
    ("gemma3", "decode", "batch 1", "llama_cpp", 1.8),
    ("gemma3", "prefill", "512 tokens", "llama_cpp", 4.0),
    ("smollm2", "shared", "16 streams", "llama_cpp", 3.0),
    ("smollm2", "shared", "16 streams", "openvino", 1.0),
    ("gemma3", "shared", "16 streams", "llama_cpp", 3.0),
    ("gemma3", "shared", "16 streams", "openvino", 1.0),
)
# Greedy paths of a quantised file: nats between the two tokens where Cupel and llama.cpp choose differently, both in
# f32, and where llama.cpp rounds activations: times the rounding that is measured on the same file. So that rounding
# cannot excuse a file that is read wrongly, llama.cpp chooses another token at this share of the steps at most.
EXACT_TIE, NEAR_TIE_ROUNDINGS, MOST_DIFFERENT = 0.001, 3.0, 0.1
# Least share of the bandwidth limit of decoding at batch 1.
LIMIT_SHARES = {"smollm2": 0.55, "gemma3": 0.75}
# `cupel rank`: least ratio to the peer of a case, most seconds of a case, and the rest.
RANK_RATIOS = {"leaderboard": 30.0, "bradley_terry": 50.0, "elo": 5.0}
RANK_SECONDS = {"bootstrap": 3.0, "clusters": 6.0, "10k none": 10.0, "10k diagonal": 30.0}
RANK_MEMORY, RANK_GROWTH, RANK_PARSE_MB_S = {"20M votes": 2**30}, 1.2, 1000.0
# Time per vote of a case against that of one with a tenth of the votes.
RANK_LINEAR = (("bradley_terry", "200k fit"), ("20M fit", "bradley_terry"), ("20M votes", "leaderboard"))


@dataclass(frozen=True)
class Check:
    """One target: what, the figure as text, the bound as text, and PASS, MISS, BUSY or n/a."""

    what: str
    figure: str
    bound: str
    verdict: str


def verdict(good: bool, busy: float = 0.0) -> str:
    return "BUSY" if busy > BUSY_SHARE else "PASS" if good else "MISS"


def missing(what: str, bound: str, reason: str) -> Check:
    return Check(what, reason, bound, "n/a")


def decode_limit(model: str, positions: float, gb_s: float, sequences: int = 1) -> float:
    """Tokens/s of all sequences when memory is read as fast as it allows: a step reads the weights once and the cache of
    each sequence, and makes a token for each."""
    step_bytes = MODELS[model].weight_bytes + sequences * MODELS[model].cache_bytes(positions)
    return sequences * gb_s * 1e9 / step_bytes


def limit_share(results: dict, workload: str, model: str, case: str, contender: str) -> float | None:
    """A decode figure as a share of the limit for as many sequences; None without figure or bandwidth."""
    found = results.get("workloads", {}).get(workload, {}).get(model, {}).get("cases", {}).get(case)
    if found is None or contender not in found["values"] or "bandwidth" not in results:
        return None
    return found["values"][contender]["median"] / decode_limit(model, found["mean_positions"],
                                                               results["bandwidth"]["gb_s"]["median"], found["sequences"])


def ratio(measured: dict, case: str, peer: str, ours: str = "cupel") -> float | None:
    """Cupel to a peer, paired by round; None unless both were measured."""
    values = measured["cases"][case]["values"]
    if ours not in values or peer not in values:
        return None
    return paired_ratio(values[ours]["values"], values[peer]["values"])


def ratio_checks(results: dict) -> list[Check]:
    checks = []
    for model, workload, case, peer, least in RATIOS:
        measured = results.get("workloads", {}).get(workload, {}).get(model)
        if measured is None:
            continue
        what, bound = f"{model} {workload}, {case}, to {peer}", f">= {least} x"
        got = ratio(measured, case, peer)
        if got is None:
            checks.append(missing(what, bound, "not measured on both sides"))
        else:
            checks.append(Check(what, f"{got:.2f} x", bound, verdict(got >= least, measured["busy_share"])))
    return checks


def float_checks(results: dict) -> list[Check]:
    """On BF16 and F32 weights, at least as fast as transformers on the same."""
    checks = []
    for model, measured in results.get("workloads", {}).get("float", {}).items():
        for case in measured["cases"]:
            for dtype in FLOAT_TYPES:
                what, bound = f"{model} {dtype} weights, {case}, to transformers", f">= {FLOAT_RATIO} x"
                got = ratio(measured, case, f"transformers_{dtype}", f"cupel_{dtype}")
                checks.append(missing(what, bound, "not measured on both sides") if got is None else
                              Check(what, f"{got:.2f} x", bound, verdict(got >= FLOAT_RATIO, measured["busy_share"])))
    return checks


def neighbour_checks(results: dict) -> list[Check]:
    """What a busy neighbour leaves of the speed: not below a tenth, and not below what llama.cpp keeps."""
    checks = []
    for model, measured in results.get("workloads", {}).get("neighbour", {}).items():
        for case, found in measured["cases"].items():
            kept = {name: value["share_kept"]["median"] for name, value in found["values"].items()}
            least = {"of its own speed": LEAST_KEPT, "as llama.cpp": kept.get("llama_cpp")}
            for than, bound in least.items():
                what = f"{model} {case} beside a busy core, kept {than}"
                if bound is None or "cupel" not in kept:
                    checks.append(missing(what, "-" if bound is None else f">= {bound:.0%}", "not measured on both sides"))
                else:
                    checks.append(Check(what, f"{kept['cupel']:.1%}", f">= {bound:.1%}",
                                        verdict(kept["cupel"] >= bound, measured["busy_share"])))
    return checks


def limit_checks(results: dict) -> list[Check]:
    checks = []
    for model, measured in results.get("workloads", {}).get("decode", {}).items():
        what, bound = f"{model} decode, batch 1, of the bandwidth limit", f">= {LIMIT_SHARES[model]:.0%}"
        share = limit_share(results, "decode", model, "batch 1", "cupel")
        if share is None:
            checks.append(missing(what, bound, "no figure or no bandwidth"))
        else:
            checks.append(Check(what, f"{share:.1%}", bound, verdict(share >= LIMIT_SHARES[model], measured["busy_share"])))
    return checks


def long_prefill_checks(results: dict) -> list[Check]:
    """Time per token at 2048 against 512."""
    checks = []
    for model, measured in results.get("workloads", {}).get("prefill", {}).items():
        cases = measured["cases"]
        if any("cupel" not in cases.get(case, {"values": {}})["values"] for case in ("512 tokens", "2048 tokens")):
            continue
        short, long = (cases[case]["values"]["cupel"]["values"] for case in ("512 tokens", "2048 tokens"))
        loss = paired_ratio(short, long) - 1
        checks.append(Check(f"{model} prefill, time per token at 2048 over 512", f"{loss:+.1%}", f"<= +{LONG_PREFILL_LOSS:.0%}",
                            verdict(loss <= LONG_PREFILL_LOSS, measured["busy_share"])))
    return checks


def first_token_checks(results: dict) -> list[Check]:
    checks = []
    for model, measured in results.get("workloads", {}).get("start", {}).items():
        cupel = measured["cases"]["first token"]["values"].get("cupel")
        if cupel:
            checks.append(Check(f"{model} process start to first token", f"{cupel['median']:.3f} s", f"<= {FIRST_TOKEN_S} s",
                                verdict(cupel["median"] <= FIRST_TOKEN_S, measured["busy_share"])))
    return checks


def memory_checks(results: dict) -> list[Check]:
    """Peak resident memory over weights plus the cache used; not a time, so never BUSY."""
    checks = []
    for model, measured in results.get("workloads", {}).get("memory", {}).items():
        peak = measured["contenders"].get("cupel", {}).get("peak_bytes")
        if peak is None:
            continue
        positions = next(iter(measured["cases"].values()))["mean_positions"] + DECODE_TOKENS / 2
        # What is stored, not what is read: rows beyond a sliding window count as used.
        facts = MODELS[model]
        used = facts.weight_bytes + facts.layer_cache_bytes * (facts.full_layers + facts.sliding_layers) * positions
        factor = peak / used
        checks.append(Check(f"{model} peak memory over weights + cache used", f"{factor:.2f} x ({peak / 1e6:.0f} MB)",
                            f"<= {MEMORY_FACTOR} x", verdict(factor <= MEMORY_FACTOR)))
    return checks


def startup_checks(results: dict) -> list[Check]:
    startup = results.get("startup", {"cases": {}})
    checks = []
    for argument, case in startup["cases"].items():
        right = case["exit_code_right"]
        note = "" if right else f" (exit {case['exit_codes']})"
        checks.append(Check(f"cupel {argument}", f"{case['ms']['median']:.1f} ms{note}", f"<= {STARTUP_MS:.0f} ms",
                            verdict(case["ms"]["median"] <= STARTUP_MS and right, startup["busy_share"] if right else 0.0)))
    return checks


def token_checks(results: dict) -> list[Check]:
    return [Check(f"{model} token ids", f"{tokens['equal']}/{tokens['lines']} lines", "all equal",
                  verdict(tokens["equal"] == tokens["lines"]))
            for model, tokens in results.get("tokens", {}).items()]


def agreement_checks(what: str, found: dict) -> list[Check]:
    """llama.cpp with the same weights, in f32 and as it runs the file."""
    exact = f"gap {found['exact_gap']:.4f}, error {found['error']:.4f} nats"
    different = len(found["differences"])
    rounded = (f"{found['identical']}/{found['prompts']} identical, {different} of {found['steps']} steps differ, "
               f"gap {found['largest_gap']:.3f}, rounding {found['rounding']:.3f} nats")
    near = found["largest_gap"] <= NEAR_TIE_ROUNDINGS * found["rounding"] and different <= MOST_DIFFERENT * found["steps"]
    return [Check(f"{what}: greedy text of llama.cpp in f32", exact, f"identical or gap <= {EXACT_TIE}",
                  verdict(found["exact_gap"] <= EXACT_TIE)),
            Check(f"{what}: greedy text of llama.cpp", rounded,
                  f"identical or gap <= {NEAR_TIE_ROUNDINGS:.0f} x rounding, <= {MOST_DIFFERENT:.0%} of steps", verdict(near))]


def quant_checks(results: dict) -> list[Check]:
    """Of weights that were never quantised error and divergence fall as bits rise; llama.cpp runs every file alike."""
    checks = []
    for name, measured in results.get("quant", {}).items():
        types = measured["types"]
        if name in ("trained", "minilm"):
            falls = falls_with_bits(types, lambda found: found["relative_error"])
            checks.append(Check(f"{name}: error falls as bits rise", f"{len(types)} types", "4 > 5 > 6 > 8 bits",
                                "n/a" if falls is None else verdict(falls)))
        if name == "trained":
            falls = falls_with_bits(types, lambda found: (found.get("fit") or {}).get("mean_kl"))
            checks.append(Check("trained: KL divergence falls as bits rise", f"{len(types)} types", "4 > 5 > 6 > 8 bits",
                                "n/a" if falls is None else verdict(falls)))
        for kind, found in types.items():
            if other := found.get("llama_cpp"):
                checks += agreement_checks(f"{name} {kind}", other)
    return checks


def rank_speed_checks(ranking: dict) -> list[Check]:
    checks, busy = [], ranking["busy_share"]
    for name, case in ranking["cases"].items():
        ours, theirs = case["values"].get("cupel"), case["values"].get(case["peer"])
        if name in RANK_RATIOS:
            what, bound = f"rank: {case['what']}, to {case['peer_label']}", f">= {RANK_RATIOS[name]:.0f} x"
            if ours is None or theirs is None:
                checks.append(missing(what, bound, "not measured on both sides"))
            else:
                got = paired_ratio(theirs["values"], ours["values"])
                checks.append(Check(what, f"{got:.1f} x", bound, verdict(got >= RANK_RATIOS[name], busy)))
        if name in RANK_SECONDS and ours is not None:
            checks.append(Check(f"rank: {case['what']}", f"{ours['median']:.2f} s", f"<= {RANK_SECONDS[name]:.0f} s",
                                verdict(ours["median"] <= RANK_SECONDS[name], busy)))
        if name in RANK_MEMORY and ours is not None:
            peak = max(turn["peak_bytes"] for turn in ours["turns"])
            checks.append(Check(f"rank: {case['what']}, peak memory", f"{peak / 2**20:.0f} MiB",
                                f"<= {RANK_MEMORY[name] / 2**20:.0f} MiB", verdict(peak <= RANK_MEMORY[name])))
    return checks


def rank_linear_checks(ranking: dict) -> list[Check]:
    """A fixed part may make fewer votes dearer each; more votes may not."""
    checks = []
    for more, fewer in RANK_LINEAR:
        cases = [ranking["cases"].get(name) for name in (more, fewer)]
        if any(case is None or "cupel" not in case["values"] for case in cases):
            continue
        per_vote = [case["values"]["cupel"]["median"] / case["rows"] for case in cases]
        growth = per_vote[0] / per_vote[1]
        checks.append(Check(f"rank: {cases[0]['what']}: time per vote over that of {cases[1]['rows']:,}", f"{growth:.2f} x",
                            f"<= {RANK_GROWTH} x", verdict(growth <= RANK_GROWTH, ranking["busy_share"])))
    return checks


def rank_agreement_checks(ranking: dict) -> list[Check]:
    checks = []
    for found in ranking["agreement"]:
        if "missing" in found:
            checks.append(missing(f"rank: agreement on {found['votes']}", "-", found["missing"]))
            continue
        checks.append(Check(f"rank: {found['votes']}, {found['what']}, from {found['peer']}",
                            f"{found['largest']:.1e} {found['unit']}", f"<= {found['bound']:.0e}",
                            verdict(found["largest"] <= found["bound"])))
    return checks


def rank_checks(results: dict) -> list[Check]:
    ranking = results.get("rank")
    if ranking is None:
        return []
    checks = rank_speed_checks(ranking) + rank_linear_checks(ranking)
    if parse := ranking.get("parse"):
        rate = parse["mb_s"]["median"]
        checks.append(Check("rank: reading CSV, one core", f"{rate:.0f} MB/s", f">= {RANK_PARSE_MB_S:.0f} MB/s",
                            verdict(rate >= RANK_PARSE_MB_S, ranking["busy_share"])))
    if startup := ranking.get("startup_ms"):
        checks.append(Check("rank: cupel rank --help", f"{startup['median']:.1f} ms", f"<= {STARTUP_MS:.0f} ms",
                            verdict(startup["median"] <= STARTUP_MS, ranking["busy_share"])))
    return checks + rank_agreement_checks(ranking)


def listed_checks(found: dict | None, figures) -> list[Check]:
    """Of a workload that says itself what its figures and bounds are."""
    if found is None:
        return []
    return [Check(what, figure, bound, verdict(good, found["busy_share"] if timed else 0.0))
            for what, figure, bound, good, timed in figures(found)]


def training_checks(results: dict) -> list[Check]:
    return (listed_checks(results.get("train"), train_figures.figures) +
            listed_checks(results.get("tuned"), tuned.figures) +
            listed_checks(results.get("behaviour"), behaviour.figures))


def all_checks(results: dict) -> list[dict]:
    checks = (ratio_checks(results) + float_checks(results) + limit_checks(results) + neighbour_checks(results) +
              long_prefill_checks(results) + first_token_checks(results) +
              memory_checks(results) + startup_checks(results) + token_checks(results) + quant_checks(results) +
              rank_checks(results) + training_checks(results))
    checks += [Check(failure["what"], "failed", "-", "MISS") for failure in results.get("failures", [])]
    return [asdict(check) for check in checks]
