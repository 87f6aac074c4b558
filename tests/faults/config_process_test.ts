/**
 * The process that evaluates a config ends with the command that started it, whatever it handles.
 */
import { assert } from "@std/assert";
import { Place, ROOT, taskOptions } from "../e2e/support.ts";
import { catches } from "./support/proc.ts";

Deno.test("a config that handles all signals and computes for ever ends with its command", async () => {
  using place = new Place();
  place.write(
    "a.ts",
    'Deno.stdin.close();\nfor (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {\n' +
      "  Deno.addSignalListener(name, () => {});\n}\nfor (;;);\n",
  );
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const command = loadConfig(place);
    const isHandling = (pid: number) => pid !== command.pid && handles(pid);
    await until(() => place.processes().some(isHandling), "the config begins");
    command.kill(signal);
    await command.status;
    await until(() => place.processes().length === 0, `the config ends after ${signal}`);
  }
});

Deno.test("the list of a config's imports ends with its command", async () => {
  using place = new Place();
  // Reading a pipe without a writer blocks forever.
  await new Deno.Command("mkfifo", { args: [place.of("pipe.json")] }).output();
  place.write("a.ts", 'import a from "./pipe.json" with { type: "json" };\nexport default a;\n');
  const command = loadConfig(place);
  await until(() => place.processes().length === 3, "the imports are listed");
  command.kill("SIGKILL");
  await command.status;
  await until(() => place.processes().length === 0, "the list ends", 5000);
});

/** Starts a command that loads the config `a.ts` of a place. */
function loadConfig(place: Place): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: [...taskOptions(""), `${ROOT}tests/faults/children/configs_child.ts`, place.of("a.ts")],
    cwd: place.path,
    stdout: "null",
    stderr: "null",
  }).spawn();
}

const SIGQUIT = 3;

/** Whether a process has a handler; the one that lists the imports may have ended by now. */
function handles(pid: number): boolean {
  try {
    return catches(pid, SIGQUIT);
  } catch {
    return false;
  }
}

/** Waits until something holds. */
async function until(holds: () => boolean, what: string, patience = 20_000): Promise<void> {
  const end = performance.now() + patience;
  while (!holds()) {
    assert(performance.now() < end, `Cannot see that ${what}: need it within ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
