/** Workers are where their cards are: two software drivers stand for two cards. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { type PinnedCard, pinOf } from "../../../src/cards/pin.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { openReference } from "../../../src/device/reference.ts";
import { MEMBERSHIP_RULES } from "../../../src/membership/types.ts";
import { cardsFor, defaultWorkers, findCards, honorsPin } from "../../../workers/launch/cards.ts";
import { Faults } from "../../../workers/faults/plan.ts";
import { type FaultPlan, faultPlanSchema } from "../../../workers/faults/schema.ts";
import { setUp } from "../../../workers/coordinator/setup.ts";
import { spawnWorkers } from "../../../workers/launch/spawn.ts";
import type { Note } from "../../../workers/group/options.ts";
import { WorkerGroup } from "../../../workers/group/worker_group.ts";
import { letters, lockstep } from "../../support/lockstep.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { eight } from "../../cards/fixture.ts";
import { environment, TWO_DRIVERS, withTwoDrivers } from "../../support/swiftshader.ts";

/** A worker group on these cards, and its journal. */
function groupOn(cards: readonly PinnedCard[]): { group: WorkerGroup; notes: [string, Note][] } {
  const notes: [string, Note][] = [];
  const config = tinyConfig({ device: { kind: "webgpu" } });
  const group = new WorkerGroup({
    launch: spawnWorkers,
    cards,
    workers: cards.length,
    rules: { ...MEMBERSHIP_RULES, microBatches: config.micro_batches, rebalanceEvery: Infinity },
    note: (kind, note) => notes.push([kind, note]),
    limit: () => 0,
    setUp: () => setUp(config, letters(config)),
    part: () => {},
    interrupted: () => {},
    stop: new AbortController().signal,
    now: () => performance.now(),
  });
  return { group, notes };
}

/** Both drivers as cards with their pins: SwiftShader, then lavapipe. */
async function twoCards(): Promise<PinnedCard[]> {
  const { cards } = await findCards();
  return cards.map((card) => ({ ...card, pin: pinOf(card, cards) ?? {} }));
}

Deno.test({
  ...withTwoDrivers("two workers with a card each compute each on its own"),
  async fn() {
    using _drivers = environment(TWO_DRIVERS);
    const cards = await twoCards();
    assertEquals(cards.map(({ name }) => name.split(" ")[0]), ["SwiftShader", "llvmpipe"]);
    const { group, notes } = groupOn(cards);
    try {
      await group.open();
      await group.form(0);
      const noted = notes.filter(([kind]) => kind === "card").map(([, note]) => note);
      assertEquals(
        noted.toSorted((a, b) => Number(a["slot"]) - Number(b["slot"]))
          .map(({ slot, card }) => [slot, String(card).split(" ")[1]]),
        [[0, "(SwiftShader"], [1, "(llvmpipe"]],
      );
      // The one that was ready second computes on another adapter, and says so itself.
      assertEquals(notes.filter(([kind]) => kind === "adapter").length, 1);
    } finally {
      await group.close();
    }
  },
});

Deno.test({
  ...withTwoDrivers("a worker that is not on the card it was put on ends the run, and says so"),
  async fn() {
    using _drivers = environment(TWO_DRIVERS);
    const [first, second] = await twoCards() as [PinnedCard, PinnedCard];
    const { group } = groupOn([{ ...first, ...second.pin && { pin: second.pin } }]);
    try {
      await group.open();
      const refusal = await assertRejects(() => group.form(0), UserError);
      assertEquals(refusal.exit, "noDevice");
      assertMatch(
        refusal.message,
        /^Cannot use card 0 \(SwiftShader.*\): worker 0 was put there and computes on llvmpipe/,
      );
    } finally {
      await group.close();
    }
  },
});

Deno.test("a layer that does not say it took the card is not believed", async () => {
  // No machine has a card at the last address that PCI can write.
  const twins = eight().map((card) => ({ ...card, address: "ffff:ff:1f.7" }));
  assertEquals(await honorsPin(twins[0] as PinnedCard, twins), false);
});

Deno.test("a replacement gets the card of the worker whose worker slot it takes, and the journal says so", async () => {
  const device = openReference();
  const cards = eight().slice(0, 3).map((card) => ({ ...card, name: device.name }));
  const plan = [{ at: { step: 3, rank: 1, point: "forward" }, do: "sigkill" }];
  const { notes, outcome } = await lockstep(tinyConfig({ steps: 30 }), {
    world: 3,
    openDevice: () => Promise.resolve(openReference()),
    cards,
    faults: new Faults(faultPlanSchema.parse(plan) as FaultPlan),
    rules: { tick: 1 },
  });
  assertEquals(outcome.step, 30);
  const noted = notes.filter(({ kind }) => kind === "card").map(({ note }) => note);
  const on = (workerId: number) => noted.filter((note) => note["slot"] === workerId);
  assertEquals([on(0).length, on(1).length, on(2).length], [1, 2, 1]);
  assertEquals(on(1)[0]?.["card"], on(1)[1]?.["card"]);
  assertMatch(String(on(1)[0]?.["card"]), /^1 \(.*, 0000:2a:00.0\)$/);
});

Deno.test("a variable that pins all workers already is heeded, and cannot be taken with --gpus", async () => {
  using _pinned = environment({ DRI_PRIME: "0" });
  const request = { gpus: null, workers: 3, device: "webgpu" } as const;
  assertEquals(await cardsFor(request, () => {}), []);
  const refusal = await assertRejects(
    () => cardsFor({ ...request, gpus: "0" }, () => {}),
    UserError,
  );
  assertEquals(refusal.exit, "config");
  assertMatch(refusal.message, /^Cannot take --gpus=0: DRI_PRIME pins/);
});

Deno.test("the reference device has no cards: none are looked for, and --gpus is refused", async () => {
  const request = { gpus: null, workers: 3, device: "reference" } as const;
  assertEquals(await cardsFor(request, () => {}), []);
  const refusal = await assertRejects(
    () => Promise.try(() => resolveConfig({ device: "reference", gpus: "0" })),
    UserError,
  );
  assertMatch(refusal.message, /gpus: need device auto or webgpu/);
});

Deno.test("without a number of workers, each card gets a worker, and each core of a software driver", async () => {
  const request = { device: "webgpu", micro_batches: 4 } as const;
  const cards = eight().slice(0, 8).map((card) => ({ ...card, pin: {} }));
  assertEquals(await defaultWorkers({ ...request, micro_batches: 16 }, cards), 8);
  assertEquals(await defaultWorkers(request, cards), 4);
  assertEquals(await defaultWorkers({ ...request, device: "reference" }, []), 1);
  {
    using _pinned = environment({ DRI_PRIME: "0" });
    assertEquals(await defaultWorkers(request, []), 1);
  }
  const { cards: here, layer } = await findCards();
  const isSoftware = layer && here.length > 0 && here.every(({ kind }) => kind === "software");
  const cores = Math.min(navigator.hardwareConcurrency, 4);
  assertEquals(await defaultWorkers(request, []), isSoftware ? cores : 1);
});
