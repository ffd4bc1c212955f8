"""Real Spark's parser judges ours: the cases of tests/cases/sql/*.sql, accepted or refused alike, with the same error and the same tree.

A case is a line, or several between a line "<<<" and a line ">>>". Directives stand on lines of their own:
  --# kind expr|plan|type   what the cases below are (expressions, statements, types)
  --# differs WHY           the next case is refused by both, but with another message
  --# accepts WHY           the next case is accepted by one of the two only
  --# tree WHY              the next case gives another tree
A mark that is no longer true fails, so that none outlives its reason.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest
from py4j.protocol import Py4JError

TOP = Path(__file__).resolve().parent.parent.parent
CASES = sorted((TOP / "tests/cases/sql").glob("*.sql"))
MARKS = ("differs", "accepts", "tree")

# Spark finds these when it analyses, ours when it parses: the texts are compared by spark.sql.
ANALYSIS_CODES = {"MISSING_WINDOW_SPECIFICATION", "UNBOUND_SQL_PARAMETER"}

Tree = Any  # a str, or a list of trees


@dataclass
class Case:
    """One text and what is known about it."""

    file: str
    line: int
    kind: str
    text: str
    mark: str


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one file."""
    kind, mark = "plan", ""
    lines = path.read_text(encoding="utf-8").split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith("--# kind "):
            kind = line.split()[2]
            continue
        if line.startswith("--# "):
            mark = line.split()[1]
            assert mark in MARKS, f"{path.name}:{number}: unknown mark {mark}"
            continue
        if line == "" or line.startswith("--## "):
            continue
        start = number
        if line == "<<<":
            end = lines.index(">>>", number)
            line = "\n".join(lines[number:end])
            number = end + 1
        yield Case(path.name, start, kind, line, mark)
        mark = ""


class Ours:
    """The driver tests/spark/sql_dump.c, kept running."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind: str, text: str) -> tuple[str, str]:
        """("ok", tree) or (error class, message)."""
        assert self.process.stdin is not None and self.process.stdout is not None
        data = text.encode()
        self.process.stdin.write(f"{kind} {len(data)}\n".encode() + data)
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        assert len(head) == 2, f"sql_dump ended on {text!r}"
        return head[0].decode(), self.process.stdout.read(int(head[1])).decode()

    def close(self) -> None:
        """End the driver."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait() == 0


def read_tree(text: str) -> Tree:
    """A dump, (call "+" (attribute "a") …), as nested lists; strings keep their quotes."""
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+', text)
    stack: list[list[Tree]] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0][0]


def quoted(text: str) -> str:
    """A string as the dump writes it."""
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda m: "\\" + m[0] if m[0] in '"\\' else f"\\u{ord(m[0]):04x}", text) + '"'


BINARY = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "Remainder": "%", "IntegralDivide": "div", "EqualTo": "=",
    "EqualNullSafe": "<=>", "LessThan": "<", "LessThanOrEqual": "<=", "GreaterThan": ">", "GreaterThanOrEqual": ">=", "And": "and",
    "Or": "or", "Not": "not", "IsNull": "isnull", "IsNotNull": "isnotnull", "IsUnknown": "isnull", "IsNotUnknown": "isnotnull",
    "UnaryMinus": "negative", "UnaryPositive": "positive", "BitwiseNot": "~", "BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "^",
    "Concat": "concat", "RLike": "rlike", "In": "in", "CaseWhen": "when",
}  # fmt: skip


