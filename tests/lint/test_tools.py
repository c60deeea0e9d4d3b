"""The tools that judge everything else: can they fail?"""
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.environ.get("DSRUN_ROOT", os.getcwd())
RUN = os.path.join(ROOT, "tests/run.py")


class Tool(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="dsrun-tools.")
        self.addCleanup(shutil.rmtree, self.dir)

    def script(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def call(self, *argv, **more):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **more)


class TheRunner(Tool):
    def judge(self, text, passed, failed):
        path = self.script("x_test", "#!/bin/sh\n" + text)
        p = self.call(sys.executable, RUN, path)
        self.assertEqual(p.stdout.splitlines()[-1],
                         "%d passed, %d failed" % (passed, failed), p.stdout)
        good = passed > 0 and failed == 0
        self.assertEqual(p.returncode, 0 if good else 1, p.stdout)
        return p.stdout

    def test_passes_are_counted_and_not_shown(self):
        out = self.judge("echo 1..2; echo ok 1 - a; echo ok 2 - b", 2, 0)
        self.assertNotIn("ok 1", out)

    def test_a_failure_is_counted_named_and_shown(self):
        out = self.judge("echo 1..2; echo ok 1 - a; echo not ok 2 - b_breaks;"
                         " echo '# x.c:7'; exit 1", 1, 1)
        self.assertIn("b_breaks", out)
        self.assertIn("x.c:7", out)

    def test_a_crash_is_a_failure_besides_the_tests_not_run(self):
        out = self.judge("echo 1..3; echo ok 1 - a; kill -SEGV $$", 1, 2)
        self.assertIn("SIGSEGV", out)
        self.assertIn("1 of 3 tests ran", out)

    def test_an_exit_status_alone_is_a_failure(self):
        self.judge("echo 1..1; echo ok 1 - a; exit 3", 1, 1)

    def test_no_test_at_all_is_a_failure(self):
        self.judge("echo 1..0", 0, 1)
        p = self.call(sys.executable, RUN)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(p.stdout, "0 passed, 0 failed\n")

    def test_a_skip_is_neither_passed_nor_failed(self):
        out = self.judge("echo 1..2; echo ok 1 - a; echo 'ok 2 # SKIP b'",
                         1, 0)
        self.assertIn("1 skipped", out)

    def test_the_reason_is_told_before_what_was_printed(self):
        out = self.judge("echo 1..1; echo 'not ok 1 - a'; "
                         "echo '# why: # SKIP'; seq 200", 0, 1)
        self.assertIn("not ok 1 - a\n     # why: # SKIP\n     ...", out)

    def test_a_scenario_that_runs_no_test_is_a_failure(self):
        self.script("t_x.py", "import sys\n")
        p = self.call(sys.executable, RUN, "--scripts", self.dir)
        self.assertIn("harness.main()", p.stdout)
        self.assertEqual(p.stdout.splitlines()[-1], "0 passed, 1 failed")

    def test_a_missing_program_is_a_failure(self):
        p = self.call(sys.executable, RUN, os.path.join(self.dir, "none"))
        self.assertEqual(p.stdout.splitlines()[-1], "0 passed, 1 failed")

    def test_scenarios_report_as_unittest_or_by_their_status(self):
        self.script("s/test_one.py",
                    "import os, unittest\n"
                    "class T(unittest.TestCase):\n"
                    "    def test_good(self):\n"
                    "        assert os.environ['DSRUN'].startswith('/')\n"
                    "    def test_bad(self): self.fail('because')\n"
                    "    @unittest.skip('x')\n"
                    "    def test_skip(self): pass\n"
                    "unittest.main()\n")
        self.script("s/test_two.sh", "exit 0\n")
        self.script("s/helper.py", "raise SystemExit(1)\n")
        p = self.call(sys.executable, RUN, "--dsrun", "build/dsrun",
                      "--scripts", os.path.join(self.dir, "s"))
        self.assertEqual(p.stdout.splitlines()[-1], "2 passed, 1 failed",
                         p.stdout)
        self.assertIn("because", p.stdout)

    def test_variables_that_wake_crash_points_do_not_come_through(self):
        path = self.script("x_test", "#!/bin/sh\necho 1..1\n"
                           "test -z \"$DSRUN_CRASH_AT\" && echo ok 1 - a\n")
        p = self.call(sys.executable, RUN, path,
                      env=dict(os.environ, DSRUN_CRASH_AT="*:1"))
        self.assertEqual(p.returncode, 0, p.stdout)


