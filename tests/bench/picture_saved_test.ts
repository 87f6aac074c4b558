/** The comparison with peers as it is kept: the page with its picture, and one drawn from JSON. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { besideOf } from "../../bench/beside/result.ts";
import { peersPicture, TITLE } from "../../bench/picture/picture.ts";
import { factsOf, readPeers } from "../../bench/picture/picture_saved.ts";
import { pageOf, wrapped } from "../../bench/report.ts";
import { EXIT, UserError } from "../../src/base/user_error.ts";
import { MEASURED, MEASURED_SIDES } from "./peers_fixture.ts";

const BESIDE = MEASURED.map((result) => besideOf(result, MEASURED_SIDES));
const MACHINE = {
  cpu: "Some CPU",
  cores: 2,
  driver: "Mesa 1.2.3",
  deno: "2.9.6",
  commit: "abc1234",
  date: "2026-03-14",
};
const SAVED = {
  machine: MACHINE,
  adapter: "Some card",
  command: "deno task bench:peers --json",
  sides: ["Shoal: Deno 2.9.6 on Some card", "PyTorch f32: 2.15.0 on CPU, 2 threads"],
  rows: BESIDE,
};

Deno.test("factsOf() names hardware, versions and how it was measured", () => {
  assertEquals(factsOf(SAVED), [
    "Some card, Mesa 1.2.3; Some CPU, 2 cores",
    "Shoal: Deno 2.9.6; PyTorch f32: 2.15.0 on CPU, 2 threads",
    "2026-03-14, commit abc1234: deno task bench:peers --json",
  ]);
});

Deno.test("readPeers() reads what was printed, and refuses the rest", () => {
  assertEquals(readPeers(JSON.stringify(SAVED)), SAVED);
  const bad = [
    ["{", "no JSON"],
    ["null", "no machine"],
    [JSON.stringify({ ...SAVED, command: 1 }), "no adapter, command and sides"],
    [JSON.stringify({ ...SAVED, rows: [] }), "no rows with ratios"],
    [JSON.stringify({ ...SAVED, rows: [{ row: "x", peers: [null] }] }), "no rows with ratios"],
    [
      JSON.stringify({ ...SAVED, rows: [{ row: "x", peers: [{ id: "a", ratio: -1 }] }] }),
      "no rows with ratios",
    ],
    [
      JSON.stringify({ ...SAVED, rows: [...BESIDE, { row: "x", peers: [{ id: "a" }] }] }),
      "rows with other peers",
    ],
  ] as const;
  for (const [text, why] of bad) assertThrows(() => readPeers(text), UserError, why);
});

Deno.test("a comparison that was printed becomes the same picture without measuring", async () => {
  const draw = async (input: string) => {
    const main = fileURLToPath(new URL("../../bench/picture/picture_main.ts", import.meta.url));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", main],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const [out, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out, said };
  };
  assertEquals(await draw(JSON.stringify(SAVED)), {
    code: EXIT.done,
    out: peersPicture(BESIDE, factsOf(SAVED)),
    said: "",
  });
  assertEquals(await draw("?"), {
    code: EXIT.data,
    out: "",
    said: "error: Cannot draw a comparison: need what bench:peers --json prints: no JSON\n",
  });
});

Deno.test("a saved page shows the picture that lies beside it", () => {
  const report = { what: "peers", sections: [], picture: { file: "peers_x.svg", title: TITLE } };
  const page = pageOf(report, MACHINE, "bench");
  assert(page.includes(`\n\n![${TITLE}](peers_x.svg)\n`), page);
  assert(!pageOf({ what: "peers", sections: [] }, MACHINE, "bench").includes("!["));
});

Deno.test("wrapped() breaks between words, and leaves a long one whole", () => {
  assertEquals(wrapped("one two three", 7), ["one two", "three"]);
  assertEquals(wrapped("one incomprehensible two", 7), ["one", "incomprehensible", "two"]);
  assertEquals(wrapped("", 7), [""]);
});