class SparkTree:
    """Spark's expression as the tree that our dump shows for it."""

    def __init__(self) -> None:
        self.windows: dict[str, Any] = {}

    def items(self, seq: Any) -> list[Any]:
        """A Scala sequence."""
        return [seq.apply(i) for i in range(seq.size())]

    def children(self, e: Any) -> list[Tree]:
        """The children as trees."""
        return [self.of(child) for child in self.items(e.children())]

    def literal(self, e: Any) -> Tree:
        """A constant: its type and value."""
        kind, value = e.dataType().simpleString(), e.value()
        if value is None:
            shown = "null"
        elif kind == "string":
            shown = quoted(value.toString())
        elif kind == "binary":
            shown = "X" + bytes(value).hex().upper()
        elif kind.startswith("decimal"):
            number = value.toJavaBigDecimal()  # py4j makes it a Python Decimal
            shown = str(int(number.scaleb(-number.as_tuple().exponent)))
        elif kind == "boolean":
            shown = str(value).lower()
        elif kind in ("float", "double"):
            shown = f"{value:.9g}" if kind == "float" else f"{value:.17g}"
        else:
            shown = str(value)
        return ["literal", quoted(kind), shown]

    def sort(self, e: Any) -> Tree:
        """A sort key."""
        direction = "desc" if "Desc" in e.direction().toString() else "asc"
        nulls = "nulls-first" if "First" in e.nullOrdering().toString() else "nulls-last"
        return ["sort", direction, nulls, self.of(e.child())]

    def bound(self, e: Any) -> Tree:
        """A frame's bound."""
        name = e.getClass().getSimpleName()
        if name == "UnaryMinus" and e.child().getClass().getSimpleName() == "Literal":  # 1 PRECEDING: ours is the constant -1
            return ["literal", self.literal(e.child())[1], "-" + self.literal(e.child())[2]]
        return "unbounded" if name.startswith("Unbounded") else "current" if name.startswith("CurrentRow") else self.of(e)

    def window(self, e: Any) -> Tree:
        """function OVER (…)"""
        return self.windowed(e.windowFunction(), e.windowSpec())

    def named_window(self, e: Any) -> Tree:
        """function OVER w, whose definition a WithWindowDefinition above has."""
        return self.windowed(e.child(), self.windows[e.windowSpec().name().lower()])

    def windowed(self, function: Any, spec: Any) -> Tree:
        """function OVER a specification"""
        tree = ["window", self.of(function), ["partition", *map(self.of, self.items(spec.partitionSpec()))],
                ["order", *map(self.of, self.items(spec.orderSpec()))]]  # fmt: skip
        frame = spec.frameSpecification()
        if frame.getClass().getSimpleName() == "SpecifiedWindowFrame":
            kind = "rows" if frame.frameType().toString() == "RowFrame" else "range"
            tree.append([kind, self.bound(frame.lower()), self.bound(frame.upper())])
        return tree

    def call(self, name: str, *args: Tree) -> Tree:
        """An ordinary call."""
        return ["call", quoted(name), *args]

    def function(self, e: Any) -> Tree:
        """A call whose function is not looked up yet."""
        name = ".".join(self.items(e.nameParts()))
        tree: list[Tree] = ["call", quoted(name)]
        tree += ["distinct"] if e.isDistinct() else []
        tree += ["ignore-nulls"] if e.ignoreNulls() else []
        tree += [self.of(a) for a in self.items(e.arguments())]
        if e.filter().isDefined():
            tree.append(["filter", self.of(e.filter().get())])
        return ["struct", *tree[3::2]] if name == "named_struct" else tree

    def aggregate(self, e: Any) -> Tree:
        """Aggregates that the grammar itself makes: FIRST, LAST, ANY_VALUE, PERCENTILE_…"""
        f = e.aggregateFunction()
        name = f.getClass().getSimpleName()
        if name.startswith("Percentile"):
            column, reverse = (f.left(), f.reverse()) if name == "PercentileCont" else (f.child(), f.reverse())
            share = f.right() if name == "PercentileCont" else f.percentageExpression()
            direction = ["desc", "nulls-last"] if reverse else ["asc", "nulls-first"]
            tree = self.call("percentile_cont" if name == "PercentileCont" else "percentile_disc",
                             ["sort", *direction, self.of(column)], self.of(share))  # fmt: skip
        else:
            ignore = ["ignore-nulls"] if f.ignoreNulls() else []
            tree = ["call", quoted({"AnyValue": "any_value"}.get(name, name.lower())), *ignore, self.of(f.child())]
        if e.filter().isDefined():
            tree.append(["filter", self.of(e.filter().get())])
        return tree

    def like_quantified(self, e: Any, name: str) -> Tree:
        """LIKE ANY and LIKE ALL over constants: Spark keeps one node, ours is a LIKE for each."""
        word, is_negated = ("and" if name.endswith("All") else "or"), name.startswith("Not")
        is_lower = e.child().getClass().getSimpleName() == "Lower"  # ILIKE ANY
        function, child = ("ilike", e.child().child()) if is_lower else ("like", e.child())
        whole: Tree = None
        for pattern in self.items(e.patterns()):
            one = self.call(function, self.of(child), ["literal", quoted("string"), quoted(pattern.toString())])
            one = self.call("not", one) if is_negated else one
            whole = one if whole is None else self.call(word, whole, one)
        return whole

    def without(self, name: str, args: list[Tree], count: int, default: str) -> Tree:
        """A call whose last argument Spark fills in when it is not written."""
        if len(args) == count and args[-1] == ["literal", quoted("int"), default]:
            args = args[:-1]
        return self.call(name, *args)

    def of(self, e: Any) -> Tree:
        """Any expression."""
        name = e.getClass().getSimpleName()
        if name in BINARY:
            return self.call(BINARY[name], *self.children(e))
        if e.getClass().getName().endswith("IsUnknown$$anon$1") or name == "":
            return self.call("isnotnull" if "NOT" in e.sql() else "isnull", *self.children(e))
        simple = {
            "Literal": self.literal, "SortOrder": self.sort, "WindowExpression": self.window, "UnresolvedFunction": self.function,
            "AggregateExpression": self.aggregate, "UnresolvedWindowExpression": self.named_window,
        }  # fmt: skip
        if name in simple:
            return simple[name](e)
        if name == "UnresolvedAlias":
            return self.of(e.child())
        if name == "UnresolvedAttribute" or name == "UnresolvedNamedLambdaVariable":
            return ["attribute", *map(quoted, self.items(e.nameParts()))]
        if name == "UnresolvedStar":
            return ["star", *(map(quoted, self.items(e.target().get())) if e.target().isDefined() else [])]
        if name == "Alias":
            return ["alias", self.of(e.child()), quoted(e.name())]
        if name == "MultiAlias":
            return ["alias", self.of(e.child()), *map(quoted, self.items(e.names()))]
        if name == "Cast":
            mode = "try-cast" if e.evalMode().toString() == "TRY" else "cast"
            return [mode, quoted(e.dataType().catalogString()), self.of(e.child())]
        if name == "UnresolvedExtractValue":
            return ["extract", self.of(e.child()), self.of(e.extraction())]
        if name == "LambdaFunction":
            names = [".".join(self.items(a.nameParts())) for a in self.items(e.arguments())]
            return ["lambda", self.of(e.function()), *map(quoted, names)]
        if name in ("Like", "ILike"):
            escape = e.escapeChar()
            extra = [["literal", quoted("string"), quoted(escape)]] if escape != "\\" else []
            return self.call(name.lower(), self.of(e.left()), self.of(e.right()), *extra)
        if name in ("LikeAny", "LikeAll", "NotLikeAny", "NotLikeAll"):
            return self.like_quantified(e, name)
        if name == "CreateNamedStruct":
            return ["struct", *map(self.of, self.items(e.children())[1::2])]
        if name == "StringLocate":
            return self.without("locate", self.children(e), 3, "1")
        if name == "Substring":
            return self.without("substring", self.children(e), 3, "2147483647")
        if name == "Overlay":
            return self.without("overlay", self.children(e), 4, "-1")
        if name in ("StringTrim", "StringTrimLeft", "StringTrimRight"):
            function = {"StringTrim": "trim", "StringTrimLeft": "ltrim", "StringTrimRight": "rtrim"}[name]
            return self.call(function, *reversed(self.children(e)))
        if name in ("TimestampAdd", "TimestampDiff"):
            return self.call(name.lower(), ["literal", quoted("string"), quoted(e.unit())], *self.children(e))
        if name == "NamedArgumentExpression":
            return self.call("=>", ["literal", quoted("string"), quoted(e.key())], self.of(e.value()))
        if name in ("ScalarSubquery", "Exists"):
            return ["scalar-subquery" if name == "ScalarSubquery" else "exists"]
        if name == "InSubquery":
            return ["in-subquery", *map(self.of, self.items(e.values()))]
        if name == "ExpressionWithUnresolvedIdentifier":  # IDENTIFIER('a'), a name that analysis would look up
            return ["attribute", quoted(e.identifierExpr().value().toString())]
        return ["no rule for Spark's", name, e.toString()]


