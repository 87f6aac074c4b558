/** The process that evaluates a config ends with the command that started it, whatever it handles. */
import { assert } from "@std/assert";
import { Place, ROOT, taskOptions } from "../e2e/support.ts";
import { catches } from "./proc.ts";

Deno.test("a config that handles all signals and computes for ever ends with its command", async () => {
  using place = new Place();
  place.write(
    "a.ts",
    'Deno.stdin.close();\nfor (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {\n' +
      "  Deno.addSignalListener(name, () => {});\n}\nfor (;;);\n",
  );
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...taskOptions(""), `${ROOT}tests/faults/configs_child.ts`, place.of("a.ts")],
      cwd: place.path,
      stdout: "null",
      stderr: "null",
    }).spawn();
    const isHandling = (pid: number) => pid !== command.pid && catches(pid, SIGQUIT);
    await until(() => place.processes().some(isHandling), "the config begins");
    command.kill(signal);
    await command.status;
    await until(() => place.processes().length === 0, `the config ends after ${signal}`);
  }
});

const SIGQUIT = 3;

/** Waits until something holds, for 20 s at most. */
async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    assert(performance.now() < end, `Cannot see that ${what}: need it within 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
