"""The results as text: the same tables for the terminal and, with bars, for Markdown."""

from __future__ import annotations

from . import behaviour, train_figures
from .statistics import paired_ratio
from .targets import limit_share, ratio

RATIO_PEERS = (("llama_cpp", "/ llama.cpp"), ("openvino", "/ OpenVINO"))
FLOAT_PAIRS = (("cupel_bf16", "transformers_bf16", "bf16: / HF"), ("cupel_f32", "transformers_f32", "f32: / HF"))


def render(rows: list[list[str]], markdown: bool = False) -> str:
    """Rows with a heading first; every row has as many cells as the heading."""
    if markdown:
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def figure(value: dict) -> str:
    """Median, with the spread and, where fewer rounds were run than are asked for, their number."""
    digits = 3 if value["median"] < 10 else 1
    text = f"{value['median']:.{digits}f}"
    if value["n"] > 1:
        text += f" ({value['min']:.{digits}f}-{value['max']:.{digits}f})"
    return text if value["n"] >= 5 else f"{text} n={value['n']}"


def speed_rows(results: dict, workload: str, model: str) -> list[list[str]]:
    measured = results["workloads"][workload][model]
    contenders = measured["contenders"]
    show_limit = workload in ("decode", "context")
    faster_is_more = workload != "start"
    pairs = [pair for pair in (*[("cupel", *peer) for peer in RATIO_PEERS], *FLOAT_PAIRS)
             if faster_is_more and pair[0] in contenders and pair[1] in contenders]
    heading = [model] + [about["label"] for about in contenders.values()] + [text for _, _, text in pairs]
    rows = [heading + (["Cupel of limit"] if show_limit else [])]
    for case, found in measured["cases"].items():
        cells = [case]
        for name, about in contenders.items():
            cells.append(figure(found["values"][name]) if name in found["values"] else missing_word(about))
        for ours, peer, _ in pairs:
            got = ratio(measured, case, peer, ours)
            cells.append("-" if got is None else f"{got:.2f} x")
        if show_limit:
            share = limit_share(results, workload, model, case, "cupel")
            cells.append("-" if share is None else f"{share:.0%}")
        rows.append(cells)
    return rows


def missing_word(about: dict) -> str:
    """Never an empty cell: the reason follows the table."""
    return about.get("missing", "not run").split(":", 1)[0]


def memory_rows(results: dict, model: str) -> list[list[str]]:
    contenders = results["workloads"]["memory"][model]["contenders"]
    rows = [[model] + [about["label"] for about in contenders.values()]]
    rows.append(["peak memory, MB"] + [f"{about['peak_bytes'] / 1e6:.0f}" if "peak_bytes" in about else missing_word(about)
                                       for about in contenders.values()])
    rows.append(["load, s"] + [f"{about['load_s']['median']:.2f}" if "load_s" in about else missing_word(about)
                               for about in contenders.values()])
    return rows


def neighbour_rows(results: dict, model: str) -> list[list[str]]:
    measured = results["workloads"]["neighbour"][model]
    rows = [[model, "contender", "alone", "beside", "share kept"]]
    for case, found in measured["cases"].items():
        for name, about in measured["contenders"].items():
            value = found["values"].get(name)
            cells = [missing_word(about), "-", "-"] if value is None else [
                figure(value), figure(value["beside"]), f"{value['share_kept']['median']:.0%}"]
            rows.append([case, about["label"], *cells])
    return rows


def rows_of(results: dict, workload: str, model: str) -> list[list[str]]:
    if workload == "memory":
        return memory_rows(results, model)
    return neighbour_rows(results, model) if workload == "neighbour" else speed_rows(results, workload, model)


def quant_rows(results: dict, name: str) -> list[list[str]]:
    rows = [[name, "bits", "error", "worst tensor", "perplexity", "of source", "mean KL", "same top", "llama.cpp, f32", "llama.cpp"]]
    for kind, found in results["quant"][name]["types"].items():
        worst = "-" if found["worst_tensor"] is None else f"{found['worst_error']:.2%} {found['worst_tensor']}"
        cells = [kind, f"{found['bits_per_weight']:.2f}", f"{found['relative_error']:.3%}", worst]
        fit, other = found.get("fit"), found.get("llama_cpp")
        cells += ["-"] * 4 if not fit else [f"{fit['perplexity']:.3f}", f"{fit['source_perplexity']:.3f}",
                                            f"{fit['mean_kl']:.5f}", f"{fit['same_top']:.2%}"]
        cells += ["-"] * 2 if not other else [
            "identical" if other["exact_gap"] == 0 else f"gap {other['exact_gap']:.4f}",
            "identical" if other["identical"] == other["prompts"] else
            f"{other['identical']}/{other['prompts']}, gap {other['largest_gap']:.3f}, rounding {other['rounding']:.3f}"]
        rows.append(cells)
    return rows


