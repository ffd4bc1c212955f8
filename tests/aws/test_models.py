"""Requests made at random from the service models: each operation gets inputs that its model allows, and answers with success or an AWS error.

Names come from a small pool, so that what one request made another one changes or deletes. SOLDER_MODEL_SEED gives another sequence, SOLDER_MODEL_ROUNDS a longer one.
"""

from __future__ import annotations

import csv
import os
import random
import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Iterator

import botocore.model
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.aws.conftest import ROOT, Server

SEED = int(os.environ.get("SOLDER_MODEL_SEED", "20240102"))
ROUNDS = int(os.environ.get("SOLDER_MODEL_ROUNDS", "8"))
POOL = ("alpha", "beta-1", "gamma.2", "delta_3")
ODD = ("ü€𝄞", "a b", "%2e%2e/..", "<a>&'\"", "\u0001", "x" * 300, "", "0", "-1", "null", "{}", '{"a": [1]}', "s3://alpha/beta-1", "arn:aws:iam::000000000000:role/alpha", "2024-01-02")
DEEPEST = 6


def operations() -> dict[str, list[str]]:
    """What spec/aws/supported.tsv says is there, by service."""
    found: dict[str, list[str]] = {}
    with open(ROOT / "spec/aws/supported.tsv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found.setdefault(row["service"], []).append(row["operation"])
    return found


def matching(dice: random.Random, nodes: Any, budget: int) -> str:
    """A text that a parsed regular expression takes (as far as it is made of classes, branches, groups and repeats)."""
    out = ""
    for kind, value in nodes:
        if kind is sre.LITERAL:
            out += chr(value)
        elif kind is sre.ANY:
            out += dice.choice("aZ9-")
        elif kind is sre.IN:
            out += one_of(dice, value)
        elif kind is sre.BRANCH:
            out += matching(dice, dice.choice(value[1]), budget)
        elif kind is sre.SUBPATTERN:
            out += matching(dice, value[3], budget)
        elif kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, inner = value
            most = min(int(most), int(least) + dice.choice((0, 1, 8, 40)))
            for _ in range(dice.randint(int(least), max(int(least), most))):
                out += matching(dice, inner, budget - 1) if len(out) < 500 and budget > 0 else ""
    return out


def one_of(dice: random.Random, members: Any) -> str:
    """A character of a class."""
    letters = "".join(chr(code) for code in range(32, 127)) + "ü€"
    negated = bool(members) and members[0][0] is sre.NEGATE
    taken = [letter for letter in letters if any(is_in(letter, member) for member in members) != negated]
    if taken:
        return dice.choice(taken)
    kind, value = members[-1]
    return chr(value if kind is sre.LITERAL else value[0] if kind is sre.RANGE else 97)


def is_in(letter: str, member: Any) -> bool:
    """Whether a part of a class has a character."""
    kind, value = member
    if kind is sre.LITERAL:
        return ord(letter) == value
    if kind is sre.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    if kind is sre.CATEGORY:
        tests = {sre.CATEGORY_DIGIT: str.isdigit, sre.CATEGORY_SPACE: str.isspace, sre.CATEGORY_WORD: lambda c: c.isalnum() or c == "_", sre.CATEGORY_NOT_SPACE: lambda c: not c.isspace()}
        return bool(tests[value](letter)) if value in tests else False
    return False


class Maker:
    """Values by shape."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def text(self, shape: Any) -> str:
        """One of the enum, of the pool, by the pattern, or odd; as long as the shape wants it."""
        dice = self.dice
        if shape.enum:
            return str(dice.choice(shape.enum))
        made = dice.choice(POOL) if dice.random() < 0.75 else dice.choice(ODD)
        pattern = shape.metadata.get("pattern")
        if pattern is not None and re.fullmatch("[A-Za-z]+", pattern) is None:
            try:
                expression = re.compile(pattern)
                if expression.fullmatch(made) is None:
                    made = matching(dice, parser.parse(pattern), 20)
            except re.error:
                pass  # Java's \p{…}: what was made may be refused, which is an answer, too
        least, most = int(shape.metadata.get("min", 0)), int(shape.metadata.get("max", 1 << 16))
        return (made + "a" * (least - len(made)))[: max(most, least)]

    def value(self, shape: Any, depth: int = 0) -> Any:
        """A value of any shape."""
        dice = self.dice
        kind = shape.type_name
        if kind == "structure":
            made = {}
            for name, member in shape.members.items():
                if name in shape.required_members or (depth < DEEPEST and dice.random() < (0.3 if depth < 3 else 0.1)):
                    made[name] = self.value(member, depth + 1)
            return made
        if kind == "list":
            least = int(shape.metadata.get("min", 0))
            return [self.value(shape.member, depth + 1) for _ in range(max(least, dice.choice((0, 1, 1, 2))))] if depth < DEEPEST + 2 else []
        if kind == "map":
            return {self.value(shape.key, depth + 1): self.value(shape.value, depth + 1) for _ in range(dice.choice((0, 1, 2)))} if depth < DEEPEST + 2 else {}
        if kind in ("integer", "long"):
            least, most = int(shape.metadata.get("min", -1)), int(shape.metadata.get("max", 1 << (31 if kind == "integer" else 62)))
            return dice.choice((least, most, dice.randint(least, min(most, least + 5))))
        if kind in ("float", "double"):
            return dice.choice((0.0, 0.5, -1.0, 1e300, float(shape.metadata.get("min", 1))))
        if kind == "boolean":
            return dice.random() < 0.5
        if kind == "timestamp":
            return dice.choice((0, 1704164645, 4102444800, 253402300799))
        if kind == "blob":
            return dice.choice((b"", b"bytes", bytes(range(256)), b"\xff" * 5000))
        return self.text(shape)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of this module's own, which must be alive behind it and end in order."""
    started = Server(tmp_path_factory.mktemp("models") / "home", "--idle-timeout", "20")
    yield started
    assert started.process.poll() is None, "".join(started.log[-40:])
    assert started.stop() == 0


@pytest.mark.parametrize("service", sorted(operations()))
def test_any_input_of_the_model_gets_an_answer(server: Server, service: str) -> None:
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=60, s3={"addressing_style": "path"})
    client = server.client(service, config=config)
    names = operations()[service]
    dice = random.Random(SEED)
    answers: dict[str, int] = {"success": 0, "error": 0}
    for bucket in POOL[:2] if service == "s3" else ():
        client.create_bucket(Bucket=bucket)
    for turn in range(ROUNDS):
        dice.shuffle(names)
        for name in names:
            seed = dice.randrange(1 << 30)
            model: botocore.model.OperationModel = client.meta.service_model.operation_model(name)
            arguments = Maker(seed).value(model.input_shape) if model.input_shape is not None else {}
            arguments.pop("ContentLength", None)  # botocore would wait for the rest of a body that is not there
            what = f"round {turn}, {service} {name} {arguments!r:.2000}"
            try:
                client._make_api_call(name, arguments)
                answers["success"] += 1
            except ClientError as error:
                answers["error"] += 1
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                log = "".join(line for line in server.log[-5:])
                assert status < 500 or status == 501, f"{what}: {error}\n{log}"
            except (TypeError, ValueError, AttributeError, KeyError, UnicodeError, botocore.exceptions.ParamValidationError, botocore.exceptions.MissingDependencyException, botocore.exceptions.FlexibleChecksumError):
                continue  # botocore itself could not write it
            except botocore.exceptions.BotoCoreError as error:
                if isinstance(error.kwargs.get("error"), ValueError):
                    continue  # nor could http.client: metadata's name is no header's
                raise AssertionError(f"{what}: no answer: {error!r}\n{''.join(server.log[-20:])}") from error
    assert answers["success"] > 0 and answers["error"] > 0, answers