JOINS = {
    "Inner": "inner", "LeftOuter": "left", "RightOuter": "right", "FullOuter": "full", "Cross": "cross", "LeftSemi": "left-semi",
    "LeftAnti": "left-anti",
}  # fmt: skip


class SparkPlan(SparkTree):
    """Spark's unresolved plan as the tree that `plain_plan` makes of our dump. Hints are left out, pivots and grouping sets only named."""

    def trees(self, seq: Any) -> list[Tree]:
        """A sequence of expressions."""
        return [self.of(e) for e in self.items(seq)]

    def join(self, plan: Any, right: Any, lateral: list[str]) -> Tree:
        """A join of any type, with its condition or its columns."""
        kind = plan.joinType()
        name = kind.getClass().getSimpleName().rstrip("$")
        extra: list[Tree] = []
        if name == "UsingJoin":
            extra = [["using", *map(quoted, self.items(kind.usingColumns()))]]
        elif name == "NaturalJoin":
            extra = ["natural"]
        if name in ("UsingJoin", "NaturalJoin"):
            name = kind.tpe().getClass().getSimpleName().rstrip("$")
        if plan.condition().isDefined():
            extra.append(["on", self.of(plan.condition().get())])
        return ["join", JOINS[name], *extra[:1 if extra[:1] == ["natural"] else 0], *lateral,
                *[item for item in extra if item != "natural"], self.plan(plan.left()), right]  # fmt: skip

    def aggregate_plan(self, plan: Any, having: list[Tree]) -> Tree:
        """GROUP BY, with HAVING where there is one."""
        groups = self.items(plan.groupingExpressions())
        special = any(g.getClass().getSimpleName() in ("Rollup", "Cube", "GroupingSets") for g in groups)
        shown = ["special"] if special else ["groups", *map(self.of, groups)]
        return ["aggregate", shown, ["select", *self.trees(plan.aggregateExpressions())], *having, self.plan(plan.child())]

    def alias(self, plan: Any) -> Tree:
        """AS t (a, b)"""
        child, columns = plan.child(), []
        if child.getClass().getSimpleName() == "UnresolvedSubqueryColumnAliases":
            columns, child = self.items(child.outputColumnNames()), child.child()
        elif child.getClass().getSimpleName() == "UnresolvedTVFAliases":
            columns, child = self.items(child.outputNames()), child.child()
        elif child.getClass().getSimpleName() == "UnresolvedInlineTable":
            names = self.items(child.names())
            columns = [] if names == [f"col{i + 1}" for i in range(len(names))] else names
        return ["subquery-alias", quoted(plan.identifier().name()), *map(quoted, columns), self.plan(child)]

    def with_plan(self, plan: Any) -> Tree:
        """WITH a AS (…), …"""
        named: list[Tree] = []
        for pair in self.items(plan.cteRelations()):
            child = self.plan(pair._2())
            columns = child[2:-1]
            named += [child[1], ["subquery-alias", child[1], *columns, child[-1]] if columns else child[-1]]
        return ["with", *named, self.plan(plan.child())]

    def generate(self, plan: Any) -> Tree:
        """LATERAL VIEW"""
        generator = plan.generator()
        call = self.call(generator.name().funcName(), *self.children(generator))
        columns = [attribute.nameParts().apply(0) for attribute in self.items(plan.generatorOutput())]
        outer = ["outer"] if plan.outer() else []
        return ["generate", *outer, quoted(plan.qualifier().get()), call, *map(quoted, columns), self.plan(plan.child())]

    def windows_over(self, plan: Any) -> Tree:
        """WINDOW w AS (…): the definitions are put where they are used."""
        definitions, before = plan.windowDefinitions(), self.windows
        names = self.items(definitions.keys().toList())
        self.windows = {**before, **{name.lower(): definitions.apply(name) for name in names}}
        tree = self.plan(plan.child())
        self.windows = before
        return tree

    def plan(self, plan: Any) -> Tree:
        """Any relation."""
        name = plan.getClass().getSimpleName().rstrip("$")
        special = {"SubqueryAlias": self.alias, "UnresolvedWith": self.with_plan, "Generate": self.generate,
                   "WithWindowDefinition": self.windows_over}  # fmt: skip
        if name in special:
            return special[name](plan)
        if name == "Project":
            return ["project", *self.trees(plan.projectList()), self.plan(plan.child())]
        if name == "Filter" and plan.child().getClass().getSimpleName() == "Unpivot":
            return self.plan(plan.child())  # EXCLUDE NULLS
        if name == "Filter":
            return ["filter", self.of(plan.condition()), self.plan(plan.child())]
        if name == "Aggregate":
            return self.aggregate_plan(plan, [])
        if name == "UnresolvedHaving":
            condition = plan.havingCondition()
            if condition.getClass().getSimpleName() == "Cast" and condition.dataType().catalogString() == "boolean":
                condition = condition.child()  # put in by Spark's parser; ours leaves conditions to analysis
            return self.aggregate_plan(plan.child(), [["having", self.of(condition)]])
        if name == "Distinct":
            child = self.plan(plan.child())
            return ["union", *child[2:]] if child[:2] == ["union", "all"] else ["distinct", child]
        if name == "Union":
            return ["union", "all", *map(self.plan, self.items(plan.children()))]
        if name in ("Intersect", "Except"):
            return [name.lower(), *(["all"] if plan.isAll() else []), self.plan(plan.left()), self.plan(plan.right())]
        if name == "Join":
            return self.join(plan, self.plan(plan.right()), [])
        if name == "LateralJoin":
            return self.join(plan, self.plan(plan.right().plan()), ["lateral"])
        if name == "Sort":
            return ["order-by" if getattr(plan, "global")() else "sort-by", *self.trees(plan.order()), self.plan(plan.child())]
        if name == "GlobalLimit":
            return ["limit", self.of(plan.limitExpr()), self.plan(plan.child().child())]
        if name == "Offset":
            return ["offset", self.of(plan.offsetExpr()), self.plan(plan.child())]
        if name == "UnresolvedRelation":
            return ["table", *map(quoted, self.items(plan.multipartIdentifier()))]
        if name == "UnresolvedInlineTable":
            return ["values", *(["row", *self.trees(row)] for row in self.items(plan.rows()))]
        if name == "UnresolvedTableValuedFunction":
            return ["table-function", self.call(".".join(self.items(plan.name())), *self.trees(plan.functionArgs()))]
        if name == "RelationTimeTravel":
            return self.plan(plan.relation())
        if name == "PlanWithUnresolvedIdentifier":  # IDENTIFIER('a.b')
            return ["table", *map(quoted, plan.identifierExpr().value().toString().split("."))]
        if name == "OneRowRelation":
            return ["one-row"]
        if name == "UnresolvedHint":
            return self.plan(plan.child())
        if name == "Sample":
            return ["sample", f"{plan.upperBound():.17g}", self.plan(plan.child())]
        if name == "RepartitionByExpression":
            return ["repartition", *self.trees(plan.partitionExpressions()), self.plan(plan.child())]
        if name in ("Pivot", "Unpivot"):
            return [name.lower(), self.plan(plan.child())]
        return ["no rule for Spark's", name]


