/** `generate`, as a user calls it: what is drawn, and what is refused. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { openReference } from "../../src/device/reference.ts";
import { drawRows } from "../../src/generate/rows.ts";
import { GenerationRow } from "../../src/generate/row.ts";
import { rowKey } from "../../src/generate/uniform.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { openModel } from "../../src/artifacts/model.ts";
import { runCommand, startCommand } from "./command.ts";
import { assertOneLine, contents } from "./refusals.ts";
import { type Ended, namesIn, Place, tinyArgs, withoutStatus } from "./support.ts";

const PROMPT = "the whale ";
/** Plain loops are quick for so small a model, and start at once. */
const QUICK = ["--device=reference", "--tokens=20"];

type Stdin = string | Uint8Array;

function generate(place: Place, args: readonly string[], stdin?: Stdin): Promise<Ended> {
  return runCommand("generate", args, {
    cwd: place.path,
    ...(stdin !== undefined && { stdin }),
  });
}

/** What `generate` prints for a prompt when nothing goes wrong. */
async function textOf(place: Place, ...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await generate(place, [
    "run",
    `--prompt=${PROMPT}`,
    ...QUICK,
    ...more,
  ]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** The model of a run, to be asked in this process. */
async function opened(place: Place) {
  const { model, context, vocabulary, tokenizer, params } = await openModel(place.of("run"));
  assert(tokenizer !== undefined);
  const device = openReference();
  const memory = device.memory();
  const parts = { model, context, vocabulary };
  const layout = holdParams(memory, parts, params);
  const decoder = await Decoder.open(device, { memory, layout, ...parts, rows: 1 });
  return { decoder, tokenizer };
}

Deno.test("generate continues a text", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run"));
  const before = contents(place.of("run"));
  const text = await textOf(place);

  await t.step("the same seed gives the same text, another seed another", async () => {
    assertEquals(await textOf(place, "--seed=1337"), text);
    const other = await textOf(place, "--seed=1338");
    for (const one of [text, other]) {
      assert(one.startsWith(PROMPT) && one.endsWith("\n"));
      assertEquals(one.length, PROMPT.length + 20 + 1);
    }
    assert(other !== text);
  });

  await t.step("temperature 0 takes the likeliest token each time", async () => {
    const { decoder, tokenizer } = await opened(place);
    const ids = [...tokenizer.encode(PROMPT)];
    while (ids.length < PROMPT.length + 20) {
      decoder.reset();
      const logits = await decoder.feed(Uint32Array.from(ids));
      ids.push(logits.indexOf(Math.max(...logits)));
    }
    assertEquals(await textOf(place, "--temperature=0"), tokenizer.decode(ids) + "\n");
    assertEquals(await textOf(place, "--top-k=1", "--temperature=3"), tokenizer.decode(ids) + "\n");
  });

  await t.step("each of several texts is what its row gives alone", async () => {
    const three = (await textOf(place, "--num=3")).split(/--- sample \d of 3\n/);
    assertEquals(three.slice(0, 2), ["", text]);
    const two = (await textOf(place, "--num=2")).split(/--- sample \d of 2\n/);
    assertEquals(two, three.slice(0, 3));
    const { decoder, tokenizer } = await opened(place);
    const prompt = tokenizer.encode(PROMPT);
    const row = new GenerationRow({
      key: rowKey(1337, 2),
      prompt,
      sampling: { temperature: 0.8 },
      tokens: 20,
      stops: [],
      end: undefined,
      stream: tokenizer.stream(),
    });
    let alone = PROMPT;
    await drawRows(decoder, [row], {
      prompt,
      taken: (_, taken) => alone += taken.text,
      ended: (_, rest) => alone += rest + "\n",
    });
    assertEquals(three[3], alone);
  });

  await t.step("a text ends before the first stop text", async () => {
    const drawn = text.slice(PROMPT.length);
    const stop = drawn.slice(9, 11);
    const end = drawn.indexOf(stop);
    assertEquals(
      await textOf(place, "--stop=never this", `--stop=${stop}`),
      PROMPT + drawn.slice(0, end) + "\n",
    );
  });

  await t.step(
    "log-probabilities are those of the model, and their mean is the last line",
    async () => {
      const lines = (await textOf(place, "--logprobs")).split("\n").map((line) => line.split("\t"));
      assertEquals(lines.length, 22);
      const tokens = lines.slice(0, 20);
      assertEquals(
        tokens.map(([json = ""]) => JSON.parse(json)).join(""),
        text.slice(PROMPT.length, -1),
      );
      const { decoder, tokenizer } = await opened(place);
      let next = tokenizer.encode(PROMPT);
      let sum = 0;
      for (const [json = "", id, logprob] of tokens) {
        const logits = await decoder.feed(next);
        next = tokenizer.encode(JSON.parse(json));
        assertEquals(id, String(next[0]));
        const norm = Math.log(logits.reduce((total, x) => total + Math.exp(x), 0));
        assertAlmostEquals(Number(logprob), (logits[Number(id)] as number) - norm, 1e-5);
        sum += Number(logprob);
      }
      assertEquals(lines[20]?.slice(0, 2), ["mean of 20", ""]);
      assertAlmostEquals(Number(lines[20]?.[2]), sum / 20, 1e-5);
    },
  );

  await t.step("a prompt may come from a file or from stdin", async () => {
    place.write("prompt.txt", PROMPT);
    for (
      const [args, stdin] of [
        [["--prompt-file=prompt.txt"], undefined],
        [["--prompt=-"], PROMPT],
        [["--prompt-file", "-"], PROMPT],
        [[], PROMPT],
      ] as const
    ) {
      const { code, stdout, stderr } = await generate(place, ["run", ...QUICK, ...args], stdin);
      assertEquals([code, stderr, stdout], [0, "", text]);
    }
  });

  await t.step("a text that outgrows the context says so once", async () => {
    const long = ["run", "--device=reference", "--tokens=60", `--prompt=${PROMPT.repeat(8)}`];
    const { code, stdout, stderr } = await generate(place, long);
    assertEquals(code, 0);
    assertEquals(stdout.length, 80 + 60 + 1);
    assertMatch(stderr, /^The text is longer than the context of 32 tokens: [^\n]+\n$/);
  });

  await t.step("the device of a machine draws the same text again", async () => {
    const args = ["run", `--prompt=${PROMPT}`, "--tokens=20"];
    const [first, second] = [await generate(place, args), await generate(place, args)];
    assertEquals([first.code, first.stderr], [0, ""]);
    assertEquals(first.stdout.length, text.length);
    assertEquals(second.stdout, first.stdout);
  });

  await t.step("a checkpoint gives the text of its run", async () => {
    const names = namesIn(place.of("run/checkpoints")).filter((name) => name.startsWith("step-"));
    const path = `run/checkpoints/${names.at(-1)}`;
    const { code, stdout } = await generate(place, [path, `--prompt=${PROMPT}`, ...QUICK]);
    assertEquals([code, stdout], [0, text]);
  });

  await t.step("what reads no further ends it without a word", async () => {
    const args = ["run", "--prompt=a", "--device=reference", "--tokens=1000000"];
    const child = startCommand("generate", args, { cwd: place.path });
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals((await child.status).code, 0);
    const stderr = await new Response(child.stderr).text();
    assertEquals(
      withoutStatus(stderr).replace(/^The text may become longer than [^\n]+\n/, ""),
      "",
    );
  });

  await t.step("Ctrl-C ends it with what was drawn", async () => {
    const args = ["run", "--prompt=a", "--device=reference", "--tokens=1000000"];
    const child = startCommand("generate", args, { cwd: place.path });
    let stdout = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (stdout.length < 50 && (stdout + chunk).length >= 50) child.kill("SIGINT");
      stdout += chunk;
    }
    assertEquals((await child.status).code, 130);
    assert(stdout.startsWith("a") && stdout.endsWith("\n"));
    await child.stderr.cancel();
  });

  assertEquals(contents(place.of("run")), before);
});

