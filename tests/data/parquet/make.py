#!/usr/bin/env python3
"""Writes the Parquet files of this folder with pyarrow 26.0.1 (the files are kept; nothing runs this in a build).

votes.parquet         LMArena's layout: dictionary-encoded names, nested metadata, lists that are not to be read, nulls
no_text.parquet       a winner of dates, and one of lists
three_columns.parquet winners as 0/1 in three columns of int64
preferences.parquet   pairs of answers as lists of messages, with and without a prompt, and a column of no use (dates)
ratings.parquet       prompts with a response, numbers that rate it, and a column of no use (dates)
"""
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
METADATA = pa.struct([("sum_assistant_a_tokens", pa.int64()), ("sum_assistant_b_tokens", pa.int32()),
                      ("header_count_a", pa.struct([("h1", pa.int64()), ("h2", pa.int64())])),
                      ("header_count_b", pa.struct([("h1", pa.int64()), ("h2", pa.int64())]))])


def metadata(a, b, headers):
    return {"sum_assistant_a_tokens": a, "sum_assistant_b_tokens": b, "header_count_a": {"h1": headers, "h2": 1},
            "header_count_b": {"h1": 0, "h2": 1}}


def main():
    turns = [[{"role": "user", "content": "hello"}]] * 4
    votes = pa.table({
        "model_a": pa.array(["x", "y", "x", "z"]).dictionary_encode(),
        "model_b": pa.array(["y", "z", "z", "x"], pa.large_string()),
        "winner": ["model_a", "tie", "tie (bothbad)", "model_b"],
        "conversation_a": turns,
        "language": pa.array(["English", None, "English", "Română"]),
        "turn": pa.array([1, 2, 3, 4], pa.uint8()),
        "is_code": [True, False, None, True],
        "score": [0.5, 1.0, -2.25, 1e300],
        "conv_metadata": pa.array([metadata(30, 10, 3), metadata(0, 0, 0), metadata(5, 15, 0), metadata(1, 1, 1)],
                                  METADATA)})
    pq.write_table(votes, HERE / "votes.parquet", row_group_size=3, compression="zstd")
    pq.write_table(pa.table({"model_a": ["x"], "model_b": ["y"], "winner": [date(2026, 1, 1)], "user": [["a", "b"]],
                             "n": [1]}), HERE / "no_text.parquet")
    pq.write_table(pa.table({"model_a": ["x", "x"], "model_b": ["y", "y"], "winner_model_a": [1, 0],
                             "winner_model_b": [0, 0], "winner_tie": [0, 1]}), HERE / "three_columns.parquet",
                   compression="none")
    user = {"role": "user", "content": "2+2?"}
    system = {"role": "system", "content": "Be brief."}
    pairs = pa.table({
        "prompt": [[user], None],
        "chosen": [[{"role": "assistant", "content": 'say "four"\n\t\\'}],
                   [system, user, {"role": "assistant", "content": "4"}]],
        "rejected": [[{"role": "assistant", "content": "fünf"}],
                     [system, user, {"role": "assistant", "content": "5"}]],
        "score_chosen": [7.5, float("nan")],
        "id": ["one", None],
        "day": [date(2026, 1, 1), None]})
    pq.write_table(pairs, HERE / "preferences.parquet", compression="zstd")
    ratings = pa.table({"prompt": ["2+2=", "3+3="], "response": ["4", "six"], "helpfulness": pa.array([4, 1], pa.int32()),
                        "brevity": [0.5, 0.25], "day": [date(2026, 1, 1), None]})
    pq.write_table(ratings, HERE / "ratings.parquet", compression="zstd")


if __name__ == "__main__":
    main()
