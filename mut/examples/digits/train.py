#!/usr/bin/env python3
"""Teaches a small neural network to read handwritten digits. Pure Python: nothing to install.

    supervise --checkpoint-every 2s -- python3 examples/digits/train.py

Kill it as often as you like, `kill -9` included: the weights at the end are the same, bit for bit.
"""

import argparse
import gzip
import hashlib
import json
import math
import random
import sys
from operator import add, mul
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from supervise_job import Job  # noqa: E402

PIXELS, HIDDEN, DIGITS = 64, 128, 10
BATCH, RATE, MOMENTUM = 16, 0.01, 0.9


def read_digits():
    """1,797 images as (64 brightnesses and a constant 1, digit); every fifth is held out."""
    with gzip.open(HERE / "digits.csv.gz", "rt") as file:
        rows = [[int(field) for field in line.split(",")] for line in file]
    images = [([value / 16 for value in row[:-1]] + [1.0], row[-1]) for row in rows]
    return [image for at, image in enumerate(images) if at % 5], images[::5]


def beginning(seed, samples):
    """The state of the training. What is in here, and nothing else, decides what comes next."""
    chance = random.Random(seed)
    layers = [
        [[chance.gauss(0, inputs**-0.5) for _ in range(inputs + 1)] for _ in range(outputs)]
        for inputs, outputs in ((PIXELS, HIDDEN), (HIDDEN, DIGITS))
    ]
    speed = [[[0.0] * len(unit) for unit in layer] for layer in layers]
    order = list(range(samples))
    state = dict(layers=layers, speed=speed, order=order, chance=chance)
    return dict(state, step=0, loss=0.0, metrics={})


def forward(layers, image):
    hidden = [math.tanh(sum(map(mul, unit, image))) for unit in layers[0]] + [1.0]
    return hidden, [sum(map(mul, unit, hidden)) for unit in layers[1]]


def learn(state, batch):
    """One step of gradient descent with momentum. Returns the batch's cross-entropy."""
    layers, loss = state["layers"], 0.0
    images, hiddens, output_errors, hidden_errors = [], [], [], []
    back = list(zip(*layers[1]))
    for image, digit in batch:
        hidden, scores = forward(layers, image)
        top = max(scores)
        odds = [math.exp(score - top) for score in scores]
        loss -= math.log(odds[digit] / sum(odds))
        error = [odd / sum(odds) for odd in odds]
        error[digit] -= 1
        images.append(image)
        hiddens.append(hidden)
        output_errors.append(error)
        hidden_errors.append(
            [(1 - out * out) * sum(map(mul, error, unit)) for out, unit in zip(hidden[:-1], back)]
        )
    rate = RATE / len(batch)
    for layer, inputs, errors in ((1, hiddens, output_errors), (0, images, hidden_errors)):
        columns = list(zip(*inputs))
        for unit, speed, error in zip(layers[layer], state["speed"][layer], zip(*errors)):
            speed[:] = [
                MOMENTUM * value - rate * sum(map(mul, error, column))
                for value, column in zip(speed, columns)
            ]
            unit[:] = map(add, unit, speed)
    return loss


def accuracy(layers, images):
    guesses = [forward(layers, image)[1] for image, _ in images]
    right = [guess.index(max(guess)) == digit for guess, (_, digit) in zip(guesses, images)]
    return sum(right) / len(images)


def train(job, state, epochs, training, held_out):
    """Trains to the end (True), or until it is time to stop."""
    batches = math.ceil(len(training) / BATCH)
    while state["step"] < epochs * batches:
        epoch, batch = divmod(state["step"], batches)
        if batch == 0:
            state["chance"].shuffle(state["order"])
            state["loss"] = 0.0
        chosen = state["order"][batch * BATCH : (batch + 1) * BATCH]
        state["loss"] += learn(state, [training[at] for at in chosen])
        state["step"] += 1
        if batch + 1 == batches:
            metrics = dict(loss=state["loss"] / len(training))
            metrics["accuracy"] = accuracy(state["layers"], held_out)
            state["metrics"] = metrics
            print("epoch %d  loss %.3f  accuracy %.3f" % (epoch + 1, *metrics.values()), flush=True)

        job.progress(state["step"], epochs * batches, unit="batches", **state["metrics"])
        if job.checkpoint_due:
            job.save(state, step=state["step"], metrics=state["metrics"])
        if job.stopping:
            return False
    return True


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=40)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, help="write the weights here, as JSON")
    options.add_argument(
        "--every", type=float, help="without supervise: seconds between saves to ./checkpoints"
    )
    options = options.parse_args()

    training, held_out = read_digits()
    with Job(every=options.every) as job:
        state = job.load() or beginning(options.seed, len(training))
        if train(job, state, options.epochs, training, held_out):
            weights = json.dumps(state["layers"]).encode()
            if options.out:
                options.out.write_bytes(weights)
            print("weights  sha256 %s" % hashlib.sha256(weights).hexdigest(), flush=True)


if __name__ == "__main__":
    main()
