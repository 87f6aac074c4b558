/** What a machine's facts are judged to be, on machines that are not at hand. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pinOf } from "../../../src/cards/pin.ts";
import type { Facts, PinnedFact } from "../../../src/cli/doctor/facts.ts";
import { exitOf, judgeFacts } from "../../../src/cli/doctor/judge.ts";
import { doctorLines } from "../../../src/cli/doctor/lines.ts";
import { eight, LAPTOP, listed } from "../../cards/fixture.ts";

/** Cards with pins that are heeded, or not. */
function pinned(cards: ReturnType<typeof eight>, heeded = true): PinnedFact[] {
  return cards.map((card) => ({ ...card, pin: pinOf(card, cards) ?? null, heeded }));
}

const GOOD: Facts = {
  deno: { version: "2.9.6", tested: true },
  machine: { cores: 64, memoryBytes: 2 ** 40 },
  cpu: { kernels: "wasm", pairs: true },
  variables: {},
  cards: { cards: pinned(eight()), unseen: [], layer: true, renderNode: true },
  run: { value: { device: "webgpu", notices: [] } },
  adapter: {
    value: {
      name: "NVIDIA H200 via Vulkan",
      info: { vendor: "4318" },
      features: { subgroups: "granted when asked" },
      others: [],
      limits: { maxBufferSize: 2 ** 31 },
      numerics: {
        keepsNaN: true,
        seesNaN: false,
        keepsSubnormals: true,
        addsSubnormals: true,
        fusesMultiplyAdd: true,
      },
      bandwidths: { copy: 4e12, upload: 1e10, readBack: 5e9 },
    },
  },
  openGl: null,
  socket: { value: { bytesPerSecond: 2e9 } },
  shared: {
    file: { value: { bytesPerSecond: 4e9 } },
    mapped: { value: { bytesPerSecond: 9e9 } },
  },
  disk: { value: { folder: "/data", freeBytes: 1e12, bytesPerSecond: 1e9 } },
  missing: [],
};

/** Levels and words of what is found, each with a line that mends it. */
function found(facts: Partial<Facts>): { levels: string[]; text: string; exit: string } {
  const findings = judgeFacts({ ...GOOD, ...facts });
  for (const { level, what, mend } of findings) {
    assert(level === "note" || mend !== undefined, what);
    assert(!/\n|\.$/.test(`${what}${mend}`), what);
  }
  const text = findings.map(({ what, mend }) => `${what}: ${mend}`).join("\n");
  return { levels: findings.map(({ level }) => level), text, exit: exitOf(findings) };
}

Deno.test("judge() finds nothing on a box where all is well", () => {
  assertEquals(found({}), { levels: [], text: "", exit: "done" });
  const lines = doctorLines(GOOD, []);
  assertEquals(lines.at(-1), "Nothing is wrong: a run would work here");
  assert(lines.some((line) => /DRI_PRIME=pci-0000_18_00_0!, heeded$/.test(line)), lines.join("\n"));
});

/** A run on a machine without a GPU. */
const ON_CPU = { value: { device: "cpu", notices: [] } } as const;

Deno.test("judge() says that runs compute on the CPU without an adapter, and what is wrong where they would not", () => {
  const cpu = found({ adapter: { value: null }, run: ON_CPU });
  assertEquals([cpu.levels, cpu.exit], [["note"], "done"]);
  assertMatch(cpu.text, /There is no WebGPU adapter. Runs compute on the CPU/);
  const none = found({ adapter: { value: null } });
  assertEquals([none.levels, none.exit], [["error"], "noDevice"]);
  assertMatch(none.text, /--device=cpu, or install a Vulkan driver/);
  const cards = { ...GOOD.cards, cards: [], unseen: eight().slice(0, 2) };
  const blind = found({ adapter: { value: null }, cards });
  assertEquals(blind.levels, ["error", "warning"]);
  assertMatch(blind.text, /NVIDIA_DRIVER_CAPABILITIES/);
});

