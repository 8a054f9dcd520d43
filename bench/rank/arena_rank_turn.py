#!/usr/bin/env python3
"""One turn of arena-rank: reads votes with pandas, fits Bradley-Terry with sandwich intervals, prints JSON.

    arena_rank_turn.py FILE [--columns model_a model_b] [--tight] [--style FEATURE]

--columns: the two columns of names; with left and right the words of `winner` are left, right and tie.
--tight: it runs to its end, and its ridge is 1e-8 of a vote instead of 1e-5 (or 1e-5 of one vote for all of a small file),
to compare formulas and not settings. With a smaller one its plain inverse loses more digits than the ridge costs.
--style: contextual Bradley-Terry with the feature (FEATURE_a - FEATURE_b) / (FEATURE_a + FEATURE_b), standardised, no
penalty on its coefficient (there is one by default, which its sandwich leaves out) and no weights.
"""

from __future__ import annotations

import argparse
import json
import time

WORDS = {"model_a": {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "tie (bothbad)": 0.5, "both_bad": 0.5},
         "left": {"left": 1.0, "right": 0.0, "tie": 0.5}}


def plain(frame, options: argparse.Namespace) -> tuple:
    """The dataset, and its model yet to be fitted."""
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    dataset = PairDataset.from_pandas(frame, competitor_cols=options.columns, outcome_map=WORDS[options.columns[0]])
    settings = {"ftol": 0.0, "gtol": 1e-11, "hessian_reg": max(1e-5 / len(frame), 1e-8)} if options.tight else {}
    return dataset, BradleyTerry(n_competitors=len(dataset.competitors), **settings)


def contextual(frame, options: argparse.Namespace) -> tuple:
    from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry
    from arena_rank.utils.data_utils import ContextualPairDataset

    first, second = frame[f"{options.style}_a"], frame[f"{options.style}_b"]
    frame[options.style] = (first - second) / (first + second)
    dataset = ContextualPairDataset.from_pandas(frame, [options.style], competitor_cols=options.columns,
                                                outcome_map=WORDS[options.columns[0]], reweighted=False)
    settings = {"ftol": 0.0, "gtol": 1e-11, "hessian_reg": 1e-8} if options.tight else {}
    return dataset, ContextualBradleyTerry(n_competitors=len(dataset.competitors), n_features=1, reg=0.0, **settings)


def main() -> None:
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--columns", nargs=2, default=["model_a", "model_b"])
    parser.add_argument("--tight", action="store_true")
    parser.add_argument("--style")
    options = parser.parse_args()

    import numpy as np
    import pandas as pd
    import arena_rank.models.contextual_bradley_terry  # noqa: F401  here, so that it counts as an import

    marks = {"import_s": time.perf_counter()}
    names = {column: str for column in options.columns}  # a model may be called 0
    features = [f"{options.style}_a", f"{options.style}_b"] if options.style else []
    frame = pd.read_csv(options.file, usecols=[*options.columns, "winner", *features], dtype=names)
    marks["read_s"] = time.perf_counter()
    dataset, model = (contextual if options.style else plain)(frame, options)
    dataset.pairs.block_until_ready()
    marks["prepare_s"] = time.perf_counter()
    found = model.compute_ratings_and_cis(dataset, significance_level=0.05, ci_method="sandwich")
    ratings, variances = np.asarray(found["ratings"]), np.asarray(found["variances"])
    marks["fit_s"] = time.perf_counter()
    parts, last = {}, began
    for name, at in marks.items():
        parts[name], last = at - last, at
    print(json.dumps({"parts": parts,
                      "ratings": dict(zip(map(str, dataset.competitors), ratings.tolist(), strict=True)),
                      "errors": dict(zip(map(str, dataset.competitors), np.sqrt(variances).tolist(), strict=True))}))


if __name__ == "__main__":
    main()
