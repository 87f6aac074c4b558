/**
 * Each way in which gradients travel, under the faults of the catalogue: the state is that of an
 * undisturbed run, and nothing is left behind.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { EXCHANGE_WAYS, type ExchangeWay } from "../../src/reduce/schema.ts";
import { LIBC_PATHS, openLibc } from "../../src/transport/libc.ts";
import { OwnMapping, PeerMapping } from "../../src/transport/mapping.ts";
import { namesIn } from "../e2e/support.ts";
import { onGpu } from "../support/gpu.ts";
import { needing } from "../support/needs.ts";
import { shell } from "../faults/support/proc.ts";
import { args, golden, Lab, stepLine, STEPS } from "../faults/support/support.ts";

/** Gradients of several chunks; in pieces on a GPU. */
const WIDE = ["--model.width=256", "--checkpoint.every=0", "--eval.every=0"];

/**
 * What strikes: a late writer, and deaths before, within and after an exchange. The first two find
 * their workers in any case, the others where those who replace the dead have joined by then.
 */
const FAULTS = [
  // Nobody can kill it: it wakes up in an attempt that is over, and goes on with its exchange.
  { at: { step: 2, rank: 2, point: "exchange" }, do: "sigstop", ms: 2500, spare: true },
  { at: { step: 5, rank: 1, point: "forward" }, do: "sigkill" },
  { at: { step: 9, rank: 0, point: "exchange" }, do: "sigkill" },
  { at: { step: 13, rank: 0, point: "exchange" }, do: "throw" },
  { at: { step: 17, rank: 1, point: "summed" }, do: "sigkill" },
] as const;

/** Steps that wait, so that those who replace the dead have joined before the next fault. */
const SLOW = Array.from({ length: STEPS }, (_, step) => ({
  at: { step, rank: 0, point: "summed" },
  do: "delay",
  ms: 400,
}));

/** Names in the folders where shared memory could be left. */
function leftovers(lab: Lab): string[] {
  return [...namesIn(lab.of("tmp")), ...shell("ls /dev/shm").split("\n")].sort();
}

async function assertSurvives(
  way: ExchangeWay,
  { faults, more = [], steps = STEPS }: {
    faults: readonly unknown[];
    more?: readonly string[];
    steps?: number;
  },
): Promise<void> {
  using lab = new Lab({ limit: 120_000 });
  const run = [...WIDE, ...more, `--steps=${steps}`];
  const state = await golden("gpt", ...run);
  const before = leftovers(lab);
  const options = ["--workers=3", `--exchange.way=${way}`, "--recovery.deadline_s=1"];
  const plan = lab.faults(...SLOW.slice(0, steps), ...faults);
  await lab.finish(args("gpt", "run", ...run, ...options, ...plan));
  const strikes = lab.journal("run", "strike").filter(({ deed }) => deed !== "delay");
  assert(strikes.length >= 2, JSON.stringify(strikes));
  assertEquals(strikes[0]?.["deed"], "sigstop");
  assert(lab.losses("run").length >= 1);
  await lab.assertEnded("run", { state, steps });
  assertEquals(leftovers(lab), before);
}

for (const way of EXCHANGE_WAYS) {
  Deno.test(`gradients by ${way}: workers that are killed, stopped and late change no bit`, async () => {
    await assertSurvives(way, { faults: FAULTS });
  });

  Deno.test(`gradients by ${way}: a run that is killed with all its workers leaves no memory behind`, async () => {
    using lab = new Lab();
    const shared = shell("ls /dev/shm");
    const running = lab.start(args("gpt", "run", ...WIDE, "--workers=2", `--exchange.way=${way}`));
    await running.line(stepLine(5));
    shell(`kill -9 ${lab.processes().join(" ")}`);
    await running.ended;
    await lab.untilGone();
    assertEquals(shell("ls /dev/shm"), shared);
    // Sockets alone are left, which the next run removes: a file of memory has no name by then.
    const [folder] = namesIn(lab.of("tmp"));
    const names = folder === undefined ? [] : namesIn(lab.of(`tmp/${folder}`));
    assertEquals(names.filter((name) => name.startsWith("region")), []);
    await lab.succeed(args("gpt", "other", ...WIDE, "--workers=2", "--steps=2"));
    assertEquals(namesIn(lab.of("tmp")), []);
  });
}

