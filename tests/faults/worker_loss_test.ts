/**
 * A worker dies, and the run ends with the same bits: the criteria of the fault matrix.
 * These are the quick ones; the folder `full` has the others.
 */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { args, FAMILIES, golden, Lab, stepLine } from "./support/support.ts";
import { onGpu } from "../support/gpu.ts";
import { assertLossCostsNothing } from "./support/loss.ts";
import { isWorker } from "./support/proc.ts";

for (const family of FAMILIES) {
  Deno.test(`1: ${family}: SIGKILL of rank 1 in forward is seen within 100 ms, the next step counts within 3 s, no step is lost`, async () => {
    using lab = new Lab();
    await assertLossCostsNothing(lab, family, { rank: 1, point: "forward" });
  });
}

Deno.test("3: lstm: SIGKILL between commit and update leaves all with the step", async () => {
  using lab = new Lab();
  await assertLossCostsNothing(lab, "lstm", { rank: 0, point: "apply" });
});

Deno.test("4: gpt: a rank that is stopped for ever is declared hung within 2 s and a deadline, killed and replaced", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const plan = lab.faults({ at: { step: 7, rank: 1, point: "forward" }, do: "sigstop" });
  await lab.finish(args("gpt", "run", "--workers=2", "--recovery.deadline_s=1", ...plan));
  const [strike] = lab.journal("run", "strike");
  const losses = lab.losses("run");
  assertEquals(losses.length, 1);
  assertMatch(
    String(losses[0]?.["reason"]),
    /^worker 1 is lost: hung: step for [12]\.\d s/,
  );
  assertLess(Number(losses[0]?.at) - Number(strike?.at), 2 + 1);
  await lab.assertEnded("run", { state });
});

Deno.test(
  onGpu("7: gpt: a worker whose device is lost mid-step ends with 71 and is replaced"),
  async () => {
    using lab = new Lab();
    const state = await golden("gpt", "--device=webgpu");
    const plan = lab.faults({ at: { step: 7, rank: 1, point: "forward" }, do: "lose" });
    const running = lab.start(args("gpt", "run", "--device=webgpu", "--workers=2", ...plan));
    await running.line(stepLine(7));
    const { code } = await running.ended;
    assertEquals(code, 0);
    const reasons = lab.losses("run").map(({ reason }) => reason);
    assertEquals(reasons, ["worker 1 is lost: its GPU was lost"]);
    await lab.assertEnded("run", { state });
  },
);

const TOO_LARGE = {
  "webgpu": /^error: Cannot fit .* takes 51539607552 bytes, .*; lower model.width\n$/,
  "cpu": /^error: Cannot allocate memory for the CPU device: need 515\d{8} bytes .* model.width\n$/,
};

for (const [device, says] of Object.entries(TOO_LARGE)) {
  const name =
    `8: a model too big for the device ends with 72, its bytes and its key, and each rank is started once: ${device}`;
  Deno.test(device === "webgpu" ? onGpu(name) : { name }, async () => {
    using lab = new Lab();
    const size = ["--workers=3", "--model.width=65536"];
    const running = lab.start(args("gpt", "run", `--device=${device}`, ...size));
    const seen = new Set<number>();
    let over = false;
    running.ended.then(() => over = true);
    while (!over) {
      for (const pid of lab.processes()) if (isWorker(pid)) seen.add(pid);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const { code, stderr } = await running.ended;
    assertEquals(code, 72);
    assertMatch(stderr, says);
    assertEquals(seen.size, 3);
    lab.assertQuiet();
  });
}
