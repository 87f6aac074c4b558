/** What a run is: what a worker that joins is held to, and what a resume refuses or tells of. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { hashValue } from "../../../src/base/hash.ts";
import { configHash } from "../../../src/config/identity.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";
import { charTokenizer } from "../../../src/data/tokenizers/char.ts";
import { tokenizerHash } from "../../../src/data/tokenizers/mod.ts";
import { kernelClass } from "../../../src/graph/target.ts";
import type { Target } from "../../../src/graph/types.ts";
import { Admission } from "../../../workers/coordinator/admission.ts";
import {
  AS_BEGUN,
  type Identity,
  IDENTITY_PARTS,
  identityDifferences,
  identityIn,
  joinedBy,
  NAMES,
  otherBits,
} from "../../../workers/protocol/identity.ts";
import { draftOf } from "../../checkpoint/fixture.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { letters } from "../../support/lockstep.ts";

const RUN: Identity = {
  code: AS_BEGUN,
  deno: "2.9.6",
  config: hashValue("config"),
  tokenizer: hashValue("tokenizer"),
  data: hashValue("data"),
  adapter: "llvmpipe via Vulkan",
  kernels: "cpu, subgroups of 8",
  shaders: hashValue("shaders"),
  probe: hashValue("probe"),
};
/** Another value of each part, and what names the difference. */
const OTHER: Readonly<Record<keyof Identity, readonly [value: string, says: RegExp]>> = {
  code: [
    "kernels/reduce/sum.ts changed on disk",
    /^code: kernels\/reduce\/sum\.ts changed on disk$/,
  ],
  deno: ["2.9.7", /^deno: 2\.9\.6 against 2\.9\.7$/],
  config: [hashValue("other"), /^config: [0-9a-f]{12} against [0-9a-f]{12}$/],
  tokenizer: [hashValue("other"), /^tokenizer: [0-9a-f]{12} against [0-9a-f]{12}$/],
  data: [hashValue("other"), /^data: [0-9a-f]{12} against [0-9a-f]{12}$/],
  adapter: [
    "llvmpipe via OpenGL",
    /^adapter: llvmpipe via Vulkan against llvmpipe via OpenGL$/,
  ],
  kernels: ["cpu", /^kernels: cpu, subgroups of 8 against cpu$/],
  shaders: [hashValue("other"), /^shaders: [0-9a-f]{12} against [0-9a-f]{12}$/],
  probe: [hashValue("other"), /^what its device computes first: \w{12} against \w{12}$/],
};

Deno.test("a worker that differs in any one part is not taken in, and the part is named", () => {
  assertEquals(Object.keys(OTHER).sort(), [...NAMES].sort());
  assertEquals(joinedBy(RUN, RUN), RUN);
  for (const part of NAMES) {
    const [value, says] = OTHER[part];
    const worker = { ...RUN, [part]: value };
    assertEquals(joinedBy(RUN, worker), undefined, part);
    const [said, ...more] = identityDifferences(RUN, worker);
    assertMatch(said ?? "", says);
    assertEquals(more, [], part);
  }
});

Deno.test("what a run does not know of itself yet is as its first worker is", () => {
  const { code, config } = RUN;
  assertEquals(joinedBy({ code, config }, RUN), RUN);
  assertEquals(joinedBy(RUN, { code }), RUN);
  assertEquals(joinedBy({ ...RUN, data: "" }, RUN), RUN);
});

Deno.test("a resume refuses or reports every part of an identity but the files on disk", () => {
  const { shaders, kernels } = RUN;
  const { probe } = RUN;
  const manifest = { ...draftOf(1).manifest, shaders, kernels, probe, skipped: [], valLoss: null };
  const tokenizer = charTokenizer("abc");
  const saved = identityIn({ ...manifest, config: {}, tokenizer: tokenizer.toJSON() });
  assertEquals(saved.config, configHash(resolveConfig({})));
  assertEquals(saved.tokenizer, tokenizerHash(tokenizer));
  for (const part of NAMES) {
    const { onResume } = IDENTITY_PARTS[part];
    assertEquals(onResume === "free", part === "code");
    if (onResume === "free") continue;
    assertNotEquals(saved[part], "", part);
    const now = { ...saved, [part]: OTHER[part][0] };
    assertEquals(identityDifferences(saved, now).length, 1, part);
    assertEquals(otherBits(saved, now).length, onResume === "refused" ? 0 : 1, part);
  }
});

