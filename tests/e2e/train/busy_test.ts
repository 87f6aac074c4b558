/** Ctrl-C while a command computes in one go, which keeps its event loop; and files that never end. */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { someText } from "../../prepare/fixture.ts";
import { runCommand } from "../command.ts";
import { Place, SMOKE, taskWords } from "../support.ts";

/** Longest time from a signal to the end, in milliseconds; on an idle machine it takes 50. */
const AT_ONCE = 2000;

/** A tokenizer.json whose pattern nobody knows: its texts are encoded in one go. */
const UNCUT = {
  added_tokens: [],
  pre_tokenizer: { type: "Split", pattern: { Regex: "[a-z]+|[^a-z]" }, behavior: "Isolated" },
  model: { type: "WordLevel", unk_token: "?", vocab: { "?": 0, the: 1 } },
};
const HOSTILE = {
  ...UNCUT,
  pre_tokenizer: { type: "Split", pattern: { Regex: "^([^!]+)+!$" }, behavior: "Isolated" },
};

/** Sends SIGINT to a command `ms` after it got all of a text on stdin; gives its end. */
async function interrupted(
  place: Place,
  { task, args, text, ms }: {
    readonly task: string;
    readonly args: readonly string[];
    readonly text: string;
    readonly ms: number;
  },
): Promise<{ readonly code: number; readonly ms: number }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...taskWords(task), ...args],
    cwd: place.path,
    env: { NO_COLOR: "1", TMPDIR: place.of("tmp") },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await new Blob([text]).stream().pipeTo(child.stdin);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const start = performance.now();
  child.kill("SIGINT");
  const { code } = await child.status;
  return { code, ms: performance.now() - start };
}

Deno.test("Ctrl-C ends train and prepare while they encode a long text in one go", async () => {
  using place = new Place();
  place.write("uncut.json", JSON.stringify(UNCUT));
  const cases = [
    // Many megabytes by our own encoder, and few by a library that is slower.
    { task: "train", megabytes: 40, ms: 600, args: [SMOKE, "--data=-", "--data.tokenizer=gpt2"] },
    {
      task: "prepare",
      megabytes: 8,
      ms: 1500,
      args: ["-", "--out=out", "--tokenizer=uncut.json", "--max-unknown=1"],
    },
  ];
  const paragraph = someText(2000);
  for (const { task, megabytes, ms, args } of cases) {
    const text = paragraph.repeat(megabytes * 2 ** 20 / paragraph.length);
    const ended = await interrupted(place, { task, args, text, ms });
    assertEquals(ended.code, 130, task);
    assertLess(ended.ms, AT_ONCE, task);
  }
  assertEquals(place.processes(), []);
});

Deno.test("a pattern that goes back for ever ends a command with one line", async () => {
  using place = new Place();
  place.write("hostile.json", JSON.stringify(HOSTILE));
  const line = /^error: .*steps a character: pre_tokenizer\.pattern takes more\n$/;
  for (
    const [task, args] of [
      ["train", [SMOKE, "--data=text.txt", "--data.tokenizer=hostile.json", "--out=run"]],
      ["prepare", ["text.txt", "--out=tokens", "--tokenizer=hostile.json"]],
    ] as const
  ) {
    const { code, stderr } = await runCommand(task, args, { cwd: place.path });
    assertMatch(stderr, line);
    assertEquals(code, 65);
  }
});
