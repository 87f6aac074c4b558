/** A model of pairs, as a user trains and asks it: generate, eval, export, import, resume, kill. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isHeldOut } from "../../../src/data/pairs/encode.ts";
import { runCommand } from "../command.ts";
import { assertOneLine } from "../refusals.ts";
import { Place } from "../support.ts";

/** Words, and the same words backwards. */
const LINES = Array.from({ length: 600 }, (_, i) => {
  const number = (i * 7919) % 1024;
  const letters = Array.from({ length: 2 + i % 4 }, (_, k) => "abcd"[(number >> (2 * k)) % 4]);
  return `${letters.join("")}\t${letters.toReversed().join(" ").toUpperCase()}\n`;
});
const PAIRS = LINES.join("");

/** Two words of two letters that are trained on, with their targets. */
const [[first, second], [one, other]] = (() => {
  const known = [...new Set(LINES)].map((line) => line.trimEnd().split("\t") as [string, string])
    .filter(([word]) => word.length === 2 && !isHeldOut(word, 0.1)).slice(0, 2);
  return [known.map(([word]) => word), known.map(([, target]) => target)];
})() as [[string, string], [string, string]];

const TRAIN = [
  "--data=pairs.tsv",
  "--data.source=pairs",
  "--data.tokenizer=char|word",
  "--data.seq_len=8",
  "--model.kind=encoder_decoder",
  "--model.layers=1",
  "--model.width=32",
  "--model.dropout=0",
  "--micro_batch_size=16",
  "--eval.every=0",
  "--device=cpu",
];
const long = (out: string, ...more: string[]) => [
  ...TRAIN,
  "--steps=400",
  "--optim.schedule=inverse_sqrt",
  "--optim.lr=5e-3",
  "--checkpoint.every=100",
  `--out=${out}`,
  ...more,
];

async function succeed(place: Place, name: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(name, args, { cwd: place.path });
  assertEquals(code, 0, `${name}: ${stderr}`);
  return stdout;
}

Deno.test("a model of pairs learns to spell backwards, and writes targets", async () => {
  using place = new Place();
  place.write("pairs.tsv", PAIRS);
  await place.succeed(long("run"));
  const write = (...more: string[]) => succeed(place, "generate", "run", "--device=cpu", ...more);
  assertEquals(await write(`--prompt=${first}`), `${one}\n`);
  assertEquals(await write(`--prompt=${first}\n${second}`, "--beams=3"), `${one}\n${other}\n`);
  assertEquals((await write("--prompt=ab", "--num=3", "--temperature=1")).split("\n").length, 4);
  const said = await succeed(place, "eval", "run", "--device=cpu", "--pairs=0");
  assertMatch(said, /accuracy (9\d|100)\.\d\d %/);
  const [, sources, wrong] = said.match(
    /targets of (\d+) sources: ([\d.]+) % wrong, word errors [\d.]+ %, BLEU [\d.]+, chrF [\d.]+/,
  ) ?? [];
  assert(Number(sources) > 10 && Number(wrong) < 30, said);
  const report = JSON.parse(
    await succeed(place, "eval", "run", "--device=cpu", "--json", "--beams=2"),
  );
  assertEquals(Object.keys(report.scores), ["sources", "wrong", "word_errors", "bleu", "chrf"]);
  const looks = await succeed(place, "attention", "run", "--device=cpu", `--prompt=${first}`);
  assertMatch(looks, /cross 1, head \d: [\d.]+ % to source token \d /);
  const { source: read, tokens, layers } = place.json("run-attention/attention.json");
  assertEquals([read, tokens], [[...first, "</s>"], ["<pad>", ...one.split(" ")]]);
  assertEquals((layers as { name: string }[]).map(({ name }) => name), [
    "encoder 1",
    "decoder 1",
    "cross 1",
  ]);
  assertStringIncludes(await succeed(place, "export", "run"), "as MarianMTModel");
  await succeed(place, "import", "run-hf", "--out=back");
  const [same] = [await succeed(place, "generate", "back", "--device=cpu", `--prompt=${first}`)];
  assertEquals(same, `${one}\n`);
  assertStringIncludes(await succeed(place, "plan", "run/config.json", "--device=cpu"), "6N");
});

Deno.test("on pairs neither workers, a kill, nor a resume changes a bit", async () => {
  using place = new Place();
  place.write("pairs.tsv", PAIRS);
  await place.succeed(long("one", "--workers=1"));
  const straight = place.stateHash("one");
  const running = place.start(long("killed", "--workers=2"));
  await running.line(/^step {2}60\/400/);
  const worker = place.processes().find((pid) => pid !== running.pid);
  Deno.kill(worker ?? NaN, "SIGKILL");
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, 0, stderr);
  assertMatch(stdout + stderr, /SIGKILL/);
  assertEquals(place.stateHash("killed"), straight);
  await place.succeed(
    long("stopped", "--workers=4").map((word) => word === "--steps=400" ? "--steps=100" : word),
  );
  await place.succeed(["--resume=stopped", "--steps=400", "--workers=2"]);
  assertEquals(place.stateHash("stopped"), straight);
});

Deno.test("what pairs and their models cannot do is one line", async () => {
  using place = new Place();
  place.write("pairs.tsv", PAIRS);
  place.write("bad.tsv", "ab\tB A\ncd\n");
  place.write("empty.tsv", "ab\t\n");
  place.write("a.txt", "ab\ncd\n");
  place.write("b.txt", "B A\n");
  await place.succeed([...TRAIN, "--steps=1", "--out=run"]);
  const refused = async (
    name: string,
    args: readonly string[],
    says: string,
    exit: "config" | "data" = "config",
  ) => {
    const ended = await runCommand(name, args, { cwd: place.path });
    assertOneLine(ended, { exit, says: [says] });
  };
  const train = (data: string, ...more: string[]) => [...TRAIN, `--data=${data}`, ...more];
  await refused("train", train("bad.tsv"), "line 2: need source and target with one tab", "data");
  await refused("train", train("empty.tsv"), "need a target that is not empty", "data");
  await refused("train", train("a.txt,b.txt"), "need as many lines in both: 2 and 1", "data");
  await refused("train", train("pairs.tsv", "--data.seq_len=1"), "pairs are longer", "data");
  await refused("train", train("pairs.tsv", "--model.heads=3"), "need a multiple of heads");
  await refused("train", train("pairs.tsv", "--model.kind=gpt"), "for model gpt: pairs");
  await refused("train", [...TRAIN, "--data.source=text"], "need pairs for model encoder_decoder");
  await refused("generate", ["run", "--prompt=abcdabcdabcd"], "need 1 to 7 tokens: it has 12");
  await refused("generate", ["run", "--prompt=ab", "--stop=B"], "Cannot take --stop");
  await refused("generate", ["run", "--prompt=xyz"], "tokenizer knows", "data");
});
