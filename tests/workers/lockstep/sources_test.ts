/** The promise for every source and for carried states: the same bits for any number of workers. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { RunInput } from "../../../src/config/schema.ts";
import { SOURCES } from "../../../src/data/sources/mod.ts";
import { openReference } from "../../../src/device/reference.ts";
import { lockstep, type RunRecord } from "../../support/lockstep.ts";
import { TINY_RUNS } from "../../support/models.ts";
import { tinyRecurrent } from "../../support/recurrent.ts";

const openDevice = () => Promise.resolve(openReference());

function numbers({ outcome: { stateHash, loss, valLoss }, events }: RunRecord) {
  const losses = events.flatMap((e) => e.type === "step" ? [e.loss] : []);
  const evals = events.filter((e) => e.type === "eval");
  return { stateHash, loss, valLoss, losses, evals };
}

const RUNS: Readonly<Record<string, Partial<RunInput>>> = {
  text: { model: { kind: "recurrent", layers: 2 } },
  recall: { data: { source: "recall", gap: 3 } },
  truecase: {
    model: { kind: "recurrent", bidirectional: true },
    data: { source: "truecase" },
  },
  direction: {
    model: { kind: "recurrent", bidirectional: true, readout: "mean" },
    data: { source: "direction" },
  },
};

Deno.test("every source is run here, or with the models that read it", () => {
  const others = Object.values(TINY_RUNS).map(({ data }) => data?.source ?? "text");
  assertEquals(new Set([...Object.keys(RUNS), ...others]), new Set(Object.keys(SOURCES)));
});

for (const [name, input] of Object.entries(RUNS)) {
  Deno.test(`1 and 3 workers give the same bits from source ${name}`, async () => {
    const config = tinyRecurrent(input);
    const one = numbers(await lockstep(config, { world: 1, openDevice }));
    assertEquals(one.losses.length, 3);
    const [evaluation] = one.evals;
    assert(evaluation?.type === "eval" && Number.isFinite(evaluation.valLoss));
    // Labels have an accuracy; next tokens have only a loss.
    const accuracy = evaluation.valAccuracy;
    assertEquals(accuracy === undefined, name === "text");
    if (accuracy !== undefined) assert(accuracy >= 0 && accuracy <= 1, `${accuracy}`);
    assertEquals(numbers(await lockstep(config, { world: 3, openDevice })), one);
  });
}

/** 8 lanes of 37 tokens: 4 steps of 9, so a run of 7 steps begins its lanes again. */
const LANES: Partial<RunInput> = { steps: 7, data: { bptt: 9, validation: 0.5 } };

for (const cell of ["rnn_tanh", "lstm", "gru"] as const) {
  Deno.test(`carried states of ${cell} survive workers and a resume in the middle of a lane`, async () => {
    const config = tinyRecurrent({ ...LANES, model: { kind: "recurrent", cell, layers: 2 } });
    const straight = await lockstep(config, { world: 1, openDevice });
    const stop = new AbortController();
    const first = await lockstep(config, {
      world: 3,
      openDevice,
      stop: stop.signal,
      watch: (event) => {
        if (event.type === "step" && event.step === 2) stop.abort();
      },
    });
    const [from] = first.saved;
    assert(from && first.outcome.stopped);
    const carried = Array.from(from.optimizer.values()).filter((t) => t.name.startsWith("carry."));
    assertEquals(carried.map((t) => t.shape), new Array(cell === "lstm" ? 4 : 2).fill([8, 6]));
    assert(carried.every(({ data }) => data.every((v) => v !== 0)), "a state was left out");
    const second = await lockstep(config, { world: 2, openDevice, from });
    const [a, b, whole] = [first, second, straight].map(numbers);
    assertEquals([...a?.losses ?? [], ...b?.losses ?? []], whole?.losses);
    assertEquals([b?.stateHash, b?.valLoss], [whole?.stateHash, whole?.valLoss]);

    // The carried state matters: without it the run goes another way.
    const empty = new Map(from.optimizer);
    for (const t of carried) empty.set(t.name, { ...t, data: new Float32Array(t.data.length) });
    const forgot = await lockstep(config, {
      world: 2,
      openDevice,
      from: { ...from, optimizer: empty },
    });
    assertNotEquals(numbers(forgot).losses[0], b?.losses[0]);
  });
}
