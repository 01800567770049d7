# SPDX-License-Identifier: Apache-2.0
"""Lines about cases: `ok - what`, `not ok - what: why`, `skip: why`."""
import traceback


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def case(self, what, complaints):
        """One case; passed when there is nothing to complain about."""
        if complaints:
            self.failed += 1
            print(f"not ok - {what}: {complaints[0]}", flush=True)
            for complaint in complaints[1:4]:
                print(f"    {complaint}", flush=True)
        else:
            self.passed += 1
            print(f"ok - {what}", flush=True)

    def run(self, what, function, *arguments):
        """A case that is a function: it gives complaints, and what it raises is one."""
        try:
            complaints = function(*arguments)
        except Exception as problem:  # pylint: disable=broad-except
            where = "".join(traceback.format_tb(problem.__traceback__)[-3:]).strip()
            complaints = [f"{type(problem).__name__}: {problem}", where]
        self.case(what, complaints)

    def skip(self, why):
        self.skipped += 1
        print(f"skip: {why}", flush=True)