class TheFuzzRunner(Tool):
    def judge(self, text):
        """One target that is a shell script; its status and its output."""
        with open(os.path.join(ROOT, "tests/fuzz/run.py")) as f:
            runner = self.script("tests/fuzz/run.py", f.read())
        self.script("build/tests/fuzz/fuzz_x", "#!/bin/sh\n" + text)
        p = self.call(sys.executable, runner, "--runs", "7",
                      os.path.join(self.dir, "build"), "x")
        return p.returncode, p.stdout

    def test_a_target_that_comes_to_its_end_passes(self):
        status, out = self.judge(
            "case \"$*\" in *-runs=7*) ;; *) exit 1 ;; esac\n"
            "echo 'stat::number_of_executed_units: 7'\n")
        self.assertEqual(status, 0, out)
        self.assertIn(" 7 inputs", out)
        self.assertEqual(out.splitlines()[-1], "1 passed, 0 failed")

    def test_a_crash_fails_and_tells_how_to_repeat_it(self):
        status, out = self.judge(
            "echo '==1== ERROR: AddressSanitizer: heap-use-after-free'\n"
            "echo 'Test unit written to ./x-crash-1'\nexit 77\n")
        self.assertEqual(status, 1, out)
        self.assertIn("heap-use-after-free", out)
        self.assertIn("repeat it: %s/build/tests/fuzz/fuzz_x ./x-crash-1"
                      % self.dir, out)
        self.assertEqual(out.splitlines()[-1], "0 passed, 1 failed")


class TheLayers(Tool):
    def judge(self, path, text):
        for name in ("layers.sh", "layers", "libraries"):
            with open(os.path.join(ROOT, "tests/lint", name)) as f:
                self.script("tests/lint/" + name, f.read())
        self.script("pkg/base/ok.h", "#include <stddef.h>\n")
        self.script("cmd/dsrun/main.c", '#include "run/run.h"\n')
        self.script(path, text + "\n")
        p = self.call("sh", os.path.join(self.dir, "tests/lint/layers.sh"))
        os.remove(os.path.join(self.dir, path))
        return p.returncode, p.stdout

    def refused(self, path, text, why):
        status, out = self.judge(path, text)
        self.assertEqual(status, 1, out)
        self.assertIn(path + ":1: ", out)
        self.assertIn(why, out)

    def allowed(self, path, text):
        status, out = self.judge(path, text)
        self.assertEqual((status, out), (0, ""))

    def test_lower_is_allowed_upper_and_sideways_are_not(self):
        self.allowed("pkg/journal/j.c", '#include "job/job_state.h"')
        self.refused("pkg/job/j.c", '#include "journal/journal.h"',
                     "job may not include journal/journal.h")
        self.refused("pkg/carrier/c.c", '#include "sink/sink.h"', "sink")

    def test_run_sees_ports_and_only_wire_sees_adapters(self):
        self.allowed("pkg/run/r.c", '#include "carrier/carrier.h"')
        self.refused("pkg/run/r.c", '#include "carrier/carrier_sim.h"',
                     "carrier_sim")
        self.allowed("pkg/run/r_test.c", '#include "carrier/carrier_sim.h"')
        self.allowed("cmd/dsrun/wire.c", '#include "carrier/carrier_sim.h"')
        self.refused("cmd/dsrun/x.c", '#include "carrier/carrier_sim.h"',
                     "carrier_sim")

    def test_private_headers_and_libraries_have_one_owner(self):
        self.refused("pkg/run/r.c", '#include "journal/journal_priv.h"',
                     "private")
        self.allowed("pkg/journal/j.c", '#include <sqlite3.h>')
        self.refused("pkg/run/r.c", '#include <sqlite3.h>', "only journal")
        self.refused("cmd/dsrun/x.c", '#include <cjson/cJSON.h>',
                     "only json")

    def test_only_tests_see_the_real_world_and_cmocka(self):
        self.allowed("pkg/base/x_test.c", '#include "net/net_env.h"')
        self.refused("pkg/base/x.c", '#include "net/net_env.h"', "net_env")
        self.refused("pkg/base/x.c", '#include <cmocka.h>', "tests")

    def test_a_folder_nobody_listed_is_refused(self):
        self.refused("pkg/misc/x.c", "int x;", "no line for misc")


