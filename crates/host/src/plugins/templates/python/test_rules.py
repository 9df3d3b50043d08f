import unittest

from rules import ABSTAIN, SUPPRESS, Rules


class Judging(unittest.TestCase):
    def verdict(self, now, last):
        return Rules("1").judge(now, last)[0]

    def test_holds_numbers_that_moved_by_less(self):
        self.assertEqual(self.verdict(20.9, 20.0), SUPPRESS)
        self.assertEqual(self.verdict(21.0, 20.0), ABSTAIN)
        self.assertEqual(self.verdict(18.0, 20.0), ABSTAIN)

    def test_leaves_all_else_to_the_built_in_policy(self):
        self.assertEqual(self.verdict(None, 20.0), ABSTAIN)
        self.assertEqual(self.verdict(20.0, None), ABSTAIN)

    def test_refuses_a_setting_without_sense(self):
        for text in ("much", "-1", "nan"):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "least-move"):
                Rules(text)


if __name__ == "__main__":
    unittest.main()