Deno.test("the first worker is held to what the coordinator read, each other one to the first as well", () => {
  const config = tinyConfig();
  const [corpus, other] = [letters(config), letters({ ...config, seed: 5 })];
  const { code, adapter } = RUN;
  const admission = new Admission(config, corpus);
  const said = (worker: Partial<Identity>) => admission.differences(worker);
  assertEquals(said({ code }), []);
  assertEquals(said({ code, config: hashValue("other") }).length, 1);
  assertEquals(said({ code, data: hashValue("other") }).length, 1);
  assertEquals(said({ code: "a.ts changed on disk", adapter: "a card" }), [
    "code: a.ts changed on disk",
  ]);
  // A rejected worker fixes no part of the identity.
  assertEquals(said({ code, adapter }), []);
  assertEquals(said({ code, adapter: "a card" }), [`adapter: ${adapter} against a card`]);
  assert(corpus.texts !== other.texts);
});

Deno.test("a class of devices is named by its kind and what its kernels must fit", () => {
  const cpu: Target = { kind: "cpu", workgroupBytes: 32768, invocations: 1024, groups: 65535 };
  assertEquals(kernelClass(cpu), "cpu");
  assertEquals(kernelClass({ ...cpu, lanes: 8 }), "cpu, subgroups of 8");
  const gpu = "gpu, workgroups of 1024 and 32768 bytes";
  assertEquals(kernelClass({ ...cpu, kind: "gpu", lanes: 32 }), gpu);
});

Deno.test("a resume reports that its checkpoint was computed otherwise", () => {
  const so = "its numbers may differ in the last bits";
  assertEquals(otherBits(RUN, RUN), []);
  assertEquals(otherBits({ ...RUN, adapter: "a card", kernels: "gpu" }, RUN), [
    `The checkpoint was computed on a card, this run on llvmpipe via Vulkan: ${so}`,
    "The checkpoint was computed by kernels for gpu, this run by those for cpu, subgroups of 8: " +
    so,
  ]);
  const before = { ...RUN, deno: "2.9.5", shaders: "a".repeat(64), probe: "b".repeat(64) };
  assertEquals(otherBits(before, { ...RUN, shaders: "c".repeat(64), probe: "d".repeat(64) }), [
    `The checkpoint was computed by Deno 2.9.5, this run by Deno 2.9.6: ${so}`,
    "The checkpoint was computed by the shaders aaaaaaaaaaaa, this run by cccccccccccc: " + so,
    "The checkpoint was computed by a device or driver that gives bbbbbbbbbbbb for its first " +
    `micro-batch, this run by one that gives dddddddddddd: ${so}`,
  ]);
});

Deno.test("a checkpoint from before adapters told their API resumes on Vulkan without a word, on OpenGL with one", () => {
  const run = { adapter: "llvmpipe via Vulkan", kernels: "cpu" };
  const so = "its numbers may differ in the last bits";
  assertEquals(otherBits({ ...run, adapter: "llvmpipe" }, run), []);
  assertEquals(
    otherBits({ ...run, adapter: "llvmpipe" }, { ...run, adapter: "llvmpipe via OpenGL" }),
    [`The checkpoint was computed on llvmpipe, this run on llvmpipe via OpenGL: ${so}`],
  );
  assertEquals(otherBits({ ...run, adapter: "llvmpipe via OpenGL" }, run), [
    `The checkpoint was computed on llvmpipe via OpenGL, this run on llvmpipe via Vulkan: ${so}`,
  ]);
});

Deno.test("a checkpoint that does not say a part is taken as it is", () => {
  for (const part of NAMES) assertEquals(otherBits({ ...RUN, [part]: "" }, RUN), [], part);
});