Deno.test("generate refuses in one line what it cannot do", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("run"));
  place.write("latin.txt", Uint8Array.of(0x74, 0x68, 0x65, 0xff));
  const cases = [
    {
      args: [],
      exit: "config",
      says: ["need one path of a model, as in deno task generate runs/a"],
    },
    { args: ["none", "--prompt=a"], exit: "noInput", says: ["none: need a folder"] },
    { args: ["tmp", "--prompt=a"], exit: "noInput", says: ["Cannot open tmp"] },
    {
      args: ["run", "--top-p=1.5"],
      exit: "config",
      says: ["Cannot take --top-p: need a number in (0, 1]: 1.5"],
    },
    {
      args: ["run", "--temperature", "-1"],
      exit: "config",
      says: ["Cannot take --temperature: need a number >= 0: -1"],
    },
    { args: ["run", "--tokns=3"], exit: "config", says: ["did you mean --tokens?"] },
    { args: ["run"], exit: "config", says: ["--prompt=", "the prompt is empty"] },
    { args: ["run", "--prompt=a€b"], exit: "data", says: ['"€" (U+20AC) at character 1'] },
    { args: ["run", "--prompt-file=none.txt"], exit: "noInput", says: ["none.txt"] },
    {
      args: ["run", "--prompt-file=latin.txt"],
      exit: "data",
      says: ["latin.txt: need UTF-8 text: byte 3 is not"],
    },
    {
      args: ["run", "--prompt=-"],
      stdin: Uint8Array.of(0x61, 0x80),
      exit: "data",
      says: ["the prompt on stdin: need UTF-8 text: byte 1 is not"],
    },
  ] as const;
  const before = contents(place.path);
  for (const refused of cases) {
    await t.step(`generate ${refused.args.join(" ")}`, async () => {
      const ended = await generate(place, refused.args, "stdin" in refused ? refused.stdin : "");
      assertOneLine(ended, refused);
      assertEquals(ended.stdout, "");
    });
  }
  assertEquals(contents(place.path), before);
});
