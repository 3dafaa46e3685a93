"""The client and the example: Python 3.8 and newer, and nothing to install."""

import ast
import sys
import unittest

from support import CLIENT, HALVE, TRAIN


class Syntax(unittest.TestCase):
    def test_python_3_8_understands_every_line(self):
        for path in (CLIENT, HALVE, TRAIN):
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 8))

    def test_the_parser_would_notice_a_newer_one(self):
        with self.assertRaises(SyntaxError):
            ast.parse("match x:\n    case 1: pass", feature_version=(3, 8))

    @unittest.skipUnless(hasattr(sys, "stdlib_module_names"), "needs the list of Python 3.10")
    def test_only_the_standard_library_is_imported(self):
        for path in (CLIENT, HALVE, TRAIN):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for name in names:
                    known = sys.stdlib_module_names | {"supervise_job"}
                    self.assertIn(name.split(".")[0], known, path)

    def test_no_line_is_longer_than_100_columns(self):
        for path in (CLIENT, HALVE, TRAIN):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                self.assertLessEqual(len(line), 100, "%s:%d" % (path, number))


if __name__ == "__main__":
    unittest.main()