class TheSymbols(Tool):
    def judge(self, package, text):
        source = self.script("pkg/%s/x.c" % package, text)
        obj = source[:-2] + ".o"
        p = self.call("cc", "-c", "-o", obj, source)
        self.assertEqual(p.returncode, 0, p.stdout)
        p = self.call("sh", os.path.join(ROOT, "tests/lint/symbols.sh"), obj)
        return p.returncode, p.stdout

    def test_globals_carry_their_package_and_statics_need_not(self):
        good = "static int y; int job_x(void); int job_x(void) { return y; }"
        self.assertEqual(self.judge("job", good), (0, ""))
        status, out = self.judge("job", "int jobs;")
        self.assertEqual(status, 1)
        self.assertIn("exports without job_: jobs", out)
        self.assertEqual(self.judge("base", "int x_n;"), (0, ""))

    def test_only_net_reaches_the_kernel(self):
        text = ("#include <time.h>\n#include <fcntl.h>\n"
                "long %s_x(void); long %s_x(void)"
                " { return open(\"/\", 0) + time(0); }")
        status, out = self.judge("job", text % ("job", "job"))
        self.assertEqual(status, 1)
        self.assertIn("goes past struct env: open time", out)
        self.assertEqual(self.judge("net", text % ("net", "net")), (0, ""))


class TheBootstrap(Tool):
    def run_with(self, installed, uid, sudo, group="build"):
        self.script("bin/dpkg-query", "#!/bin/sh\n" + (
            "echo 'install ok installed'\n" if installed else "exit 1\n"))
        self.script("bin/id", "#!/bin/sh\necho %d\n" % uid)
        self.script("bin/sudo", "#!/bin/sh\n" + (
            'shift; exec "$@"\n' if sudo else "exit 1\n"))
        self.script("bin/clang", "#!/bin/sh\necho 17.0.6\n")
        self.script("bin/apt-get", '#!/bin/sh\necho "$@" >> %s/apt\n'
                    % self.dir)
        p = self.call("sh", os.path.join(ROOT, "tests/bootstrap.sh"), group,
                      env={"PATH": self.dir + "/bin:/usr/bin:/bin"})
        asked = os.path.join(self.dir, "apt")
        text = ""
        if os.path.exists(asked):
            with open(asked) as f:
                text = f.read()
        return p.returncode, p.stdout, text

    def test_nothing_is_done_when_all_is_there(self):
        self.assertEqual(self.run_with(True, 0, False), (0, "", ""))

    def test_root_and_sudo_install_what_is_missing(self):
        for uid, sudo in ((0, False), (1000, True)):
            status, _, apt = self.run_with(False, uid, sudo)
            self.assertEqual(status, 0)
            self.assertIn("install -y --no-install-recommends gcc", apt)

    def test_fuzzing_takes_the_runtime_of_the_clang_that_is_there(self):
        status, _, apt = self.run_with(False, 0, False, "fuzz")
        self.assertEqual(status, 0)
        self.assertIn("clang libclang-rt-17-dev", apt)

    def test_others_are_told_the_one_command(self):
        status, out, apt = self.run_with(False, 1000, False)
        self.assertEqual((status, apt), (1, ""))
        self.assertIn("sudo sh -c 'apt-get update && apt-get install", out)


if __name__ == "__main__":
    unittest.main()
