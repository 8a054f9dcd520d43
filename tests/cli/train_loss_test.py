#!/usr/bin/env python3
"""`cupel loss` from the command line, through the hand-over to cupel-train."""
import json
import re
import subprocess

from support import CORRUPT, CUPEL, MISSING, ROOT, USAGE, CupelTest, main

FIXTURE = {
    "policy": {"chosen": [[-0.41, -1.37, -0.22]], "rejected": [[-0.95, -0.33, -1.62, -0.78, -0.57]]},
    "reference": {"chosen": [[-0.73, -1.05, -0.64]], "rejected": [[-0.81, -0.69, -1.13, -0.90, -0.35]]},
    "params": {"beta": 0.1},
}
LOSS, CHOSEN, REJECTED = 0.65442710, -0.04802603, 0.04802603  # −ln σ(0.079), ∓0.1·σ(−0.079)


class LossTest(CupelTest):
    def setUp(self):
        super().setUp()
        self.path = self.file("p.json", json.dumps(FIXTURE))

    def loss(self, *args, **options):
        return self.ok("loss", *args, "--format", "json", **options).json()

    def test_json_has_value_metrics_and_every_gradient(self):
        found = self.loss("dpo", "--input", self.path)
        self.assertEqual(list(found), ["name", "loss", "dtype", "params", "terms", "metrics", "gradient", "ignored"])
        self.assertAlmostEqual(found["loss"], LOSS, places=8)
        for role, expected in (("chosen", CHOSEN), ("rejected", REJECTED)):
            self.assertEqual([len(row) for row in found["gradient"][role]], [len(row) for row in FIXTURE["policy"][role]])
            for number in found["gradient"][role][0]:
                self.assertAlmostEqual(number, expected, places=8)
        self.assertAlmostEqual(found["metrics"]["rewards/margins"], 0.079, places=12)
        self.assertEqual(found["metrics"]["rewards/accuracies"], 1)
        self.assertAlmostEqual(found["metrics"]["logps/rejected"], -4.25, places=12)

    def test_table_says_the_same(self):
        text = self.ok("loss", "dpo", "--input", self.path).out
        self.assertIn("dpo  0.65442710  (f64)", text)
        self.assertEqual(text.count("-0.04802603"), 3)
        self.assertEqual(text.count("+0.04802603"), 5)

    def test_standard_input_and_parameters(self):
        found = self.loss("ipo", "--input", "-", "--param", "beta=0.5", "--param", "log_ratio=mean",
                          stdin=json.dumps(FIXTURE))
        self.assertEqual(found["params"], {"beta": 0.5, "log_ratio": "mean"})
        self.assertAlmostEqual(found["loss"], (0.42 / 3 + 0.37 / 5 - 1) ** 2, places=12)

    def test_single_precision_is_single_precision(self):
        wide, narrow = (self.loss("dpo", "--input", self.path, "--dtype", dtype) for dtype in ("f64", "f32"))
        self.assertEqual((wide["dtype"], narrow["dtype"]), ("f64", "f32"))
        self.assertAlmostEqual(wide["loss"], narrow["loss"], delta=1e-5)
        self.assertNotEqual(wide["loss"], narrow["loss"])

    def test_what_is_not_used_is_said(self):
        done = self.ok("loss", "simpo", "--input", self.path, "--param", "gamma=1", "--param", "beta=2", "--format", "json",)
        self.assertAlmostEqual(done.json()["loss"], 1.05913651, places=8)
        self.assertEqual(done.err, "note: simpo reads no reference here; what the fixture has of them is not used\n")

    def test_list_is_the_page_of_the_documents(self):
        page = self.ok("loss", "--list", "--format", "markdown").out
        self.assertEqual(page, (ROOT / "docs/losses.md").read_text(encoding="utf-8"))
        entries = self.ok("loss", "--list", "--format", "json").json()
        names = [entry["name"] for entry in entries]
        self.assertEqual(names, re.findall(r"CUPEL_LOSS\((\w+)\)", (ROOT / "src/align/losses/registry.def").read_text()))
        for entry in entries:
            self.assertTrue(entry["formula"] and entry["source"] and entry["summary"], entry)
        text = self.ok("loss", "--list").out
        for name in names:
            self.assertRegex(text, rf"(?m)^{name}  \(")

    def test_mistakes_are_one_line_with_their_exit_code(self):
        self.fails(USAGE, "loss", says="needs a NAME and --input")
        self.fails(USAGE, "loss", "dpo", says="needs a NAME and --input")
        self.fails(USAGE, "loss", "dpoo", "--input", self.path, says='did you mean "dpo"?')
        self.fails(USAGE, "loss", "dpo", "--list", says="leave NAME and --input out")
        self.fails(USAGE, "loss", "dpo", "--input", self.path, "--param", "beta", says="expected NAME=VALUE")
        self.fails(USAGE, "loss", "dpo", "--input", self.path, "--param", "beta=0", says="(0, ∞)")
        self.fails(USAGE, "loss", "dpo", "--input", self.path, "--param", "btea=1", says='did you mean "beta"?')
        self.fails(USAGE, "loss", "dpo", "--input", self.path, "--format", "markdown", says="table or json")
        self.fails(MISSING, "loss", "dpo", "--input", "p.jsn", says='did you mean "p.json"?')
        self.fails(CORRUPT, "loss", "dpo", "--input", self.file("cut.json", '{"policy": {'), says="cut.json")
        self.fails(CORRUPT, "loss", "dpo", "--input", self.file("list.json", "[1]"), says=["list.json", "one JSON object"])
        broken = json.loads(json.dumps(FIXTURE))
        broken["policy"]["rejected"] = [[]]
        broken["reference"]["rejected"] = [[]]
        self.fails(CORRUPT, "loss", "dpo", "--input", self.file("empty.json", json.dumps(broken)),
                   says=["empty.json", "policy.rejected[0] is empty"])

    def test_both_halves_are_of_one_version(self):
        self.environment["CUPEL_HANDED_OVER_BY"] = "0.0.1"
        done = subprocess.run([CUPEL.parent / "cupel-train", "loss", "--list"], env=self.environment, check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertRegex(done.stderr, r"\Acupel: cupel-train is version \S+ and cupel is 0\.0\.1; `make train` [^\n]+\n\Z")


if __name__ == "__main__":
    main()