Deno.test("judge() says that OpenGL is there and not taken unasked, and warns of it where it is asked for", () => {
  const openGl = "llvmpipe via OpenGL";
  const unasked = found({ adapter: { value: null }, openGl, run: ON_CPU });
  assertEquals([unasked.levels, unasked.exit], [["note"], "done"]);
  assertMatch(unasked.text, /llvmpipe via OpenGL, which .* unasked: .*Runs compute on the CPU/);
  assert("value" in GOOD.adapter && GOOD.adapter.value !== null);
  const asked = found({ adapter: { value: { ...GOOD.adapter.value, name: openGl } } });
  assertEquals([asked.levels, asked.exit], [["warning"], "done"]);
  assertMatch(asked.text, /via OpenGL computes other bits .*unset DENO_WEBGPU_BACKEND/);
});

Deno.test("judge() tells of cards that Vulkan does not see, or that a user may not reach", () => {
  const software = pinned(listed(LAPTOP).filter(({ kind }) => kind === "software"));
  const cards = { cards: software, unseen: eight(), layer: true, renderNode: true };
  assertMatch(found({ cards }).text, /^nvidia-smi lists 0 \(NVIDIA H200.*: give Vulkan the driver/);
  const closed = found({ cards: { ...cards, unseen: [] } });
  assertEquals([closed.levels, closed.exit], [["warning"], "done"]);
  assertMatch(closed.text, /usermod -aG render/);
  const plain = found({ cards: { ...cards, unseen: [], renderNode: false } });
  assertEquals(plain.levels, ["note"]);
});

Deno.test("judge() warns of twins that an old layer cannot tell apart, not of one card without it", () => {
  const cards = { ...GOOD.cards, cards: pinned(eight(), false) };
  assertMatch(found({ cards }).text, /0000:18:00.0.* was not taken .*: install Mesa 23.3/);
  const bare = eight().filter(({ kind }) => kind !== "software")
    .map((card): PinnedFact => ({ ...card, pin: null, heeded: null }));
  assertEquals(found({ cards: { ...GOOD.cards, cards: bare, layer: false } }).levels, ["warning"]);
  const one = { ...GOOD.cards, cards: bare.slice(0, 1), layer: false };
  assertEquals(found({ cards: one }).levels, []);
});

Deno.test("judge() lets a driver that fails be where runs compute on the CPU, and tells the device", () => {
  const failure = { message: "the driver ended by SIGSEGV", exit: "noDevice" } as const;
  const broken = found({ adapter: { failure }, run: ON_CPU });
  assertEquals([broken.levels, broken.exit], [["warning"], "done"]);
  const needed = found({ adapter: { failure } });
  assertEquals([needed.levels, needed.exit], [["error"], "noDevice"]);
  const lines = (run: Facts["run"]) => doctorLines({ ...GOOD, run }, []).join("\n");
  assertMatch(lines(ON_CPU), /--device=auto +the CPU: no GPU was found/);
  assertMatch(lines(GOOD.run), /--device=auto +NVIDIA H200 via Vulkan/);
});

Deno.test("judge() ends as the run would: by its first error", () => {
  const failure = { message: "Cannot keep a worker on card 0", exit: "noDevice" } as const;
  assertEquals(found({ run: { failure } }).exit, "noDevice");
  const socket = { failure: { message: "a path of at most 107 bytes", exit: "config" } as const };
  assertEquals(found({ socket }).exit, "config");
  assertMatch(found({ socket }).text, /TMPDIR/);
  assertEquals(found({ missing: ["start workers"] }).exit, "bug");
  const disk = { folder: "/data", freeBytes: 1000, bytesPerSecond: 1e9 };
  assertEquals(found({ disk: { value: disk } }).exit, "tooLarge");
});

Deno.test("judge() warns of what costs speed or bits", () => {
  const disk = { folder: "/data", freeBytes: 5e8, bytesPerSecond: 1e6 };
  assertEquals(found({ disk: { value: disk } }).levels, ["warning", "warning"]);
  assertEquals(found({ deno: { version: "3.0.0", tested: false } }).levels, ["warning"]);
  assert("value" in GOOD.adapter && GOOD.adapter.value !== null);
  const { value } = GOOD.adapter;
  const numerics = { ...value.numerics, keepsNaN: false, addsSubnormals: false };
  const odd = found({ adapter: { value: { ...value, numerics } } });
  assertEquals(odd.levels, ["warning", "warning"]);
});