def plain_plan(tree: Tree) -> Tree:
    """Our dump of a relation in the form that SparkPlan gives."""
    if isinstance(tree, str) or tree == []:
        return tree
    tree = [plain_plan(item) for item in tree]
    if tree[0] == "hint":
        return tree[-1]
    if tree[0] == "aggregate":
        special = tree[1] != "group-by"
        rest = [item for item in tree[3:] if item[:1] != ["sets"]]
        return ["aggregate", ["special"] if special else tree[2], *rest]
    if tree[0] == "sample":
        return ["sample", tree[2], tree[-1]]
    if tree[0] == "repartition":
        return ["repartition", *tree[3:]]
    if tree[0] in ("pivot", "unpivot"):
        return [tree[0], tree[-1]]
    if tree[0] == "table":
        return [item for item in tree if isinstance(item, str)]
    return tree


def normal(tree: Tree) -> Tree:
    """Our tree without what Spark's cannot show: subqueries' plans, the text of a timestamp, the names in a row."""
    if isinstance(tree, str) or tree == []:
        return tree
    tree = [normal(item) for item in tree]
    if tree[0] == "lambda-variable":
        return ["attribute", *tree[1:]]
    if tree[0] in ("scalar-subquery", "exists"):
        return tree[:1]
    if tree[0] == "in-subquery":
        is_negated = tree[1] == "not"
        plain = ["in-subquery", *(item for item in tree[1:-1] if item != "not")]
        return ["call", quoted("not"), plain] if is_negated else plain
    if tree[0] == "literal" and tree[1] == quoted("timestamp"):
        return tree[:3]
    if tree[:2] == ["call", quoted("named_struct")]:
        return ["struct", *tree[3::2]]
    if tree[:2] == ["call", quoted("struct")]:
        return ["struct", *tree[2:]]
    return tree