Deno.test(
  onGpu("gradients in pieces by mmap: a late worker and a death change no bit"),
  async () => {
    const more = ["--device=webgpu", "--exchange.overlap=on", "--micro_batches=4"];
    const late = {
      at: { step: 2, rank: 2, point: "exchange" },
      do: "sigstop",
      ms: 2500,
      spare: true,
    };
    // The others have begun to send by then, and must not mix what is left of it with the next try.
    const early = { at: { step: 5, rank: 1, point: "forward" }, do: "sigkill" };
    const dead = { at: { step: 8, rank: 0, point: "exchange" }, do: "sigkill" };
    await assertSurvives("mmap", { faults: [late, early, dead], more, steps: 12 });
  },
);

Deno.test("without the permission to call the C library a worker shares a file, and the run says so", async () => {
  const module = import.meta.resolve("../../src/transport/libc.ts");
  const code = `import { openLibc } from "${module}"; console.log(openLibc() === undefined);`;
  const opened = async (...permissions: readonly string[]) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-config", ...permissions, "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(code));
    await writer.close();
    return new TextDecoder().decode((await child.output()).stdout);
  };
  assertEquals(await opened(), "true\n");
  // For these paths alone: addresses are read without the permission for every library.
  assertEquals(await opened(`--allow-ffi=${LIBC_PATHS.join(",")}`), "false\n");
});

Deno.test("memory that the system refuses is no fault", async () => {
  const libc = openLibc();
  assert(libc !== undefined);
  assertEquals(libc.createFile(-1), undefined);
  const own = OwnMapping.create(libc, 65536);
  assert(own !== undefined);
  // Another size than is expected, another descriptor, another process.
  const { address } = own;
  for (
    const other of [
      { ...address, bytes: 131072 },
      { ...address, file: 9999 },
      { ...address, pid: 1 },
    ]
  ) assertEquals(PeerMapping.open(libc, other), undefined);
  PeerMapping.open(libc, address)?.[Symbol.dispose]();
  own[Symbol.dispose]();
  assertEquals(PeerMapping.open(libc, address), undefined);
  // A limit on the size of files holds for memory as well.
  const module = new URL("../faults/children/mapping_child.ts", import.meta.url);
  const child = `exec ${Deno.execPath()} run -q --no-prompt --allow-ffi ${fileURLToPath(module)}`;
  for (const [limit, says] of [["unlimited", "made"], ["100", "refused"]] as const) {
    const command = new Deno.Command("bash", { args: ["-c", `ulimit -f ${limit}; ${child}`] });
    const { stdout, code } = await command.output();
    assertEquals([new TextDecoder().decode(stdout), code], [`${says}\n`, 0]);
  }
});

Deno.test(
  needing("memory of a worker is closed to other users", {
    what: "root and setpriv",
    holds: () => Deno.uid() === 0 && shell("command -v setpriv") !== "",
  }),
  () => {
    const libc = openLibc();
    assert(libc !== undefined);
    const own = OwnMapping.create(libc, 65536);
    assert(own !== undefined);
    const path = `/proc/${own.address.pid}/fd/${own.address.file}`;
    assertMatch(shell(`wc -c < ${path}`), /^65536\n$/);
    const asNobody = `setpriv --reuid=65534 --clear-groups wc -c ${path} 2>&1`;
    assertStringIncludes(shell(asNobody), "Permission denied");
    own[Symbol.dispose]();
  },
);

Deno.test("the summary of a run has the share of its exchange, and metrics its bytes", async () => {
  using lab = new Lab();
  await lab.finish(args("gpt", "run", ...WIDE, "--workers=2", "--exchange.way=mmap"));
  const { exchange_share: share, exchange_hidden: hidden } = lab.json("run/summary.json");
  assert(typeof share === "number" && share > 0 && share < 1, String(share));
  assertEquals(hidden, 0);
  const lines = Deno.readTextFileSync(lab.of("run/metrics.jsonl")).trim().split("\n");
  const steps = lines.map((line) => JSON.parse(line)).filter(({ loss }) => loss !== undefined);
  assertEquals(steps.length, STEPS);
  // Each of two workers with one subtree sends half of its roots and its half of the sum.
  const [{ exchange_bytes: bytes }] = steps;
  assertEquals(new Set(steps.map((step) => step.exchange_bytes)).size, 1);
  assert(bytes > 4 * 2 * 12 * 256 ** 2, String(bytes));
});
