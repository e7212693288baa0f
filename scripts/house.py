"""The figures of `src/`: files, lines of code, public items, the longest function. `make house` prints them.

Code is counted without comments, blank lines and unit tests, as rustfmt lays it out. What imports what, upward imports and
circles are counted by tests/it/layers.rs.
"""

import pathlib
import re
import sys

ITEM = re.compile(r"\s*pub (?:async |const |unsafe )*(?:fn|struct|enum|trait|type|const|static|mod|use)\b")
FUNCTION = re.compile(r"\s*(?:pub(?:\([a-z ]+\))? )?(?:async |const |unsafe )*fn (\w+)")


def split(text: str) -> tuple[list[str], list[str]]:
    """Lines of code and of unit tests, without comments and blank lines."""
    code, tests, depth, testing = [], [], 0, False
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("//"):
            continue
        if not testing and bare == "#[cfg(test)]":
            testing, depth = True, 0
            continue
        (tests if testing else code).append(line)
        if testing:
            depth += line.count("{") - line.count("}")
            testing = depth > 0
    return code, tests


def functions(code: list[str]):
    """Name and lines of each function, signature included; rustfmt's indentation says where it ends."""
    for start, line in enumerate(code):
        found = FUNCTION.match(line)
        if not found or line.rstrip().endswith(";"):
            continue
        end = line[: len(line) - len(line.lstrip())] + "}"
        for index in range(start, len(code)):
            if code[index].rstrip() == end or (index == start and line.rstrip().endswith("}")):
                yield found[1], index - start + 1
                break


def main() -> None:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "src"
    files = sorted(root.rglob("*.rs"))
    code_lines = test_lines = public = 0
    longest = []
    for path in files:
        code, tests = split(path.read_text())
        if path.stem == "tests":
            code, tests = [], code + tests
        code_lines += len(code)
        test_lines += len(tests)
        public += sum(bool(ITEM.match(line)) for line in code)
        longest += [(lines, f"{path.relative_to(root)}: {name}") for name, lines in functions(code)]
    longest.sort(reverse=True)
    print(f"files: {len(files)}")
    print(f"lines of code: {code_lines}")
    print(f"lines of unit tests: {test_lines}")
    print(f"public items: {public}")
    print(f"functions over 50 lines: {sum(lines > 50 for lines, _ in longest)}")
    for lines, name in longest[:5]:
        print(f"  {lines} lines, {name}")


if __name__ == "__main__":
    main()