def unnamed(tree: Tree) -> Tree:
    """Aliases inside rows are the fields' names in Spark's tree: they are left out on both sides."""
    if isinstance(tree, str) or tree == []:
        return tree
    tree = [unnamed(item) for item in tree]
    if tree[0] == "struct":
        return ["struct", *(item[1] if isinstance(item, list) and item[0] == "alias" else item for item in tree[1:])]
    return tree


class Judge:
    """Real Spark's parser."""

    def __init__(self, spark: Any) -> None:
        self.spark = spark
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        self.parser = spark._jsparkSession.sessionState().sqlParser()
        self.trees = SparkPlan()

    def ask(self, kind: str, text: str) -> tuple[str, Any]:
        """("ok", Spark's object) or (error class, message)."""
        methods = {"expr": self.parser.parseExpression, "plan": self.parser.parsePlan, "type": self.parser.parseDataType}
        return self.outcome(lambda: methods[kind](text))

    def analysed(self, text: str) -> tuple[str, Any]:
        """The same by spark.sql, which analyses as well."""
        return self.outcome(lambda: self.spark.sql(text))

    def outcome(self, action: Any) -> tuple[str, Any]:
        """An action's result, or its error's class and message."""
        try:
            return "ok", action()
        except Exception as error:  # py4j's and pyspark's errors have no common base
            java = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
            if java is None:
                raise
            try:
                code = java.getErrorClass()
            except Py4JError:  # a plain Java exception
                code = None
            return code or "none", java.getMessage()


