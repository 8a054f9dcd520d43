#!/usr/bin/env python3
"""What needs libtorch is handed over to cupel-train, and without it one line says how to get it."""
import shutil
import stat

import support
from support import USAGE, CupelTest, main

ANSWER = """#!/bin/sh
printf '%s|' "$@"
echo "by $CUPEL_HANDED_OVER_BY"
exit 7
"""


class HandoverTest(CupelTest):
    """`cupel` alone in a folder, so that no cupel-train of the build is found."""

    def setUp(self):
        super().setUp()
        self.binary = self.folder / "bin" / "cupel"
        self.binary.parent.mkdir()
        shutil.copy(support.CUPEL, self.binary)
        self.environment.pop("CUPEL_TRAIN", None)
        kept = support.CUPEL
        support.CUPEL = self.binary
        self.addCleanup(setattr, support, "CUPEL", kept)

    def program(self, name, text=ANSWER):
        path = self.file(name, text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def check_handed_over(self, *args):
        done = self.run_cupel(*args)
        version = self.ok("--version").out.split()[1]
        self.assertEqual((done.code, done.out), (7, "".join(f"{word}|" for word in args) + f"by {version}\n"))

    def test_without_it_one_line_says_how_to_get_it(self):
        self.fails(USAGE, "loss", "--list", says=["needs cupel-train", "make train", "CUPEL_TRAIN"])

    def test_help_and_mistakes_need_no_libtorch(self):
        self.assertIn("Usage: cupel loss", self.ok("loss", "--help").out)
        self.fails(USAGE, "loss", "--lst", says='did you mean "--list"?')

    def test_the_words_arrive_as_they_were(self):
        self.program("bin/cupel-train")
        self.check_handed_over("loss", "dpo", "--param", "a b=$x 'y'", "--input", "-")

    def test_the_one_of_the_same_build_tree_is_found(self):
        self.program("train/cupel-train")
        self.check_handed_over("loss", "--list")

    def test_the_environment_comes_first(self):
        self.program("bin/cupel-train", "#!/bin/sh\nexit 3\n")
        self.environment["CUPEL_TRAIN"] = str(self.program("elsewhere"))
        self.check_handed_over("loss", "--list")

    def test_a_name_that_is_no_program(self):
        self.environment["CUPEL_TRAIN"] = str(self.file("text"))
        self.fails(USAGE, "loss", "--list", says=["CUPEL_TRAIN is", "no program"])
        self.environment["CUPEL_TRAIN"] = str(self.program("garbage", "\0\1\2"))
        self.fails(USAGE, "loss", "--list", says=["garbage", "does not start"])

    def test_a_program_that_hands_over_in_turn_ends_it(self):
        self.environment["CUPEL_TRAIN"] = str(self.binary)
        self.fails(USAGE, "loss", "--list", says="expected cupel-train")


if __name__ == "__main__":
    main()