def rank_rows(ranking: dict) -> list[list[str]]:
    """Seconds of ours and of the peer, and the peak memory of both."""
    rows = [["rank", "Cupel, s", "peer", "peer, s", "ratio", "Cupel, MB", "peer, MB"]]
    for case in ranking["cases"].values():
        ours, theirs = case["values"].get("cupel"), case["values"].get(case["peer"])
        cells = ["failed" if ours is None else figure(ours), case["peer_label"] or "-"]
        cells.append(figure(theirs) if theirs else "failed" if case["peer"] else "-")
        cells.append(f"{paired_ratio(theirs['values'], ours['values']):.1f} x" if ours and theirs else "-")
        cells += [f"{max(turn['peak_bytes'] for turn in side['turns']) / 1e6:.0f}" if side else "-" for side in (ours, theirs)]
        rows.append([case["what"], *cells])
    return rows


def target_rows(results: dict) -> list[list[str]]:
    return [["target", "figure", "bound", ""]] + [
        [check["what"], check["figure"], check["bound"], check["verdict"]] for check in results["targets"]]


def notes(results: dict) -> list[str]:
    """Reasons for holes, settings of every contender, the machine, and a warning when it was busy."""
    lines, said = [], set()
    for by_model in results["workloads"].values():
        for model, measured in by_model.items():
            for about in measured["contenders"].values():
                text = f"{model}, {about['label']}: {about.get('missing', about['settings'])}"
                if text not in said:
                    said.add(text)
                    lines.append(text)
            lines += [f"{model}, {case}: {found['forms']}" for case, found in measured["cases"].items() if "forms" in found]
    lines += [f"{failure['what']}: {failure['why']}" for failure in results["failures"]]
    host = results["machine"]
    lines.append(f"{host['cpu']}, {host['cores']} cores, {' '.join(host['flags'])}; {results['threads']} threads, "
                 f"{results['rounds']} rounds, Cupel {host['commit']}")
    if "rank" in results:
        lines.append("rank: " + ", ".join(f"{name} {version}" for name, version in results["rank"]["versions"].items()))
    if "train" in results:
        lines.append("train: " + ", ".join(f"{name} {version}" for name, version in results["train"]["versions"].items()))
    if "bandwidth" in results:
        bandwidth = results["bandwidth"]
        lines.append(f"read bandwidth {bandwidth['gb_s']['median']:.1f} GB/s ({bandwidth['source']})")
    if any(check["verdict"] == "BUSY" for check in results["targets"]):
        lines.append("BUSY: other programs were running, so these times prove nothing; run again on an idle machine")
    return lines


def document(results: dict, descriptions: dict[str, str], markdown: bool = False) -> str:
    parts = ["# Cupel and its peers"] if markdown else []
    for workload, by_model in results["workloads"].items():
        parts.append(("## " if markdown else "") + descriptions[workload])
        parts += [render(rows_of(results, workload, model), markdown) for model in by_model]
    if results.get("quant"):
        parts.append(("## " if markdown else "") + "Quantising: what each type costs")
        parts += [render(quant_rows(results, name), markdown) for name in results["quant"]]
    if results.get("rank"):
        parts.append(("## " if markdown else "") + "Rankings: seconds, and peak memory of the process")
        parts.append(render(rank_rows(results["rank"]), markdown))
    if results.get("train"):
        parts.append(("## " if markdown else "") + "Training: seconds, and peak memory of the process")
        parts.append(render(train_figures.rows(results["train"]), markdown))
    if results.get("behaviour"):
        parts.append(("## " if markdown else "") + "Behaviour: what methods are made for")
        parts += [render(of(results["behaviour"]), markdown) for of in (behaviour.rows, behaviour.memory_rows)]
    if results["targets"]:
        parts += ["## Targets"] if markdown else ["Targets"]
        parts.append(render(target_rows(results), markdown))
    lines = notes(results)
    parts.append("\n".join(f"- {line}" for line in lines) if markdown else "\n".join(lines))
    return "\n\n".join(parts) + "\n"