def judged(case: Case, ours: Ours, judge: Judge) -> tuple[str, str]:
    """("", "") when both agree; else the kind of the difference and a description."""
    code, text = ours.ask(case.kind, case.text)
    spark_code, result = judge.ask(case.kind, case.text)
    if code in ANALYSIS_CODES and spark_code == "ok" and case.kind == "plan":
        spark_code, result = judge.analysed(case.text)
        return ("", "") if spark_code == code else ("differs", f"Spark: {spark_code} {result}\nours: {code} {text}")
    if (code == "ok") != (spark_code == "ok"):
        return "accepts", f"Spark: {spark_code} {result if spark_code != 'ok' else ''}\nours: {code} {text}"
    if code != "ok":
        same = (code, text) == (spark_code, result)
        return ("", "") if same else ("differs", f"Spark: {spark_code} {result!r}\nours:  {code} {text!r}")
    if case.kind == "type":
        return ("", "") if text == result.json() else ("tree", f"Spark: {result.json()}\nours:  {text}")
    if case.kind == "expr":
        expected = unnamed(judge.trees.of(result))
        got = unnamed(normal(read_tree(text)))
        return ("", "") if got == expected else ("tree", f"Spark: {expected}\nours:  {got}")
    if text.startswith("statement 0\n"):
        expected = unnamed(judge.trees.plan(result))
        got = unnamed(plain_plan(normal(read_tree(text.split("\n", 1)[1]))))
        return ("", "") if got == expected else ("tree", f"Spark: {expected}\nours:  {got}")
    return "", ""


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    """The driver of the tree that run_tests built, or of any build folder with the tests."""
    named = os.environ.get("SOLDER_TEST_PROGRAMS")
    candidates = [Path(named) / "sql_dump"] if named else sorted(TOP.glob("build*/sql_dump"))
    assert candidates, "sql_dump is not built: make test builds it, or cmake -DSOLDER_TESTS=ON and ninja sql_dump"
    driver = Ours(candidates[0])
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def judge(spark_classic: Any) -> Judge:
    """The run's JVM."""
    return Judge(spark_classic)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_agrees_with_spark(path: Path, ours: Ours, judge: Judge) -> None:
    """Every case of the file, except where a mark says how the two differ."""
    failures: list[str] = []
    counts = {"agree": 0, **{mark: 0 for mark in MARKS}}
    for case in read_cases(path):
        kind, description = judged(case, ours, judge)
        counts[kind or "agree"] += 1
        if kind != case.mark:
            what = f"marked {case.mark}, but {kind or 'they agree'}" if case.mark else kind
            failures.append(f"{case.file}:{case.line}: {case.text!r}: {what}\n{description}")
    print(f"{path.name}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    assert counts["agree"] > 0, "no case agreed"
    assert not failures, f"{len(failures)} cases:\n" + "\n".join(failures)
