"""The groups into which rows are summed up, and what they shall reach: the geometric mean of the ratios and the least one."""
import math
import re

#: title, what its rows match, goal of the mean, goal of the least; a row belongs to the first that fits
GROUPS = [
    ("convolutions forward", r"test_conv.*-forward\]", 1.8, 0.95),
    ("convolutions forward and backward", r"test_conv.*-backward\]", 1.9, 1.0),
    ("LSTM forward", r"\[LSTM-.*-forward\]", 2.8, 1.1),
    ("LSTM forward and backward", r"\[LSTM-", 3.0, 1.1),
    ("GRU forward", r"\[GRU-.*-forward\]", 3.0, 1.15),
    ("GRU forward and backward", r"\[GRU-", 4.0, 1.15),
    ("RNN forward", r"\[RNN-.*-forward\]", 3.0, 1.15),
    ("RNN forward and backward", r"\[RNN-", 3.8, 1.15),
    ("cells forward", r"test_cell.*-forward\]", 10, 8),
    ("cells forward and backward", r"test_cell", 10, 8),
    ("calls on 4x4", r"test_call", 5, 3),
    ("(a*b).sum().backward() on 4x4", r"test_mul_sum_backward", 15, 10),
    ("MLP 8-16-4, SGD step", r"mlp_small_sgd", 6, 5),
    ("exp, tanh, sigmoid, erf, log, gelu of 1e5 and 1e7", r"\[(exp|tanh|sigmoid|erf|log|gelu)-100000", 2, 0.95),
    ("relu, add, sum, copies of 1e5", r"\[(relu|add|sum|clone)-100000\]|test_sum_along", 1.0, 0.9),
    ("layers forward", r"test_layers.*test_forward", 1.3, 0.9),
    ("layers forward and backward", r"test_layers", 1.3, 0.9),
    ("training steps", r"test_training", 1.8, 1.1),
    ("other elementwise functions", r"test_elementwise", None, None),
    ("products of matrices", r"test_gemm", None, None),
    ("optimizer steps", r"test_optim", None, None),
    ("import, files, batches", r"test_library", None, None),
    ("others", r"", None, None),
]
LESS = 0.9                               # of each goal, with two threads


def geomean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def grouped(rows):
    """Title -> rows, in the order of GROUPS; rows without a ratio are left out."""
    found = {title: [] for title, *_ in GROUPS}
    for row in rows:
        if "ratio" in row:
            found[next(title for title, pattern, *_ in GROUPS if re.search(pattern, row["name"]))].append(row)
    return {title: rows for title, rows in found.items() if rows}


def summed(rows, threads):
    """Title, number of rows, their mean, its goal, their least, its goal, the row that has it; goals may be None."""
    goals = {title: goals for title, _, *goals in GROUPS}
    for title, those in grouped(rows).items():
        mean, least = (goal and goal * (1 if threads == 1 else LESS) for goal in goals[title])
        low = min(those, key=lambda row: row["ratio"])
        yield title, len(those), geomean([row["ratio"] for row in those]), mean, low["ratio"], least, low["name"].split("::")[-1].removeprefix("test_")
